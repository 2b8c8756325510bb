"""The same label for many loops at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline import label_review
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.workspace import Workspace
from studio import session
from studio.label_rater import current_rater
from studio.label_words import field_name
from studio.names import genre_name, mood_name
from studio.text import t
from studio.widgets import worded

FIELD, EMOTION, GENRE, APPROVE = (
    "library.bulk.field",
    "library.bulk.emotion",
    "library.bulk.genre",
    "library.bulk.approve",
)
FIELDS = ("emotion", "genre")
MOST = 5000
"""Loops labelled by one click, which one undo takes back."""


def draw_bulk(workspace: Workspace, loop_ids: Sequence[str]) -> None:
    """Which field, which value, as a draft or approved."""
    session.default_widgets({FIELD: FIELDS[0], APPROVE: False})
    field = st.selectbox(t("library.bulk_field"), FIELDS, format_func=worded(FIELDS, field_name), key=FIELD)
    words = vocabularies(workspace)
    if field == "emotion":
        codes = tuple(words.moods)
        st.selectbox(t("library.bulk_value"), codes, format_func=worded(codes, mood_name), key=EMOTION)
    else:
        codes = tuple(words.genres)
        st.selectbox(t("library.bulk_value"), codes, format_func=worded(codes, genre_name), key=GENRE)
    st.checkbox(t("library.bulk_approve"), key=APPROVE)
    if len(loop_ids) > MOST:
        st.caption(t("library.bulk_limit", most=f"{MOST:,}"))
    st.button(
        t("library.bulk_now", n=f"{min(len(loop_ids), MOST):,}"),
        key="library.bulk.now",
        type="primary",
        on_click=_label,
    )


def _label() -> None:
    workspace = session.workspace()
    field = str(session.widget(FIELD))
    value: Any = session.widget(EMOTION) if field == "emotion" else {session.widget(GENRE): 1.0}
    action = "approve" if session.widget(APPROVE) else "draft"
    rater = current_rater(workspace)
    try:
        preview = label_review.bulk_preview(workspace, session.selection()[:MOST], {field: value}, rater)
        label_review.bulk_apply(workspace, preview, rater=rater, action=action)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("library.bulk_done", n=f"{len(preview.changes):,}", same=f"{preview.unchanged:,}"))
