"""Pitch: transpose, move to a key, pull stray notes into a scale, fold into an instrument's range.

Drums have no pitch in this sense and come back as they are.
"""

from __future__ import annotations

import numpy as np

from composer_core.errors import InvalidValue, require_range
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.key import Key, nearest_transposition
from composer_core.music.loop import Loop

MAX_TRANSPOSITION = 36


def transpose(loop: Loop, semitones: int) -> Loop:
    """Every pitch moved by `semitones` (-36 to 36). 0 changes nothing.

    Raises InvalidValue where a note would leave 0 to 127, naming it: no note is dropped silently.
    """
    require_range("transposition", semitones, -MAX_TRANSPOSITION, MAX_TRANSPOSITION, " semitones")
    if loop.is_drums or not len(loop.notes):
        return loop
    pitch = loop.notes.pitch + semitones
    if pitch.min() < 0 or pitch.max() > 127:
        raise InvalidValue("value_out_of_range", name="a transposed pitch", low=0, high=127, unit="",
                           value=int(pitch.min() if pitch.min() < 0 else pitch.max()))  # fmt: skip
    return loop.with_notes(loop.notes.with_columns(pitch=pitch))


def change_key(loop: Loop, source: Key, target: Key) -> Loop:
    """Move a loop from one key to another by the shorter way (-5 to 6 semitones).

    Between modes each degree of the old scale becomes the same degree of the new one, and a note
    between two degrees keeps its distance from the lower (Em: i to Emaj: I turns every G into G#).
    """
    moved = transpose(loop, nearest_transposition(source.root, target.root))
    if loop.is_drums or source.mode == target.mode or not len(loop.notes):
        return moved
    shift = np.zeros(12, dtype=np.int32)
    at_target = Key(target.root, source.mode).scale
    for old, new in zip(at_target, target.scale, strict=True):
        shift[old] = (new - old + 6) % 12 - 6
    for pitch_class in range(12):
        if pitch_class not in at_target:
            below = max(at_target, key=lambda degree: -((pitch_class - degree) % 12))
            shift[pitch_class] = shift[below]
    pitch = np.clip(moved.notes.pitch + shift[moved.notes.pitch % 12], 0, 127)
    return moved.with_notes(moved.notes.with_columns(pitch=pitch))


def snap_to_key(loop: Loop, key: Key) -> Loop:
    """Move every pitch outside the key's scale to the nearest inside it, downwards where both are as near.

    Idempotent; notes of the scale stay. In the seven modes no pitch lies further than a semitone off.
    """
    if loop.is_drums or not len(loop.notes):
        return loop
    scale = np.array(key.scale)
    move = np.zeros(12, dtype=np.int32)
    for pitch_class in range(12):
        distance = (scale - pitch_class + 6) % 12 - 6
        move[pitch_class] = distance[np.lexsort((distance, np.abs(distance)))[0]]
    pitch = loop.notes.pitch + move[loop.notes.pitch % 12]
    pitch = np.where(pitch < 0, pitch + 12, np.where(pitch > 127, pitch - 12, pitch))
    return loop.with_notes(loop.notes.with_columns(pitch=pitch))


def fit_range(loop: Loop, low: int | None = None, high: int | None = None) -> Loop:
    """Bring notes outside [low, high] inside by whole octaves; the instrument's own range unless given.

    Idempotent. Raises InvalidValue for a range of less than an octave. Instruments without a range stay.
    """
    if loop.is_drums or not len(loop.notes):
        return loop
    own_low, own_high = PITCH_RANGE.get(loop.instrument, (0, 127))
    bottom, top = own_low if low is None else low, own_high if high is None else high
    require_range("lowest pitch", bottom, 0, 127)
    require_range("highest pitch", top, bottom + 11, 127)
    pitch = loop.notes.pitch
    up = np.ceil(np.maximum(bottom - pitch, 0) / 12).astype(np.int32) * 12
    down = np.ceil(np.maximum(pitch - top, 0) / 12).astype(np.int32) * 12
    return loop.with_notes(loop.notes.with_columns(pitch=pitch + up - down))
