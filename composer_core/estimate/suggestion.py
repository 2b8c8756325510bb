"""The suggestion of an estimator for a field of a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from composer_core.store.labels.records import LabelValue


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value with how sure the estimator is (0 to 1), why, and which estimator it was.

    `reasons` are codes for the text dictionary: "metric:onset_density:+" (what was measured
    raises the value, or speaks for it), "metric:velocity_mean:-" (lowers it), "cue:register:+" (several features
    together), or "rule:flam".
    """

    value: LabelValue
    confidence: float
    reasons: tuple[str, ...]
    source: str

    @property
    def codes(self) -> list[str]:
        """The value of a set, such as techniques."""
        return cast(list[str], self.value)

    @property
    def weights(self) -> dict[str, float]:
        """The value of a field of weights, which genre is."""
        return cast(dict[str, float], self.value)
