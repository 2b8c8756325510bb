"""The scores of a loop: the total and five axes, what pulled them down, and mending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from composer_core.metrics import METRICS
from composer_core.music.loop import Loop
from composer_core.pipeline import scoring
from composer_core.pipeline.browse import SCORE_PREFIX
from composer_core.pipeline.library import SCORE_AXES
from composer_core.pipeline.settings import load_settings
from composer_core.workspace import Workspace
from studio.library_retry import draw_mending
from studio.library_rows import number
from studio.names import metric_name
from studio.score_bars import score_bars
from studio.text import t

_MOST_REASONS = 3


def draw_scored(workspace: Workspace, row: Mapping[str, Any], loop: Loop) -> None:
    """The scores of the loop with what pulled them down, or why it has none; a bad one can be mended."""
    scores = {axis: number(row.get(SCORE_PREFIX + axis)) for axis in SCORE_AXES}
    reasons = scoring.missing(loop.instrument, len(loop.notes))
    if all(value is None for value in scores.values()):
        why = t(f"missing.{next(iter(reasons.values()))}") if reasons else t("library.no_scores_help")
        st.caption(f"{t('library.no_scores')} – {why}", help=t("library.no_scores_help"))
        return
    st.html(score_bars(scores, load_settings(workspace).pass_mark))
    for reason in dict.fromkeys(reasons.values()):
        axes = t("library.comma").join(t(f"score.{axis}") for axis, why in reasons.items() if why == reason)
        st.caption(t("missing.axes", axes=axes, why=t(f"missing.{reason}")))
    metrics = {name: value for name in METRICS if (value := number(row.get(f"metrics.{name}"))) is not None}
    sentences = explanation_lines(scoring.explain(loop, metrics))
    if sentences:
        st.caption("  \n".join(sentences), help=t("library.why_help"))
    draw_mending(workspace, str(row["loop_id"]), scores[scoring.TOTAL])


def explanation_lines(explained: Mapping[str, scoring.Explanation]) -> list[str]:
    """A line for the total and each axis below the average human loop: the metrics that cost points, and how many."""
    lines = []
    for axis, why in explained.items():
        parts = [
            t("library.why_points", metric=_measured_name(name), points=f"{-points:.0f}")
            for name, points in why.pulled_down(_MOST_REASONS)
        ]
        if parts:
            lines.append(t("library.why", axis=t(f"score.{axis}"), what=t("library.comma").join(parts)))
    return lines


def _measured_name(name: str) -> str:
    return metric_name(name) if name in METRICS else t("library.why_bars")
