"""Drum notes: the General MIDI map, Roland TD-11's additions, and nine roles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROLES = ("kick", "snare", "closed_hat", "open_hat", "low_tom", "mid_tom", "high_tom", "crash", "ride")
OTHER_ROLE = "percussion"
"""Hand percussion and effects: kept and played, outside the nine roles."""
TIMEKEEPER_ROLES = ("closed_hat", "open_hat", "ride")
CYMBAL_ROLES = ("closed_hat", "open_hat", "crash", "ride")

_PITCHES: dict[str, tuple[int, ...]] = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "closed_hat": (22, 42, 44),
    "open_hat": (26, 46),
    "low_tom": (41, 43, 58),
    "mid_tom": (45, 47),
    "high_tom": (48, 50),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
ROLE_OF_PITCH: dict[int, str] = {pitch: role for role, pitches in _PITCHES.items() for pitch in pitches}

TD11_TO_GM = {22: 42, 26: 46, 58: 43, 40: 38}
"""Roland TD-11 articulations (hi-hat edge closed and open, tom rim, snare rim) to the General
MIDI note of the same piece. miditok's default drum range silently drops 22 and 26."""

_GM_TABLE = np.arange(128, dtype=np.int32)
for _source, _target in TD11_TO_GM.items():
    _GM_TABLE[_source] = _target
_ROLE_TABLE = np.array([ROLES.index(ROLE_OF_PITCH[p]) if p in ROLE_OF_PITCH else len(ROLES) for p in range(128)])


def to_general_midi(pitch: NDArray[np.int32]) -> NDArray[np.int32]:
    """Map TD-11 note numbers to General MIDI ones; all others stay."""
    return _GM_TABLE[pitch]


def role_index(pitch: NDArray[np.int32]) -> NDArray[np.int64]:
    """Index into ROLES of each drum note; len(ROLES) for hand percussion and effects."""
    return _ROLE_TABLE[pitch]


def role_mask(pitch: NDArray[np.int32], *roles: str) -> NDArray[np.bool_]:
    """True where a drum note plays one of the roles."""
    return np.isin(role_index(pitch), [ROLES.index(role) for role in roles])
