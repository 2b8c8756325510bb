"""The condition of a generator: the request for one loop. Everything but the instrument may be 'not given' (None)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from composer_core.errors import InvalidValue, require_choice
from composer_core.music.chords import Chord
from composer_core.music.condition_fields import (
    DEFAULT_HUMANISE_PERCENT,
    DEFAULT_TEMPO_BPM,
    FIELD,
    FIELDS,
    PITCHED_FIELDS,
)
from composer_core.music.genre import check_genre
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key import Key
from composer_core.music.technique import check_techniques
from composer_core.music.timing import COMMON_TIME, Meter, swing_percent_to_ratio

_NO_PITCH = "a drum kit has neither key nor chords"
_NULL_IN_JSON = ("valence", "arousal", "density", "key", "syncopation", "register", "complexity")
"""Fields that JSON holds also when they are not given. Later ones are left out: the name of a take is a digest of its
condition's JSON, and a request keeps its name when a field is added that it does not use."""


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
        require_choice("instrument", self.instrument, GENERATED_INSTRUMENTS)
        for declared in FIELDS:
            declared.check(getattr(self, declared.name), self.instrument)
        check_genre(self.genre)
        self._refuse_pitch_of_drums()
        self._check_chords()
        check_techniques(self.instrument, self.technique)

    def _refuse_pitch_of_drums(self) -> None:
        for name in PITCHED_FIELDS:
            if self.instrument == "drums" and getattr(self, name) not in (None, ()):
                raise InvalidValue("contradiction", first=FIELD[name].called, second="drums", reason=_NO_PITCH)

    def _check_chords(self) -> None:
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
        return tuple(name for name in OPTIONAL_FIELDS if getattr(self, name) != FIELD[name].not_given)

    def changed(self, **changes: object) -> Condition:
        """A copy with some fields replaced, checked again."""
        values: dict[str, Any] = changes  # `replace` refuses an unknown name, and `__post_init__` a wrong value
        return replace(self, **values)

    def for_instrument(self, instrument: str) -> Condition:
        """The same request for another instrument of an ensemble.

        Techniques and register belong to one instrument and are left out; so are key and chords for drums.
        """
        left_out: dict[str, Any] = {
            declared.name: declared.not_given
            for declared in FIELDS
            if declared.stands_alone or (declared.pitched and instrument == "drums")
        }
        return replace(self, instrument=instrument, **left_out)

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON; `from_json` reads them back to an equal condition."""
        plain = asdict(self)
        kept = {name: value for name, value in plain.items() if value is not None or name in _NULL_IN_JSON}
        return {
            **kept,
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


OPTIONAL_FIELDS = tuple(spec.name for spec in fields(Condition) if spec.name in FIELD and FIELD[spec.name].optional)
"""Fields that may be left 'not given', in the order of the class: models name what they learnt in this order."""
