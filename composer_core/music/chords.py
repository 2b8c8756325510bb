"""Chords: a root and a quality, read from symbols or roman numerals, and recognised in notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.key import MODES, ROOT_NAMES, Key, parse_note_name
from composer_core.music.loop import Notes

FloatArray = NDArray[np.float64]

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "5": (0, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "minmaj7": (0, 3, 7, 11),
    "hdim7": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "add9": (0, 2, 4, 7),
    "minadd9": (0, 2, 3, 7),
    "9": (0, 2, 4, 7, 10),
    "min9": (0, 2, 3, 7, 10),
    "maj9": (0, 2, 4, 7, 11),
}
"""Semitones above the root of each quality."""
TRIADS = ("maj", "min", "dim", "aug", "sus2", "sus4", "5")
_SUFFIX = {
    "maj": "", "min": "m", "dim": "dim", "aug": "aug", "sus2": "sus2", "sus4": "sus4", "5": "5", "7": "7",
    "maj7": "maj7", "min7": "m7", "minmaj7": "mM7", "hdim7": "m7b5", "dim7": "dim7", "6": "6", "min6": "m6",
    "add9": "add9", "minadd9": "madd9", "9": "9", "min9": "m9", "maj9": "maj9",
}  # fmt: skip
_SPELLINGS = {
    **{suffix: quality for quality, suffix in _SUFFIX.items()},
    **{quality: quality for quality in QUALITIES},
    "M": "maj", "-": "min", "o": "dim", "°": "dim", "+": "aug", "sus": "sus4", "dom7": "7", "M7": "maj7", "Δ": "maj7",
    "-7": "min7", "ø": "hdim7", "ø7": "hdim7", "°7": "dim7", "o7": "dim7", "69": "6", "M6": "6", "M9": "maj9",
    "mmaj7": "minmaj7", "7sus4": "sus4", "-5": "5", "M-5": "5", "add2": "add9",
}  # fmt: skip
_SYMBOL = re.compile(r"([A-G][#b♯♭]{0,2})([^/]*)(?:/([A-G][#b♯♭]{0,2}))?")
_ROMAN = re.compile(r"([#b♯♭]?)([IV]+|[iv]+)([^/]*)(?:/([#b♯♭]?)([IV]+|[iv]+))?")
_DEGREES = {"I": 0, "II": 1, "III": 2, "IV": 3, "V": 4, "VI": 5, "VII": 6}
_MINOR_OF = {"maj": "min", "7": "min7", "9": "min9", "6": "min6", "add9": "minadd9", "maj7": "minmaj7"}


@dataclass(frozen=True, slots=True)
class Chord:
    """A root (0 to 11, 0 = C) and a quality out of QUALITIES; `bass` is another lowest pitch class or None."""

    root: int
    quality: str = "maj"
    bass: int | None = None

    def __post_init__(self) -> None:
        require_range("chord root", self.root, 0, 11)
        require_choice("chord quality", self.quality, tuple(QUALITIES))

    def __str__(self) -> str:
        slash = "" if self.bass is None else f"/{ROOT_NAMES[self.bass]}"
        return f"{ROOT_NAMES[self.root]}{_SUFFIX[self.quality]}{slash}"

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes of its notes, root first."""
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])

    @property
    def triad(self) -> Chord:
        """The chord without what lies above its fifth."""
        third = {3: "min", 4: "maj"}.get(next((s for s in QUALITIES[self.quality] if s in (3, 4)), 0))
        if self.quality in TRIADS or third is None:
            return Chord(self.root, self.quality)
        return Chord(self.root, "dim" if 6 in QUALITIES[self.quality] else third)

    @property
    def is_minor(self) -> bool:
        """True with a minor third."""
        return 3 in QUALITIES[self.quality]

    def transposed(self, semitones: int) -> Chord:
        """The chord moved by semitones."""
        bass = None if self.bass is None else (self.bass + semitones) % 12
        return Chord((self.root + semitones) % 12, self.quality, bass)

    @classmethod
    def parse(cls, text: str) -> Chord:
        """Read a symbol such as 'Em', 'F#m7b5', 'Bbmaj7' or 'C/E'; InvalidValue for anything else."""
        match = _SYMBOL.fullmatch(text.strip())
        if match is None or match[2] not in _SPELLINGS:
            raise InvalidValue("bad_format", name="chord", value=text, expected="a chord such as Em, G7, F#m7b5 or C/E")
        bass = parse_note_name(match[3]) if match[3] else None
        return cls(parse_note_name(match[1]), _SPELLINGS[match[2]], bass)

    @classmethod
    def from_roman(cls, text: str, key: Key) -> Chord:
        """Read a numeral such as 'i', 'VI', 'V7', 'bVII', 'vii°' or 'V7/V' in a key.

        Without a sign a numeral is the key's own degree (VI of a minor key lies 8 semitones up), # raises
        that degree (#vii° of a minor key leads to its tonic), and b lowers the major scale's, as songbooks
        write it (bVII lies 10 semitones up in every key). Lower case is minor. InvalidValue for anything else.
        """
        match = _ROMAN.fullmatch(text.strip())
        if match is None or match[2].upper() not in _DEGREES:
            raise InvalidValue("bad_format", name="chord", value=text, expected="a numeral such as i, VI, V7 or bVII")
        if match[5]:
            home = cls.from_roman(f"{match[4]}{match[5]}", key)
            return cls.from_roman(f"{match[1]}{match[2]}{match[3]}", Key(home.root, "major"))
        sign = {"#": 1, "♯": 1, "b": -1, "♭": -1, "": 0}[match[1]]
        scale = MODES["major"] if sign < 0 else MODES[key.mode]
        root = (key.root + scale[_DEGREES[match[2].upper()]] + sign) % 12
        return cls(root, _roman_quality(match[3], match[2].islower(), text))

    def roman(self, key: Key) -> str:
        """The numeral in a key, as `from_roman` reads it; what lies outside the scale carries a b or #."""
        step = (self.root - key.root) % 12
        scale = MODES[key.mode]
        if step in scale:
            sign, degree = "", scale.index(step)
        else:
            major = MODES["major"]
            sign, degree = ("b", major.index(step + 1)) if step + 1 in major else ("#", scale.index(step - 1))
        numeral = list(_DEGREES)[degree]
        if self.is_minor:
            suffix = {"min": "", "min7": "7", "min9": "9", "min6": "6", "minadd9": "add9", "hdim7": "ø7", "dim": "°"}
            return sign + numeral.lower() + suffix.get(self.quality, _SUFFIX[self.quality])
        return sign + numeral + _SUFFIX[self.quality]


def _roman_quality(suffix: str, lower: bool, text: str) -> str:
    quality = _SPELLINGS.get(suffix)
    if quality is None:
        raise InvalidValue("bad_format", name="chord", value=text, expected="a numeral such as i, VI, V7 or bVII")
    if lower and suffix not in ("M", "maj"):
        return _MINOR_OF.get(quality, quality)
    return quality


def parse_progression(text: str, key: Key) -> tuple[Chord, ...]:
    """Chords separated by spaces, bars or commas: all symbols ('Em C G D') or all numerals ('i VI III VII').

    Raises InvalidValue for an empty text, an unknown chord or a mixture.
    """
    words = [word for word in re.split(r"[\s,|]+", text.strip()) if word]
    if not words:
        raise InvalidValue(
            "bad_format", name="chords", value=text, expected="chords such as 'Em C G D' or 'i VI III VII'"
        )
    roman = [_ROMAN.fullmatch(word) is not None for word in words]
    if any(roman) and not all(roman):
        raise InvalidValue("bad_format", name="chords", value=text, expected="either symbols or numerals, not both")
    try:
        return tuple(Chord.from_roman(word, key) if roman[0] else Chord.parse(word) for word in words)
    except InvalidValue as error:  # who types a line may have meant either
        expected = "a chord such as Em, G7 or C/E, or a numeral such as i, VI or bVII"
        raise InvalidValue("bad_format", name="chord", value=error.values["value"], expected=expected) from error


def parse_chord_line(text: str, key: Key | None) -> tuple[tuple[Chord, ...], Key | None]:
    """`parse_progression` where no key may be given: the chords and the key to ask for with them.

    Symbols without a key bring the key that fits them best; numerals are then read on C (in
    minor where the line holds a numeral i) and no key is asked for.
    """
    words = [word for word in re.split(r"[\s,|]+", text.strip()) if word]
    if key is not None or not words:
        return parse_progression(text, key or Key(0)), key
    if all(_ROMAN.fullmatch(word) for word in words):
        minor = any(re.match(r"i(?![iv])", word) for word in words)
        return parse_progression(text, Key(0, "minor" if minor else "major")), None
    chords = parse_progression(text, Key(0))
    return chords, key_of_chords(chords)


def key_of_chords(chords: Sequence[Chord]) -> Key:
    """The major or minor key whose scale holds most chord tones; the first chord as tonic breaks ties."""

    def fit(key: Key) -> tuple[int, bool, bool]:
        """Chord tones inside the scale; whether the first chord is the tonic chord; whether it stands on the tonic."""
        inside = sum(tone in key.scale for chord in chords for tone in chord.pitch_classes)
        is_tonic = chords[0].root == key.root
        return inside, is_tonic and chords[0].is_minor == key.is_minor, is_tonic

    return max((Key(root, mode) for mode in ("major", "minor") for root in range(12)), key=fit)


def diatonic_chords(key: Key, sevenths: bool = False) -> tuple[Chord, ...]:
    """The seven chords built in thirds on the key's degrees."""
    scale = key.scale
    found = []
    for degree in range(7):
        steps = tuple((scale[(degree + 2 * i) % 7] - scale[degree]) % 12 for i in range(4 if sevenths else 3))
        found.append(Chord(scale[degree], next(name for name, tones in QUALITIES.items() if tones == steps)))
    return tuple(found)


RECOGNISED = ("maj", "min", "dim", "aug", "sus4", "7", "maj7", "min7", "hdim7")
"""Qualities `recognise` chooses from."""
_MISSING, _OUTSIDE, _BASS, _COMPLEX = 0.12, 0.55, 0.25, 0.06


def _template_table() -> tuple[FloatArray, FloatArray]:
    """(12 * n, 12) chord tones as 0 and 1, and each template's fixed penalty for its size."""
    rows = np.zeros((12 * len(RECOGNISED), 12))
    penalty = np.zeros(len(rows))
    for index, quality in enumerate(RECOGNISED):
        for root in range(12):
            rows[index * 12 + root, [(root + step) % 12 for step in QUALITIES[quality]]] = 1.0
            penalty[index * 12 + root] = _COMPLEX * (len(QUALITIES[quality]) - 3) + (
                _COMPLEX if quality in ("dim", "aug", "sus4") else 0.0
            )
    return rows, penalty


_TEMPLATES, _SIZE_PENALTY = _template_table()


def recognise(weight: FloatArray, bass: FloatArray | None = None) -> list[Chord | None]:
    """The chord of each row of pitch-class weights (n, 12); None for a row with fewer than two pitch classes.

    Each template scores the share of the weight inside it minus 0.55 of the share outside, minus 0.12 a
    chord tone that is missing, plus 0.25 times the share of the bass weight (n, 12) on its root; larger and
    rarer qualities pay 0.06. (Template matching as in Fujishima 1999, with a bass term.)
    """
    total = weight.sum(axis=1, keepdims=True)
    share = weight / np.maximum(total, 1e-9)
    inside = share @ _TEMPLATES.T
    present = (share > 0.03).astype(np.float64)
    missing = _TEMPLATES.sum(axis=1) - present @ _TEMPLATES.T
    score = inside - _OUTSIDE * (1.0 - inside) - _MISSING * missing - _SIZE_PENALTY
    if bass is not None:
        bass_share = bass / np.maximum(bass.sum(axis=1, keepdims=True), 1e-9)
        score = score + _BASS * np.tile(bass_share, (1, len(RECOGNISED)))
    best = score.argmax(axis=1)
    enough = (present.sum(axis=1) >= 2) & (total[:, 0] > 0)
    return [
        Chord(int(index) % 12, RECOGNISED[int(index) // 12]) if ok else None
        for index, ok in zip(best, enough, strict=True)
    ]


def pitch_class_weights(notes: Notes, bars: int, bar_tick: int) -> tuple[FloatArray, FloatArray]:
    """Ticks that each pitch class sounds in each bar, (bars, 12), and the same of each bar's lowest notes.

    The lowest notes are those within a fourth of the lowest pitch that sounds in the bar. Early notes
    count to the first bar; a note that rings over a bar line counts in both.
    """
    weight = np.zeros((bars, 12))
    bass = np.zeros((bars, 12))
    if not len(notes):
        return weight, bass
    start = np.maximum(notes.onset_tick, 0).astype(np.float64)
    end = np.minimum(notes.onset_tick + notes.duration_tick, bars * bar_tick).astype(np.float64)
    pitch = notes.pitch
    for bar in range(bars):
        low, high = bar * bar_tick, (bar + 1) * bar_tick
        ticks = np.minimum(end, high) - np.maximum(start, low)
        sounding = ticks > 0
        if not sounding.any():
            continue
        weight[bar] = np.bincount(pitch[sounding] % 12, weights=ticks[sounding], minlength=12)
        deep = sounding & (pitch <= pitch[sounding].min() + 5)
        bass[bar] = np.bincount(pitch[deep] % 12, weights=ticks[deep], minlength=12)
    return weight, bass


def chords_of(parts: Sequence[Notes], bars: int, bar_tick: int) -> list[Chord | None]:
    """One chord per bar of parts that sound together (drums left out by the caller)."""
    weight = np.zeros((bars, 12))
    lowest: tuple[float, FloatArray] | None = None
    for notes in parts:
        own, bass = pitch_class_weights(notes, bars, bar_tick)
        weight += own
        if len(notes) and (lowest is None or float(notes.pitch.mean()) < lowest[0]):
            lowest = float(notes.pitch.mean()), bass
    return recognise(weight, None if lowest is None else lowest[1])
