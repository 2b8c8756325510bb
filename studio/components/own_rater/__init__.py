"""The name of the person who labels in this browser, kept by the browser itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

KEY = "own_rater"

_component = st.components.v2.component(
    "composer_own_rater",
    html="<span></span>",
    js=Path(__file__).with_name("own_rater.js").read_text(encoding="utf-8"),
)


def own_rater(rater: str, *, asked: bool, on_told: Callable[[str], None]) -> None:
    """Let the browser keep `rater`; while that is "" and the browser has not been `asked`, ask it.

    `on_told` is called, as a callback, with the name it keeps, "" for none.
    """

    def told() -> None:
        held = st.session_state[KEY].get("told")
        if isinstance(held, dict):
            on_told(str(held.get("rater", "")))

    with st.container(key="rater_of_browser"):
        _component(key=KEY, data={"rater": rater, "asked": asked}, on_told_change=told)
