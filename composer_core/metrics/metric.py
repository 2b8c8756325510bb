"""The type of one metric in the table of metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composer_core.metrics.analysis import Analysis
from composer_core.music.loop import Loop

PITCHED = ("bass", "guitar", "piano", "strings", "other")


@dataclass(frozen=True, slots=True)
class Metric:
    """A named measure of a loop: how it is computed, its unit and range, and its source.

    `read` takes the shared analysis of a loop and returns the value, NaN when undefined.
    `low` and `high` bound every value. `instruments` is None when all have it.
    """

    name: str
    family: str
    read: Callable[[Analysis], float]
    unit: str
    low: float
    high: float
    source: str
    name_en: str
    name_ja: str
    meaning_en: str
    meaning_ja: str
    instruments: tuple[str, ...] | None = None

    @property
    def doc(self) -> str:
        """Formula and conventions, taken from the function's docstring."""
        return self.read.__doc__ or ""

    def function(self, loop: Loop) -> float:
        """The value for one loop alone."""
        return float(self.read(Analysis(loop)))

    def applies_to(self, instrument: str) -> bool:
        """True when loops of the instrument have this metric."""
        return self.instruments is None or instrument in self.instruments
