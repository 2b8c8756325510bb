"""Measure a loop: numbers with units. Pure: dataclasses and numpy only."""

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.complexity import complexity
from composer_core.metrics.fingerprint import (
    FINGERPRINT_SIZE,
    code_distances,
    fingerprint_codes,
    fingerprint_distance,
    fingerprint_distances,
    rhythm_fingerprint,
)
from composer_core.metrics.metric import Metric
from composer_core.metrics.registry import FAMILIES, METRICS, chords_of, measure, measure_analysis, swing_phase

__all__ = [
    "FAMILIES",
    "FINGERPRINT_SIZE",
    "METRICS",
    "Analysis",
    "Metric",
    "chords_of",
    "code_distances",
    "complexity",
    "fingerprint_codes",
    "fingerprint_distance",
    "fingerprint_distances",
    "measure",
    "measure_analysis",
    "rhythm_fingerprint",
    "swing_phase",
]
