"""Musical time: ticks, metres, swing. Every time carries its unit in its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer_core.errors import InvalidValue, require_range

TICKS_PER_QUARTER = 480
STEPS_PER_QUARTER = 12
"""The composer's grid: 12 slots a quarter hold 16ths (every 3rd) and 8th triplets (every 4th)."""
TICKS_PER_STEP = TICKS_PER_QUARTER // STEPS_PER_QUARTER
EARLY_TICK = TICKS_PER_QUARTER // 8
"""A note this much before a bar line still belongs to the bar it anticipates."""
BARS_CHOICES = (1, 2, 4, 8)
"""How many bars a loop of the library or of a generator has."""
MIN_TEMPO_BPM, MAX_TEMPO_BPM = 5.0, 1000.0
"""What a stored loop may hold."""
ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM = 30.0, 300.0
"""What may be asked of a generator."""
MIN_SWING_PERCENT, MAX_SWING_PERCENT = 50.0, 80.0
"""50 is straight, 66.7 triplet, 75 dotted, 80 a ratio of 4."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature. 6/8, 9/8 and 12/8 count dotted quarters as beats, all others their denominator."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        require_range("metre numerator", self.numerator, 1, 255)
        if self.denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise InvalidValue(
                "unknown_choice",
                name="metre denominator",
                value=self.denominator,
                choices="1, 2, 4, 8, 16, 32, 64",
            )

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def bar_tick(self) -> int:
        """Length of a bar in ticks."""
        return TICKS_PER_QUARTER * 4 * self.numerator // self.denominator

    @property
    def compound(self) -> bool:
        """True where a beat divides into three: 6/8, 9/8, 12/8."""
        return self.denominator == 8 and self.numerator % 3 == 0 and self.numerator > 3

    @property
    def beat_tick(self) -> int:
        """Length of a beat in ticks."""
        return TICKS_PER_QUARTER * 3 // 2 if self.compound else TICKS_PER_QUARTER * 4 // self.denominator

    @property
    def quarters_per_bar(self) -> float:
        """Length of a bar in quarters."""
        return self.bar_tick / TICKS_PER_QUARTER

    @classmethod
    def parse(cls, text: str) -> Meter:
        """Read '7/8' or '7-8'; raises InvalidValue for anything else."""
        match = re.fullmatch(r"\s*(\d{1,3})\s*[/-]\s*(\d{1,2})\s*", text)
        if match is None:
            raise InvalidValue("bad_format", name="metre", value=text, expected="a metre such as 4/4 or 7/8")
        return cls(int(match[1]), int(match[2]))


COMMON_TIME = Meter(4, 4)


def swing_percent_to_ratio(percent: float) -> float:
    """DAW swing percentage (50 straight, 66.7 triplet) to long : short. ratio = p / (100 - p)."""
    require_range("swing", percent, MIN_SWING_PERCENT, MAX_SWING_PERCENT, " %")
    return percent / (100.0 - percent)


def swing_ratio_to_percent(ratio: float) -> float:
    """Long : short to DAW percentage. percent = 100 r / (1 + r)."""
    return 100.0 * ratio / (1.0 + ratio)


def ticks_to_ms(tick: float, tempo_bpm: float) -> float:
    """Ticks to milliseconds at a constant tempo (quarters per minute)."""
    return tick * 60_000.0 / (tempo_bpm * TICKS_PER_QUARTER)


def ms_to_ticks(ms: float, tempo_bpm: float) -> float:
    """Milliseconds to (fractional) ticks at a constant tempo."""
    return ms * tempo_bpm * TICKS_PER_QUARTER / 60_000.0
