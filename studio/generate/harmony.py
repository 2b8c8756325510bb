"""The key and the chord line of a request, read as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.chords import Chord, key_of_chords, parse_chord_line
from composer_core.music.key import MODES, ROOT_NAMES, Key
from studio import session
from studio.widgets import show_error, worded
from studio.wording.text import t

FREE = ""
Harmony = tuple[Key | None, tuple[Chord, ...]]


def harmony(instruments: Sequence[str]) -> Harmony | None:
    """Key and chords, each as good as absent where not given; None where the line cannot be read (it says why)."""
    if not set(instruments) - {"drums"}:
        return None, ()
    root_column, mode_column, line_column = st.columns([1.2, 1.25, 1.6])
    key = _key(root_column, mode_column)
    text = line_column.text_input(
        t("generate.chords"),
        placeholder=t("generate.chords_example"),
        key="generate.chords",
        persist_state="session",
        help=t("generate.chords_help"),
    )
    if not text.strip():
        return key, ()
    try:
        key, chords = read_line(text, key)
    except ComposerError as error:
        show_error(error)
        return None
    named = f"{ROOT_NAMES[key.root]} {t(f'generate.mode_{key.mode}')}"
    st.caption(t("generate.chords_read", chords=" | ".join(map(str, chords)), tonic=named))
    return key, chords


def read_line(text: str, key: Key | None) -> tuple[Key, tuple[Chord, ...]]:
    """The chords of a line and the requested key with them: the one given, else the one that fits them best."""
    chords, found = parse_chord_line(text, key)
    return found or key_of_chords(chords), chords


def _key(left: Any, right: Any) -> Key | None:
    roots = (FREE, *ROOT_NAMES)
    root = left.selectbox(
        t("generate.key"),
        roots,
        format_func=worded(roots, lambda name: name or t("generate.not_given")),
        key="generate.root",
        persist_state="session",
    )
    mode = right.selectbox(
        t("generate.mode"),
        tuple(MODES),
        format_func=worded(tuple(MODES), lambda name: t(f"generate.mode_{name}")),
        key="generate.mode",
        persist_state="session",
        disabled=root == FREE,
    )
    return Key(ROOT_NAMES.index(root), mode) if root else None


def take_back_harmony(key: Key | None, chords: tuple[Chord, ...]) -> None:
    """Set the controls to an earlier request's key and chords; only from a callback."""
    session.set_widget("generate.root", FREE if key is None else ROOT_NAMES[key.root])
    if key is not None:
        session.set_widget("generate.mode", key.mode)
    session.set_widget("generate.chords", " ".join(map(str, chords)))
