"""Multinomial logistic regression in numpy: fit, probabilities, temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

_LEARNING_RATE, _DECAY, _SQUARE_DECAY, _TINY = 0.05, 0.9, 0.999, 1e-8
_TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(5.0), 60))


def probabilities(features: FloatArray, weights: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Class probabilities (n, classes) of standardised features (n, f); weights (f + 1, classes), bias last."""
    logits = (features @ weights[:-1] + weights[-1]) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def fit(
    features: FloatArray, classes: IndexArray, n_classes: int, share: FloatArray, l2: float, steps: int
) -> FloatArray:
    """Weights (f + 1, n_classes) that minimise weighted cross-entropy + l2 / 2 |w|^2, by full-batch Adam.

    `share` weights the rows. Starts from zero, so the result depends on nothing but its arguments.
    """
    table = np.column_stack((features, np.ones(len(features))))
    target = np.eye(n_classes)[classes]
    share = share[:, None] / share.sum()
    weights = np.zeros((table.shape[1], n_classes))
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        slope = table.T @ ((probabilities(features, weights) - target) * share)
        slope[:-1] += l2 * weights[:-1]
        first = _DECAY * first + (1 - _DECAY) * slope
        second = _SQUARE_DECAY * second + (1 - _SQUARE_DECAY) * slope * slope
        move = first / (1 - _DECAY**step) / (np.sqrt(second / (1 - _SQUARE_DECAY**step)) + _TINY)
        weights -= _LEARNING_RATE * move
    return weights


def cross_entropy(shares: FloatArray, classes: IndexArray, weight: FloatArray) -> float:
    """Weighted mean of -ln p of the true class, in nats."""
    true = np.maximum(shares[np.arange(len(classes)), classes], _TINY)
    return float(-(weight * np.log(true)).sum() / weight.sum())


def best_temperature(shares: FloatArray, classes: IndexArray, weight: FloatArray) -> float:
    """The temperature, 0.5 to 5, with the least cross-entropy of held-out probabilities at temperature 1."""
    logits = np.log(np.maximum(shares, _TINY))
    losses = []
    for temperature in _TEMPERATURES:
        scaled = np.exp(logits / temperature)
        losses.append(cross_entropy(scaled / scaled.sum(axis=1, keepdims=True), classes, weight))
    return round(float(_TEMPERATURES[int(np.argmin(losses))]), 4)
