"""The six instrument families, and how a MIDI track is assigned to one."""

from __future__ import annotations

import re

INSTRUMENTS = ("drums", "bass", "guitar", "piano", "strings", "other")
GENERATED_INSTRUMENTS = ("drums", "bass", "guitar", "piano", "strings")
DEFAULT_PROGRAM = {"drums": 0, "bass": 33, "guitar": 25, "piano": 0, "strings": 48, "other": 80}
"""General MIDI program (from 0) a generated loop sounds with."""
PITCH_RANGE = {"bass": (23, 67), "guitar": (40, 88), "piano": (21, 108), "strings": (28, 103)}
"""Lowest and highest MIDI note a part can play: five-string bass (B0 to G4), guitar (E2 to E6),
piano (A0 to C8), strings from the double bass' E1 to the violin's G7."""
POLYPHONY = {"bass": 2, "guitar": 6, "piano": 10, "strings": 4}
"""Most notes struck together: two strings, six strings, ten fingers, a quartet's four parts."""
DRUM_CHANNEL = 9
"""Channel 10, counted from 0."""

_PROGRAM_RANGES = (
    (range(8), "piano"),
    (range(24, 32), "guitar"),
    (range(32, 40), "bass"),
    (range(40, 47), "strings"),
    (range(48, 52), "strings"),
)
_NAME_PATTERNS = (
    ("drums", re.compile(r"\b(drum|drums|drumkit|kit|percussion|perc)\b|ドラム", re.I)),
    ("bass", re.compile(r"\b(e[- ]?bass|bass guitar|bass)\b(?!\s*(drum|clarinet|trombone|flute|voice))|ベース", re.I)),
    ("guitar", re.compile(r"\b(guitar|gtr|guit)\b|ギター", re.I)),
    ("piano", re.compile(r"\b(piano|pno|rhodes|e[- ]?piano)\b|ピアノ", re.I)),
    ("strings", re.compile(r"\b(strings?|violins?|violas?|cellos?|violoncello|contrabass)\b|ストリングス", re.I)),
)


def instrument_of(channel: int, program: int | None, track_name: str) -> str:
    """Instrument family of a part: channel 10 first, then a set program, then the track's name.

    `program` is None when the file sets none: General MIDI then sounds a piano, but the
    name tells more. A program other than 0 always beats the name.
    """
    if channel == DRUM_CHANNEL:
        return "drums"
    by_name = next((name for name, pattern in _NAME_PATTERNS if pattern.search(track_name)), None)
    if by_name is not None and by_name != "drums" and program in (None, 0):
        return by_name
    if program is None:
        return by_name or "piano"
    return next((name for programs, name in _PROGRAM_RANGES if program in programs), "other")
