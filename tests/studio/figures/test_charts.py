"""Figures of the Library from data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from composer_core.pipeline.library.distributions import Histogram
from studio.figures.library import (
    INSTRUMENT_COLOURS,
    MOST_GROUPS,
    OTHER_COLOUR,
    Group,
    brushed,
    chosen_point,
    grouped,
    histogram,
    outline,
    scatter,
)

POINTS = pd.DataFrame(
    {
        "loop_id": ["a", "b", "c", "d"],
        "instrument": ["bass", "drums", "drums", None],
        "x": [1.0, 1.0, 2.0, 3.0],
        "y": [0.0, 1.0, 2.0, 3.0],
    }
)


def test_instruments_keep_their_colours_whatever_their_counts() -> None:
    groups = grouped({"bass": 9, "drums": 1}, {"bass": "Bass", "drums": "Drums"}, "none", "other")
    assert [(group.name, group.colour) for group in groups] == [
        ("Drums", INSTRUMENT_COLOURS["drums"]),
        ("Bass", INSTRUMENT_COLOURS["bass"]),
    ]


def test_rare_values_share_a_group_and_so_do_loops_without_one() -> None:
    counts: dict[str | None, int] = {f"v{i:02}": 100 - i for i in range(MOST_GROUPS + 2)} | {None: 5}
    groups = grouped(counts, {str(value): str(value).upper() for value in counts}, "none", "other")
    assert len(groups) == MOST_GROUPS + 2
    assert groups[0] == Group("V00", groups[0].colour, ("v00",))
    assert (groups[-2].name, groups[-2].colour, groups[-2].values) == ("other", OTHER_COLOUR, ("v08", "v09"))
    assert (groups[-1].name, groups[-1].values) == ("none", (None,))


def test_histogram_stacks_groups_on_common_bins() -> None:
    counts: dict[str | None, np.ndarray] = {"a": np.array([1, 2]), "b": np.array([0, 3]), "c": np.array([1, 0])}
    found = Histogram("x", np.array([0.0, 10.0, 20.0]), counts, 0)
    figure = histogram(found, [Group("A", "red", ("a",)), Group("Rest", "grey", ("b", "c"))], "X", "Loops", mark=15.0)
    first, rest = figure.data
    assert list(first.x) == list(rest.x) == [5.0, 15.0]
    assert list(first.y) == [1, 2]
    assert list(rest.y) == [1, 3]  # b and c together
    assert figure.layout.xaxis.title.text == "X"
    assert figure.layout.shapes[0].x0 == 15.0


def test_scatter_carries_the_ids_and_rings_the_chosen_loop() -> None:
    groups = [Group("Drums", "red", ("drums",)), Group("None", "grey", (None,))]
    figure = scatter(POINTS, "instrument", groups, ("X", "Y"), chosen=(2.0, 2.0))
    drums, none, ring = figure.data
    assert [row[0] for row in drums.customdata] == ["b", "c"]
    assert [row[0] for row in none.customdata] == ["d"]
    assert (list(ring.x), list(ring.y)) == ([2.0], [2.0])
    without = scatter(POINTS, "instrument", groups, ("X", "Y"))
    assert len(without.data) == len(figure.data)
    assert len(without.data[-1].x) == 0


def test_large_scatter_is_drawn_by_webgl() -> None:
    count = 4000
    points = pd.DataFrame({"loop_id": [str(i) for i in range(count)], "x": 1.0, "y": np.arange(count)})
    assert scatter(points, None, [Group("", "red", (None,))], ("X", "Y")).data[0].type == "scattergl"


def test_a_click_a_lasso_and_a_brush_are_told_apart() -> None:
    click = {"selection": {"points": [{"customdata": ["a"]}, {"customdata": ["b"]}], "lasso": [], "box": []}}
    assert chosen_point(click) == "b" and outline(click) == []
    lasso = {"selection": {"points": [{"customdata": ["a"]}], "lasso": [{"x": [0, 1, 1], "y": [0, 0, 2]}]}}
    assert chosen_point(lasso) is None
    assert outline(lasso) == [(0.0, 0.0), (1.0, 0.0), (1.0, 2.0)]
    box = {"selection": {"points": [], "box": [{"x": [3, 1], "y": [5, 2]}]}}
    assert outline(box) == [(1, 2), (3, 2), (3, 5), (1, 5)]
    assert brushed(box) == (1, 3)
    for nothing in ({"selection": {"points": []}}, {"selection": {"points": [{"x": 1}]}}, None):
        assert chosen_point(nothing) is None and outline(nothing) == [] and brushed(nothing) is None
