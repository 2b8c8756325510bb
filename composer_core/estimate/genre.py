"""Genre family of a drum loop: multinomial logistic regression on Groove MIDI's training takes.

Drums only: no permissive labels exist for the other instruments. How well it does is stored
with the weights. In Groove MIDI style and recording session go together, so the official
validation takes, from the same sessions, flatter any classifier; the confidence is therefore
calibrated (one temperature) on takes of sessions that were left out, where it is far lower.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.errors import ModelError, NotFound
from composer_core.estimate.genre_features import FEATURE_NAMES, features_of, reasons_from
from composer_core.estimate.softmax import (
    FloatArray,
    IndexArray,
    best_temperature,
    cross_entropy,
    fit,
    probabilities,
)
from composer_core.estimate.suggestion import Suggestion
from composer_core.music.loop import Loop
from composer_core.workspace import ASSETS

SOURCE = "model:genre-drums@1"
MODEL = ASSETS / "models" / "genre-drums.json"
L2, STEPS, FOLDS, MIN_TAKES = 0.05, 200, 5, 5
_CLIP = 4.0
_LEAST_VARIANCE = 1e-6
_SHOWN, _MIN_SHARE = 3, 0.15
_N_REASONS = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A loop to learn from: its metrics, its take's genre family, and where the take belongs."""

    loop: Loop
    metrics: Mapping[str, float]
    family: str
    take: str
    session: str
    split: str


@dataclass(frozen=True, slots=True)
class GenreModel:
    """Classes, standardisation (mean, deviation) a feature, weights (features + 1, classes), temperature."""

    classes: tuple[str, ...]
    mean: FloatArray
    deviation: FloatArray
    weights: FloatArray
    temperature: float
    card: Mapping[str, Any]

    def standardise(self, rows: FloatArray) -> FloatArray:
        """Rows in deviations from the mean, clipped at 4; undefined values are average."""
        return _standardise(rows, self.mean, self.deviation)

    def shares(self, rows: FloatArray) -> FloatArray:
        """Calibrated probabilities (n, classes)."""
        return probabilities(self.standardise(rows), self.weights, self.temperature)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them."""
        return {
            "card": dict(self.card),
            "classes": list(self.classes),
            "temperature": self.temperature,
            "features": {
                name: [round(float(v), 4) for v in (self.mean[i], self.deviation[i], *self.weights[i])]
                for i, name in enumerate(FEATURE_NAMES)
            },
            "bias": [round(float(v), 4) for v in self.weights[-1]],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GenreModel:
        """Read what `to_json` wrote; KeyError or ValueError when it does not fit this code's features."""
        if tuple(data["features"]) != FEATURE_NAMES:
            raise ValueError("it was trained on other features")
        table = np.array(list(data["features"].values()), dtype=np.float64)
        if table.shape != (len(FEATURE_NAMES), len(data["classes"]) + 2):
            raise ValueError("the table of weights has another shape")
        weights = np.vstack((table[:, 2:], data["bias"]))
        return cls(tuple(data["classes"]), table[:, 0], table[:, 1], weights, float(data["temperature"]), data["card"])


def suggest_genre(loop: Loop, metrics: Mapping[str, float], path: Path = MODEL) -> Suggestion | None:
    """Up to three families with weights that add up to 1; None for other instruments than drums.

    The confidence is the calibrated probability of the first.
    """
    if not loop.is_drums or not len(loop.notes):
        return None
    model = load_model(path)
    row = features_of(loop, metrics)[None, :]
    shares = model.shares(row)[0]
    best = int(shares.argmax())
    parts = model.standardise(row)[0] * model.weights[:-1, best]
    return Suggestion(_weights(model.classes, shares), round(float(shares[best]), 3), _reasons(parts), SOURCE)


def _reasons(parts: FloatArray) -> tuple[str, ...]:
    return reasons_from(parts.tolist(), _N_REASONS)


def _weights(classes: Sequence[str], shares: FloatArray) -> dict[str, float]:
    """The families above 15 % (at least the first), in hundredths that add up to exactly 1."""
    order = [int(i) for i in np.argsort(-shares)[:_SHOWN]]
    kept = [i for i in order if shares[i] >= _MIN_SHARE] or order[:1]
    total = sum(shares[i] for i in kept)
    hundredths = {classes[i]: round(100 * float(shares[i] / total)) for i in kept[1:]}
    return {classes[kept[0]]: (100 - sum(hundredths.values())) / 100, **{c: h / 100 for c, h in hundredths.items()}}


@cache
def load_model(path: Path) -> GenreModel:
    """The model at `path`; NotFound or ModelError."""
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    try:
        return GenreModel.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError("damaged_model", path=str(path), reason=str(error)) from error


def train(examples: Sequence[Example], about: Mapping[str, Any]) -> GenreModel:
    """Fit on the examples of split "train"; families with fewer than five takes there are left out.

    The temperature comes from folds of held-out sessions. `about` (data, licence, command) goes
    into the card, with the data digest and held-out figures: by left-out sessions, and on the
    examples of split "validation".
    """
    taught = [example for example in examples if example.split == "train"]
    takes = Counter(family for family, _ in {(e.family, e.take) for e in taught})
    classes = tuple(sorted(family for family, count in takes.items() if count >= MIN_TAKES))
    taught = [example for example in taught if example.family in classes]
    table = _Table.of(taught, classes)
    held_out = table.cross_validate(len(classes))
    weight = table.weights(balance=0.0)
    temperature = best_temperature(held_out, table.classes, weight)
    model = GenreModel(classes, *table.fit(slice(None), len(classes)), temperature, {})
    unseen = [example for example in examples if example.split == "validation" and example.family in classes]
    card = {
        **about,
        "digest": hashlib.sha256(np.round(table.rows, 4).tobytes()).hexdigest(),
        "takes": {family: takes[family] for family in classes},
        "held_out_sessions": _figures(_soften(held_out, temperature), table, classes),
        "validation": evaluate(model, unseen) if unseen else {},
    }
    return GenreModel(classes, model.mean, model.deviation, model.weights, temperature, card)


def evaluate(model: GenreModel, examples: Sequence[Example]) -> dict[str, Any]:
    """Figures a take (mean of its loops' probabilities) beside the baseline of always saying the commonest family."""
    table = _Table.of(examples, model.classes)
    return _figures(model.shares(table.rows), table, model.classes)


@dataclass(frozen=True, slots=True)
class _Table:
    """Examples as arrays, one row a loop."""

    rows: FloatArray
    classes: IndexArray
    takes: IndexArray
    sessions: IndexArray

    @classmethod
    def of(cls, examples: Sequence[Example], classes: Sequence[str]) -> _Table:
        takes = {take: i for i, take in enumerate(sorted({e.take for e in examples}))}
        sessions = {name: i for i, name in enumerate(sorted({e.session for e in examples}))}
        return cls(
            np.array([features_of(e.loop, e.metrics) for e in examples]),
            np.array([list(classes).index(e.family) for e in examples]),
            np.array([takes[e.take] for e in examples]),
            np.array([sessions[e.session] for e in examples]),
        )

    def weights(self, balance: float, rows: Any = slice(None)) -> FloatArray:
        """Each loop's weight: one over the root of its take's loops, times its family's takes ** -balance."""
        takes, classes = self.takes[rows], self.classes[rows]
        loops = np.bincount(takes)[takes]
        family_takes = np.bincount(classes, weights=1.0 / loops)[classes]
        return np.asarray(loops**-0.5 * family_takes**-balance)

    def fit(self, rows: Any, n_classes: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean, deviation and weights fitted on some of the rows."""
        mean, deviation = _spread(self.rows[rows])
        table = _standardise(self.rows[rows], mean, deviation)
        return mean, deviation, fit(table, self.classes[rows], n_classes, self.weights(0.5, rows), L2, STEPS)

    def cross_validate(self, n_classes: int) -> FloatArray:
        """Probabilities of every row by a model that saw nothing of its session."""
        shares = np.full((len(self.rows), n_classes), 1.0 / n_classes)
        for fold in range(FOLDS):
            left_out = self.sessions % FOLDS == fold
            if left_out.any() and not left_out.all():
                mean, deviation, weights = self.fit(~left_out, n_classes)
                shares[left_out] = probabilities(_standardise(self.rows[left_out], mean, deviation), weights)
        return shares


def _spread(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation of each column's defined values; 0 and 1 without any, 1 for a constant one."""
    defined = np.isfinite(rows)
    count = np.maximum(defined.sum(axis=0), 1)
    mean = np.where(defined, rows, 0.0).sum(axis=0) / count
    variance = np.where(defined, (rows - mean) ** 2, 0.0).sum(axis=0) / count
    return mean, np.where(variance > _LEAST_VARIANCE, np.sqrt(variance), 1.0)


def _standardise(rows: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    return np.nan_to_num(np.clip((rows - mean) / deviation, -_CLIP, _CLIP))


def _soften(shares: FloatArray, temperature: float) -> FloatArray:
    scaled = shares ** (1.0 / temperature)
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def _figures(shares: FloatArray, table: _Table, classes: Sequence[str]) -> dict[str, Any]:
    takes = np.unique(table.takes)
    mean = np.array([shares[table.takes == take].mean(axis=0) for take in takes])
    true = np.array([table.classes[table.takes == take][0] for take in takes])
    hit = mean.argmax(axis=1) == true
    present = np.unique(true)
    prior = np.bincount(true) / len(true)
    recall = {classes[c]: round(float(hit[true == c].mean()), 3) for c in present}
    return {
        "takes": len(takes),
        "accuracy": round(float(hit.mean()), 3),
        "accuracy_of_commonest": round(float(np.bincount(true).max() / len(true)), 3),
        "macro_accuracy": round(float(np.mean(list(recall.values()))), 3),
        "macro_accuracy_of_commonest": round(1 / len(present), 3),
        "mean_confidence": round(float(mean.max(axis=1).mean()), 3),
        "nats": round(cross_entropy(mean, true, np.ones(len(true))), 3),
        "nats_of_their_shares": round(float(-(prior[present] * np.log(prior[present])).sum()), 3),
        "recall": recall,
    }
