"""Statistics that metrics share: spread within groups, what groups explain, memory from note to note."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.grid import FloatArray, IndexArray

_NO_SPREAD = 1e-6


def entropy_bits(counts: np.ndarray) -> float:
    """Shannon entropy in bits of a histogram with at least one entry."""
    share = counts[counts > 0] / counts.sum()
    return max(0.0, -float((share * np.log2(share)).sum()))


def spread_of_groups(values: FloatArray, group: IndexArray, n_groups: int) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (over n) of each group, NaN for empty ones."""
    count = np.bincount(group, minlength=n_groups).astype(np.float64)
    count[count == 0] = np.nan
    mean = np.bincount(group, weights=values, minlength=n_groups) / count
    residual = values - mean[group]
    return mean, np.sqrt(np.bincount(group, weights=residual * residual, minlength=n_groups) / count)


def explained_share(values: FloatArray, group: IndexArray) -> float:
    """Share of the variance that lies between groups (eta squared); NaN when the values do not vary."""
    centred = values - values.sum() / len(values)
    total = float(centred @ centred)
    if total <= _NO_SPREAD * len(values):
        return math.nan
    count = np.bincount(group)
    sums = np.bincount(group, weights=centred)
    used = count > 0
    return min(1.0, float((sums[used] ** 2 / count[used]).sum()) / total)


def memory(values: FloatArray) -> float:
    """Correlation of neighbours around the circle, -1 to 1; NaN when the values do not vary."""
    if not len(values):
        return math.nan
    centred = values - values.sum() / len(values)
    total = float(centred @ centred)
    if total <= _NO_SPREAD * len(values):
        return math.nan
    return (float(centred[:-1] @ centred[1:]) + float(centred[-1] * centred[0])) / total
