"""Complexity of a loop: one number computed from metrics that are measured anyway."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

COMPLEXITY_FULL = {"ioi_entropy": 3.0, "syncopation": 8.0}
"""What counts as full complexity of these metrics (bits; levels a bar); change between bars is the third part."""


def complexity(metrics: Mapping[str, float]) -> float | None:
    """0 to 1: mean of rhythmic variety, syncopation and change from bar to bar, each as a share of plenty.

    ioi_entropy / 3 bits, syncopation / 8 levels a bar (both at most 1) and 1 - groove_consistency;
    those that are undefined are left out, None where all are.
    """
    parts = [min(1.0, metrics[name] / full) for name, full in COMPLEXITY_FULL.items()]
    parts.append(1.0 - metrics["groove_consistency"])
    known = [value for value in parts if np.isfinite(value)]
    return float(np.mean(known)) if known else None
