"""The page's address names the take that is open and how the main controls stand: a reload, a bookmark or another tab
finds both again.

As on the Library page, an address the browser still shows after a click does not win over the click: the controls are
read at a session's first drawing only, and the take where it is not what was written there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from composer_core.errors import InvalidValue
from composer_core.music.condition_fields import FIELD, FOLDED, control_of
from composer_core.music.genre import FAMILIES
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key import MODES, ROOT_NAMES
from studio import session
from studio.generate import state as generate_state
from studio.generate.controls import BEST_OF, DEFAULTS, MAX_GENRES, MAX_SEED, MAX_TAKES, START
from studio.generate.history import bring_back, earlier_requests
from studio.generate.playing import MOST_SEMITONES
from studio.wording.text import error_text, literally, t

OPEN = "take"
FREE = "free"
"""What an address says for what is not asked for."""
MOST_CHORDS = 200
Reader = Callable[[str], object]
"""The value of a parameter's text; ValueError for what makes no sense."""


def _one(choices: Sequence[Any]) -> Reader:
    return lambda text: choices[[str(choice) for choice in choices].index(text)]


def _several(choices: Sequence[str], most: int) -> Reader:
    return lambda text: [_one(choices)(part) for part in dict.fromkeys(text.split(","))][:most]


def _within(low: float, high: float, kind: Callable[[str], float]) -> Reader:
    def read(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _declared(name: str, read: Reader) -> dict[str, tuple[str, Reader]]:
    """The entry of a field of the condition, under the name its declaration gives it in the address."""
    return {FIELD[name].address: (control_of(name).key, read)}


def _number(name: str, kind: Callable[[str], float] = float) -> dict[str, tuple[str, Reader]]:
    return _declared(name, _within(*control_of(name).limits, kind))


CONTROLS: dict[str, tuple[str, Reader]] = {
    "instruments": ("instruments", _several(GENERATED_INSTRUMENTS, len(GENERATED_INSTRUMENTS))),
    **_declared("genre", _several(FAMILIES, MAX_GENRES)),
    **_declared("bars", _one(FIELD["bars"].choices)),
    **_declared("meter", _one(FIELD["meter"].choices)),
    **_declared("key", _one(ROOT_NAMES)),
    "mode": ("mode", _one(tuple(MODES))),
    **_declared("chords", lambda text: text[:MOST_CHORDS]),
    **_number("tempo_bpm", int),
    **_number("swing_percent"),
    **_declared("swing_grid", _one(FIELD["swing_grid"].choices)),
    **_number("humanise_percent", int),
    "transpose": ("semitones", _within(-MOST_SEMITONES, MOST_SEMITONES, int)),
    "takes": ("takes", _within(1, MAX_TAKES, int)),
    "best": ("best_of", _one(BEST_OF)),
    "seed": ("seed", _within(0, MAX_SEED, int)),
}
"""Parameter, the control's name behind "generate.", and how its text is read."""
AXES: dict[str, Reader] = {name: read for axis in ("valence", "arousal") for name, (_, read) in _number(axis).items()}
SWITCHED: dict[str, tuple[str, Reader]] = {
    address: entry for name in FOLDED if FIELD[name].address for address, entry in _number(name).items()
}
"""The folded measures that have a name in the address; without their switch on they are not asked for."""
EMPTY: dict[str, Any] = {"genres": [], "key": "", "chords": ""}
"""Values of what is not asked for."""
FIRST: dict[str, Any] = {"genre": [], "meter": FIELD["meter"].choices[0]}
"""Where controls without a default of ours stand at first."""


def read_address() -> None:
    """Open the take the address names where it is not what was written there, and at a session's first drawing set
    the controls to what it says; call it before any control is drawn."""
    is_first = not generate_state.address_read()
    generate_state.set_address_read()
    _read_take()
    if is_first:
        _read_controls(st.query_params.to_dict())


def _read_take() -> None:
    asked = st.query_params.get(OPEN, "")
    if not asked or asked == generate_state.address() or session.is_overruled({OPEN: asked}):
        return
    generate_state.set_address(asked)
    if asked not in {slot.key for slot in generate_state.slots()}:
        together = next((group for group in earlier_requests() if asked in {slot.key for slot in group}), None)
        if together is None:
            st.toast(t("generate.address_unknown"))
            return
        throws = session.widget("generate.new_seed")
        bring_back(together)
        session.set_widget("generate.new_seed", throws)  # nobody asked for the very same takes again
    generate_state.choose_slot(asked)


def _read_controls(asked: dict[str, str]) -> None:
    """What makes no sense in the address is left out; metres and lengths that no model knows are refused by name."""
    for name in ("meter", "bars"):
        address, choices = FIELD[name].address, FIELD[name].choices
        text = asked.get(address, FREE)
        if text != FREE and text not in map(str, choices):
            error = InvalidValue("unknown_choice", name=address, value=text, choices=", ".join(map(str, choices)))
            st.toast(literally(error_text(error)))
    found = {}
    for name, (control, read) in CONTROLS.items():
        value = _value(asked.get(name), read, EMPTY.get(name))
        if value is not None:
            found[control] = value
    if "seed" in found:
        found["new_seed"] = False
    place = dict(zip(AXES, _pad(), strict=True))
    for axis, read in AXES.items():
        value = _value(asked.get(axis), read, FREE)
        if value is not None:
            found[f"use_{axis}"] = value != FREE
            place[axis] = place[axis] if value == FREE else value
    for name, (control, read) in SWITCHED.items():
        value = _value(asked.get(name), read, FREE)
        if value is not None:
            found[f"use_{control}"] = value != FREE
            found |= {control: value} if value != FREE else {}
    for control, value in found.items():
        session.set_widget(f"generate.{control}", value)
    if found:
        session.place_pad("generate", (place["valence"], place["arousal"]))


def _value(text: str | None, read: Reader, empty: Any) -> Any:
    if text is None or text == FREE:
        return None if text is None else empty
    try:
        return read(text)
    except ValueError:
        return None


def _pad() -> tuple[float, float]:
    valence, arousal = session.pad_value("generate", (START.valence, START.arousal))["value"]
    return valence, arousal


def write_address() -> None:
    """Bring the address in step with what is open and how the controls stand."""
    wanted, written = generate_state.chosen_slot(), generate_state.address()
    if wanted and written and written != wanted:
        session.overrule_address({OPEN: written})
    query = {**({OPEN: wanted} if wanted else {}), **_standing(every=bool(wanted))}
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)
    if wanted:
        generate_state.set_address(wanted)


def _standing(*, every: bool) -> dict[str, str]:
    """How the controls stand: those that were moved, or (beside a take, whose request they may differ from) `every`."""
    standing = {name: session.widget_or_none(f"generate.{control}") for name, (control, _) in CONTROLS.items()}
    first = {name: DEFAULTS.get(f"generate.{control}", FIRST.get(control)) for name, (control, _) in CONTROLS.items()}
    if session.widget("generate.new_seed"):
        standing["seed"] = None
    for axis, value, begin in zip(AXES, _pad(), (START.valence, START.arousal), strict=True):
        standing[axis] = value if session.widget(f"generate.use_{axis}") else ""
        first[axis] = begin
    for name, (control, _) in SWITCHED.items():
        is_on = session.widget(f"generate.use_{control}")
        standing[name], first[name] = session.widget(f"generate.{control}") if is_on else "", ""
    shown = {name: value for name, value in standing.items() if value is not None and (every or value != first[name])}
    return {name: _text(value) for name, value in shown.items()}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = ",".join(value)
    return (f"{value:g}" if isinstance(value, float) else str(value)) or FREE
