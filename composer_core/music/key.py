"""Keys: a root and a mode, their scales, and how they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer_core.errors import InvalidValue, require_choice, require_range

MODES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}
"""Semitones above the tonic of each mode's seven degrees; minor is natural minor."""
MINOR_MODES = ("minor", "dorian", "phrygian", "locrian")
"""Modes with a minor third above the tonic."""
ROOT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""The usual spelling of each root, 0 = C."""
_MOST_SHARPS = 6
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"#": 1, "b": -1, "♯": 1, "♭": -1}
_NOTE = re.compile(r"([A-Ga-g])([#b♯♭]{0,2})")


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic (`root` 0 to 11, 0 = C) and one of MODES. Raises InvalidValue for others."""

    root: int
    mode: str = "major"

    def __post_init__(self) -> None:
        require_range("key root", self.root, 0, 11)
        require_choice("key mode", self.mode, tuple(MODES))

    def __str__(self) -> str:
        return f"{ROOT_NAMES[self.root]}:{self.mode}"

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the seven degrees, tonic first."""
        return tuple((self.root + step) % 12 for step in MODES[self.mode])

    @property
    def is_minor(self) -> bool:
        """True where the third above the tonic is minor."""
        return self.mode in MINOR_MODES

    @property
    def shift(self) -> int:
        """Semitones from C to the tonic by the shorter way: what a loop written on C is transposed by."""
        return nearest_transposition(0, self.root)

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read 'E:minor', 'F#:dorian', 'Em', 'Bb' or 'C major'; InvalidValue for anything else."""
        match = re.fullmatch(r"\s*([A-Ga-g][#b♯♭]{0,2})\s*[: ]?\s*([A-Za-z]*)\s*", text)
        if match is not None:
            word = match[2].lower() if match[2] != "M" else "major"
            mode = {"": "major", "m": "minor", "maj": "major", "min": "minor", "aeolian": "minor", "ionian": "major"}
            name = mode.get(word, word)
            if name in MODES:
                return cls(parse_note_name(match[1]), name)
        raise InvalidValue("bad_format", name="key", value=text, expected="a key such as E:minor, Bb:major or D:dorian")


@dataclass(frozen=True, slots=True)
class KeySignature:
    """What a score writes at its beginning: `fifths` sharps (negative: flats), and whether it says minor.

    Most programs never say minor, so a signature that does not leaves the relative minor open.
    """

    fifths: int
    minor: bool = False

    def __post_init__(self) -> None:
        require_range("sharps of a key signature", self.fifths, -7, 7)

    def __str__(self) -> str:
        return str(self.keys[0])

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys it may stand for, the one it names first."""
        major, minor = Key(7 * self.fifths % 12), Key((7 * self.fifths + 9) % 12, "minor")
        return (minor,) if self.minor else (major, minor)

    @classmethod
    def of_key(cls, key: Key) -> KeySignature:
        """The signature with the fewest signs of a major or minor key; other modes as their parent's."""
        tonic = (key.root + 3) % 12 if key.is_minor else key.root
        fifths = 7 * tonic % 12
        return cls(fifths - 12 if fifths > _MOST_SHARPS else fifths, key.is_minor)


def parse_note_name(text: str) -> int:
    """Pitch class of 'C', 'F#', 'Bb', 'e'; InvalidValue for anything else."""
    match = _NOTE.fullmatch(text.strip())
    if match is None:
        raise InvalidValue("bad_format", name="note name", value=text, expected="a letter A to G with # or b")
    return (_NATURAL[match[1].upper()] + sum(_SIGNS[sign] for sign in match[2])) % 12


def nearest_transposition(source_root: int, target_root: int) -> int:
    """Semitones (-5 to 6) that bring a tonic to another by the shorter way."""
    distance = (target_root - source_root) % 12
    return distance if distance <= 6 else distance - 12
