"""What a new session does first: fill an empty library, and say what this machine lacks."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from composer_core.pipeline.doctor import MISSING, Finding, diagnose
from composer_core.pipeline.starter import ensure_starter_library
from composer_core.workspace import Workspace
from studio import session
from studio.text import t

HEARD = ("fluidsynth", "soundfont", "models")
"""Findings a page needs; the rest is for `composer doctor`."""
LOOK_AGAIN_SEC = 300


def fill_library() -> None:
    """Once a session: let the shipped model fill an empty library, with visible progress."""
    if session.is_started():
        return
    slot = st.empty()

    def show(done: int, total: int) -> None:
        slot.progress(done / total, t("start.filling", done=done, total=total))

    added = ensure_starter_library(session.workspace(), show)
    slot.empty()
    if added:
        session.notify(t("start.filled", count=added))
    session.set_started()


@st.cache_data(ttl=LOOK_AGAIN_SEC, show_spinner=False, hash_funcs={Workspace: repr})
def _findings(workspace: Workspace) -> list[Finding]:
    return diagnose(workspace)


def show_health(top: DeltaGenerator, side: DeltaGenerator) -> None:
    """What is missing, with the command that cures it, above the page; which SoundFont sounds, at the side."""
    findings = {finding.name: finding for finding in _findings(session.workspace())}
    for name in HEARD:
        if findings[name].state == MISSING:
            with top.container():
                st.warning(t(f"start.missing_{name}"), icon=":material/build:")
                st.code(findings[name].cure, language="bash")
    sound = findings["soundfont"]
    if sound.state != MISSING:
        side.caption(t("start.soundfont", detail=sound.detail.split(",")[0]))
