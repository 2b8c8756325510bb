"""Translate the names that a screen reader says for Streamlit's own parts, which exist in English only."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from studio import session
from studio.wording.text import language, t

NAMES = {
    "Open": "spoken.open",
    "Clear value": "spoken.clear",
    "Clear all": "spoken.clear",
    "Clear entry": "spoken.clear",
    "Close": "common.close",
    "Sidebar": "spoken.sidebar",
    "App pages": "spoken.pages",
    "Expand sidebar": "spoken.sidebar_open",
    "Collapse sidebar": "spoken.sidebar_close",
    "Increment": "spoken.more",
    "Decrement": "spoken.less",
    "Notifications": "spoken.notices",
    "Selected values": "spoken.selected",
    "Copy to clipboard": "spoken.copy",
    "file upload": "common.upload_button",
    "Scroll tabs left": "spoken.scroll_left",
    "Scroll tabs right": "spoken.scroll_right",
    "Fullscreen": "spoken.fullscreen",
    "Close fullscreen": "spoken.fullscreen_close",
    "Navigate to home page": "spoken.home",
    "progress": "spoken.progress",
    "info icon": "spoken.note",
    "warning icon": "spoken.warning",
    "help icon": "spoken.help_here",
    "Help": "spoken.help_here",
    "Help for ": "spoken.help",
    "Remove ": "spoken.remove",
}
"""Streamlit's name and the dictionary's key; a name that ends with a space is the beginning of one."""

_component = st.components.v2.component(
    "composer_spoken_names",
    html="<span></span>",
    js=Path(__file__).with_name("spoken_names.js").read_text(encoding="utf-8"),
)


def spoken_names() -> None:
    """Name Streamlit's parts in the current language and tell the browser which one it is; once a run, by the shell.

    A language the person has chosen is kept by the browser for a year.
    """
    words = {name: t(key, name="{name}") for name, key in NAMES.items()}
    data = {
        "language": language(),
        "words": words,
        "keep": session.chosen_language(),
        "cookie": session.LANGUAGE_COOKIE,
    }
    with st.container(key="spoken"):
        _component(key="spoken_names", data=data)
