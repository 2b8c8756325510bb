"""Plotly figures of the library. Their text is passed in; `customdata` holds loop ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from composer_core.music.instruments import INSTRUMENTS
from composer_core.pipeline.library.distributions import Histogram

INSTRUMENT_COLOURS = dict(
    zip(INSTRUMENTS, ("#6d5ef5", "#e0679b", "#1f9e89", "#e08a2e", "#3c8ad8", "#7a9a2c"), strict=True)
)
"""One colour an instrument on every chart, readable on the light and the dark ground."""
PALETTE = (*INSTRUMENT_COLOURS.values(), "#b0489f", "#c2554a")
OTHER_COLOUR = "#9a98a8"
SELECTED_COLOUR = "#e0433a"
HEIGHT = 320
DENSE_POINTS = 1000
"""Above this many points of a scatter they are drawn smaller."""
SVG_POINTS = 3000
"""Above this many points a scatter is drawn by WebGL."""
MOST_GROUPS = len(PALETTE)


@dataclass(frozen=True, slots=True)
class Group:
    """Loops drawn in one colour: those with one of `values` in the field that splits them (None: no value)."""

    name: str
    colour: str
    values: tuple[str | None, ...]


def grouped(counts: Mapping[str | None, int], names: Mapping[str, str], none: str, other: str) -> list[Group]:
    """A group for each of the most frequent values, one for what has none and one for the rest.

    `names` are the words for values, `none` and `other` those for the last two groups.
    """
    known = sorted((value for value in counts if value), key=lambda value: (-counts[value], value))
    if set(known) <= set(INSTRUMENTS):
        shown = [code for code in INSTRUMENTS if code in known]
        groups = [Group(names[code], INSTRUMENT_COLOURS[code], (code,)) for code in shown]
    else:
        shown = known[:MOST_GROUPS]
        groups = [Group(names[c], colour, (c,)) for c, colour in zip(shown, PALETTE, strict=False)]
    rest = tuple(value for value in known if value not in shown)
    groups += [Group(other, OTHER_COLOUR, rest)] if rest else []
    empty = tuple(value for value in counts if not value)
    return groups + ([Group(none, "#c9c7d4", empty)] if empty else [])


def histogram(
    found: Histogram, groups: Sequence[Group], title: str, count: str, mark: float | None = None
) -> go.Figure:
    """Bars of how many loops have which value, stacked by group; `mark` draws a line across, such as a pass mark.

    `title` and `count` are the titles of the axes.
    """
    figure = go.Figure()
    low, high = found.edges[:-1], found.edges[1:]
    for group in groups:
        parts = [found.counts[value] for value in group.values if value in found.counts]
        if not parts:
            continue
        figure.add_bar(
            x=(low + high) / 2,
            y=np.sum(parts, axis=0),
            width=high - low,
            name=group.name,
            marker={"color": group.colour, "line": {"width": 0}},
            customdata=np.stack([low, high], axis=1),
            hovertemplate="%{customdata[0]:.3g} – %{customdata[1]:.3g}<br>%{y:,}<extra>%{fullData.name}</extra>",
        )
    if mark is not None:
        figure.add_vline(mark, line={"color": SELECTED_COLOUR, "width": 1.5, "dash": "dash"})
    figure.update_layout(
        barmode="stack", bargap=0.03, dragmode="select", selectdirection="h", **_layout(title, count, len(groups) > 1)
    )
    return figure


def scatter(
    points: pd.DataFrame,
    colour: str | None,
    groups: Sequence[Group],
    titles: tuple[str, str],
    chosen: tuple[float, float] | None = None,
) -> go.Figure:
    """One point a loop at its `x` and `y`, coloured by the column `colour`; `chosen` is ringed.

    `customdata` of a point holds its loop id.
    """
    kind = go.Scatter if len(points) <= SVG_POINTS else go.Scattergl
    size, opacity = (7, 0.65) if len(points) <= DENSE_POINTS else (4, 0.45)
    figure = go.Figure()
    for group in groups:
        own = points if colour is None else points[_is_one_of(points[colour], group.values)]
        figure.add_trace(
            kind(
                x=own["x"],
                y=own["y"],
                mode="markers",
                name=group.name,
                customdata=own[["loop_id"]].to_numpy(),
                marker={"color": group.colour, "size": size, "opacity": opacity},
                hovertemplate="%{x:.3g} · %{y:.3g}<extra>%{fullData.name}</extra>",
            )
        )
    # Added always, so that choosing a point does not change the number of traces.
    figure.add_scatter(
        x=[chosen[0]] if chosen else [],
        y=[chosen[1]] if chosen else [],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": SELECTED_COLOUR, "width": 2.5}},
    )
    layout = _layout(*titles, len(groups) > 1)
    figure.update_layout(dragmode="lasso", clickmode="event+select", hovermode="closest", **layout)
    return figure


def chosen_point(event: Mapping[str, Any] | None) -> str | None:
    """The loop id of the one point a person clicked, None after a lasso or a box and when nothing is selected."""
    selection = (event or {}).get("selection", {})
    if selection.get("lasso") or selection.get("box"):
        return None
    ids = [point["customdata"][0] for point in selection.get("points", []) if point.get("customdata")]
    return str(ids[-1]) if ids else None


def outline(event: Mapping[str, Any] | None) -> list[tuple[float, float]]:
    """The corners (x, y) of what was drawn around points, a lasso or a box; empty when nothing was."""
    selection = (event or {}).get("selection", {})
    for shape in selection.get("lasso") or []:
        return [(float(x), float(y)) for x, y in zip(shape["x"], shape["y"], strict=True)]
    for shape in selection.get("box") or []:
        (left, right), (low, high) = sorted(shape["x"]), sorted(shape["y"])
        return [(left, low), (right, low), (right, high), (left, high)]
    return []


def brushed(event: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """The span of the x axis that was brushed over a histogram."""
    corners = outline(event)
    xs = [x for x, _ in corners]
    return (min(xs), max(xs)) if xs else None


def _is_one_of(column: pd.Series[Any], values: tuple[str | None, ...]) -> pd.Series[Any]:
    firsts = column.map(lambda value: value[0] if isinstance(value, list | np.ndarray) and len(value) else value)
    asked = firsts.isin([value for value in values if value])
    return asked | firsts.map(_is_nothing) if any(not value for value in values) else asked


def _is_nothing(value: Any) -> bool:
    return not isinstance(value, str) or not value


def _layout(x_title: str, y_title: str, legend: bool) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 28 if legend else 10, "b": 8},
        "xaxis": {"title": {"text": x_title}, "automargin": True},
        "yaxis": {"title": {"text": y_title}, "automargin": True},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.0,
            "yanchor": "bottom",
            "traceorder": "normal",
            "title": {"text": ""},
        },
        "showlegend": legend,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
