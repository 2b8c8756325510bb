"""The six instrument families, and how a MIDI track is assigned to one."""

from __future__ import annotations

from composer_core.music.part_names import NamedInstrument

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


def instrument_of(drums: bool, program: int | None, named: NamedInstrument, *, is_title: bool = False) -> str:
    """Instrument family of a part: a channel that sounds drums first, then a set program, then the track's name.

    `program` is None when the file sets none: General MIDI then sounds a piano, but the name tells more. Program 0
    gives way to a name too, for many programs write it without meaning it; any other program beats the name. A name
    that may be the song's title counts only where it is nothing but an instrument's name.
    """
    if drums:
        return "drums"
    believed = named.family if named.plain or not is_title else None
    if program is None:
        return believed or "piano"
    if program == 0 and believed not in (None, "other"):
        return str(believed)
    return next((name for programs, name in _PROGRAM_RANGES if program in programs), "other")
