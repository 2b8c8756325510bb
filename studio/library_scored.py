"""The scores of a loop: the total and five axes, each with what pulled it down."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from composer_core.metrics import METRICS
from composer_core.music.loop import Loop
from composer_core.pipeline import scoring
from composer_core.pipeline.browse import SCORE_PREFIX
from composer_core.pipeline.library import SCORE_AXES
from studio.library_rows import number
from studio.names import metric_name
from studio.text import t

PASS_MARK = 70.0
_MOST_REASONS = 3


def draw_scored(row: Mapping[str, Any], loop: Loop) -> None:
    """The scores of the loop and what pulled them down, or that it has none."""
    scores = {axis: number(row.get(SCORE_PREFIX + axis)) for axis in SCORE_AXES}
    if all(value is None for value in scores.values()):
        st.caption(t("library.no_scores"), help=t("library.no_scores_help"))
        return
    st.html(score_bars(scores, PASS_MARK))
    metrics = {name: value for name in METRICS if (value := number(row.get(f"metrics.{name}"))) is not None}
    sentences = explanation_lines(scoring.explain(loop, metrics))
    if sentences:
        st.caption("  \n".join(sentences), help=t("library.why_help"))


def explanation_lines(explained: Mapping[str, scoring.Explanation]) -> list[str]:
    """A line for the total and each axis below the average human loop: the metrics that cost points, and how many."""
    lines = []
    for axis, why in explained.items():
        worst = why.pulled_down(_MOST_REASONS)
        if worst:
            parts = [f"{metric_name(name) if name in METRICS else name} −{-points:.0f}" for name, points in worst]
            lines.append(t("library.why", axis=t(f"score.{axis}"), what=t("library.comma").join(parts)))
    return lines


def score_bars(scores: Mapping[str, float | None], pass_mark: float) -> str:
    """The scores as HTML bars with the pass mark on each; axes that do not apply are named as such."""
    parts = ['<div class="scores">']
    for axis, value in scores.items():
        name = f'<span class="axis">{escape(t(f"score.{axis}"))}</span>'
        if value is None:
            parts.append(f'<div class="{axis}">{name}<span class="none">{escape(t("library.not_scored"))}</span></div>')
            continue
        state = "below" if value < pass_mark else "above"
        lane = f'<span class="lane"><b style="width:{value:.0f}%"></b><i style="left:{pass_mark:.0f}%"></i></span>'
        parts.append(f'<div class="{axis} {state}">{name}{lane}<span class="value">{value:.0f}</span></div>')
    return "".join([*parts, "</div>"])
