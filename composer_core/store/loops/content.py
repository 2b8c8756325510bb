"""When two loops count as the same, and how a loop's id is made."""

from __future__ import annotations

import hashlib

import numpy as np

from composer_core.music.drums import ROLES, role_index
from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER

SLOTS_PER_QUARTER = 24
_SLOT_TICK = TICKS_PER_QUARTER // SLOTS_PER_QUARTER
_FIRST_OTHER = len(ROLES)


def source_digest(data: bytes) -> str:
    """SHA-256 of a file's bytes, as hex."""
    return hashlib.sha256(data).hexdigest()


def md5_of(data: bytes) -> str:
    """MD5 of a file's bytes, by which older data sets and programs name files; it protects nothing."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def loop_id(digest: str, part: int, start_bar: int, bars: int, reading: int = 0) -> str:
    """Name of an imported loop: the same bytes cut the same way give the same 16 hex digits.

    With the number of a `reading` it is the name of a loop that a re-read puts in, which no earlier loop has: labels
    given to what was at its place before must not become its own.
    """
    place = f"{digest}|{part}|{start_bar}|{bars}" + (f"|{reading}" if reading else "")
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def generated_id(take_id: str) -> str:
    """Name of a generated loop: one a take."""
    return hashlib.sha256(f"take|{take_id}".encode()).hexdigest()[:16]


def content_hash(loop: Loop) -> str:
    """24 hex digits that two loops share exactly when they are duplicates.

    Compared are instrument, metre, bars, and the set of notes after quantising to 24 a
    quarter: onset and role for drums (hand percussion by pitch), onset, duration and pitch
    above the lowest for pitched loops. So file, tempo, resolution, velocity and
    transposition do not matter, nor how long a drum note rings.
    """
    notes = loop.notes
    onset = (notes.onset_tick + _SLOT_TICK // 2) // _SLOT_TICK
    # One integer a note: the onset, then 24 bits of length and 8 of pitch.
    packed = onset.astype(np.int64) << 32
    if loop.is_drums:
        role = role_index(notes.pitch, loop.drum_map)
        packed += np.where(role == _FIRST_OTHER, _FIRST_OTHER + notes.pitch, role)
    elif len(notes):
        length = np.maximum((notes.duration_tick + _SLOT_TICK // 2) // _SLOT_TICK, 1)
        packed += (length.astype(np.int64) << 8) + (notes.pitch - notes.pitch.min())
    packed.sort()
    first = np.ones(len(packed), np.bool_)
    first[1:] = packed[1:] != packed[:-1]
    head = f"{loop.instrument}|{loop.meter}|{loop.bars}|".encode()
    return hashlib.sha256(head + packed[first].tobytes()).hexdigest()[:24]
