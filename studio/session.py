"""The session-state keys that all pages share, typed; those of one page are in its own state.py.

Nothing else reads or writes `st.session_state` by a literal key.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, cast

import streamlit as st

from composer_core.errors import ComposerError, StoreError
from composer_core.logs import named
from composer_core.workspace import Workspace, default_workspace

if TYPE_CHECKING:
    from composer_core.pipeline.generation.takes import Take

_log = logging.getLogger(__name__)
Language = Literal["en", "ja"]
Answer = TypeVar("Answer")

TAKE_OVER_SEC = 5.0
"""So long a browser is given to take over a written address; going back within it needs a second try."""
OVERRULED_ADDRESSES = "studio.library.overruled"
SELECTION = "studio.library.selection"
LANGUAGE = "studio.language"
LANGUAGE_COOKIE = "composer_language"
"""Written by the browser itself (spoken_names.js), so that one person's choice is not everybody's."""
NOW_PLAYING = "studio.now_playing"
PLAY_COUNT = "studio.play_count"
PROBLEM = "studio.problem"
NOTICE = "studio.notice"
DESTINATION = "studio.destination"
STARTED = "studio.started"
STARTER = "studio.starter"
LAST_RUN = "studio.last_run"


class PadValue(TypedDict):
    """Where an XY pad's dot is (`value`), what the page gave it (None: nothing yet), and the number of the commit."""

    given: tuple[float, float] | None
    value: tuple[float, float]
    seq: int


_seen: ContextVar[dict[str, Any] | None] = ContextVar("seen", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """A part of a page that only reads: what `looked_up` is asked again in it is answered as the first time.

    A page asks dozens of times which version the library has; each time means reading the labels' database. What is
    written by others meanwhile shows with the next drawing.
    """
    token = _seen.set({})
    try:
        yield
    finally:
        _seen.reset(token)


def looked_up(name: str, look: Callable[[], Answer]) -> Answer:
    """What `look` says; within `one_look` it is asked once for a name."""
    seen = _seen.get()
    if seen is None:
        return look()
    if name not in seen:
        seen[name] = look()
    answer: Answer = seen[name]
    return answer


def workspace() -> Workspace:
    """The workspace of this server, with its folders created where it can be written; StoreError when it can be neither
    written nor read."""
    return looked_up("workspace", _workspace)


def _workspace() -> Workspace:
    place = default_workspace()
    try:
        return place.create()
    except StoreError:
        if not os.access(place.root, os.R_OK | os.X_OK):
            raise
        return place  # what is there can be seen; the shell says that nothing can be stored


def chosen_language() -> Language | None:
    """The language the person switched to, None before any choice."""
    return cast("Language | None", st.session_state.get(LANGUAGE))


def choose_language(language: Language) -> None:
    """Keep the person's choice for this session."""
    st.session_state[LANGUAGE] = language


def kept_language() -> Language | None:
    """The language this browser was switched to on an earlier visit, None where it was not."""
    kept = st.context.cookies.get(LANGUAGE_COOKIE)
    return cast("Language", kept) if kept in ("en", "ja") else None


def playing() -> dict[str, object] | None:
    """What the transport holds (the data of its component), None before the first play."""
    return cast("dict[str, object] | None", st.session_state.get(NOW_PLAYING))


def set_playing(data: Mapping[str, object]) -> None:
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
    """Keep an error raised in a callback, where nothing can be drawn, for the next run."""
    _log.warning("refused: %s", named(error))
    st.session_state[PROBLEM] = error


def problem_waits() -> bool:
    """True while a kept error has not been shown."""
    return PROBLEM in st.session_state


def take_problem() -> ComposerError | None:
    """Return the kept error and forget it."""
    return cast("ComposerError | None", st.session_state.pop(PROBLEM, None))


def pad_value(key: str, given: tuple[float, float]) -> PadValue:
    """Where an XY pad's dot is: the committed value, or `given` as soon as the page passes another one."""
    name = f"studio.pad.{key}"
    held = st.session_state.get(name)
    if held is not None and held["given"] is None:
        held = {**held, "given": given}
    if held is None or held["given"] != given:
        held = {"given": given, "value": given, "seq": held["seq"] if held else 0}
    st.session_state[name] = held
    return cast(PadValue, held)


def commit_pad(key: str, value: tuple[float, float], seq: int) -> None:
    """Keep the value a pad committed. An older commit that arrives late is ignored."""
    held = st.session_state.get(f"studio.pad.{key}")
    if held is not None and seq > held["seq"]:
        st.session_state[f"studio.pad.{key}"] = {**held, "value": value, "seq": seq}


def place_pad(key: str, value: tuple[float, float]) -> None:
    """Move a pad's dot, for instance when an earlier request is restored. Call it only from a callback."""
    held = st.session_state.get(f"studio.pad.{key}")
    seq = held["seq"] + 1 if held else 1
    st.session_state[f"studio.pad.{key}"] = {"given": None, "value": value, "seq": seq}


def notify(message: str) -> None:
    """Keep a short message for the next run, which shows it for a moment."""
    st.session_state[NOTICE] = message


def take_notice() -> str | None:
    """Return the kept message and forget it."""
    return cast("str | None", st.session_state.pop(NOTICE, None))


def default_widgets(defaults: Mapping[str, object]) -> None:
    """Give keyed widgets their first values; values a person already set are kept."""
    for key, value in defaults.items():
        st.session_state.setdefault(key, value)


def widget(key: str) -> Any:
    """The value of a keyed widget that has a first value."""
    return st.session_state[key]


def widget_or_none(key: str) -> Any:
    """The value of a keyed widget, None before it has one."""
    return st.session_state.get(key)


def set_widget(key: str, value: object) -> None:
    """Move a keyed widget; only from a callback, before the widget is drawn."""
    st.session_state[key] = value


def retranslate_choices() -> None:
    """Set every keyed choice to itself, so that the browser shows it in the new language.

    A selectbox keeps the text of its choice, not the value behind it. Call this only from a callback.
    """
    for key, value in list(st.session_state.items()):
        choices = value if isinstance(value, list | tuple) else [value]
        if choices and all(type(choice) in (str, int, float) for choice in choices):
            st.session_state[key] = value


def forget_widgets(prefix: str) -> None:
    """Drop the values of all keyed widgets whose key begins with `prefix`; they return to their first values."""
    for key in [str(key) for key in st.session_state if str(key).startswith(prefix)]:
        del st.session_state[key]


def go_to(page: str) -> None:
    """Make the next run switch to another page; a callback cannot do so itself."""
    st.session_state[DESTINATION] = page


def take_destination() -> str:
    """Return the page a callback wants to go to, and forget it; "" for none."""
    return str(st.session_state.pop(DESTINATION, ""))


def is_started() -> bool:
    """True once the first start of this session is done."""
    return bool(st.session_state.get(STARTED))


def set_started() -> None:
    """Note that the first start is done."""
    _log.info("a session is open")
    st.session_state[STARTED] = True
    st.session_state.pop(STARTER, None)


def note_run() -> None:
    """Note that the whole page is being drawn, because a person opened it or clicked."""
    st.session_state[LAST_RUN] = time.monotonic()


def idle_sec() -> float:
    """Seconds since the whole page was last drawn."""
    return time.monotonic() - float(st.session_state[LAST_RUN])


def starter() -> list[Take]:
    """The takes of the starter library made so far."""
    return cast("list[Take]", st.session_state.get(STARTER, []))


def set_starter(made: list[Take]) -> None:
    """Keep the takes of the starter library made so far."""
    st.session_state[STARTER] = made


def overrule_address(address: dict[str, str]) -> None:
    """Note that an address was replaced, or is about to be, by a change the person made in the page."""
    now_sec = time.monotonic()
    recent = [(was, sec) for was, sec in _overruled() if was != address and now_sec - sec < TAKE_OVER_SEC]
    st.session_state[OVERRULED_ADDRESSES] = [*recent, (address, now_sec)]


def is_overruled(address: dict[str, str]) -> bool:
    """True for an address that was overruled a moment ago and that the browser may still show."""
    now_sec = time.monotonic()
    return any(was == address and now_sec - sec < TAKE_OVER_SEC for was, sec in _overruled())


def _overruled() -> list[tuple[dict[str, str], float]]:
    return cast("list[tuple[dict[str, str], float]]", st.session_state.get(OVERRULED_ADDRESSES, []))


def selection() -> list[str]:
    """Ids of the loops selected in the Library, in the order of selection."""
    return cast("list[str]", st.session_state.get(SELECTION, []))


def set_selection(loop_ids: list[str]) -> None:
    """Replace the selection."""
    st.session_state[SELECTION] = loop_ids
