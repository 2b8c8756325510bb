"""The name of the person who labels in this browser, kept by the browser itself."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from studio.rater import current_rater, has_been_asked, is_signed_in_by_name, told_by_browser

KEY = "own_rater"

_component = st.components.v2.component(
    "composer_own_rater",
    html="<span></span>",
    js=Path(__file__).with_name("own_rater.js").read_text(encoding="utf-8"),
)


def remember_rater() -> None:
    """Let the browser keep the rater, or tell the one it keeps; once a run, by the shell.

    Where people sign in there is nothing to keep.
    """
    if is_signed_in_by_name():
        return
    with st.container(key="rater_of_browser"):
        _component(key=KEY, data={"rater": current_rater(), "asked": has_been_asked()}, on_told_change=_told)
    if not has_been_asked():
        _told()  # a page that outlived its server has told before, and will not call back with the same words


def _told() -> None:
    # Without a browser (a script that imports the page) the component leaves nothing in the state.
    state = st.session_state.get(KEY)
    held = None if state is None else state.get("told")
    if isinstance(held, dict):
        told_by_browser(str(held.get("rater", "")))
