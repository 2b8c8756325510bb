"""The request of the Generate page: what is shared by all instruments, what is set for each, and how many takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import DEFAULT_TEMPO_BPM, PITCHED_FIELDS
from composer_core.music.key import Key
from composer_core.music.timing import Meter

if TYPE_CHECKING:
    from composer_core.pipeline.generation.performance import Playing
    from composer_core.pipeline.models import ModelInfo


@dataclass(frozen=True, slots=True)
class Advanced:
    """The measures requested of every part, and the fields requested of each instrument alone."""

    measures: Mapping[str, float]
    alone: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class MusicRequest:
    """The request to the instruments together, and (in `advanced`) to each of them alone."""

    instruments: tuple[str, ...]
    models: Mapping[str, ModelInfo]
    valence: float | None
    arousal: float | None
    genre: dict[str, float]
    bars: int
    meter: Meter
    key: Key | None = None
    chords: tuple[Chord, ...] = ()
    advanced: Advanced = field(default_factory=lambda: Advanced({}, {}))

    @property
    def is_ready(self) -> bool:
        """True when an instrument is chosen and each has a model."""
        return bool(self.instruments) and set(self.models) == set(self.instruments)

    def condition(self, playing: Playing, instrument: str) -> Condition:
        """The condition of one of the instruments; InvalidValue for a value out of range or a contradiction."""
        pitched = instrument != "drums"
        measures = {
            name: value for name, value in self.advanced.measures.items() if pitched or name not in PITCHED_FIELDS
        }
        more: dict[str, Any] = {**measures, **self.advanced.alone.get(instrument, {})}
        return Condition(
            instrument,
            self.bars,
            self.meter,
            DEFAULT_TEMPO_BPM,
            self.valence,
            self.arousal,
            self.genre,
            key=self.key if pitched else None,
            chords=self.chords if pitched else (),
            **more,
        ).changed(
            tempo_bpm=playing.tempo_bpm,
            swing_percent=playing.swing_percent,
            swing_grid=playing.swing_grid,
            humanise_percent=playing.humanise_percent,
        )


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """The request for which Generate was pressed; `n_made` of its `takes` are finished."""

    asked: MusicRequest
    playing: Playing
    seed: int
    takes: int
    best_of: int
    n_made: int = 0
