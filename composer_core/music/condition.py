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
"""Fields that are written to JSON even when they are not given. Later fields are then left out: the id of a take is a
digest of its condition's JSON, so a request that does not use a new field keeps its ids."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A request for one loop.

    These fields are None when not given: `valence` -1 to 1, `arousal` 0 to 1, `density` (onsets
    per quarter), `syncopation` (the metric's levels per bar), `register` (mean pitch, MIDI note
    number), `complexity` 0 to 1, and `key`, without which the tonic is C.
    These are empty when not given: `genre` (weights of codes, which add up to 1), `technique`, and
    `chords` (one per bar, as they sound; a shorter line repeats, if its length divides the bars).
    `swing_percent` is the DAW percentage on the `swing_grid`; `humanise_percent` scales the
    performer's micro-offsets. Tempo, swing and humanise can change later without sampling again.
    InvalidValue for a value out of range, and for a field that contradicts the instrument.
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
        """The requested swing as long : short; 1.0 is straight."""
        return swing_percent_to_ratio(self.swing_percent)

    @property
    def chord_line(self) -> tuple[Chord | None, ...]:
        """One chord for every bar, with a short line repeated; None for every bar when no chords are given."""
        if not self.chords:
            return (None,) * self.bars
        return self.chords * (self.bars // len(self.chords))

    @property
    def shift(self) -> int:
        """How many semitones the notes, written on C, are transposed up; 0 when no key is given."""
        return self.key.shift if self.key is not None else 0

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the optional fields that are given, in the order of the class."""
        return tuple(name for name in OPTIONAL_FIELDS if getattr(self, name) != FIELD[name].not_given)

    def changed(self, **changes: object) -> Condition:
        """A copy with some fields replaced, checked again."""
        values: dict[str, Any] = changes  # `replace` refuses an unknown name, and `__post_init__` a wrong value
        return replace(self, **values)

    def for_instrument(self, instrument: str) -> Condition:
        """The same request for another instrument of an ensemble.

        Techniques and register belong to one instrument and are left out; for drums, key and chords are left out too.
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
"""The fields that may be 'not given', in the order of the class, in which models list the fields they learnt."""
