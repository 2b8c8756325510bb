"""How near a performer comes to the players, and to their distributions, beside simple baselines.

Error alone rewards the mean, and a mean performance is flat; so each row also has the distance
between the predicted and the played distribution (1-Wasserstein) and how alike neighbours are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from composer_core.model.performer import (
    MAX_OFFSET_MS,
    N_PLAYED,
    OFFSET_BIN_MS,
    VELOCITY_BIN,
    Performer,
)
from composer_core.model.performer_train import PlayedWindow, held_out_nll

FloatArray = NDArray[np.float64]
SAMPLING_SEED = 1
_ROLE, _STEP, _QUARTER = 1, 2, 3
"""Columns of NoteFeatures.categories."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Velocity (n_notes,) and offset in ms (n_notes,) of one window."""

    velocity: FloatArray
    offset_ms: FloatArray


Predictor = Callable[[PlayedWindow, int], Prediction]
"""From a window and its index to a prediction of its notes."""


def evaluate(
    performer: Performer,
    train: Sequence[PlayedWindow],
    held_out: Sequence[PlayedWindow],
    peers: Mapping[str, Predictor] = MappingProxyType({}),
) -> dict[str, Any]:
    """Figures on held-out windows; baselines are fitted to the training windows, `peers` come ready.

    MAE and RMSE of offset (ms) and velocity (of 127), 1-Wasserstein distance of both
    distributions, and the correlation of the offsets of notes struck together.
    """
    rows: dict[str, Predictor] = {
        "sampled": lambda window, index: sampled(performer, window, SAMPLING_SEED + index),
        "median": lambda window, _: medians(performer, window),
        "quantised, mean velocity of the role": table_baseline(train, (_ROLE,), with_offset=False),
        "mean of role and place": table_baseline(train, (_ROLE, _STEP, _QUARTER), with_offset=True),
        **peers,
    }
    velocity_nll, offset_nll = held_out_nll(performer.network, held_out)
    return {
        "takes": len({window.take for window in held_out}),
        "windows": len(held_out),
        "notes": sum(len(window) for window in held_out),
        "nll_velocity": round(velocity_nll, 4),
        "nll_offset": round(offset_nll, 4),
        "played_correlation_together": round(_together(held_out, [w.offset_ms for w in held_out]), 3),
        "rows": {name: _figures(held_out, predict) for name, predict in rows.items()},
    }


def sampled(performer: Performer, window: PlayedWindow, seed: int) -> Prediction:
    """What the performer plays with a seed."""
    velocity, offset = performer.sample(window.features, window.context, seed)
    return Prediction(velocity.astype(np.float64), offset)


def medians(performer: Performer, window: PlayedWindow) -> Prediction:
    """Median of each note's distribution, every other note unknown."""
    played = np.zeros((len(window), N_PLAYED), dtype=np.float32)
    velocity, offset = performer.logits(window.features, window.context, played)
    return Prediction(_median_place(velocity) * VELOCITY_BIN, _median_place(offset) * OFFSET_BIN_MS - MAX_OFFSET_MS)


def _median_place(logits: torch.Tensor) -> FloatArray:
    """Place on the bin axis where each row's cumulative chance crosses one half, inside the bin."""
    chances = torch.softmax(logits.double(), dim=-1).numpy()
    total = np.cumsum(chances, axis=1)
    index = np.argmax(total >= 0.5, axis=1)
    rows = np.arange(len(chances))
    inside = 1.0 - (total[rows, index] - 0.5) / np.maximum(chances[rows, index], 1e-12)
    return index + inside


def table_baseline(train: Sequence[PlayedWindow], columns: tuple[int, ...], with_offset: bool) -> Predictor:
    """Mean velocity (and offset, else 0) of the training notes that share these category columns."""
    keys = np.concatenate([_keys(window, columns) for window in train])
    velocity = np.concatenate([window.velocity for window in train]).astype(np.float64)
    offset = np.concatenate([window.offset_ms for window in train])
    names, inverse = np.unique(keys, return_inverse=True)
    count = np.bincount(inverse)
    velocity_mean, offset_mean = (np.bincount(inverse, weights=column) / count for column in (velocity, offset))
    overall = (float(velocity.mean()), float(offset.mean()))

    def predict(window: PlayedWindow, _: int) -> Prediction:
        wanted = _keys(window, columns)
        index = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
        known = names[index] == wanted
        offsets = np.where(known, offset_mean[index], overall[1]) if with_offset else np.zeros(len(window))
        return Prediction(np.where(known, velocity_mean[index], overall[0]), offsets)

    return predict


def _keys(window: PlayedWindow, columns: tuple[int, ...]) -> NDArray[np.int64]:
    key = np.zeros(len(window), dtype=np.int64)
    for column in columns:
        key = key * 128 + window.features.categories[:, column]
    return key


def _figures(windows: Sequence[PlayedWindow], predict: Predictor) -> dict[str, float | None]:
    predictions = [predict(window, index) for index, window in enumerate(windows)]
    velocity = np.concatenate([p.velocity for p in predictions])
    offset = np.concatenate([p.offset_ms for p in predictions])
    true_velocity = np.concatenate([window.velocity for window in windows]).astype(np.float64)
    true_offset = np.concatenate([window.offset_ms for window in windows])
    together = _together(windows, [p.offset_ms for p in predictions])
    figures = {
        "offset_mae_ms": np.abs(offset - true_offset).mean(),
        "offset_rmse_ms": np.sqrt(np.square(offset - true_offset).mean()),
        "velocity_mae": np.abs(velocity - true_velocity).mean(),
        "velocity_rmse": np.sqrt(np.square(velocity - true_velocity).mean()),
        "offset_wasserstein_ms": wasserstein(offset, true_offset),
        "velocity_wasserstein": wasserstein(velocity, true_velocity),
    }
    rounded: dict[str, float | None] = {name: round(float(value), 3) for name, value in figures.items()}
    return {**rounded, "correlation_together": round(together, 3) if np.isfinite(together) else None}


def wasserstein(first: FloatArray, second: FloatArray) -> float:
    """1-Wasserstein distance of two samples of equal size: mean distance of their sorted values."""
    return float(np.abs(np.sort(first) - np.sort(second)).mean())


def _together(windows: Sequence[PlayedWindow], offsets: Sequence[FloatArray]) -> float:
    """Correlation of the offsets of neighbouring notes on one step; NaN when they do not vary."""
    first, second = [], []
    for window, offset in zip(windows, offsets, strict=True):
        same = np.flatnonzero(np.diff(window.features.step) == 0)
        first.append(offset[same])
        second.append(offset[same + 1])
    x, y = np.concatenate(first), np.concatenate(second)
    if len(x) < 2 or x.std() == 0 or y.std() == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
