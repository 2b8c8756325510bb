"""Five axes and a total, 0 to 100: how much a loop's metrics look like a person playing, how little like damage.

Every axis reads the metrics of its families in two ways: how usual they are (`typicality`), and the
verdict of boosted trees trained to tell human loops from loops damaged on that axis (`trees`). Both
are scaled by the spread of human loops of the same length and added, and the sum is mapped by its
percentiles among human loops (`maps`). Before it is mapped, the effect of damage on the other axes is
subtracted (`CrossEffect`), so that an axis speaks only for itself. The total combines the worst axis,
with nothing subtracted, and trees over all metrics, and is mapped by percentiles of its own: it asks
whether there is damage, not where. See docs/scores.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.classifiers.trees import Trees
from composer_core.estimate.scores.maps import ScoreMap
from composer_core.estimate.scores.typicality import NormalScale, distance

FloatArray = NDArray[np.float64]
AXES = ("timing", "velocity", "groove_harmony", "cohesion", "structure")
TOTAL = "total"
SCORE_NAMES = (TOTAL, *AXES)
EVERYTHING = "everything"
"""The name of the trees over all metrics, which only the total uses."""
LENGTHS = (1, 2, 4, 8)
AXIS_WEIGHT = {"structure": 0.9}
"""The weight of an axis in the total where it is not 1. Structure is the least certain to tell damage from playing."""
MIN_NOTES = 4
"""A loop with fewer notes has no score, because too few notes do not show how it is played."""
BARS = "bars"
NO_CALIBRATION, TOO_FEW_NOTES, NOT_PLAYED, FLAT_MATERIAL, NOT_COUNTED, NOT_CALIBRATED = (
    "no_calibration", "too_few_notes", "not_played", "flat_material", "not_counted", "not_calibrated",
)  # fmt: skip
"""The reasons for a missing score."""


class LevelJson(TypedDict):
    """A `Level` as stored in a file: its four numbers, and the knots of its map."""

    spread: list[float]
    knots: list[float]


@dataclass(frozen=True, slots=True)
class Level:
    """The spread of human loops of one length: centre and width of the trees' and the distance's values, and a map."""

    trees_centre: float
    trees_width: float
    distance_centre: float
    distance_width: float
    map: ScoreMap

    def to_json(self) -> LevelJson:
        """The level as plain values for JSON."""
        numbers = (self.trees_centre, self.trees_width, self.distance_centre, self.distance_width)
        return {"spread": [float(f"{number:.6g}") for number in numbers], "knots": list(self.map.knots)}

    @classmethod
    def from_json(cls, value: LevelJson) -> Level:
        """Read a level from the values of `to_json`."""
        trees_centre, trees_width, distance_centre, distance_width = value["spread"]
        knots = ScoreMap(tuple(value["knots"]))
        return cls(trees_centre, trees_width, distance_centre, distance_width, knots)


@dataclass(frozen=True, slots=True, eq=False)
class AxisModel:
    """The model of one axis: the names of its metrics, its trees, the share of the distance, and its levels by length.

    `human_parts` holds the mean contributions of human loops, which explanations compare with: those of
    the trees by the name of their columns (the metrics and `bars`), those of the distance by metric.
    """

    metrics: tuple[str, ...]
    trees: Trees
    typicality_share: float
    levels: Mapping[int, Level]
    human_tree_parts: FloatArray
    human_distance_parts: FloatArray

    def raw(self, columns: FloatArray, scores: FloatArray, bars: NDArray[np.int64]) -> FloatArray:
        """The raw values of loops, (n_loops,): trees and distance on the spread of human loops. Higher is more human.

        `columns` are the metrics of the axis, `scores` their normal scores (both (n_loops, n_metrics)), and `bars` is
        (n_loops,).
        """
        lengths = np.array([length_of(int(count)) for count in bars])
        odds = -self.trees.raw(np.column_stack((columns, bars)))
        near = -distance(scores)
        found = np.empty(len(columns))
        for length in np.unique(lengths):
            chosen, level = lengths == length, self.levels[int(length)]
            found[chosen] = mixed(level, self.typicality_share, odds[chosen], near[chosen])
        return found


@dataclass(frozen=True, slots=True, eq=False)
class CrossEffect:
    """How far damage of the other axes moves the raw value of an axis, estimated by trees over all metrics and `bars`.

    Jitter, for instance, also blurs the swing of a loop: the part the trees find in its onsets is given back to groove
    and harmony. `human_parts` holds the mean contributions of human loops, as in AxisModel.
    """

    trees: Trees
    human_parts: FloatArray


def mixed(level: Level, typicality_share: float, odds: FloatArray, near: FloatArray) -> FloatArray:
    """Add (1 - share) of the trees' odds and `share` of the negative distance, each scaled by the human spread."""
    by_trees = (odds - level.trees_centre) / level.trees_width
    by_distance = (near - level.distance_centre) / level.distance_width
    return (1.0 - typicality_share) * by_trees + typicality_share * by_distance


def length_of(bars: int) -> int:
    """The calibrated length for a number of bars: the largest of 1, 2, 4, 8 that is not larger."""
    return max((length for length in LENGTHS if length <= bars), default=1)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Everything needed to score loops of one instrument.

    `digest` identifies its data, models and maps. `missing` gives the reason for each axis without a
    model, and `card` describes data, split and figures.
    """

    instrument: str
    metrics: tuple[str, ...]
    scales: Mapping[int, NormalScale]
    axes: Mapping[str, AxisModel]
    cross_effects: Mapping[str, CrossEffect]
    everything: AxisModel
    everything_share: float
    total: Mapping[int, ScoreMap]
    missing: Mapping[str, str]
    digest: str
    card: Mapping[str, object]

    def rows(self, metrics: Sequence[Mapping[str, float]]) -> FloatArray:
        """The metrics of loops as rows (n_loops, n_metrics) in the calibration's order; NaN for a missing metric."""
        return np.array([[row.get(name, np.nan) for name in self.metrics] for row in metrics], dtype=np.float64)

    def raw(self, rows: FloatArray, bars: NDArray[np.int64]) -> dict[str, FloatArray]:
        """The raw values of the axes and of `everything` for rows of metrics, without subtracting cross-effects.

        Higher is more human. `rows` is (n_loops, n_metrics), `bars` and each result (n_loops,).
        """
        normal = np.zeros(rows.shape)
        lengths = np.array([length_of(int(count)) for count in bars])
        for length in np.unique(lengths):
            normal[lengths == length] = self.scales[int(length)].scores(rows[lengths == length])
        place = {name: index for index, name in enumerate(self.metrics)}
        found = {}
        for name, model in (*self.axes.items(), (EVERYTHING, self.everything)):
            columns = [place[metric] for metric in model.metrics]
            found[name] = model.raw(rows[:, columns], normal[:, columns], bars)
        return found

    def score(self, metrics: Sequence[Mapping[str, float]], bars: Sequence[int]) -> list[dict[str, float]]:
        """The scores of loops by SCORE_NAMES; NaN where an axis does not apply. Loops must have MIN_NOTES notes."""
        if not metrics:
            return []
        return self.score_rows(self.rows(metrics), np.array(bars, dtype=np.int64))

    def score_rows(self, rows: FloatArray, bars: NDArray[np.int64]) -> list[dict[str, float]]:
        """The scores of rows (n_loops, n_metrics) of metrics and their numbers of bars (n_loops,); see `score`."""
        raw, moved = self.raw(rows, bars), self._moved(rows, bars)
        lengths = np.array([length_of(int(count)) for count in bars])
        columns = {name: np.full(len(bars), np.nan) for name in SCORE_NAMES}
        total = total_raw(raw, self.everything_share)
        for length in np.unique(lengths):
            chosen = lengths == length
            columns[TOTAL][chosen] = self.total[int(length)](total[chosen])
            for name, model in self.axes.items():
                columns[name][chosen] = model.levels[int(length)].map(raw[name][chosen] - moved[name][chosen])
        values = np.column_stack([columns[name] for name in SCORE_NAMES]).tolist()
        return [dict(zip(SCORE_NAMES, row, strict=True)) for row in values]

    def _moved(self, rows: FloatArray, bars: NDArray[np.int64]) -> dict[str, FloatArray]:
        columns = np.column_stack((rows, bars.astype(np.float64)))
        return {name: effect.trees.raw(columns) for name, effect in self.cross_effects.items()}


def total_raw(raw: Mapping[str, FloatArray], everything_share: float) -> FloatArray:
    """Combine the worst axis, each weighted by AXIS_WEIGHT, and the trees over all metrics by their share."""
    worst = np.min([AXIS_WEIGHT.get(name, 1.0) * values for name, values in raw.items() if name != EVERYTHING], axis=0)
    return np.asarray((1.0 - everything_share) * worst + everything_share * raw[EVERYTHING])
