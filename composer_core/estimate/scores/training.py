"""Fit a calibration: typicality of human loops, trees against damage, and maps from held-out human values.

The values of human loops in the maps come from models that did not see their group (a drummer's session,
a file), because a model is too sure of its own training loops. LightGBM is loaded only here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.classifiers.trees import Trees
from composer_core.estimate.scores.axes import (
    BARS,
    EVERYTHING,
    LENGTHS,
    AxisModel,
    Calibration,
    CrossEffect,
    Level,
    length_of,
    mixed,
    total_raw,
)
from composer_core.estimate.scores.maps import ScoreMap
from composer_core.estimate.scores.typicality import NormalScale, parts
from composer_core.estimate.scores.typicality import distance as typical_distance

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
TYPICALITY_SHARE = {
    "timing": 0.35, "velocity": 0.3, "groove_harmony": 0.1, "cohesion": 0.25, "structure": 0.25, EVERYTHING: 0.05,
}  # fmt: skip
"""Share of the distance in each axis; by cross-validation on training takes (docs/scores.md)."""
EVERYTHING_SHARE = 0.5
OTHER_DAMAGE_WEIGHT = 2.0
"""Weight of loops damaged on other axes, which an axis learns to let pass, against human ones."""
PASSED_A_LOOP = 6
"""At most so many of them for each human loop, so that a fit stays affordable."""
N_FOLDS, N_TREES, N_EVERYTHING_TREES, N_CROSS_TREES = 3, 200, 300, 200
STRENGTH_WEIGHTS = (0.3, 0.6, 1.0, 1.2, 1.4)
"""What loops damaged at each of the five strengths weigh where a plan says nothing else."""
_MIN_LENGTH_LOOPS = 60
_FURTHEST_MOVED = 6.0
"""Raw values moved further than this (human loops spread by about 1) teach a cross-effect no more."""
_QUARTILES = 1.349
"""Between the quartiles of a normal distribution lie so many standard deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Human loops and damaged ones as rows of metrics.

    `human` (n, m); `bars` and `group` (n,); `damaged` (k, m), with the human loop it was made of
    (`source`, an index), its kind (an index into `kinds`) and strength (0 to 4), each (k,).
    """

    metrics: tuple[str, ...]
    human: FloatArray
    bars: IndexArray
    group: IndexArray
    damaged: FloatArray
    source: IndexArray
    kind: IndexArray
    strength: IndexArray
    kinds: tuple[str, ...]

    def without_kind(self, name: str) -> Examples:
        """The same without one kind of damage."""
        kept = self.kind != self.kinds.index(name)
        parts = (self.damaged, self.source, self.kind, self.strength)
        damaged, source, kind, strength = (part[kept] for part in parts)
        return replace(self, damaged=damaged, source=source, kind=kind, strength=strength)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fit: the metrics of each axis, the axis of each kind, and the axes that are left out with why.

    A kind belongs to one axis, or to several where it hurts several at once. `strength_weights`
    tells what loops damaged at each strength weigh in their axes' training, by kind, where not STRENGTH_WEIGHTS;
    `passed_weights`, by axis and kind, what a kind of another axis weighs among those to let pass, where not 1;
    `cross_weights` the same among those whose cross-effect is learnt.
    """

    instrument: str
    axis_metrics: Mapping[str, tuple[str, ...]]
    kind_axes: Mapping[str, tuple[str, ...]]
    missing: Mapping[str, str]
    n_folds: int = N_FOLDS
    strength_weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    passed_weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    cross_weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    typicality_share: Mapping[str, float] = field(default_factory=lambda: TYPICALITY_SHARE)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutValues:
    """Raw values that each example got from models which did not see its group."""

    human: dict[str, FloatArray]
    damaged: dict[str, FloatArray]


def fit(examples: Examples, plan: Plan, card: Mapping[str, object]) -> tuple[Calibration, HeldOutValues]:
    """A calibration (without digest) and the held-out values of its examples."""
    fold = balanced_folds(examples.group, plan.n_folds)
    used = {**plan.axis_metrics, EVERYTHING: examples.metrics}
    lengths = np.array([length_of(int(count)) for count in examples.bars])
    scales = _scales(examples.human, lengths)
    models, effects, human, damaged = {}, {}, {}, {}
    for axis, metrics in used.items():
        job = _AxisJob(examples, axis, metrics, plan, lengths)
        odds, distance = job.held_out(fold)
        share = plan.typicality_share[axis]
        levels = {length: _level(odds[0], distance[0], lengths, length, share) for length in LENGTHS}
        human[axis] = _by_length(levels, lengths, share, odds[0], distance[0])
        damaged[axis] = _by_length(levels, lengths[examples.source], share, odds[1], distance[1])
        if axis != EVERYTHING:
            cross = _CrossJob(examples, axis, plan, human[axis], damaged[axis])
            own = human[axis] - cross.held_out(fold)
            levels = {
                length: replace(level, map=ScoreMap.fit(own[_near(lengths, length)]))
                for length, level in levels.items()
            }
            effects[axis] = cross.effect()
        models[axis] = job.model(scales, levels)
    raw = total_raw(human, EVERYTHING_SHARE)
    total = {length: ScoreMap.fit(raw[_near(lengths, length)]) for length in LENGTHS}
    everything = models.pop(EVERYTHING)
    calibration = Calibration(
        plan.instrument, examples.metrics, scales, models, effects, everything, EVERYTHING_SHARE, total,
        dict(plan.missing), "", dict(card),
    )  # fmt: skip
    return calibration, HeldOutValues(human, damaged)


def balanced_folds(group: IndexArray, n_folds: int) -> IndexArray:
    """A fold for each example so that groups stay whole and folds are about equally large."""
    names, counts = np.unique(group, return_counts=True)
    fold_of, load = {}, np.zeros(n_folds)
    for index in np.argsort(-counts, kind="stable"):
        fold = int(load.argmin())
        fold_of[int(names[index])] = fold
        load[fold] += counts[index]
    return np.array([fold_of[int(name)] for name in group])


def _near(lengths: IndexArray, length: int) -> NDArray[np.bool_]:
    """Examples of a length; where there are too few, of all lengths."""
    chosen = lengths == length
    return chosen if np.count_nonzero(chosen) >= _MIN_LENGTH_LOOPS else np.ones(len(lengths), dtype=np.bool_)


def _scales(human: FloatArray, lengths: IndexArray) -> dict[int, NormalScale]:
    return {length: NormalScale.fit(human[_near(lengths, length)]) for length in LENGTHS}


def _level(odds: FloatArray, distance: FloatArray, lengths: IndexArray, length: int, share: float) -> Level:
    chosen = _near(lengths, length)
    spread = []
    for values in (odds[chosen], distance[chosen]):
        low, middle, high = np.percentile(values, (25, 50, 75))
        spread += [float(middle), max(float(high - low) / _QUARTILES, 1e-6)]
    level = Level(spread[0], spread[1], spread[2], spread[3], ScoreMap((0.0, 1.0, 2.0, 3.0)))
    return replace(level, map=ScoreMap.fit(mixed(level, share, odds[chosen], distance[chosen])))


def _by_length(
    levels: Mapping[int, Level], lengths: IndexArray, share: float, odds: FloatArray, distance: FloatArray
) -> FloatArray:
    found = np.empty(len(odds))
    for length in np.unique(lengths):
        chosen = lengths == length
        found[chosen] = mixed(levels[int(length)], share, odds[chosen], distance[chosen])
    return found


class _AxisJob:
    """The fitting of one axis."""

    def __init__(self, examples: Examples, axis: str, metrics: tuple[str, ...], plan: Plan, lengths: IndexArray):
        self.examples, self.metrics, self.lengths = examples, metrics, lengths
        self.everything = axis == EVERYTHING
        self.share = plan.typicality_share[axis]
        columns = [examples.metrics.index(name) for name in metrics]
        self.columns = columns
        self.human = np.column_stack((examples.human[:, columns], examples.bars))
        self.damaged = np.column_stack((examples.damaged[:, columns], examples.bars[examples.source]))
        axes = [plan.kind_axes[name] for name in examples.kinds]
        own = np.array([self.everything or axis in found for found in axes])[examples.kind]
        # What hurts several axes teaches none of the others to let it pass.
        passed = np.array([not self.everything and len(found) == 1 and axis not in found for found in axes])
        self.own, self.passed = own, passed[examples.kind]
        weights = np.array([plan.strength_weights.get(name, STRENGTH_WEIGHTS) for name in examples.kinds])
        self.weight = weights[examples.kind, examples.strength]
        passed_weights = plan.passed_weights.get(axis, {})
        self.passed_weight = np.array([passed_weights.get(name, 1.0) for name in examples.kinds])[examples.kind]

    def held_out(self, fold: IndexArray) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Odds and negative distances of (human, damaged) loops by models of the other folds."""
        examples = self.examples
        damaged_fold = fold[examples.source]
        odds = np.empty(len(self.human)), np.empty(len(self.damaged))
        distance = np.empty(len(self.human)), np.empty(len(self.damaged))
        for number in range(int(fold.max()) + 1):
            seen, seen_damaged = fold != number, damaged_fold != number
            trees = self._grow(seen, seen_damaged)
            scales = _scales(examples.human[seen][:, self.columns], self.lengths[seen])
            sides = (
                (~seen, self.human, self.lengths, 0),
                (~seen_damaged, self.damaged, self.lengths[examples.source], 1),
            )
            for chosen, rows, lengths, side in sides:
                odds[side][chosen] = -trees.raw(rows[chosen])
                scores = _normal(scales, rows[chosen][:, :-1], lengths[chosen])
                distance[side][chosen] = -typical_distance(scores)
        return odds, distance

    def model(self, scales: Mapping[int, NormalScale], levels: Mapping[int, Level]) -> AxisModel:
        """The model of all examples with what human loops get on average from each metric."""
        everyone = np.ones(len(self.human), dtype=np.bool_)
        trees = self._grow(everyone, np.ones(len(self.damaged), dtype=np.bool_))
        normal = _normal(scales, self.examples.human, self.lengths)[:, self.columns]
        return AxisModel(
            self.metrics,
            trees,
            self.share,
            dict(levels),
            contributions(trees, np.asarray(self.human, dtype=np.float64)).mean(axis=0),
            parts(normal).mean(axis=0),
        )

    def _grow(self, seen: NDArray[np.bool_], seen_damaged: NDArray[np.bool_]) -> Trees:
        own = seen_damaged & self.own
        passed = _some(seen_damaged & self.passed, PASSED_A_LOOP * int(np.count_nonzero(seen)))
        blocks = [
            (self.human[seen], np.ones(np.count_nonzero(seen)), 1.0, 0.0),
            (self.damaged[own], self.weight[own], 1.0, 1.0),
            (self.damaged[passed], self.passed_weight[passed], OTHER_DAMAGE_WEIGHT, 0.0),
        ]
        blocks = [block for block in blocks if len(block[0])]
        rows = np.concatenate([block[0] for block in blocks])
        target = np.concatenate([np.full(len(block[0]), block[3]) for block in blocks])
        weight = np.concatenate([block[1] / block[1].sum() * block[2] for block in blocks])
        n_trees = N_EVERYTHING_TREES if self.everything else N_TREES
        return grow(rows, target, weight / weight.mean(), (*self.metrics, BARS), n_trees)


class _CrossJob:
    """What damage of other axes does to an axis's raw value, learnt from the values before and after.

    Human loops and loops damaged on the axis itself are told that nothing is to be taken out.
    """

    def __init__(self, examples: Examples, axis: str, plan: Plan, human: FloatArray, damaged: FloatArray):
        self.names = (*examples.metrics, BARS)
        self.source = examples.source
        bars = examples.bars.astype(np.float64)
        self.human = np.column_stack((examples.human, bars))
        self.damaged = np.column_stack((examples.damaged, bars[examples.source]))
        own = np.array([axis in plan.kind_axes[name] for name in examples.kinds])[examples.kind]
        moved = np.clip(damaged - human[examples.source], -_FURTHEST_MOVED, _FURTHEST_MOVED)
        self.moved = np.where(own, 0.0, moved)
        weights = plan.cross_weights.get(axis, {})
        weight = np.array([weights.get(name, 1.0) for name in examples.kinds])[examples.kind]
        for chosen, share in ((own, 1.0), (~own, OTHER_DAMAGE_WEIGHT)):
            weight[chosen] *= share / max(weight[chosen].sum(), 1.0)
        self.weight = weight

    def held_out(self, fold: IndexArray) -> FloatArray:
        """What is taken out of human loops by models of the other folds."""
        found = np.empty(len(self.human))
        for number in range(int(fold.max()) + 1):
            trees = self._grow(fold != number, fold[self.source] != number)
            found[fold == number] = trees.raw(self.human[fold == number])
        return found

    def effect(self) -> CrossEffect:
        """The model of all examples."""
        trees = self._grow(np.ones(len(self.human), dtype=np.bool_), np.ones(len(self.damaged), dtype=np.bool_))
        return CrossEffect(trees, contributions(trees, self.human).mean(axis=0))

    def _grow(self, seen: NDArray[np.bool_], seen_damaged: NDArray[np.bool_]) -> Trees:
        rows = np.concatenate((self.human[seen], self.damaged[seen_damaged]))
        target = np.concatenate((np.zeros(np.count_nonzero(seen)), self.moved[seen_damaged]))
        human_weight = np.full(np.count_nonzero(seen), 1.0 / len(self.human))
        weight = np.concatenate((human_weight, self.weight[seen_damaged]))
        return grow(rows, target, weight / weight.mean(), self.names, N_CROSS_TREES, "regression")


def _some(chosen: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """At most so many of the chosen rows, drawn at random; the same ones every time."""
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(chosen))[:count]
    found = np.zeros(len(chosen), dtype=np.bool_)
    found[drawn] = True
    return found


def _normal(scales: Mapping[int, NormalScale], rows: FloatArray, lengths: IndexArray) -> FloatArray:
    found = np.zeros(rows.shape)
    for length in np.unique(lengths):
        chosen = lengths == length
        found[chosen] = scales[int(length)].scores(rows[chosen])
    return found


def grow(
    rows: FloatArray,
    target: FloatArray,
    weight: FloatArray,
    names: tuple[str, ...],
    n_trees: int,
    objective: str = "binary",
) -> Trees:
    """Boosted trees for the log odds of `target` (by "regression" its value); the same data give the same trees."""
    import lightgbm

    parameters = {
        "objective": objective, "num_leaves": 12, "learning_rate": 0.08, "min_data_in_leaf": 40,
        "feature_fraction": 0.4, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 10.0,
        "num_threads": 1, "seed": 1, "deterministic": True, "verbosity": -1, "max_bin": 63,
    }  # fmt: skip
    data = lightgbm.Dataset(rows, target, weight=weight, feature_name=list(names))
    return Trees.parse(_short(lightgbm.train(parameters, data, n_trees).model_to_string()), "trees just grown")


_UNREAD_FIELDS = ("split_gain=", "internal_value=", "internal_weight=", "leaf_weight=", "tree_sizes=")
_ROUNDED_FIELDS = ("threshold=", "leaf_value=")
_END = "\nend of trees\n"


def _short(text: str) -> str:
    """The text in two fifths of the space: without what nothing reads, numbers to seven digits."""
    lines = [line for line in text.split("\nend of trees")[0].split("\n") if not line.startswith(_UNREAD_FIELDS)]
    return "\n".join(_rounded(line) if line.startswith(_ROUNDED_FIELDS) else line for line in lines) + _END


def _rounded(line: str) -> str:
    name, _, numbers = line.partition("=")
    return f"{name}={' '.join(format(float(number), '.7g') for number in numbers.split())}"


def contributions(trees: Trees, rows: FloatArray) -> FloatArray:
    """Each column's part of the log odds of each row (SHAP values by LightGBM), the constant last."""
    return np.asarray(_booster(trees.text).predict(rows, pred_contrib=True, num_threads=1), dtype=np.float64)


@lru_cache(maxsize=64)
def _booster(text: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=text)
