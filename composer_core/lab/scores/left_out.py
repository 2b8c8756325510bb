"""How well scores tell damage that they were not trained against: each kind left out of training in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.scores.axes import AXES, TOTAL, Calibration
from composer_core.estimate.scores.training import Examples, Plan, fit
from composer_core.lab.scores.examples import (
    CROSS_WEIGHTS,
    PASSED_WEIGHTS,
    axis_metrics,
    examples_of,
    strength_weights,
    windows_of_takes,
)
from composer_core.lab.scores.sources import Source

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
_MAX_DAMAGED, _N_FOLDS = 1500, 2
"""Less damage and fewer folds than a calibration's, so that one fit a kind stays affordable."""
_N_DRAWS = 1000


def training_examples(takes: Sequence[tuple[Any, str]], metrics: Sequence[str], kinds: Sequence[str]) -> Examples:
    """All loops that a calibration is fitted by, half as many of them damaged: measured once for all fits."""
    return examples_of(windows_of_takes(takes), metrics, list(kinds), max_damaged=_MAX_DAMAGED)


def fitted_without(
    examples: Examples, source: Source, kinds: Mapping[str, tuple[str, ...]], kind: str | None
) -> Calibration:
    """A calibration that has seen nothing of one kind of damage (None: that has seen all of them)."""
    axes = [axis for axis in AXES if axis not in source.missing]
    seen = examples if kind is None else examples.without_kind(kind)
    # What is measured now may be more than the calibration that is judged was made of.
    known = set(examples.metrics)
    measured = axis_metrics(source.instrument, axes)
    read = {axis: tuple(name for name in names if name in known) for axis, names in measured.items()}
    plan = Plan(
        source.instrument, read, kinds, source.missing, _N_FOLDS,
        strength_weights(kinds), PASSED_WEIGHTS, CROSS_WEIGHTS, source.typicality_share,
    )  # fmt: skip
    return fit(seen, plan, {})[0]


def left_out_row(
    calibration: Calibration, human: FloatArray, damaged: FloatArray, bars: IndexArray, axis: str
) -> dict[str, FloatArray]:
    """Totals and scores of the kind's own axis of human rows and of the same loops damaged, by names `human_total`."""
    found = {}
    for name, rows in (("human", human), ("damaged", damaged)):
        scored = calibration.score_rows(rows, bars)
        for score in (TOTAL, axis):
            found[f"{name}_{score}"] = np.array([row[score] for row in scored])
    return found


def auc(high: FloatArray, low: FloatArray) -> float:
    """Chance that one of `high` is above one of `low`; ties count half."""
    above = (high[:, None] > low[None, :]).mean() + (high[:, None] == low[None, :]).mean() / 2
    return float(above)


def by_take(values: FloatArray, takes: IndexArray) -> FloatArray:
    """The mean of each take's loops."""
    return np.asarray(np.bincount(takes, weights=values) / np.bincount(takes))


def auc_interval(high: FloatArray, low: FloatArray, group: IndexArray, seed: int = 0) -> tuple[float, float]:
    """The middle 95 % of the AUC when whole groups (a drummer's sessions, files) are drawn again with repeats.

    `high` and `low` hold one value a take, `group` the group of each. With one group nothing varies.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(group == name) for name in np.unique(group)]
    above = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    drawn = np.empty(_N_DRAWS)
    for index in range(_N_DRAWS):
        chosen = np.concatenate([members[number] for number in rng.integers(0, len(members), len(members))])
        count = np.bincount(chosen, minlength=len(high)).astype(np.float64)
        drawn[index] = count @ above @ count / count.sum() ** 2
    low_edge, high_edge = np.percentile(drawn, (2.5, 97.5))
    return round(float(low_edge), 3), round(float(high_edge), 3)
