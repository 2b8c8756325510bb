"""Chord progressions in roman numerals: numerals to chords.

A numeral is an optional sign (b or #), I to VII in capitals (major third) or small letters
(minor third), and a suffix: "7", "M7", "dim", "sus2", "6"... Degrees count on the scale of
the mode. "IM-5" writes a major chord with a diminished fifth. A bass after a slash ("V/3")
is not a numeral.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer_core.errors import InvalidValue, require_choice

MODES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_DEGREES = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_NUMERAL = re.compile(r"([b#]?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)([A-Za-z0-9#+°ø-]*)")
_TRIADS = {
    "": None,
    "M": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "d": (0, 3, 6),
    "°": (0, 3, 6),
    "o": (0, 3, 6),
    "aug": (0, 4, 8),
    "+": (0, 4, 8),
    "sus": (0, 5, 7),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "69": (0, 4, 7, 9, 14),
    "M7": (0, 4, 7, 11),
    "maj7": (0, 4, 7, 11),
    "M9": (0, 4, 7, 11, 14),
    "maj9": (0, 4, 7, 11, 14),
    "m7": (0, 3, 7, 10),
    "m9": (0, 3, 7, 10, 14),
    "dom7": (0, 4, 7, 10),
    "dom9": (0, 4, 7, 10, 14),
    "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
    "ø": (0, 3, 6, 10),
    "add9": (0, 4, 7, 14),
    "madd9": (0, 3, 7, 14),
    "madd4": (0, 3, 5, 7),
    "add4": (0, 4, 5, 7),
    "M-5": (0, 4, 6),
    "7sus4": (0, 5, 7, 10),
    "7sus2": (0, 2, 7, 10),
    "M7sus4": (0, 5, 7, 11),
    "11": (0, 4, 7, 10, 14, 17),
    "m11": (0, 3, 7, 10, 14, 17),
}


@dataclass(frozen=True, slots=True)
class Chord:
    """`root` 0 to 11 semitones above the tonic, `intervals` semitones above the root, `numeral` as written."""

    root: int
    intervals: tuple[int, ...]
    numeral: str

    def pitches(self, tonic_pitch: int) -> tuple[int, ...]:
        """The chord in root position above a tonic's MIDI pitch."""
        return tuple(tonic_pitch + self.root + interval for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class Progression:
    """Chords of equal length in a mode, with mood codes; `source` is the data set they come from."""

    mode: str
    chords: tuple[Chord, ...]
    moods: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    source: str = ""


def parse_numeral(text: str, mode: str) -> Chord:
    """The chord of a numeral in major or minor; InvalidValue names what cannot be read."""
    require_choice("mode", mode, tuple(MODES))
    match = _NUMERAL.fullmatch(text)
    if match is None:
        raise InvalidValue("bad_format", name="chord", value=text, expected="a roman numeral such as vi, IV or V7")
    sign, degree, suffix = match.groups()
    root = MODES[mode][_DEGREES.index(degree.lower())] + {"": 0, "b": -1, "#": 1}[sign]
    return Chord(root % 12, _intervals(text, degree, suffix), text)


def _intervals(text: str, degree: str, suffix: str) -> tuple[int, ...]:
    plain = (0, 4, 7) if degree.isupper() else (0, 3, 7)
    if suffix in ("7", "9"):
        return (*plain, 10) if suffix == "7" else (*plain, 10, 14)
    if suffix == "add9":
        return (*plain, 14)
    if suffix not in _TRIADS:
        raise InvalidValue("bad_format", name="chord", value=text, expected="a roman numeral such as vi, IV or V7")
    return _TRIADS[suffix] or plain


def parse_progression(mode: str, numerals: tuple[str, ...] | list[str]) -> tuple[Chord, ...]:
    """The chords of a row of numerals."""
    return tuple(parse_numeral(numeral, mode) for numeral in numerals)
