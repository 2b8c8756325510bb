"""Measure how usual a loop's metrics are: normal scores against human loops, and the distance of the most unusual.

Each metric is put on a normal scale by its quantiles among the reference loops of the same
number of bars, so that skewed metrics weigh as much as symmetric ones; beyond the outermost
quantiles the scale continues linearly, so that worse is always further. A metric undefined on the
loop counts as average if it is undefined for some human loops too, and as unusual if it never is.

The distance is that of the three most unusual metrics alone: damage of an unknown kind shows
in a few of them, and a sum over all (Mahalanobis' distance) hides it (docs/scores.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
PROBABILITIES = (0.01, 0.03, *(round(0.05 * step, 2) for step in range(1, 20)), 0.97, 0.99)
_NORMAL = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])
_AROUND = np.array([0.0, *PROBABILITIES, 1.0])
_LIMIT = 6.0
_RARELY_UNDEFINED, _UNUSUAL = 0.02, 3.0
_MIN_DEFINED = 20
_MOST_UNUSUAL = 3
_DIGITS = 5


class NormalScaleJson(TypedDict):
    """A `NormalScale` in a file; the quantiles of an unusable metric are None."""

    quantiles: list[list[float] | None]
    width: list[float]
    undefined_rate: list[float]


@dataclass(frozen=True, eq=False)
class NormalScale:
    """Quantiles (n_metrics, n_probabilities), tail widths and undefined rates (n_metrics,) of human loops."""

    quantiles: FloatArray
    width: FloatArray
    undefined_rate: FloatArray

    @classmethod
    def fit(cls, rows: FloatArray) -> NormalScale:
        """From the reference rows (n_loops, n_metrics); a metric with few values says nothing (all scores 0)."""
        quantiles = np.full((rows.shape[1], len(PROBABILITIES)), np.nan)
        for index, column in enumerate(rows.T):
            defined = column[~np.isnan(column)]
            if len(defined) >= _MIN_DEFINED:
                quantiles[index] = np.quantile(defined, PROBABILITIES)
        middle = quantiles[:, PROBABILITIES.index(0.9)] - quantiles[:, PROBABILITIES.index(0.1)]
        size = np.abs(quantiles).max(axis=1)
        width = np.maximum(middle / 2.56, 1e-3 * np.maximum(size, 1.0))
        return cls(quantiles, width, np.isnan(rows).mean(axis=0))

    def scores(self, rows: FloatArray) -> FloatArray:
        """Normal scores of rows (n_loops, n_metrics), at most 6 either way."""
        found = np.zeros(rows.shape)
        for index, (values, places) in self._curves:
            column = rows[:, index]
            score = np.interp(column, values, places)
            score += (np.maximum(column - values[-1], 0.0) + np.minimum(column - values[0], 0.0)) / self.width[index]
            missing = _UNUSUAL if self.undefined_rate[index] <= _RARELY_UNDEFINED else 0.0
            found[:, index] = np.where(np.isnan(column), missing, score)
        return np.minimum(np.maximum(found, -_LIMIT), _LIMIT)

    def percentile_ranks(self, row: FloatArray) -> FloatArray:
        """The share of human loops below each value of a row (n_metrics,), ties counted half; NaN where unknown.

        Below the outermost quantiles it is 0, above them 1.
        """
        found = np.full(len(row), np.nan)
        for index, quantiles in enumerate(self.quantiles):
            if not np.isnan(row[index]) and not np.isnan(quantiles[0]):
                values, first, count = np.unique(quantiles, return_index=True, return_counts=True)
                # Quantiles that are equal stand for all loops between their neighbours.
                shares = np.where(count > 1, (_AROUND[first] + _AROUND[first + count + 1]) / 2, _AROUND[first + 1])
                found[index] = np.interp(row[index], values, shares, left=0.0, right=1.0)
        return found

    @cached_property
    def _curves(self) -> list[tuple[int, tuple[FloatArray, FloatArray]]]:
        """Distinct quantiles of each usable metric with their normal scores (ties get the mean)."""
        curves = []
        for index, row in enumerate(self.quantiles):
            if not np.isnan(row[0]):
                values, which = np.unique(row, return_inverse=True)
                places = np.bincount(which, weights=_NORMAL) / np.bincount(which)
                curves.append((index, (values, places)))
        return curves

    def to_json(self) -> NormalScaleJson:
        """For JSON, five digits."""
        return {
            "quantiles": [None if np.isnan(row[0]) else rounded(row) for row in self.quantiles],
            "width": rounded(self.width),
            "undefined_rate": rounded(self.undefined_rate),
        }

    @classmethod
    def from_json(cls, value: NormalScaleJson) -> NormalScale:
        """What `to_json` gave."""
        empty = [np.nan] * len(PROBABILITIES)
        return cls(
            np.array([empty if row is None else row for row in value["quantiles"]], dtype=np.float64),
            np.array(value["width"], dtype=np.float64),
            np.array(value["undefined_rate"], dtype=np.float64),
        )


def distance(scores: FloatArray) -> FloatArray:
    """Root of the mean square of each row's three largest normal scores, either way; of fewer where there are fewer."""
    apart: FloatArray = np.sqrt(parts(scores).sum(axis=1))
    return apart


def parts(scores: FloatArray) -> FloatArray:
    """What each metric adds to the square of the distance (n_loops, n): nothing but for the three most unusual."""
    squares = np.square(scores)
    n_metrics = scores.shape[1]
    n_read = min(_MOST_UNUSUAL, n_metrics)
    largest = np.argsort(-squares, axis=1, kind="stable")[:, :n_read]
    found = np.zeros(scores.shape)
    np.put_along_axis(found, largest, np.take_along_axis(squares, largest, axis=1) / n_read, axis=1)
    return found


def rounded(values: FloatArray) -> list[float]:
    """The values (n,) to five digits, for JSON."""
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]
