"""The Library's charts: the distribution of a column, split by a field, and loops on a plane with a lasso."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from composer_core.metrics import METRICS
from composer_core.pipeline.library import browse, distributions
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.query import JUDGED_PREFIX
from composer_core.workspace import Workspace
from studio import queries, session
from studio.figures.library import Group, brushed, chosen_point, grouped, histogram, outline, scatter
from studio.library.filters import field_values
from studio.library.selection import MOST_SELECTED, select
from studio.library.view import ask, choose_chart, current_view
from studio.widgets import worded
from studio.wording.names import metric_meaning, metric_name, metric_unit
from studio.wording.text import t

METRIC_PREFIX = "metrics."
FIELDS = ("instrument", "genre", "emotion", "swing", "meter", "key_mode", "status", "origin", "profile")
"""What a chart can be split and coloured by."""
_FIRST = {"spread": "tempo_bpm", "split": "instrument", "across": "valence_estimate", "upwards": "arousal_estimate"}
METRICS_MAP, ALL_METRICS_MAP = "two", "all"
_BINS = 40
_ONE = Group("", "#6d5ef5", (None,))
_CONFIG = {"displayModeBar": False}


def draw_charts(workspace: Workspace, filter: Filter, pass_mark: float, on_choose: Callable[[str], None]) -> None:
    """The distribution and the plane; `on_choose` is called with the id of a loop whose point is clicked."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, key="library.spread_card"):
        _draw_spread(workspace, filter, pass_mark)
    with right, st.container(border=True, key="library.plane_card"):
        _draw_plane(workspace, filter, on_choose)


def _draw_spread(workspace: Workspace, filter: Filter, pass_mark: float) -> None:
    first, second = st.columns([1.4, 1], gap="small")
    column = _choose(first, "spread", t("library.histogram"), measures(workspace))
    split = _choose_field(second, "split", t("library.split"))
    found = queries.histogram(workspace, column, filter, _BINS, split)
    if not found.counts:
        st.caption(t("library.no_values"))
        return
    counts = {value: int(numbers.sum()) for value, numbers in found.counts.items()}
    groups = _groups(split, counts) if split else [_ONE]
    mark = pass_mark if column == JUDGED_PREFIX + "total" else None
    # Another figure needs another widget: a brush is kept by place and would stay drawn over other data.
    key = f"library.histogram.{column}"
    st.plotly_chart(
        histogram(found, groups, axis_title(column), t("library.n_loops"), mark),
        key=key,
        config=_CONFIG,
        selection_mode="box",
        on_select=lambda: _brush(key, column),
    )
    words = [t("library.brush_hint")]
    words += [t("library.without_value", n=f"{found.n_without:,}")] if found.n_without else []
    if column.startswith(METRIC_PREFIX):
        words.insert(0, metric_meaning(column.removeprefix(METRIC_PREFIX)))
    st.caption("  \n".join(words))


def _brush(key: str, column: str) -> None:
    span = brushed(session.widget(key))
    if span is not None:
        ask(current_view().filter.with_range(column, *(float(f"{end:.4g}") for end in span)))


def _draw_plane(workspace: Workspace, filter: Filter, on_choose: Callable[[str], None]) -> None:
    kind = current_view().charts.get("map", METRICS_MAP)
    places = st.columns([1, 1, 1], gap="small", vertical_alignment="bottom")
    _choose(places[0], "map", t("library.plane"), [METRICS_MAP, ALL_METRICS_MAP], lambda c: t(f"library.map_{c}"))
    colour = _choose_field(places[1 if kind == ALL_METRICS_MAP else 2], "split", t("library.colour"), "map_split")
    if kind == ALL_METRICS_MAP:
        _draw_projection(workspace, filter, colour, on_choose)
        return
    with places[1].popover(t("library.axes"), width="stretch"):
        options = measures(workspace)
        x = _choose(st, "across", t("library.across"), options)
        y = _choose(st, "upwards", t("library.upwards"), options)
    sample = queries.scatter(workspace, x, y, filter, colour)
    points = sample.rows.rename(columns={x: "x"}) if x == y else sample.rows.rename(columns={x: "x", y: "y"})
    points = points.assign(y=points["x"]) if x == y else points
    _draw_points(
        points, colour, (axis_title(x), axis_title(y)), f"{x}.{y}", on_choose, _Within(workspace, filter, x, y)
    )
    st.caption(t("library.lasso_hint", shown=f"{len(points):,}", total=f"{sample.total:,}"))


def _draw_projection(
    workspace: Workspace, filter: Filter, colour: str | None, on_choose: Callable[[str], None]
) -> None:
    found = queries.projection(workspace, filter, colour)
    titles = tuple(
        t("library.component", number=number + 1, share=f"{100 * share:.0f}")
        for number, share in enumerate(found.explained)
    )
    _draw_points(found.rows, colour, (titles[0], titles[1]), "all", on_choose, None)
    made_of = [
        t("library.comma").join(_column_name(name) for name, _ in axis[:3])
        for axis in (found.x_metrics, found.y_metrics)
    ]
    st.caption(
        t("library.projection_hint", shown=f"{len(found.rows):,}", total=f"{found.total:,}", x=made_of[0], y=made_of[1])
    )


class _Within:
    """Finds all loops inside a lasso over two columns, not only those that are drawn."""

    def __init__(self, workspace: Workspace, filter: Filter, x: str, y: str) -> None:
        self._asked = (workspace, x, y)
        self._filter = filter

    def __call__(self, corners: list[tuple[float, float]]) -> list[str]:
        workspace, x, y = self._asked
        return distributions.within(workspace, x, y, corners, self._filter, limit=MOST_SELECTED)


def _draw_points(
    points: Any,
    colour: str | None,
    titles: tuple[str, str],
    name: str,
    on_choose: Callable[[str], None],
    within: _Within | None,
) -> None:
    column = None if colour is None else browse.column_of(colour)
    counts = _first_values(points[column]).value_counts(dropna=False).to_dict() if column else {}
    counts = {value if isinstance(value, str) and value else None: int(n) for value, n in counts.items()}
    groups = _groups(colour, counts) if colour else [_ONE]
    ringed = points[points["loop_id"] == current_view().loop]
    chosen = None if ringed.empty else (float(ringed["x"].iloc[0]), float(ringed["y"].iloc[0]))
    key = f"library.points.{name}"
    st.plotly_chart(
        scatter(points, column, groups, titles, chosen),
        key=key,
        config=_CONFIG,
        selection_mode=("points", "lasso", "box"),
        on_select=lambda: _picked(key, on_choose, within),
    )


def _first_values(column: Any) -> Any:
    return column.map(
        lambda value: value[0] if hasattr(value, "__len__") and not isinstance(value, str) and len(value) else value
    )


def _picked(key: str, on_choose: Callable[[str], None], within: _Within | None) -> None:
    event = session.widget(key)
    loop_id, corners = chosen_point(event), outline(event)
    if loop_id is not None:
        on_choose(loop_id)
    elif corners and within is not None:
        select(within(corners))
    elif corners:
        select([str(point["customdata"][0]) for point in event["selection"]["points"] if point.get("customdata")])


def measures(workspace: Workspace) -> list[str]:
    """The columns a chart can show."""
    kinds = queries.columns(workspace)
    scores = [name for name in kinds if name.startswith(JUDGED_PREFIX)]
    candidates = [*browse.PLOTTED, *sorted(scores, key=lambda name: name != JUDGED_PREFIX + "total")]
    candidates += [METRIC_PREFIX + name for name in METRICS]
    return [name for name in candidates if kinds.get(name) == "number"]


def axis_title(column: str) -> str:
    """A column's name with its unit."""
    unit = metric_unit(column.removeprefix(METRIC_PREFIX)) if column.startswith(METRIC_PREFIX) else ""
    unit = "BPM" if column == "tempo_bpm" else unit
    return t("library.axis", name=_column_name(column), unit=unit) if unit else _column_name(column)


def _column_name(column: str) -> str:
    if column.startswith(METRIC_PREFIX):
        return metric_name(column.removeprefix(METRIC_PREFIX))
    if column.startswith(JUDGED_PREFIX):
        return t("library.score_of", axis=t(f"score.{column.removeprefix(JUDGED_PREFIX)}"))
    return metric_name(column) if column == "tempo_bpm" else t(f"library.{column}")


def _groups(field: str, counts: Mapping[str | None, int]) -> list[Group]:
    names = {value: field_values(field)(value) for value in counts if value}
    return grouped(counts, names, t("library.no_value"), t("library.other_values"))


def _choose(
    place: Any, name: str, label: str, options: Sequence[str], words: Callable[[str], str] | None = None
) -> str:
    """A choice of the charts, kept in the address."""
    wanted = current_view().charts.get(name, _FIRST.get(name, options[0]))
    key = f"library.chart.{name}"
    session.set_widget(key, wanted if wanted in options else options[0])
    chosen: str = place.selectbox(
        label,
        options,
        format_func=worded(options, words or _column_name),
        key=key,
        on_change=lambda: choose_chart(name, str(session.widget(key))),
    )
    return chosen


def _choose_field(place: Any, name: str, label: str, widget: str = "") -> str | None:
    """The field that splits the charts, None for none; `widget` names a second box for the same choice."""
    wanted = current_view().charts.get(name, _FIRST[name])
    options = ("none", *FIELDS)
    key = f"library.chart.{widget or name}"
    session.set_widget(key, wanted if wanted in options else _FIRST[name])
    chosen = place.selectbox(
        label,
        options,
        format_func=worded(options, lambda code: t("library.split_none") if code == "none" else t(f"library.{code}")),
        key=key,
        on_change=lambda: choose_chart(name, str(session.widget(key))),
    )
    return None if chosen == "none" else str(chosen)
