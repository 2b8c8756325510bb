"""Figures of how labels are distributed. `customdata` holds what a click leads to; text is passed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

CONFIG = {"displayModeBar": False}
COLOUR, SOFT_COLOUR = "#6d5ef5", "#b9b2fa"
_BAR_PX, _LEAST_PX, _AXIS_PX = 27, 150, 62
PLANE_PX = 430
CONFUSION_PX, PAIRS_PX, _CELL_PX = 420, 300, 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its words, its length, and what a click on it leads to."""

    name: str
    length: float
    leads_to: tuple[str, ...]


def bars(rows: Sequence[Bar], title: str) -> go.Figure:
    """Bars from left to right, the first on top."""
    figure = go.Figure(
        go.Bar(
            x=[bar.length for bar in rows],
            y=[bar.name for bar in rows],
            orientation="h",
            marker={"color": COLOUR},
            customdata=[list(bar.leads_to) for bar in rows],
            text=[f"{bar.length:,.0f}" for bar in rows],
            textposition="auto",
            textangle=0,
            hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )
    figure.update_layout(bargap=0.25, height=max(_LEAST_PX, _AXIS_PX + _BAR_PX * len(rows)), **_layout(title, ""))
    figure.update_yaxes(autorange="reversed", type="category", ticksuffix=" ")
    return figure


def pairs_of_bars(series: Mapping[str, Sequence[Bar]], title: str) -> go.Figure:
    """Upright bars side by side, one of each series for every name."""
    figure = go.Figure()
    for (name, rows), colour in zip(series.items(), (COLOUR, SOFT_COLOUR), strict=True):
        figure.add_bar(
            x=[bar.name for bar in rows],
            y=[bar.length for bar in rows],
            name=name,
            marker={"color": colour},
            customdata=[list(bar.leads_to) for bar in rows],
            hovertemplate="%{x}: %{y:,}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.3, height=PAIRS_PX, **_layout("", title, legend=True))
    figure.update_xaxes(type="category")
    return figure


def ranges(
    rows: Sequence[Bar], spans: Sequence[tuple[float, float]], title: str, limits: tuple[float, float]
) -> go.Figure:
    """A dot at the length of each row with a line over its span, the first on top."""
    lengths = np.array([bar.length for bar in rows])
    low, high = np.array(spans).reshape(-1, 2).T
    figure = go.Figure(
        go.Scatter(
            x=lengths.tolist(),
            y=[bar.name for bar in rows],
            mode="markers",
            marker={"color": COLOUR, "size": 12},
            error_x={"type": "data", "symmetric": False, "array": high - lengths, "arrayminus": lengths - low},
            customdata=[[*bar.leads_to, f"{a:.0f} – {b:.0f}"] for bar, (a, b) in zip(rows, spans, strict=True)],
            hovertemplate="%{y}: %{x:.1f} (%{customdata[2]})<extra></extra>",
        )
    )
    figure.update_layout(
        height=max(_LEAST_PX, _AXIS_PX + _BAR_PX * len(rows)), clickmode="event+select", **_layout(title, "")
    )
    figure.update_xaxes(range=list(limits))
    figure.update_yaxes(autorange="reversed", type="category", ticksuffix=" ")
    return figure


def plane(
    counts: NDArray[np.int64],
    x_edges: NDArray[np.float64],
    y_edges: NDArray[np.float64],
    titles: tuple[str, str],
    unit: str,
) -> go.Figure:
    """A square for each cell that is not empty, darker and larger the more it holds; it leads to ("cell", i, j)."""
    i, j = np.nonzero(counts)
    held = counts[i, j]
    share = np.sqrt(held / max(int(held.max(initial=1)), 1))
    cell_px = 0.8 * PLANE_PX / len(y_edges)
    figure = go.Figure(
        go.Scatter(
            x=(x_edges[i] + x_edges[i + 1]) / 2,
            y=(y_edges[j] + y_edges[j + 1]) / 2,
            mode="markers",
            marker={
                "symbol": "square",
                "size": cell_px * (0.45 + 0.55 * share),
                "color": held,
                "colorscale": [[0.0, SOFT_COLOUR], [1.0, "#3d2fb8"]],
                "line": {"width": 0},
            },
            customdata=[["cell", str(a), str(b)] for a, b in zip(i, j, strict=True)],
            text=[f"{n:,} {unit}" for n in held],
            hovertemplate="%{x:.2f} · %{y:.2f}<br>%{text}<extra></extra>",
        )
    )
    figure.update_layout(height=PLANE_PX, clickmode="event+select", dragmode=False, **_layout(*titles))
    figure.update_xaxes(range=[float(x_edges[0]), float(x_edges[-1])], zeroline=True)
    figure.update_yaxes(range=[float(y_edges[0]), float(y_edges[-1])], zeroline=False)
    figure.add_hline(float(y_edges[0] + y_edges[-1]) / 2, line={"width": 1, "color": "rgba(128,128,128,0.35)"})
    return figure


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: the words of its row and its column, what it counts, and what a click on it leads to."""

    row: str
    column: str
    n: int
    leads_to: tuple[str, ...]


def confusion(cells: Sequence[Cell], first: str, second: str) -> go.Figure:
    """How often one rater said the word of a row where the other said that of a column: a square for each cell that
    is not empty, paler where both said the same. Squares, for no cell of a plotly heatmap can be chosen."""
    words = sorted({word for cell in cells for word in (cell.row, cell.column)})
    cell_px = min(_CELL_PX, CONFUSION_PX / max(len(words), 1))
    figure = go.Figure(
        go.Scatter(
            x=[cell.column for cell in cells],
            y=[cell.row for cell in cells],
            mode="markers+text",
            marker={
                "symbol": "square",
                "size": 0.88 * cell_px,
                "color": [SOFT_COLOUR if cell.row == cell.column else COLOUR for cell in cells],
                "line": {"width": 0},
            },
            text=[f"{cell.n:,}" for cell in cells],
            textfont={"color": ["#1f1a4d" if cell.row == cell.column else "#ffffff" for cell in cells]},
            customdata=[list(cell.leads_to) for cell in cells],
            hovertemplate=f"{first}: %{{y}}<br>{second}: %{{x}}<br>%{{text}}<extra></extra>",
        )
    )
    height = int(cell_px * len(words)) + 2 * _AXIS_PX
    figure.update_layout(height=height, clickmode="event+select", dragmode=False, **_layout(second, first))
    whole = [-0.5, len(words) - 0.5]
    common = {"type": "category", "categoryorder": "array", "categoryarray": words, "zeroline": False}
    figure.update_xaxes(range=whole, **common)
    figure.update_yaxes(range=whole[::-1], ticksuffix=" ", **common)
    return figure


def clicked(event: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """What the bar, dot or cell that a person clicked leads to, None when nothing is selected."""
    points = (event or {}).get("selection", {}).get("points", [])
    found = [point["customdata"] for point in points if point.get("customdata")]
    return tuple(str(part) for part in found[-1]) if found else None


def _layout(x_title: str, y_title: str, legend: bool = False) -> dict[str, Any]:
    return {
        "margin": {"l": 8, "r": 16, "t": 28 if legend else 8, "b": 8},
        "xaxis": {"title": {"text": x_title}, "automargin": True},
        "yaxis": {"title": {"text": y_title}, "automargin": True},
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.0,
            "yanchor": "bottom",
            "title": {"text": ""},
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
