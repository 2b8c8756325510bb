"""Every session-state key, typed. Nothing else reads or writes `st.session_state` by a literal key."""

from __future__ import annotations

from typing import Any, Literal, cast

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.workspace import Workspace, default_workspace

Language = Literal["en", "ja"]

LANGUAGE = "studio.language"
NOW_PLAYING = "studio.now_playing"
PLAY_COUNT = "studio.play_count"
PROBLEM = "studio.problem"


def workspace() -> Workspace:
    """The workspace of this server, its folders made; StoreError when it cannot be written."""
    return default_workspace().create()


def chosen_language() -> Language | None:
    """The language the person switched to, None before any choice."""
    return cast("Language | None", st.session_state.get(LANGUAGE))


def choose_language(language: Language) -> None:
    """Keep the person's choice for this session."""
    st.session_state[LANGUAGE] = language


def playing() -> dict[str, Any] | None:
    """What the transport holds (the data of its component), None before the first play."""
    return cast("dict[str, Any] | None", st.session_state.get(NOW_PLAYING))


def set_playing(data: dict[str, Any]) -> None:
    """Hand the transport something else to play."""
    st.session_state[NOW_PLAYING] = data


def play_count() -> int:
    """How often something was put into the transport in this session."""
    return int(st.session_state.get(PLAY_COUNT, 0))


def count_play() -> int:
    """Count one more play and return its number."""
    st.session_state[PLAY_COUNT] = play_count() + 1
    return play_count()


def set_problem(error: ComposerError) -> None:
    """Keep an error met in a callback, where nothing can be drawn, for the next drawing."""
    st.session_state[PROBLEM] = error


def take_problem() -> ComposerError | None:
    """The kept error, once."""
    return cast("ComposerError | None", st.session_state.pop(PROBLEM, None))


def pad_value(key: str, given: tuple[float, float]) -> dict[str, Any]:
    """Where an XY pad's dot is: what was committed, or `given` once the page passes another value."""
    name = f"studio.pad.{key}"
    held = st.session_state.get(name)
    if held is None or held["given"] != given:
        held = {"given": given, "value": given, "seq": held["seq"] if held else 0}
        st.session_state[name] = held
    return cast("dict[str, Any]", held)


def commit_pad(key: str, value: tuple[float, float], seq: int) -> None:
    """Keep what the pad committed; an older commit that arrives late is ignored."""
    held = st.session_state.get(f"studio.pad.{key}")
    if held is not None and seq > held["seq"]:
        st.session_state[f"studio.pad.{key}"] = {**held, "value": value, "seq": seq}
