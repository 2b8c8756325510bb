"""The loss curve of a training run: raw, smoothed, and on the held-out takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer_core.pipeline.training.runs import SMOOTHING, RunStatus
from studio.wording.text import t

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_POINTS = 1500
_RAW, _SMOOTH, _HELD_OUT = "#9d93e8", "#5b4bdb", "#e0679b"


def loss_figure(run: RunStatus) -> Figure:
    """A plotly figure of `run.losses` and `run.validation` over the steps; thinned to MOST_POINTS."""
    from plotly import graph_objects as plot

    steps = [step for step, _ in run.losses]
    losses = [loss for _, loss in run.losses]
    every = max(1, -(-len(steps) // MOST_POINTS))
    figure = plot.Figure()
    figure.add_scatter(
        x=steps[::every], y=losses[::every], name=t("train.raw"), line={"color": _RAW, "width": 1}, opacity=0.5
    )
    figure.add_scatter(
        x=steps[::every], y=smoothed(losses)[::every], name=t("train.smoothed"), line={"color": _SMOOTH, "width": 2.5}
    )
    if run.validation:
        at, values = zip(*run.validation, strict=True)
        figure.add_scatter(
            x=at,
            y=values,
            name=t("train.held_out"),
            mode="lines+markers",
            line={"color": _HELD_OUT, "width": 2},
            yaxis="y2",
        )
        figure.update_layout(
            yaxis2={
                "title": t("train.axis_note"),
                "overlaying": "y",
                "side": "right",
                "showgrid": False,
                "exponentformat": "none",
            }
        )
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        xaxis_title=t("train.axis_step"),
        yaxis={"title": t("train.axis_token"), "exponentformat": "none"},
        hovermode="x unified",
    )
    return figure


def smoothed(values: list[float], weight: float = SMOOTHING) -> list[float]:
    """Exponential moving average, corrected for its start: y_n = sum w^(n-k) x_k / sum w^(n-k)."""
    total, norm, result = 0.0, 0.0, []
    for value in values:
        total, norm = weight * total + value, weight * norm + 1.0
        result.append(total / norm)
    return result
