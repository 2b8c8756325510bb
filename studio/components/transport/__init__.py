"""The persistent transport: `play` loads a loop into it, `mount` draws it at the foot of every page.

The sound lives in the browser (transport_engine.js) and keeps playing through reruns and page
switches. This side renders the audio, and passes on its address and the notes to draw.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from composer_core.errors import ComposerError, RenderError
from composer_core.music.loop import Loop
from composer_core.pipeline.generation.audition import audition
from studio import session
from studio.figures.loop_rows import loop_rows
from studio.wording.names import instrument_name
from studio.wording.text import t

_HERE = Path(__file__).resolve().parent
AUDIO_ROUTE = "/api/audio"
LANE_ROWS = 10
"""Rows of a part's lane where several are drawn together."""
Mode = Literal["start", "swap"]
Title = str | Callable[[], str]
"""A call gives the title in the language of the moment."""
_WORDS = (
    *("empty", "play", "stop", "loop", "volume", "loading", "queued", "failed", "click", "drawing", "region"),
    *("sideA", "sideB", "match", "matchHelp"),
)

_component = st.components.v2.component(
    "composer_transport",
    html=(_HERE / "transport.html").read_text(encoding="utf-8"),
    css=(_HERE / "transport.css").read_text(encoding="utf-8"),
    js="".join(
        (_HERE / name).read_text(encoding="utf-8")
        for name in ("transport_loudness.js", "transport_engine.js", "transport.js")
    ),
)


def play(loop: Loop, *, title: Title, loop_id: str = "", key: str, mode: Mode = "start") -> bool:
    """Render a loop and put it into the transport; True when that worked.

    Call it in a widget's callback, so that the same run draws it. `key` names what plays
    (see `now_playing`); a loop of the same key takes over at the same bar. Mode "start"
    sounds in any case, "swap" only replaces what sounds (a slider moved). An error is
    kept and shown on the page.
    """
    try:
        request = _playable(loop, title, loop_id)
    except ComposerError as error:
        session.set_problem(error)
        return False
    session.set_playing({**request, "token": _token(), "mode": mode, "key": key})
    return True


def prepared(loop: Loop, *, title: Title, loop_id: str = "", key: str) -> dict[str, object]:
    """A rendered loop that a part of the page may hand to the transport's engine by itself, with its texts.

    Given to `hold` as well, it is obeyed once only. Raises what `audition` raises.
    """
    return _with_texts({**_playable(loop, title, loop_id), "token": uuid.uuid4().hex, "mode": "start", "key": key})


def hold(request: Mapping[str, object]) -> None:
    """Note that a prepared loop is what the transport plays, so that every page shows it."""
    session.set_playing(request)


def compare(sides: tuple[tuple[Loop, str, str], tuple[Loop, str, str]], *, key: str) -> bool:
    """Put two loops, each with (loop, title, loop id), into the transport to switch between; True when that worked.

    Both run from the same sample on and only one is heard, so a switch keeps the place in
    the bar. The second is heard at the tempo at which its bars are as long as the first's.
    """
    (first, *names), (second, *other_names) = sides
    try:
        request = _playable(at_bar_length_of(first, first), *names)
        request["other"] = _playable(at_bar_length_of(second, first), *other_names)
    except ComposerError as error:
        session.set_problem(error)
        return False
    session.set_playing({**request, "token": _token(), "mode": "start", "key": key})
    return True


def play_together(parts: Sequence[tuple[Loop, str]], *, title: Title, key: str, mode: Mode = "start") -> bool:
    """Put an ensemble's parts, each with (loop, instrument), into the transport; True when that worked.

    Every part is a sound file of its own; all start at the same sample, and mute and solo only move gains.
    The parts have one length. A part without notes has nothing to sound and is left out.
    """
    sounding = [(loop, instrument) for loop, instrument in parts if len(loop.notes)]
    try:
        if not sounding:
            raise RenderError("render_silent", what=_translated(title), reason="no notes")
        audios = [audition(loop, session.workspace()) for loop, _ in sounding]
    except ComposerError as error:
        session.set_problem(error)
        return False
    stems = [
        {"name": instrument, "src": f"{AUDIO_ROUTE}/{audio.name}"}
        for audio, (_, instrument) in zip(audios, sounding, strict=True)
    ]
    loop_sec = audios[0].loop_sec
    request = {"loopId": "", "src": stems[0]["src"], "loopSec": loop_sec, "title": title, "stems": stems}
    request |= lanes([loop for loop, _ in sounding], loop_sec)
    session.set_playing({**request, "token": _token(), "mode": mode, "key": key})
    return True


def at_bar_length_of(loop: Loop, model: Loop) -> Loop:
    """The loop at the tempo that makes its bars last as long as those of `model`; tempo changes inside it go."""
    tempo_bpm = model.tempo_bpm * loop.meter.bar_tick / model.meter.bar_tick
    return replace(loop, tempo_bpm=tempo_bpm, tempo_events=())


def _token() -> str:
    return f"{uuid.uuid4().hex[:8]}-{session.count_play()}"


def _playable(loop: Loop, title: Title, loop_id: str) -> dict[str, Any]:
    """A rendered loop as the browser needs it."""
    audio = audition(loop, session.workspace())
    return {
        "loopId": loop_id,
        "src": f"{AUDIO_ROUTE}/{audio.name}",
        "loopSec": audio.loop_sec,
        "title": title,
        **drawing(loop, audio.loop_sec),
    }


def now_playing() -> str | None:
    """The key of what the transport holds."""
    data = session.playing()
    return None if data is None else str(data["key"])


def mount() -> None:
    """Draw the transport; called once a run by the shell, at the foot of the page."""
    held = session.playing()
    words = {word: t(f"transport.{word}") for word in _WORDS}
    _component(key="transport", data={"words": words, "loop": _with_texts(held) if held else None})


def drawing(loop: Loop, loop_sec: float) -> dict[str, object]:
    """What is drawn of a loop: its bars, and notes as [start, length, row, velocity] in parts of the loop."""
    rows = loop_rows(loop)
    length = loop.length_tick
    notes = [
        [round((onset % length) / length, 5), round(duration / length, 5), row, velocity]
        for (onset, duration, _, velocity), row in zip(loop.notes.rows(), rows.of_note, strict=True)
    ]
    return {
        "bars": loop.bars,
        "barSec": loop_sec / loop.bars,
        "beatsPerBar": loop.meter.bar_tick // loop.meter.beat_tick,
        "tempoBpm": round(loop.tempo_bpm, 2),
        "meter": str(loop.meter),
        "roles": rows.roles,
        "rowCount": rows.count,
        "notes": notes,
    }


def lanes(loops: Sequence[Loop], loop_sec: float) -> dict[str, object]:
    """What is drawn of several parts: a lane each, their notes as in `drawing` with the number of the part behind."""
    drawn: list[dict[str, Any]] = [drawing(loop, loop_sec) for loop in loops]
    notes = [
        [start, length, round((lane + row / one["rowCount"]) * LANE_ROWS, 3), velocity, lane]
        for lane, one in enumerate(drawn)
        for start, length, row, velocity in one["notes"]
    ]
    return {**drawn[0], "roles": None, "rowCount": LANE_ROWS * len(loops), "notes": notes}


def _with_texts(held: dict[str, Any]) -> dict[str, Any]:
    """The held request with its texts in the current language."""
    roles = held["roles"]
    key = "transport.meta_one" if held["bars"] == 1 else "transport.meta"
    meta = t(key, tempo=f"{held['tempoBpm']:g}", bars=held["bars"], meter=held["meter"])
    rows = None if roles is None else [t(f"role.{role}") for role in roles]
    worded = {**held, "title": _translated(held["title"]), "meta": meta, "rows": rows}
    if "stems" in held:
        worded["stems"] = [{**stem, **_stem_words(stem["name"])} for stem in held["stems"]]
    return worded | {"other": _with_texts(held["other"])} if "other" in held else worded


def _translated(title: Title) -> str:
    return title if isinstance(title, str) else title()


def _stem_words(instrument: str) -> dict[str, str]:
    name = instrument_name(instrument)
    return {"label": name, "mute": t("transport.mute", name=name), "solo": t("transport.solo", name=name)}
