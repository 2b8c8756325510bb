"""Measure how near a performer comes to the players and to their distributions, beside simple baselines.

One of the baselines is its peer: gradient boosting on the same features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import lightgbm
import numpy as np
import torch
from numpy.typing import NDArray

from composer_core.model.performer.network import (
    MAX_OFFSET_MS,
    N_PLAYED,
    OFFSET_BIN_MS,
    VELOCITY_BIN,
    Performer,
)
from composer_core.model.performer.training import PlayedWindow, held_out_nll

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
) -> dict[str, object]:
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
    timed = [window for window in held_out if window.timed]
    return {
        "takes": len({window.take for window in held_out}),
        "windows": len(held_out),
        "notes": sum(len(window) for window in held_out),
        "nll_velocity": round(velocity_nll, 4),
        "nll_offset": round(offset_nll, 4),
        "played_velocity_spread": round(_spread([w.velocity for w in held_out]), 3),
        "timed_windows": sum(window.timed for window in held_out),
        "played_correlation_together": _rounded(_together(timed, [w.offset_ms for w in timed])),
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
    timing = performer.network.config.timing
    offset_ms = _median_position(offset) * OFFSET_BIN_MS - MAX_OFFSET_MS if timing else np.zeros(len(window))
    return Prediction(_median_position(velocity) * VELOCITY_BIN, offset_ms)


def _median_position(logits: torch.Tensor) -> FloatArray:
    """Place on the bin axis where each row's cumulative chance crosses one half, inside the bin."""
    chances = torch.softmax(logits.double(), dim=-1).numpy()
    total = np.cumsum(chances, axis=1)
    index = np.argmax(total >= 0.5, axis=1)
    rows = np.arange(len(chances))
    inside = 1.0 - (total[rows, index] - 0.5) / np.maximum(chances[rows, index], 1e-12)
    median: FloatArray = index + inside
    return median


def table_baseline(train: Sequence[PlayedWindow], columns: tuple[int, ...], with_offset: bool) -> Predictor:
    """Mean velocity (and offset, else 0) of the training notes that share these category columns."""
    keys = np.concatenate([_keys(window, columns) for window in train])
    velocity = np.concatenate([window.velocity for window in train]).astype(np.float64)
    offset = np.concatenate([window.offset_ms * window.timed for window in train])
    names, inverse = np.unique(keys, return_inverse=True)
    count = np.bincount(inverse)
    timed = np.concatenate([np.full(len(window), window.timed, dtype=np.float64) for window in train])
    velocity_mean = np.bincount(inverse, weights=velocity) / count
    offset_mean = np.bincount(inverse, weights=offset) / np.maximum(np.bincount(inverse, weights=timed), 1.0)
    overall = (float(velocity.mean()), float(offset.sum() / max(1.0, timed.sum())))

    def predict(window: PlayedWindow, _: int) -> Prediction:
        """Velocity and offset in ms of each note from its cell of the table; the overall mean for cells never seen."""
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
    true_velocity = np.concatenate([window.velocity for window in windows]).astype(np.float64)
    timed = [index for index, window in enumerate(windows) if window.timed]
    offset_figures: dict[str, float | None] = dict.fromkeys(
        ("offset_mae_ms", "offset_rmse_ms", "offset_wasserstein_ms")
    )
    together = float("nan")
    if timed:
        offset = np.concatenate([predictions[index].offset_ms for index in timed])
        true_offset = np.concatenate([windows[index].offset_ms for index in timed])
        offset_figures = {
            "offset_mae_ms": round(float(np.abs(offset - true_offset).mean()), 3),
            "offset_rmse_ms": round(float(np.sqrt(np.square(offset - true_offset).mean())), 3),
            "offset_wasserstein_ms": round(wasserstein(offset, true_offset), 3),
        }
        together = _together([windows[i] for i in timed], [predictions[i].offset_ms for i in timed])
    figures = {
        "velocity_mae": np.abs(velocity - true_velocity).mean(),
        "velocity_rmse": np.sqrt(np.square(velocity - true_velocity).mean()),
        "velocity_wasserstein": wasserstein(velocity, true_velocity),
        "velocity_spread": _spread([p.velocity for p in predictions]),
    }
    rounded: dict[str, float | None] = {name: round(float(value), 3) for name, value in figures.items()}
    return {**offset_figures, **rounded, "correlation_together": _rounded(together)}


def _rounded(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def _spread(velocities: Sequence[NDArray[Any]]) -> float:
    """Mean over windows of the standard deviation of their velocities."""
    return float(np.mean([velocity.std() for velocity in velocities]))


def wasserstein(first: FloatArray, second: FloatArray) -> float:
    """1-Wasserstein distance of two samples of equal size: mean distance of their sorted values."""
    return float(np.abs(np.sort(first) - np.sort(second)).mean())


def _together(windows: Sequence[PlayedWindow], offsets: Sequence[FloatArray]) -> float:
    """Correlation of the offsets of neighbouring notes on one step; NaN when they do not vary."""
    first: list[FloatArray] = [np.zeros(0)]
    second: list[FloatArray] = [np.zeros(0)]
    for window, offset in zip(windows, offsets, strict=True):
        same = np.flatnonzero(np.diff(window.features.step) == 0)
        first.append(offset[same])
        second.append(offset[same + 1])
    x, y = np.concatenate(first), np.concatenate(second)
    if len(x) < 2 or x.std() == 0 or y.std() == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


PEER = "boosting of the same features"
_PARAMETERS = {
    "objective": "regression_l1",
    "num_leaves": 63,
    "learning_rate": 0.08,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "num_threads": 1,
    "verbose": -1,
    "seed": 0,
    "deterministic": True,
}
_ROUNDS = 200
_MAX_ROWS = 250_000
"""Enough for the error to have settled; more only takes longer."""


def feature_table(window: PlayedWindow) -> NDArray[np.float64]:
    """(n_notes, columns) the features of a window's notes with its context beside each."""
    context = np.tile(window.context, (len(window), 1))
    return np.concatenate([window.features.categories, window.features.numbers, context], axis=1)


def boosting(train: Sequence[PlayedWindow], timing: bool = True) -> Predictor:
    """Two LightGBM models of least absolute error, for velocity and (with `timing`) for offset; else offset 0.

    Training windows overlap by half, so every second one holds all notes.
    """
    windows = train[::2]
    models = [_fitted(windows, [w.velocity.astype(np.float64) for w in windows])]
    if timing:
        timed = [window for window in windows if window.timed]
        models.append(_fitted(timed, [w.offset_ms for w in timed]))

    def predict(window: PlayedWindow, _: int) -> Prediction:
        """Velocity and offset in ms of each note of a window; the pass number changes nothing."""
        columns = feature_table(window)
        found = [np.asarray(model.predict(columns), dtype=np.float64) for model in models]
        return Prediction(found[0], found[1] if timing else np.zeros(len(window)))

    return predict


def _fitted(windows: Sequence[PlayedWindow], targets: Sequence[NDArray[np.float64]]) -> lightgbm.Booster:
    table = np.concatenate([feature_table(window) for window in windows])
    rows = np.random.default_rng(0).permutation(len(table))[:_MAX_ROWS]
    data = lightgbm.Dataset(table[rows], np.concatenate(targets)[rows], categorical_feature=[0, 1, 2, 3])
    return lightgbm.train(_PARAMETERS, data, _ROUNDS)
