"""What a new session does first: fill an empty library, and say what this machine lacks."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from composer_core.pipeline.audition import soundfont_choice
from composer_core.pipeline.doctor import MISSING, Finding, diagnose
from composer_core.pipeline.starter import keep_starter, starter_conditions, starter_take, wants_starter
from composer_core.workspace import Workspace
from studio import session
from studio.text import t

HEARD = ("fluidsynth", "soundfont", "models")
"""Findings a page needs; the rest is for `composer doctor`."""
LOOK_AGAIN_SEC = 300


def fill_library(slot: DeltaGenerator) -> None:
    """Once a session: let the shipped model fill an empty library, with visible progress.

    Runs after the page is drawn, take by take, and goes on where it was when a click
    interrupts it: a person can already work while it lasts.
    """
    workspace = session.workspace()
    if session.is_started():
        return
    if not session.starter() and not wants_starter(workspace):
        session.set_started()
        return
    total = len(starter_conditions())
    while len(made := session.starter()) < total:
        slot.progress(len(made) / total, t("start.filling", done=len(made), total=total))
        session.set_starter([*made, starter_take(len(made))])
    session.notify(t("start.filled", count=keep_starter(workspace, session.starter())))
    session.set_started()
    st.rerun()


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
    if findings["soundfont"].state != MISSING:
        font = soundfont_choice(session.workspace())
        side.caption(t("start.soundfont", name=font.name, origin=t(f"start.origin_{font.origin}")))
