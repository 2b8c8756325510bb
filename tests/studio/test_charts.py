"""Figures of the Library from data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from composer_core.music.instruments import INSTRUMENTS
from studio.charts import INSTRUMENT_COLOURS, MOST_BINS, chosen_point, histogram, scatter

NAMES = {code: code.title() for code in INSTRUMENTS}
LOOPS = pd.DataFrame(
    {
        "loop_id": ["a", "b", "c", "d"],
        "title": ["A", "B", "C", "D"],
        "instrument": ["bass", "drums", "drums", "drums"],
        "x": [1.0, 1.0, 2.0, np.nan],
        "y": [0.0, 1.0, 2.0, 3.0],
    }
)


def test_histogram_counts_each_loop_once_on_common_bins() -> None:
    figure = histogram(LOOPS, "x", "X", NAMES, "Loops")
    assert [trace.name for trace in figure.data] == ["Drums", "Bass"]
    drums, bass = figure.data
    assert list(drums.x) == list(bass.x)
    # Two drum loops and one bass loop have a value; the fourth has none.
    assert (sum(drums.y), sum(bass.y)) == (2, 1)
    assert figure.layout.xaxis.title.text == "X"


def test_histogram_of_one_value_of_none_and_of_many() -> None:
    assert sum(histogram(LOOPS.head(1), "x", "X", NAMES, "n").data[0].y) == 1
    assert sum(histogram(LOOPS.tail(1), "x", "X", NAMES, "n").data[0].y) == 0
    many = pd.DataFrame({"instrument": "drums", "x": np.r_[np.zeros(5000), np.linspace(0, 1e6, 5000)]})
    (trace,) = histogram(many, "x", "X", NAMES, "n").data
    assert len(trace.x) <= MOST_BINS
    assert sum(trace.y) == 10_000


def test_scatter_carries_the_ids_and_rings_the_chosen_loop() -> None:
    figure = scatter(LOOPS, "x", "y", ("X", "Y"), NAMES, chosen="c")
    drums, bass, ring = figure.data
    assert [row[0] for row in drums.customdata] == ["b", "c"]
    assert [row[0] for row in bass.customdata] == ["a"]
    assert (list(ring.x), list(ring.y)) == ([2.0], [2.0])
    assert drums.marker.color == INSTRUMENT_COLOURS["drums"]
    without = scatter(LOOPS, "x", "y", ("X", "Y"), NAMES)
    assert len(without.data) == len(figure.data)
    assert len(without.data[-1].x) == 0


def test_large_scatter_is_drawn_by_webgl() -> None:
    count = 4000
    loops = pd.DataFrame(
        {
            "loop_id": [str(i) for i in range(count)],
            "title": "t",
            "instrument": "drums",
            "x": 1.0,
            "y": np.arange(count),
        }
    )
    assert scatter(loops, "x", "y", ("X", "Y"), NAMES).data[0].type == "scattergl"


def test_chosen_point_reads_a_selection() -> None:
    event = {"selection": {"points": [{"customdata": ["a", "A"]}, {"customdata": ["b", "B"]}]}}
    assert chosen_point(event) == "b"
    assert chosen_point({"selection": {"points": []}}) is None
    assert chosen_point({"selection": {"points": [{"x": 1}]}}) is None
    assert chosen_point(None) is None


def test_names_out_of_files_stay_text() -> None:
    loops = LOOPS.assign(title="<b>bold</b>")
    assert "&lt;b&gt;" in scatter(loops, "x", "y", ("X", "Y"), NAMES).data[0].customdata[0][1]
