"""Gradient boosting for one yes-or-no question, with LightGBM: calibrated, stored as text, and with reasons.

A model is text (LightGBM's own) and plain JSON values, neither of which can run code. The JSON holds
the text's digest, so that a truncated or changed file is refused before LightGBM parses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.classifiers.calibration import FloatArray, Platt, cross_calibrated, fit_platt

if TYPE_CHECKING:
    from lightgbm import Booster

IntArray = NDArray[np.int64]
FOLDS = 5
_SEED = 1


@dataclass(frozen=True, slots=True)
class BoostingConfig:
    """How large and how careful the trees are."""

    rounds: int = 300
    leaves: int = 7
    rate: float = 0.05
    feature_share: float = 0.3
    row_share: float = 0.7
    least_rows: int = 20
    l2: float = 5.0

    def parameters(self) -> dict[str, object]:
        """As LightGBM names them; one thread, so that the result does not depend on the machine's cores."""
        return {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "min_data_in_leaf": self.least_rows,
            "lambda_l2": self.l2,
            "num_threads": 1,
            "seed": _SEED,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }


@dataclass(frozen=True)
class Boosted:
    """A trained question: LightGBM's text, the names of its features, its calibration."""

    text: str
    features: tuple[str, ...]
    platt: Platt = field(default_factory=Platt)

    @cached_property
    def booster(self) -> Booster:
        """LightGBM's own object."""
        from lightgbm import Booster

        return Booster(model_str=self.text)

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def probability(self, rows: FloatArray) -> FloatArray:
        """Calibrated probability of yes (n,) of rows (n, features); NaN means unknown."""
        return self.platt.apply(np.asarray(self.booster.predict(rows, num_threads=1)))

    def contributions(self, row: FloatArray) -> dict[str, float]:
        """What each feature adds to the log odds of yes (Lundberg's tree SHAP)."""
        parts = np.asarray(self.booster.predict(row[None, :], pred_contrib=True, num_threads=1))[0]
        return dict(zip(self.features, parts[:-1].tolist(), strict=True))


def fit_text(rows: FloatArray, truth: FloatArray, recipe: BoostingConfig, weight: FloatArray | None = None) -> str:
    """Train on rows (n, features) and 0 or 1 a row; returns LightGBM's text."""
    import lightgbm

    data = lightgbm.Dataset(rows, truth, weight=weight)
    booster = lightgbm.train(recipe.parameters(), data, recipe.rounds)
    return str(booster.model_to_string())


def predict_text(text: str, rows: FloatArray) -> FloatArray:
    """Uncalibrated probabilities of a model's text."""
    return Boosted(text, ()).probability(rows)


def folds_of(groups: Sequence[str], seed: int = 0, n_folds: int = FOLDS) -> IntArray:
    """A fold number for each row; rows of one group share it. Shuffled by the seed, groups spread evenly by size."""
    names, index, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-size[order], kind="stable")]
    load = np.zeros(n_folds)
    fold = np.zeros(len(names), dtype=np.int64)
    for name in order:
        fold[name] = int(load.argmin())
        load[fold[name]] += size[name]
    return np.asarray(fold[index])


def held_out(
    rows: FloatArray,
    truth: FloatArray,
    fold: IntArray,
    learn: Callable[[FloatArray, FloatArray], Callable[[FloatArray], FloatArray]],
) -> FloatArray:
    """Probabilities of every row by a model that did not see its fold.

    `learn(rows, truth)` returns a function of rows. A fold whose rest knows only one answer gets that answer's share.
    """
    found = np.zeros(len(rows))
    for number in np.unique(fold):
        inside = fold == number
        known = truth[~inside]
        if len(np.unique(known)) < 2:
            found[inside] = known.mean() if len(known) else 0.5
        else:
            found[inside] = learn(rows[~inside], known)(rows[inside])
    return found


def boosting_learner(recipe: BoostingConfig) -> Callable[[FloatArray, FloatArray], Callable[[FloatArray], FloatArray]]:
    """`learn` for `held_out` by boosting."""

    def learn(rows: FloatArray, truth: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """Trees of the recipe on (n, features) rows and their n truths from 0 to 1; gives what reads further rows."""
        text = fit_text(rows, truth, recipe)
        return lambda unseen: predict_text(text, unseen)

    return learn


@dataclass(frozen=True, slots=True)
class Trained:
    """A question trained on all rows, with what the held-out rows said: cross-calibrated probabilities."""

    model: Boosted
    held_out: FloatArray


def train_question(
    rows: FloatArray, truth: FloatArray, fold: IntArray, features: tuple[str, ...], recipe: BoostingConfig
) -> Trained:
    """Held-out predictions by fold, the calibration fitted on them, and the model on all rows."""
    raw = held_out(rows, truth, fold, boosting_learner(recipe))
    text = fit_text(rows, truth, recipe)
    return Trained(Boosted(text, features, fit_platt(raw, truth)), cross_calibrated(raw, truth, fold))
