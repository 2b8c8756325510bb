"""Explain a score: the points each metric adds or takes away, compared with the average human loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.scores.axes import (
    AXIS_WEIGHT,
    BARS,
    EVERYTHING,
    TOTAL,
    AxisModel,
    Calibration,
    CrossEffect,
    Level,
    length_of,
)
from composer_core.estimate.scores.maps import ScoreMap
from composer_core.estimate.scores.training import contributions
from composer_core.estimate.scores.typicality import parts

FloatArray = NDArray[np.float64]
_STEP = 1e-3


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score, what the average human loop gets, and the points by metric, worst first.

    The points add up to the difference of the two. `bars` stands for the loop's length. `worst_axis`
    is the axis that the total follows; "" for an axis itself.
    """

    score: float
    reference: float
    points: tuple[tuple[str, float], ...]
    worst_axis: str = ""

    def pulled_down(self, count: int, least: float = 0.5) -> list[tuple[str, float]]:
        """The metrics that cost most, `least` points or more each."""
        return [(name, points) for name, points in self.points[:count] if points <= -least]


def explain(calibration: Calibration, metrics: Mapping[str, float], bars: int) -> dict[str, Explanation]:
    """Explanations of the total and of each axis that applies."""
    rows, length = calibration.rows([metrics]), length_of(bars)
    normal = calibration.scales[length].scores(rows)
    place = {name: index for index, name in enumerate(calibration.metrics)}
    by_axis: dict[str, tuple[dict[str, float], float, float]] = {}
    for axis, model in (*calibration.axes.items(), (EVERYTHING, calibration.everything)):
        columns = [place[name] for name in model.metrics]
        by_axis[axis] = _parts(model, rows[:, columns], normal[:, columns], bars, model.levels[length])
    found = {
        axis: _explanation(
            model.levels[length].map,
            *_without_cross_effects(by_axis[axis], calibration.cross_effects[axis], calibration, rows, bars),
        )
        for axis, model in calibration.axes.items()
    }
    worst = min(calibration.axes, key=lambda axis: AXIS_WEIGHT.get(axis, 1.0) * by_axis[axis][1])
    share = calibration.everything_share
    worst_share = (1.0 - share) * AXIS_WEIGHT.get(worst, 1.0)
    sums = {name: worst_share * value for name, value in by_axis[worst][0].items()}
    for name, value in by_axis[EVERYTHING][0].items():
        sums[name] = sums.get(name, 0.0) + share * value
    raw = worst_share * by_axis[worst][1] + share * by_axis[EVERYTHING][1]
    reference = worst_share * by_axis[worst][2] + share * by_axis[EVERYTHING][2]
    total = _explanation(calibration.total[length], sums, raw, reference)
    return {TOTAL: Explanation(total.score, total.reference, total.points, worst), **found}


def _parts(
    model: AxisModel, columns: FloatArray, normal: FloatArray, bars: int, level: Level
) -> tuple[dict[str, float], float, float]:
    """What each metric adds to an axis's raw value against the average human loop; the value; the average's."""
    share = model.typicality_share
    tree = contributions(model.trees, np.column_stack((columns, [bars])))[0]
    by_trees = -(1.0 - share) / level.trees_width * (tree - model.human_tree_parts)[:-1]
    squares = parts(normal)[0]
    here, usual = _root(squares), _root(model.human_distance_parts)
    by_distance = -share / level.distance_width * (squares - model.human_distance_parts) / max(here + usual, 1e-9)
    sums = dict(zip((*model.metrics, BARS), (by_trees + np.append(by_distance, 0.0)).tolist(), strict=True))
    trees_usual = -float(model.human_tree_parts.sum())
    reference = (1.0 - share) * (trees_usual - level.trees_centre) / level.trees_width
    reference += share * (-usual - level.distance_centre) / level.distance_width
    return sums, reference + sum(sums.values()), reference


def _without_cross_effects(
    whole: tuple[dict[str, float], float, float],
    effect: CrossEffect,
    calibration: Calibration,
    rows: FloatArray,
    bars: int,
) -> tuple[dict[str, float], float, float]:
    """The same when what damage of other axes does to the axis is taken out; metrics of these give points here."""
    sums, raw, reference = whole
    found = contributions(effect.trees, np.column_stack((rows, [bars])))[0]
    moved = found - effect.human_parts
    taken = dict(zip((*calibration.metrics, BARS), moved[:-1].tolist(), strict=True))
    own = {name: sums.get(name, 0.0) - part for name, part in taken.items()}
    return own, raw - float(found.sum()), reference - float(effect.human_parts.sum())


def _root(parts: FloatArray) -> float:
    return float(np.sqrt(max(float(parts.sum()), 0.0)))


def _explanation(score_map: ScoreMap, sums: Mapping[str, float], raw: float, reference: float) -> Explanation:
    """Points by the slope of the map between the average human loop and this one."""
    away = raw - reference
    low, high = (raw, reference) if abs(away) >= _STEP else (reference - _STEP, reference + _STEP)
    low_score, high_score, score, usual = score_map(np.array([low, high, raw, reference])).tolist()
    slope = (high_score - low_score) / (high - low)
    points = sorted(((name, slope * value) for name, value in sums.items()), key=lambda pair: pair[1])
    return Explanation(score, usual, tuple(points))
