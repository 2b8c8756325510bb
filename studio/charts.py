"""Plotly figures from data. Text on them is passed in; loop ids ride along in `customdata`."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from composer_core.music.instruments import INSTRUMENTS

INSTRUMENT_COLOURS = dict(
    zip(INSTRUMENTS, ("#6d5ef5", "#e0679b", "#1f9e89", "#e08a2e", "#3c8ad8", "#7a9a2c"), strict=True)
)
"""One colour an instrument on every chart, readable on the light and the dark ground."""
SELECTED_COLOUR = "#e0433a"
HEIGHT = 300
MOST_BINS = 40
DENSE_POINTS = 1000
"""Above this many points of a scatter they are drawn smaller."""
SVG_POINTS = 3000
"""Above this many points a scatter is drawn by WebGL."""


def histogram(loops: pd.DataFrame, column: str, title: str, names: Mapping[str, str], count: str) -> go.Figure:
    """Bars of how many loops have which value of `column`, stacked by instrument on common bins.

    `names` holds the instruments' names on screen, `count` the title of the other axis.
    Missing values are left out.
    """
    figure = go.Figure()
    values = loops[column].to_numpy(dtype=np.float64)
    edges = _edges(values[np.isfinite(values)])
    for instrument in (code for code in INSTRUMENTS if (loops["instrument"] == code).any()):
        own = values[(loops["instrument"] == instrument).to_numpy() & np.isfinite(values)]
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=np.histogram(own, bins=edges)[0],
            width=np.diff(edges),
            name=names[instrument],
            marker={"color": INSTRUMENT_COLOURS[instrument], "line": {"width": 0}},
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:.3g} – %{customdata[1]:.3g}<br>%{y}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.03, **_layout(title, count))
    return figure


def scatter(
    loops: pd.DataFrame, x: str, y: str, titles: tuple[str, str], names: Mapping[str, str], chosen: str = ""
) -> go.Figure:
    """One point a loop at two of its columns, coloured by instrument; `chosen` is ringed.

    `customdata` of a point holds its loop id and its title (escaped: plotly reads HTML in
    hover texts). Loops without one of the values are left out.
    """
    known = loops[np.isfinite(loops[x].to_numpy(dtype=np.float64)) & np.isfinite(loops[y].to_numpy(dtype=np.float64))]
    kind = go.Scatter if len(known) <= SVG_POINTS else go.Scattergl
    figure = go.Figure()
    size, opacity = (7, 0.65) if len(known) <= DENSE_POINTS else (4, 0.4)
    for instrument in (code for code in INSTRUMENTS if (known["instrument"] == code).any()):
        group = known[known["instrument"] == instrument]
        figure.add_trace(
            kind(
                x=group[x],
                y=group[y],
                mode="markers",
                name=names[instrument],
                customdata=np.stack([group["loop_id"], group["title"].map(escape)], axis=1),
                marker={"color": INSTRUMENT_COLOURS[instrument], "size": size, "opacity": opacity},
                hovertemplate="%{customdata[1]}<br>%{x:.3g} · %{y:.3g}<extra>%{fullData.name}</extra>",
            )
        )
    _ring(figure, known[known["loop_id"] == chosen], x, y)
    figure.update_layout(dragmode=False, clickmode="event+select", hovermode="closest", **_layout(*titles))
    return figure


def chosen_point(event: Any) -> str | None:
    """The loop id of the last point a person selected on a scatter, None when nothing is selected."""
    points = (event or {}).get("selection", {}).get("points", [])
    ids = [point["customdata"][0] for point in points if point.get("customdata")]
    return ids[-1] if ids else None


def _ring(figure: go.Figure, chosen: pd.DataFrame, x: str, y: str) -> None:
    """Added always, empty or not, so that choosing a point does not change the number of traces."""
    figure.add_scatter(
        x=chosen[x],
        y=chosen[y],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": SELECTED_COLOUR, "width": 2.5}},
    )


def _edges(values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    if not len(values):
        return np.array([0.0, 1.0])
    edges = np.histogram_bin_edges(values, bins="auto")
    if len(edges) - 1 > MOST_BINS:
        edges = np.histogram_bin_edges(values, bins=MOST_BINS)
    return edges


def _layout(x_title: str, y_title: str) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
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
        "showlegend": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
