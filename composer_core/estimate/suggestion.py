"""What an estimator says of a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value with how sure the estimator is (0 to 1), why, and which estimator it was.

    `reasons` are codes for the text dictionary: "metric:onset_density:+" (what was measured
    raises the value, or speaks for it), "metric:velocity_mean:-" (lowers it), "cue:register:+" (several features
    together), or "rule:flam".
    """

    value: Any
    confidence: float
    reasons: tuple[str, ...]
    source: str
