"""Estimate the genre family of a loop by multinomial logistic regression on its features.

The shipped model is for drums, trained on whole takes of Groove MIDI and one-bar drum machine patterns.
No permissively licensed labels exist for other instruments; their models are learnt from the user's own
library. The model's accuracy is stored with the weights. In Groove MIDI each session has its own style,
so only takes of held-out sessions are a fair test: the confidence is calibrated (with one temperature)
on them, and the stored figures are measured on them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, ModelError, NotFound
from composer_core.estimate import note_features
from composer_core.estimate.classifiers.boosting import folds_of
from composer_core.estimate.classifiers.calibration import calibration_error
from composer_core.estimate.classifiers.cues import cue_reasons
from composer_core.estimate.classifiers.softmax import (
    FloatArray,
    IndexArray,
    best_temperature,
    fit,
    probabilities,
)
from composer_core.estimate.genre.features import FEATURE_NAMES, SHARED_WITH_PATTERNS, features_of, reasons_from
from composer_core.estimate.suggestion import Suggestion
from composer_core.music.loop import Loop
from composer_core.workspace import ASSETS

SOURCE = "model:genre-drums@2"
MODEL = ASSETS / "models" / "genre-drums.json"
PATTERN = "pattern"
"""Session of a machine pattern: it teaches in every fold and is never tested on."""
L2, STEPS, FOLDS, MIN_TAKES = 0.2, 200, 10, 10
BALANCE = 0.75
"""How far rare families are weighted up: weight = takes of the family ** -BALANCE."""
_CLIP = 4.0
_LEAST_VARIANCE = 1e-6
_SHOWN, _MIN_SHARE = 3, 0.15
_N_REASONS = 3


@dataclass(frozen=True, slots=True)
class GenreExample:
    """A take (or loop) to learn from: features, genre family, the group that stays on one side, a beat or a fill."""

    row: FloatArray
    family: str
    group: str
    is_beat: bool = True


def drum_example(
    loop: Loop, metrics: Mapping[str, float], family: str, group: str, is_beat: bool = True
) -> GenreExample:
    """An example out of a drum loop. A pattern's metrics of touch and time are unknown: a machine has none."""
    row = features_of(loop, metrics)
    if group == PATTERN:
        row = np.where([name in SHARED_WITH_PATTERNS for name in FEATURE_NAMES], row, np.nan)
    return GenreExample(row, family, group, is_beat)


class GenreModelJson(TypedDict):
    """A `GenreModel` in a file: mean, deviation and the weight for each class by feature."""

    card: dict[str, object]
    classes: list[str]
    temperature: float
    features: dict[str, list[float]]
    bias: list[float]


@dataclass(frozen=True, slots=True)
class GenreModel:
    """Classes, standardisation (mean, deviation) a feature, weights (features + 1, classes), temperature."""

    classes: tuple[str, ...]
    mean: FloatArray
    deviation: FloatArray
    weights: FloatArray
    temperature: float
    card: Mapping[str, object]
    features: tuple[str, ...] = FEATURE_NAMES

    @property
    def source(self) -> str:
        """What label events are signed with: the shipped drums model, or the name in the card."""
        name, digest = self.card.get("name"), str(self.card.get("digest", ""))
        return f"model:{name}@{digest[:8]}" if name else SOURCE

    def standardise(self, rows: FloatArray) -> FloatArray:
        """Rows in deviations from the mean, clipped at 4; undefined values are average."""
        return _standardise(rows, self.mean, self.deviation)

    def shares(self, rows: FloatArray) -> FloatArray:
        """Calibrated probabilities (n, classes)."""
        return probabilities(self.standardise(rows), self.weights, self.temperature)

    def to_json(self) -> GenreModelJson:
        """Plain values; `from_json` reads them."""
        return {
            "card": dict(self.card),
            "classes": list(self.classes),
            "temperature": self.temperature,
            "features": {
                name: [round(float(v), 4) for v in (self.mean[i], self.deviation[i], *self.weights[i])]
                for i, name in enumerate(self.features)
            },
            "bias": [round(float(v), 4) for v in self.weights[-1]],
        }

    @classmethod
    def from_json(cls, data: GenreModelJson) -> GenreModel:
        """Read what `to_json` wrote; KeyError or ValueError when it does not fit this code's features."""
        features = tuple(data["features"])
        if features not in (FEATURE_NAMES, note_features.FEATURE_NAMES):
            raise ValueError("it was trained on other features")
        table = np.array(list(data["features"].values()), dtype=np.float64)
        if table.shape != (len(features), len(data["classes"]) + 2):
            raise ValueError("the table of weights has another shape")
        weights = np.vstack((table[:, 2:], data["bias"]))
        classes, temperature = tuple(data["classes"]), float(data["temperature"])
        return cls(classes, table[:, 0], table[:, 1], weights, temperature, data["card"], features)


def suggest_genre(loop: Loop, metrics: Mapping[str, float], path: Path = MODEL) -> Suggestion | None:
    """Up to three families of a drum loop with weights that add up to 1; None for other instruments.

    The confidence is the calibrated probability of the first.
    """
    if not loop.is_drums or not len(loop.notes):
        return None
    return read_genre(load_model(path), features_of(loop, metrics))


def read_genre(model: GenreModel, row: FloatArray) -> Suggestion | None:
    """`suggest_genre` by any model, of one row of its features; None when nothing in it is known."""
    if not np.isfinite(row).any():
        return None
    shares = model.shares(row[None, :])[0]
    best = int(shares.argmax())
    parts = model.standardise(row[None, :])[0] * model.weights[:-1, best]
    if model.features == FEATURE_NAMES:
        reasons = reasons_from(parts.tolist(), _N_REASONS)
    else:
        named = zip(model.features, parts.tolist(), strict=True)
        reasons = cue_reasons({name: part for name, part in named if part > 0})
    return Suggestion(_weights(model.classes, shares), round(float(shares[best]), 3), reasons, model.source)


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


def train(
    examples: Sequence[GenreExample],
    about: Mapping[str, object],
    *,
    features: tuple[str, ...] = FEATURE_NAMES,
    least: int = MIN_TAKES,
    n_folds: int = FOLDS,
) -> GenreModel:
    """Fit on all examples of the families with at least `least` of them (machine patterns not counted).

    The temperature and the figures in the card come from groups left out in `n_folds` folds. `about` (data,
    licence, command) goes into the card too. InvalidValue for fewer than two such families.
    """
    takes = Counter(example.family for example in examples if example.group != PATTERN)
    classes = tuple(sorted(family for family, count in takes.items() if count >= least))
    if len(classes) < 2:
        raise InvalidValue("too_few_labels", field="genre", found=dict(takes), least=least)
    table = _Table.of([example for example in examples if example.family in classes], classes)
    held_out = table.cross_validate(len(classes), n_folds)
    tested = ~table.is_pattern
    temperature = best_temperature(held_out[tested], table.classes[tested], np.ones(int(tested.sum())))
    shares = _soften(held_out[tested], temperature)
    card = {
        **about,
        "digest": hashlib.sha256(np.round(np.nan_to_num(table.rows), 4).tobytes()).hexdigest(),
        "takes": {family: takes[family] for family in classes},
        "patterns": int(table.is_pattern.sum()),
        "held_out_groups": figures(shares, table.classes[tested], classes),
    }
    return GenreModel(classes, *table.fit(slice(None), len(classes)), temperature, card, features)


def held_out_shares(
    examples: Sequence[GenreExample], classes: Sequence[str], n_folds: int = FOLDS
) -> tuple[FloatArray, IndexArray, IndexArray]:
    """Calibrated held-out probabilities, true classes and folds of the examples that are no pattern.

    Each fold's temperature is fitted on the other folds.
    """
    table = _Table.of([example for example in examples if example.family in classes], classes)
    raw = table.cross_validate(len(classes), n_folds)
    tested = ~table.is_pattern
    raw, truth, fold = raw[tested], table.classes[tested], table.folds(n_folds)[tested]
    shares = np.empty_like(raw)
    for number in np.unique(fold):
        inside = fold == number
        temperature = best_temperature(raw[~inside], truth[~inside], np.ones(int((~inside).sum())))
        shares[inside] = _soften(raw[inside], temperature)
    return shares, truth, fold


@dataclass(frozen=True, slots=True)
class _Table:
    """Examples as arrays, one row each."""

    rows: FloatArray
    classes: IndexArray
    groups: tuple[str, ...]

    @classmethod
    def of(cls, examples: Sequence[GenreExample], classes: Sequence[str]) -> _Table:
        """The examples column by column, each family as its index among `classes`; ValueError for one that is not."""
        return cls(
            np.array([example.row for example in examples]),
            np.array([list(classes).index(example.family) for example in examples]),
            tuple(example.group for example in examples),
        )

    @property
    def is_pattern(self) -> NDArray[np.bool_]:
        """True where a row is a programmed pattern instead of a performance, shape (n_examples,)."""
        return np.array([group == PATTERN for group in self.groups])

    def folds(self, n_folds: int) -> IndexArray:
        """Fold of each row by its group; -1 for patterns, which are in no fold."""
        fold = np.full(len(self.groups), -1)
        tested = ~self.is_pattern
        fold[tested] = folds_of([group for group in self.groups if group != PATTERN], n_folds=n_folds)
        return fold

    def weights(self, rows: Any) -> FloatArray:
        """Each row's weight: its family's rows ** -BALANCE; patterns together weigh as much as the takes."""
        classes, pattern = self.classes[rows], self.is_pattern[rows]
        found = np.ones(len(classes))
        for chosen in (pattern, ~pattern):
            if chosen.any():
                weight = np.bincount(classes[chosen])[classes[chosen]].astype(np.float64) ** -BALANCE
                found[chosen] = weight / weight.mean()
        return found

    def fit(self, rows: Any, n_classes: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean, deviation and weights fitted on some of the rows; only takes set mean and deviation."""
        mean, deviation = _spread(self.rows[rows][~self.is_pattern[rows]])
        table = _standardise(self.rows[rows], mean, deviation)
        return mean, deviation, fit(table, self.classes[rows], n_classes, self.weights(rows), L2, STEPS)

    def cross_validate(self, n_classes: int, n_folds: int) -> FloatArray:
        """Probabilities of every row by a model that did not see its group."""
        shares = np.full((len(self.rows), n_classes), 1.0 / n_classes)
        fold = self.folds(n_folds)
        for number in range(n_folds):
            left_out = fold == number
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


def figures(shares: FloatArray, truth: IndexArray, classes: Sequence[str]) -> dict[str, object]:
    """Accuracy, macro-F1 and calibration error of probabilities (n, classes), beside always saying the commonest."""
    said = shares.argmax(axis=1)
    f1 = f1_scores(said, truth, len(classes))
    count = np.bincount(truth, minlength=len(classes))
    commonest = f1_scores(np.full(len(truth), int(count.argmax())), truth, len(classes))
    return {
        "takes": len(truth),
        "accuracy": round(float((said == truth).mean()), 3),
        "accuracy_of_commonest": round(float(count.max() / len(truth)), 3),
        "macro_f1": round(float(f1.mean()), 3),
        "macro_f1_of_commonest": round(float(commonest.mean()), 3),
        "calibration_error": round(calibration_error(shares.max(axis=1), said == truth), 3),
        "f1": {name: round(float(value), 3) for name, value in zip(classes, f1, strict=True)},
    }


def f1_scores(said: IndexArray, truth: IndexArray, n_classes: int) -> FloatArray:
    """F1 of each class; 0 for one that is neither said nor true."""
    numbers = np.arange(n_classes)
    both = np.array([int(((said == c) & (truth == c)).sum()) for c in numbers])
    total = np.array([int((said == c).sum() + (truth == c).sum()) for c in numbers])
    return np.asarray(2.0 * both / np.maximum(total, 1))
