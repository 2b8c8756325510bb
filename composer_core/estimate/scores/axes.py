"""Five axes and a total, 0 to 100: how much a loop's metrics look like a person playing, how little like damage.

Every axis reads the metrics of its families in two ways: how usual they are (`typicality`) and what
boosted trees say that were trained to tell human loops from loops damaged on that axis
(`trees`). Both are put on the spread of human loops of the same length and added; the sum
is mapped by its percentiles among human loops (`score_map`). Before it is mapped, what damage of
the other axes does to it is taken out (`CrossEffect`), so that an axis tells of itself. The total is
made of the worst axis, nothing taken out, and of trees over all metrics, mapped by its own
percentiles: it asks whether there is damage, not where. See docs/scores.md.
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
"""The trees over all metrics, which only the total uses."""
LENGTHS = (1, 2, 4, 8)
AXIS_WEIGHT = {"structure": 0.9}
"""How much a bad axis weighs in the total where it is not 1: structure tells damage from playing least surely."""
MIN_NOTES = 4
"""A loop with fewer notes has no score: nothing could be said about how it is played."""
BARS = "bars"
NO_CALIBRATION, TOO_FEW_NOTES, NOT_PLAYED, FLAT_MATERIAL = (
    "no_calibration", "too_few_notes", "not_played", "flat_material",
)  # fmt: skip
"""Why a score is missing."""


class LevelJson(TypedDict):
    """A `Level` in a file: its four numbers, and the knots of its map."""

    spread: list[float]
    knots: list[float]


@dataclass(frozen=True, slots=True)
class Level:
    """Where human loops of one length lie: centre and width of the trees' and of the distance's values, and the map."""

    trees_centre: float
    trees_width: float
    distance_centre: float
    distance_width: float
    map: ScoreMap

    def to_json(self) -> LevelJson:
        """For JSON."""
        numbers = (self.trees_centre, self.trees_width, self.distance_centre, self.distance_width)
        return {"spread": [float(f"{number:.6g}") for number in numbers], "knots": list(self.map.knots)}

    @classmethod
    def from_json(cls, value: LevelJson) -> Level:
        """What `to_json` gave."""
        trees_centre, trees_width, distance_centre, distance_width = value["spread"]
        knots = ScoreMap(tuple(value["knots"]))
        return cls(trees_centre, trees_width, distance_centre, distance_width, knots)


@dataclass(frozen=True, slots=True, eq=False)
class AxisModel:
    """What one axis reads and how: names of its metrics, trees, the distance's share, and the levels by length.

    `human_parts` are the mean contributions of human loops, which explanations are told against: the
    trees' by name of their columns (the metrics and `bars`), the distance's by metric.
    """

    metrics: tuple[str, ...]
    trees: Trees
    typicality_share: float
    levels: Mapping[int, Level]
    human_tree_parts: FloatArray
    human_distance_parts: FloatArray

    def raw(self, columns: FloatArray, scores: FloatArray, bars: NDArray[np.int64]) -> FloatArray:
        """Trees and distance on the spread of human loops; higher is more human. See `Calibration.raw`."""
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
    """How far damage of the other axes moves an axis's raw value, told by trees over all metrics and `bars`.

    A jittered loop blurs its own swing: what the trees find in its onsets is given back to groove and harmony.
    `human_parts` are the mean contributions of human loops, as in AxisModel.
    """

    trees: Trees
    human_parts: FloatArray


def mixed(level: Level, typicality_share: float, odds: FloatArray, near: FloatArray) -> FloatArray:
    """(1 - share) of the trees' odds and `share` of the negative distance, each on the spread of human loops."""
    by_trees = (odds - level.trees_centre) / level.trees_width
    by_distance = (near - level.distance_centre) / level.distance_width
    return (1.0 - typicality_share) * by_trees + typicality_share * by_distance


def length_of(bars: int) -> int:
    """The calibrated length a number of bars is judged by: the longest of 1, 2, 4, 8 that is no longer."""
    return max((length for length in LENGTHS if length <= bars), default=1)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """All that scores loops of one instrument. `digest` names it: data, models and maps.

    `missing` says of each axis without a model why; `card` tells data, split and figures.
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
        """The metrics of loops as rows in the calibration's order, NaN where there is none."""
        return np.array([[row.get(name, np.nan) for name in self.metrics] for row in metrics], dtype=np.float64)

    def raw(self, rows: FloatArray, bars: NDArray[np.int64]) -> dict[str, FloatArray]:
        """Raw values of the axes and of `everything`, higher the more human, for rows of metrics; nothing taken out."""
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
        """Scores of loops by SCORE_NAMES; NaN where an axis does not apply. Loops must have MIN_NOTES."""
        if not metrics:
            return []
        return self.score_rows(self.rows(metrics), np.array(bars, dtype=np.int64))

    def score_rows(self, rows: FloatArray, bars: NDArray[np.int64]) -> list[dict[str, float]]:
        """Scores of rows (n_loops, n_metrics) of metrics and their numbers of bars (n_loops,); see `score`."""
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
    """The worst axis (structure counting AXIS_WEIGHT), and the trees over all metrics by their share."""
    worst = np.min([AXIS_WEIGHT.get(name, 1.0) * values for name, values in raw.items() if name != EVERYTHING], axis=0)
    return np.asarray((1.0 - everything_share) * worst + everything_share * raw[EVERYTHING])
