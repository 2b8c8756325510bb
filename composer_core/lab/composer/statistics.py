"""Agreement of two columns of numbers, with bootstrap intervals; NaN where it is undefined."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
N_RESAMPLES = 1000
N_BINS = 20


def pearson(first: FloatArray, second: FloatArray) -> float:
    """Pearson's correlation; NaN for fewer than three pairs or a column that does not vary."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])


def spearman(first: FloatArray, second: FloatArray) -> float:
    """Pearson's correlation of ranks, ties sharing their mean rank."""
    return pearson(_ranks(first), _ranks(second))


def _ranks(values: FloatArray) -> FloatArray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


def ccc(first: FloatArray, second: FloatArray) -> float:
    """Lin's concordance: 2 cov / (var + var + (difference of means)^2); 1 only where both are equal."""
    if len(first) < 3:
        return math.nan
    apart = (first.mean() - second.mean()) ** 2
    covariance = float(((first - first.mean()) * (second - second.mean())).mean())
    whole = float(first.var() + second.var() + apart)
    return 2.0 * covariance / whole if whole else math.nan


def interval(
    measure: Callable[[FloatArray, FloatArray], float], first: FloatArray, second: FloatArray, seed: int = 0
) -> list[float] | None:
    """95 % bootstrap interval of a measure over pairs; None where it is not defined."""
    if len(first) < 3:
        return None
    rng = np.random.default_rng(seed)
    values = [measure(first[i], second[i]) for i in rng.integers(0, len(first), (N_RESAMPLES, len(first)))]
    finite = [value for value in values if math.isfinite(value)]
    return [float(v) for v in np.percentile(finite, [2.5, 97.5])] if finite else None


def overlap(first: Sequence[float], second: Sequence[float], bins: int = N_BINS) -> float:
    """Overlapping area of two histograms over their common range, 1 where they are alike; NaN without values.

    Source: Yang and Lerch 2020, with histograms in place of kernel densities.
    """
    one, other = (np.asarray([v for v in values if math.isfinite(v)]) for values in (first, second))
    if not len(one) or not len(other):
        return math.nan
    low, high = min(one.min(), other.min()), max(one.max(), other.max())
    if low == high:
        return 1.0
    shares = [np.histogram(values, bins, (low, high))[0] / len(values) for values in (one, other)]
    return float(np.minimum(*shares).sum())


def auc(low: Sequence[float], high: Sequence[float]) -> float:
    """Probability that a value of `high` exceeds one of `low`, ties half: the area under the ROC curve."""
    below, above = np.asarray(low)[:, None], np.asarray(high)[None, :]
    return float(np.mean((above > below) + 0.5 * (above == below)))
