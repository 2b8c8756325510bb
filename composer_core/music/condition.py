"""What is asked of a generator. Everything but the instrument may be left 'not given' (None)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.affect import check_affect
from composer_core.music.genre import check_genre
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.loop import BARS_CHOICES
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM, COMMON_TIME, Meter, swing_percent_to_ratio

ASK_METERS = ("4/4", "3/4", "6/8", "5/4", "7/8")
SWING_GRIDS = (8, 16)
DEFAULT_TEMPO_BPM = 110.0


@dataclass(frozen=True, slots=True)
class Condition:
    """A request for one loop.

    `valence` -1 to 1, `arousal` 0 to 1 and `density` (onsets a quarter) are None when not
    given, as is an empty `genre` (weights over codes that add up to 1). `swing_percent` is
    the DAW percentage on the `swing_grid`; `humanise_percent` scales the performer's
    micro-offsets. Swing, tempo and humanise can change later without sampling again.
    Raises InvalidValue for anything out of range.
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
    humanise_percent: float = 50.0

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
        if self.density is not None:
            require_range("density", self.density, 0.25, 12.0, " onsets a quarter")
        swing_percent_to_ratio(self.swing_percent)
        require_choice("swing grid", self.swing_grid, SWING_GRIDS)
        require_range("humanise", self.humanise_percent, 0.0, 100.0, " %")

    @property
    def swing_ratio(self) -> float:
        """Long : short asked for, 1.0 straight."""
        return swing_percent_to_ratio(self.swing_percent)

    def changed(self, **changes: Any) -> Condition:
        """A copy with some fields replaced, checked again."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; `from_json` reads them back to an equal condition."""
        return {**asdict(self), "meter": str(self.meter), "genre": dict(self.genre)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Condition:
        """Read what `to_json` wrote; unknown fields raise InvalidValue."""
        known = {spec.name for spec in fields(cls)}
        for name in data:
            if name not in known:
                raise InvalidValue("unknown_option", name=name, where="condition", choices=", ".join(sorted(known)))
        return cls(**{**data, "meter": Meter.parse(data.get("meter", "4/4"))})
