"""Loops of the library that resemble the open take."""

from __future__ import annotations

import streamlit as st

from composer_core.music.loop import Loop
from composer_core.pipeline.library.loops import load_loop
from composer_core.pipeline.library.similar import similar_to
from studio import session
from studio.library import queries as library_queries
from studio.widgets import play_button
from studio.wording.loop_names import loop_title, plain
from studio.wording.text import t

N_SIMILAR = 4


def draw_similar(loop: Loop) -> None:
    """On demand the nearest loops, the nearest first, each to be heard."""
    if not st.toggle(t("generate.similar"), key="generate.similar", help=t("generate.similar_help")):
        return
    workspace = session.workspace()
    found = similar_to(workspace, loop, N_SIMILAR)
    if not found:
        st.caption(t("generate.no_similar"))
        return
    for one in found:
        title = loop_title(library_queries.row(workspace, one.loop_id))
        play, words = st.columns([1, 4], vertical_alignment="center", gap="small")
        with play:
            play_button(
                lambda loop_id=one.loop_id: load_loop(workspace, loop_id),  # type: ignore[misc]
                title=title,
                key=f"loop.{one.loop_id}",
                loop_id=one.loop_id,
                label="",
            )
        words.caption(t("generate.similar_loop", title=plain(title), distance=f"{one.distance:.2f}"))
