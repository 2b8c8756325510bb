"""Measure the numeric fields of a condition on a loop: for training windows, and to compare takes with requests."""

from __future__ import annotations

import math
from collections.abc import Mapping

from composer_core.estimate import estimate_affect
from composer_core.metrics import complexity
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import MEASURES

UNMEASURED = 4.0
"""The misfit of a requested field that cannot be measured."""


def measured_fields(metrics: Mapping[str, float], instrument: str) -> dict[str, float | None]:
    """Each number of MEASURES out of the metrics of a loop, in the unit of its field; None or NaN where it does not
    apply."""
    valence, arousal = estimate_affect(metrics, instrument)
    made = {"valence": valence, "arousal": arousal, "complexity": complexity(metrics)}
    return {
        name: made[measure.metric] if measure.metric in made else metrics.get(measure.metric)
        for name, measure in MEASURES.items()
    }


def misfits(condition: Condition, measured: Mapping[str, float | None]) -> dict[str, float]:
    """How far the measured numbers are from those asked for, 0 for a perfect fit; fields not given, and those that are
    not compared, are absent."""
    found: dict[str, float] = {}
    for name, measure in MEASURES.items():
        asked, value = getattr(condition, name), measured[name]
        if asked is not None and measure.miss:
            misfit = measure.misfit(math.nan if value is None else value, asked)
            found[name] = UNMEASURED if math.isnan(misfit) else misfit
    return found
