"""The scores of a loop: the total and five axes, what pulled them down, and mending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from composer_core.metrics import METRICS
from composer_core.music.loop import Loop
from composer_core.pipeline import scoring
from composer_core.pipeline.library.browse import SCORE_PREFIX
from composer_core.pipeline.library.loops import SCORE_AXES
from composer_core.pipeline.settings import load_settings
from composer_core.workspace import Workspace
from studio.figures.score_bars import explanation_lines, score_bars
from studio.library.mending import draw_mending
from studio.library.rows import number
from studio.wording.text import t


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
