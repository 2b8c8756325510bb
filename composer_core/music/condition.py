"""What is asked of a generator. Everything but the instrument may be left 'not given' (None)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.affect import check_affect
from composer_core.music.chords import Chord
from composer_core.music.genre import check_genre
from composer_core.music.instruments import GENERATED_INSTRUMENTS, PITCH_RANGE
from composer_core.music.key import Key
from composer_core.music.loop import BARS_CHOICES
from composer_core.music.technique import check_techniques
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM, COMMON_TIME, Meter, swing_percent_to_ratio

ASK_METERS = ("4/4", "3/4", "6/8", "5/4", "7/8")
SWING_GRIDS = (8, 16)
DEFAULT_TEMPO_BPM = 110.0
DEFAULT_HUMANISE_PERCENT = 100.0
"""As the performer plays. Half of it, on Groove MIDI's held-out requests, takes 27 points off the total: timing that
is nearer to the grid than any player's."""
PITCHED_FIELDS = ("key", "register", "chords")
"""Fields that say nothing to a drum kit."""
_NO_PITCH = "a drum kit has neither key nor chords"
MAX_SYNCOPATION = 40.0
COMPLEXITY_FULL = {"ioi_entropy": 3.0, "syncopation": 8.0}
"""What counts as full complexity of these metrics (bits; levels a bar); change between bars is the third part."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A request for one loop.

    `valence` -1 to 1, `arousal` 0 to 1, `density` (onsets a quarter), `syncopation` (the
    metric's levels a bar), `register` (mean pitch, MIDI note number) and `complexity` 0 to 1
    are None when not given, as are an absent `key`, an empty `genre` (weights over codes that
    add up to 1), no `technique` and no `chords` (one a bar, as they sound; a line that is
    shorter repeats where it divides the bars). Where no key is given the tonic is C.
    `swing_percent` is the DAW percentage on the `swing_grid`; `humanise_percent` scales the
    performer's micro-offsets. Swing, tempo and humanise can change later without sampling
    again. Raises InvalidValue for anything out of range and for what contradicts the instrument.
    """

    instrument: str
    bars: int = 4
    meter: Meter = COMMON_TIME
    tempo_bpm: float = DEFAULT_TEMPO_BPM
    valence: float | None = None
    arousal: float | None = None
    genre: Mapping[str, float] = field(default_factory=dict)
    density: float | None = None
    swing_percent: float = 50.0
    swing_grid: int = 8
    humanise_percent: float = DEFAULT_HUMANISE_PERCENT
    key: Key | None = None
    syncopation: float | None = None
    register: float | None = None
    complexity: float | None = None
    technique: tuple[str, ...] = ()
    chords: tuple[Chord, ...] = ()

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise InvalidValue("bad_format", name=spec.name, value=value, expected="a finite number")
        require_choice("instrument", self.instrument, GENERATED_INSTRUMENTS)
        require_choice("bars", self.bars, BARS_CHOICES)
        require_choice("metre", str(self.meter), ASK_METERS)
        require_range("tempo", self.tempo_bpm, ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM, " BPM")
        check_affect(self.valence, self.arousal)
        check_genre(self.genre)
        swing_percent_to_ratio(self.swing_percent)
        require_choice("swing grid", self.swing_grid, SWING_GRIDS)
        require_range("humanise", self.humanise_percent, 0.0, 100.0, " %")
        self._check_measures()
        self._check_pitch()
        check_techniques(self.instrument, self.technique)

    def _check_measures(self) -> None:
        limits = {
            "density": (0.25, 12.0, " onsets a quarter"),
            "syncopation": (0.0, MAX_SYNCOPATION, " levels a bar"),
            "complexity": (0.0, 1.0, ""),
        }
        for name, (low, high, unit) in limits.items():
            value = getattr(self, name)
            if value is not None:
                require_range(name, value, low, high, unit)

    def _check_pitch(self) -> None:
        """Key, register and chords fit the instrument, and the chord line the bars."""
        if self.instrument == "drums":
            for name in PITCHED_FIELDS:
                if getattr(self, name) not in (None, ()):
                    raise InvalidValue("contradiction", first=name, second="drums", reason=_NO_PITCH)
            return
        if self.register is not None:
            low, high = PITCH_RANGE[self.instrument]
            require_range(f"register of {self.instrument}", self.register, low, high, " (MIDI note number)")
        if self.chords and (len(self.chords) > self.bars or self.bars % len(self.chords)):
            reason = "a chord line gives one chord a bar, or repeats where it divides the bars"
            named = f"{len(self.chords)} chords"
            raise InvalidValue("contradiction", first=named, second=f"{self.bars} bars", reason=reason)

    @property
    def swing_ratio(self) -> float:
        """Long : short asked for, 1.0 straight."""
        return swing_percent_to_ratio(self.swing_percent)

    @property
    def chord_line(self) -> tuple[Chord | None, ...]:
        """One chord for every bar, a short line repeated; None a bar where no chords are given."""
        if not self.chords:
            return (None,) * self.bars
        return self.chords * (self.bars // len(self.chords))

    @property
    def shift(self) -> int:
        """Semitones that the notes, written on C, are transposed by; 0 where no key is given."""
        return self.key.shift if self.key is not None else 0

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the optional fields that are given, in the order of the class."""
        optional = ("valence", "arousal", "genre", "density", "key", "syncopation", "register", "complexity")
        values = {name: getattr(self, name) for name in (*optional, "technique", "chords")}
        return tuple(name for name, value in values.items() if value not in (None, (), {}))

    def changed(self, **changes: object) -> Condition:
        """A copy with some fields replaced, checked again."""
        values: dict[str, Any] = changes  # `replace` refuses an unknown name, and `__post_init__` a wrong value
        return replace(self, **values)

    def for_instrument(self, instrument: str) -> Condition:
        """The same request for another instrument of an ensemble.

        Techniques and register belong to one instrument and are left out; so are key and chords for drums.
        """
        changes: dict[str, Any] = {"technique": (), "register": None}
        if instrument == "drums":
            changes |= {"key": None, "chords": ()}
        return replace(self, instrument=instrument, **changes)

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON; `from_json` reads them back to an equal condition."""
        return {
            **asdict(self),
            "meter": str(self.meter),
            "genre": dict(self.genre),
            "key": str(self.key) if self.key is not None else None,
            "technique": list(self.technique),
            "chords": [[chord.root, chord.quality, chord.bass] for chord in self.chords],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Condition:
        """Read what `to_json` wrote; unknown fields raise InvalidValue."""
        known = {spec.name for spec in fields(cls)}
        for name in data:
            if name not in known:
                raise InvalidValue("unknown_option", name=name, where="condition", choices=", ".join(sorted(known)))
        given: Mapping[str, Any] = data
        key = given.get("key")
        read = {
            "meter": Meter.parse(given.get("meter", "4/4")),
            "key": Key.parse(key) if key is not None else None,
            "technique": tuple(given.get("technique", ())),
            "chords": tuple(Chord(*chord) for chord in given.get("chords", ())),
        }
        return cls(**{**given, **read})
