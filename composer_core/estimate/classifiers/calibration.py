"""Calibrate probabilities so that they match observed rates, and measure how well they do.

Platt's scaling (1999): sigmoid(a x + b) of the log odds x, fitted on predictions of examples that
the model did not learn from. The expected calibration error (Naeini, Cooper and Hauskrecht
2015) is the mean gap between confidence and hit rate over ten equally wide bins, weighted by
how many predictions each holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
N_BINS = 10
_STEPS = 30
_RIDGE = 1e-3
_EDGE = 1e-6


class Platt(NamedTuple):
    """sigmoid(slope * log odds + shift)."""

    slope: float = 1.0
    shift: float = 0.0

    def apply(self, probability: FloatArray) -> FloatArray:
        """Calibrated probabilities, same shape."""
        return sigmoid(self.slope * log_odds(probability) + self.shift)


def log_odds(probability: FloatArray) -> FloatArray:
    """ln(p / (1 - p)), p kept within 1e-6 of 0 and 1."""
    inside = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + e^-x)."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0))))


def fit_platt(probability: FloatArray, truth: FloatArray) -> Platt:
    """The scaling with the least cross-entropy of held-out probabilities against 0 or 1, by Newton's method.

    A slight pull to the identity keeps it finite where the truth is all one or perfectly parted.
    """
    x = log_odds(probability)
    table = np.column_stack((x, np.ones(len(x))))
    start = np.array([1.0, 0.0])
    weights = start.copy()
    for _ in range(_STEPS):
        p = sigmoid(table @ weights)
        gradient = table.T @ (p - truth) + _RIDGE * len(x) * (weights - start)
        curvature = (table * (p * (1 - p))[:, None]).T @ table + _RIDGE * len(x) * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < _EDGE:
            break
    return Platt(round(float(weights[0]), 5), round(float(weights[1]), 5))


def calibration_error(confidence: FloatArray, hit: FloatArray) -> float:
    """Expected calibration error of confidences (0 to 1) against hits (0 or 1). NaN of nothing."""
    if not len(confidence):
        return float("nan")
    index = np.minimum((np.asarray(confidence) * N_BINS).astype(np.int64), N_BINS - 1)
    count = np.bincount(index, minlength=N_BINS)
    gap = np.bincount(index, weights=np.asarray(confidence) - np.asarray(hit, dtype=np.float64), minlength=N_BINS)
    return float(np.abs(gap).sum() / count.sum())


def cross_calibrated(probability: FloatArray, truth: FloatArray, fold: NDArray[np.int64]) -> FloatArray:
    """Held-out probabilities, each fold's calibrated by a scaling fitted on the other folds."""
    found = np.array(probability, dtype=np.float64)
    for number in np.unique(fold):
        inside = fold == number
        if (~inside).any():
            found[inside] = fit_platt(probability[~inside], truth[~inside]).apply(probability[inside])
    return found
