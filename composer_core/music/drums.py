"""Drum notes and their nine roles, by the map a kit's notes follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drum_maps import DRUM_MAPS, GENERAL_MIDI

ROLES = ("kick", "snare", "closed_hat", "open_hat", "low_tom", "mid_tom", "high_tom", "crash", "ride")
OTHER_ROLE = "percussion"
"""Hand percussion and effects: kept and played, outside the nine roles."""
TIMEKEEPER_ROLES = ("closed_hat", "open_hat", "ride")
CYMBAL_ROLES = ("closed_hat", "open_hat", "crash", "ride")

ROLE_OF_PITCH: dict[int, str] = DRUM_MAPS[GENERAL_MIDI].role_of_pitch

TD11_TO_GM = {22: 42, 26: 46, 58: 43, 40: 38}
"""Roland TD-11 articulations (hi-hat edge closed and open, tom rim, snare rim) to the General
MIDI note of the same piece. miditok's default drum range silently drops 22 and 26."""


def _general_midi_table(name: str) -> NDArray[np.int32]:
    table = np.arange(128, dtype=np.int32)
    for source, target in (TD11_TO_GM if name == GENERAL_MIDI else DRUM_MAPS[name].general_midi()).items():
        table[source] = target
    return table


def _role_table(name: str) -> NDArray[np.int64]:
    roles = DRUM_MAPS[name].role_of_pitch
    return np.array([ROLES.index(roles[p]) if p in roles else len(ROLES) for p in range(128)])


def _own_table(name: str) -> NDArray[np.int32]:
    own = DRUM_MAPS[name].own_note
    return np.array([pitch if name == GENERAL_MIDI else own(pitch) for pitch in range(128)], dtype=np.int32)


_GM_TABLES = {name: _general_midi_table(name) for name in DRUM_MAPS}
_OWN_TABLES = {name: _own_table(name) for name in DRUM_MAPS}
_ROLE_TABLES = {name: _role_table(name) for name in DRUM_MAPS}


def to_general_midi(pitch: NDArray[np.int32], drum_map: str = GENERAL_MIDI) -> NDArray[np.int32]:
    """The General MIDI note for each note of a map (of General MIDI itself: for TD-11's additions); others stay."""
    return _GM_TABLES[drum_map][pitch]


def from_general_midi(pitch: NDArray[np.int32], drum_map: str = GENERAL_MIDI) -> NDArray[np.int32]:
    """The note a map strikes for each General MIDI note; notes that it knows no piece for stay."""
    return _OWN_TABLES[drum_map][pitch]


def role_index(pitch: NDArray[np.int32], drum_map: str = GENERAL_MIDI) -> NDArray[np.int64]:
    """Index into ROLES of each drum note; len(ROLES) for hand percussion and effects."""
    return _ROLE_TABLES[drum_map][pitch]


def role_mask(pitch: NDArray[np.int32], *roles: str, drum_map: str = GENERAL_MIDI) -> NDArray[np.bool_]:
    """True where a drum note plays one of the roles."""
    return np.isin(role_index(pitch, drum_map), [ROLES.index(role) for role in roles])
