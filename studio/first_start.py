"""The first start of a session: fill an empty library, and say what this machine lacks."""

from __future__ import annotations

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from composer_core.errors import ComposerError
from composer_core.pipeline.doctor import MISSING, Finding, diagnose
from composer_core.pipeline.generation.approval import keep_starter, starter_conditions, starter_take, wants_starter
from composer_core.pipeline.generation.audition import soundfont_choice
from composer_core.pipeline.recovery.look import harms, is_writable
from composer_core.workspace import Workspace
from studio import session
from studio.access.offer import may
from studio.redraw import redraw
from studio.wording.text import literally, t, translated_value

HEARD = ("fluidsynth", "soundfont", "models")
"""Findings a page needs; the rest is for `composer doctor`."""
LOOK_AGAIN_SEC = 300
MOST_HARMS = 8
TURN_SEC, WORK_SEC, IDLE_SEC = 0.5, 1.0, 0.7
"""How often the first start takes a turn, how long it works in one, and how long nobody must have clicked before."""


def fill_library(side: DeltaGenerator) -> None:
    """Once a session: let the shipped model fill an empty library, with visible progress.

    It works in short turns while nobody clicks, so that the page can be used meanwhile, and
    keeps what it has made when a click comes between.
    """
    if session.is_started() or not may("generate"):
        return
    workspace = session.workspace()
    if not session.starter() and not (is_writable(workspace) and wants_starter(workspace)):
        session.set_started()
        return
    with side:
        _turn()


@st.fragment(run_every=TURN_SEC)
def _turn() -> None:
    try:
        done = _make_some()
    except ComposerError as error:
        session.set_problem(error)
        done = True
    if done:
        session.set_started()
        redraw()


def _make_some() -> bool:
    """Make takes for WORK_SEC; True when all are made and in the library."""
    total = len(starter_conditions())
    bar = st.progress(0.0)
    until = time.monotonic() + WORK_SEC
    while len(made := session.starter()) < total:
        bar.progress(len(made) / total, t("start.filling", done=len(made), total=total))
        if session.idle_sec() < IDLE_SEC or time.monotonic() > until:
            return False
        session.set_starter([*made, starter_take(len(made))])
    session.notify(t("start.filled", count=keep_starter(session.workspace(), session.starter())))
    return True


@st.cache_data(ttl=LOOK_AGAIN_SEC, show_spinner=False, hash_funcs={Workspace: repr})
def _findings(workspace: Workspace) -> list[Finding]:
    return diagnose(workspace)


def show_harm(top: DeltaGenerator) -> None:
    """Above the page: that nothing can be stored, and each damaged file with the command that mends it."""
    workspace = session.workspace()
    if not is_writable(workspace):
        top.warning(literally(t("start.read_only", path=workspace.root)), icon=":material/lock:")
    found = harms(workspace)
    if not found:
        return
    with top.container(key="start.damaged"):
        st.warning(t("start.damaged"), icon=":material/healing:")
        for harm in found[:MOST_HARMS]:
            st.caption(literally(t("start.damaged_file", file=harm.file, reason=translated_value(harm.reason))))
        if len(found) > MOST_HARMS:
            st.caption(t("start.damaged_more", n=len(found) - MOST_HARMS))
        st.code("\n".join(dict.fromkeys(harm.cure for harm in found)), language="bash")


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
