"""Gradient boosting on the performer's own features: the peer it has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm
import numpy as np
from numpy.typing import NDArray

from composer_core.model.performer.evaluation import Prediction, Predictor
from composer_core.model.performer.training import PlayedWindow

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
