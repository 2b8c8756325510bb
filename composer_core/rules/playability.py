"""What hands can play: how many notes together, and how far apart.

A bass plays one or two strings at once. A guitar chord needs one string per note and frets within
a hand's reach (four frets above the first finger, open strings free). A pianist's hand holds five
notes within a tenth. A string section divides into four.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.loop import Loop
from composer_core.rules.pitch import fit_range

TOGETHER_TICK = 30
"""Onsets this near (a 64th) are one stroke."""
MAX_TOGETHER = {"bass": 2, "guitar": 6, "piano": 10, "strings": 4}
GUITAR_STRINGS = (40, 45, 50, 55, 59, 64)
"""Open strings in standard tuning, E2 to E4."""
BASS_STRINGS = (23, 28, 33, 38, 43)
"""Open strings of a five-string bass, B0 to G2."""
REACH_FRETS, TOP_FRET = 4, 24
HAND_SPAN, HAND_NOTES = 16, 5
"""A tenth in semitones, and fingers."""
VIOLATIONS = ("out_of_range", "too_many_together", "out_of_reach")


def strokes(loop: Loop) -> Iterator[np.ndarray]:
    """Index arrays of the notes struck together, in order of time."""
    onset = loop.notes.onset_tick
    first = 0
    for index in range(1, len(onset) + 1):
        if index == len(onset) or onset[index] - onset[first] > TOGETHER_TICK:
            yield np.arange(first, index)
            first = index


def within_reach(instrument: str, pitches: Sequence[int]) -> bool:
    """Can these notes be struck together? True for instruments without hands of their own."""
    ordered = sorted(set(pitches))
    if len(ordered) > MAX_TOGETHER.get(instrument, len(ordered)):
        return False
    if instrument in ("guitar", "bass"):
        return _fretted(ordered, GUITAR_STRINGS if instrument == "guitar" else BASS_STRINGS)
    if instrument == "piano":
        return any(_one_hand(ordered[:cut]) and _one_hand(ordered[cut:]) for cut in range(len(ordered) + 1))
    return True


def _one_hand(pitches: Sequence[int]) -> bool:
    return not pitches or (len(pitches) <= HAND_NOTES and pitches[-1] - pitches[0] <= HAND_SPAN)


def _fretted(pitches: Sequence[int], strings: Sequence[int]) -> bool:
    """Is there a hand position in which each note, lowest first, has a higher string than the one before?"""
    return any(_fits_position(pitches, strings, position) for position in range(1, TOP_FRET - REACH_FRETS + 2))


def _fits_position(pitches: Sequence[int], strings: Sequence[int], position: int) -> bool:
    string = 0
    for pitch in pitches:
        while string < len(strings):
            fret = pitch - strings[string]
            if fret == 0 or position <= fret <= min(position + REACH_FRETS, TOP_FRET):
                break
            string += 1
        if string == len(strings):
            return False
        string += 1
    return True


def violations(loop: Loop) -> dict[str, int]:
    """How often each of VIOLATIONS occurs: notes out of range, strokes of too many notes or beyond reach."""
    found = dict.fromkeys(VIOLATIONS, 0)
    if loop.instrument not in PITCH_RANGE:
        return found
    low, high = PITCH_RANGE[loop.instrument]
    pitch = loop.notes.pitch
    found["out_of_range"] = int(((pitch < low) | (pitch > high)).sum())
    for stroke in strokes(loop):
        pitches = pitch[stroke].tolist()
        if len(set(pitches)) > MAX_TOGETHER[loop.instrument]:
            found["too_many_together"] += 1
        elif not within_reach(loop.instrument, pitches):
            found["out_of_reach"] += 1
    return found


def make_playable(loop: Loop) -> Loop:
    """Fold notes into the range by octaves, then leave out inner notes of strokes no hand can play.

    Of a stroke the lowest and the highest stay longest; the softest inner note goes first, then the lowest of
    the two outer ones where even these are out of reach. Idempotent. Drums and other instruments stay.
    """
    if loop.instrument not in PITCH_RANGE or not len(loop.notes):
        return loop
    folded = fit_range(loop)
    keep = np.ones(len(folded.notes), dtype=np.bool_)
    for stroke in strokes(folded):
        kept = _playable_part(folded, stroke)
        keep[stroke] = np.isin(stroke, kept)
    return folded.with_notes(folded.notes.select(keep))


def _playable_part(loop: Loop, stroke: np.ndarray) -> list[int]:
    pitch, velocity = loop.notes.pitch, loop.notes.velocity
    members = sorted(stroke.tolist(), key=lambda i: (int(pitch[i]), -int(velocity[i])))
    while len(members) > 1 and not within_reach(loop.instrument, [int(pitch[i]) for i in members]):
        inner = members[1:-1]
        members.remove(min(inner, key=lambda i: (int(velocity[i]), int(pitch[i]))) if inner else members[0])
    return members
