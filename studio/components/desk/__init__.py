"""The desk of the Label page in the browser: the loop on screen and the next ones, keys at any speed, and the list of
what was pressed until the server has answered it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from studio.components.xypad import PAD_CSS, PAD_HTML, PAD_JS

_HERE = Path(__file__).resolve().parent
_SCRIPTS = ("desk_queue.js", "desk_form.js", "desk_view.js", "desk.js")
KEY = "label.desk.browser"

_component = st.components.v2.component(
    "composer_desk",
    html=(_HERE / "desk.html").read_text(encoding="utf-8").replace("PAD", PAD_HTML),
    css=PAD_CSS + (_HERE / "desk.css").read_text(encoding="utf-8"),
    js=PAD_JS + "".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


def desk(data: Mapping[str, object], on_change: Callable[[], None]) -> None:
    """Draw the desk. `on_change` is called, as a callback, when something was pressed or the page asks for news."""
    _component(key=KEY, data=data, on_queue_change=on_change, on_look_change=on_change)


def pressed() -> Mapping[str, object]:
    """What the browser last sent of its list: {"presses": [...], "screen": the loop on screen}; empty at first."""
    return _state("queue")


def screen() -> str:
    """The loop that was on screen when the browser last sent anything, "" where none was."""
    newest = max((_state("queue"), _state("look")), key=_number)
    return str(newest.get("screen") or "")


def is_idle() -> bool:
    """Whether the browser last asked for news: then nobody has pressed anything for a while."""
    return _number(_state("look")) >= _number(_state("queue"))


def _number(sent: Mapping[str, object]) -> float:
    at = sent.get("at")
    return float(at) if isinstance(at, int | float) else 0.0


def _state(name: str) -> Mapping[str, object]:
    held = st.session_state.get(KEY)
    sent = held.get(name) if held else None
    return sent if isinstance(sent, Mapping) else {}
