"""Loop -> numbers with units. Pure: dataclasses and numpy only."""

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.groove import fingerprint_distance, fingerprint_distances, fingerprint_of, rhythm_fingerprint
from composer_core.metrics.metric import Metric
from composer_core.metrics.registry import FAMILIES, METRICS, chords_of, measure, measure_analysis, swing_phase

__all__ = [
    "FAMILIES",
    "METRICS",
    "Analysis",
    "Metric",
    "chords_of",
    "fingerprint_distance",
    "fingerprint_distances",
    "fingerprint_of",
    "measure",
    "measure_analysis",
    "rhythm_fingerprint",
    "swing_phase",
]
