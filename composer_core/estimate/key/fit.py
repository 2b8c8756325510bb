"""Fitting the weights of the key estimator: cross-entropy by Adam, shared over the twelve roots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.key.estimator import all_roots, softmax
from composer_core.estimate.key.features import N_FEATURES, TURNS

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

EPOCHS, BATCH, RATE, DECAY, DROP = 8, 512, 0.004, 0.01, 0.1
_MOMENTUM, _SQUARE_MOMENTUM, _TINY, _LEAST_SPREAD = 0.9, 0.999, 1e-8, 1e-3


def fit_key_weights(features: NDArray[np.float32], keys: IndexArray, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Weights (N_FEATURES, 2) and bias (2,) from features (n, N_FEATURES) and keys (0 to 23).

    Features are scaled by their spread over all turns while learning (weights come back
    unscaled), a tenth of them is hidden at random in each batch, the rate falls along a cosine.
    """
    rng = np.random.default_rng(seed)
    scale = _spread(features)
    weights, bias = np.zeros((N_FEATURES, 2), dtype=np.float32), np.zeros(2, dtype=np.float32)
    moments = [np.zeros((2, *weights.shape), np.float32), np.zeros((2, 2), np.float32)]
    n_steps = max(1, EPOCHS * len(features) // BATCH)
    for step in range(1, n_steps + 1):
        chosen = rng.integers(0, len(features), BATCH)
        rows = features[chosen] / scale
        rows *= (rng.random(rows.shape, dtype=np.float32) >= DROP) / np.float32(1 - DROP)
        error = softmax(rows @ all_roots(weights).astype(np.float32) + np.repeat(bias, 12))
        error[np.arange(BATCH), keys[chosen]] -= 1.0
        slope = _fold(rows.T @ (error / BATCH).astype(np.float32))
        bias_slope = np.asarray([error[:, :12].sum(), error[:, 12:].sum()], dtype=np.float32) / BATCH
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / n_steps))
        weights -= rate * (_adam(moments[0], slope, step) + DECAY * weights)
        bias -= rate * _adam(moments[1], bias_slope, step)
    return weights.astype(np.float64) / scale[:, None], bias.astype(np.float64)


def _spread(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation of each feature over rows and turns, never tiny."""
    spread = features.std(axis=0)
    return np.asarray(np.sqrt(np.mean(spread[TURNS] ** 2, axis=0)) + _LEAST_SPREAD, dtype=np.float32)


def _fold(slope: NDArray) -> FloatArray:
    """Gradient of all 24 columns gathered on the two that are shared."""
    return np.stack([sum(slope[TURNS[root], 12 * mode + root] for root in range(12)) for mode in (0, 1)], axis=1)


def _adam(moments: NDArray[np.float32], slope: NDArray, step: int) -> NDArray:
    moments[0] += (1 - _MOMENTUM) * (slope - moments[0])
    moments[1] += (1 - _SQUARE_MOMENTUM) * (slope * slope - moments[1])
    mean, square = moments[0] / (1 - _MOMENTUM**step), moments[1] / (1 - _SQUARE_MOMENTUM**step)
    return np.asarray(mean / (np.sqrt(square) + _TINY))
