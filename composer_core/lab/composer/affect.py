"""Compare requested emotion with judged emotion over a grid, with a judge that did not label the training data.

The training windows were labelled by `estimate_affect`. The judge is another model, trained on other
data: trees trained on people's ratings of EMOPIA's piano clips, given by path and never shipped.
For drums, which have no pitch, trees of the same kind read rhythm and dynamics alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate import estimate_affect
from composer_core.estimate.classifiers.boosting import folds_of, train_question
from composer_core.estimate.classifiers.questions import MODEL_FILE, Question, QuestionSet, load_questions
from composer_core.estimate.note_features import FEATURE_NAMES, feature_row
from composer_core.estimate.note_list import notes_of_loop
from composer_core.lab.composer.held_out import HumanExample, Made, generate_for, measured
from composer_core.lab.composer.statistics import auc, ccc, interval, pearson
from composer_core.lab.estimators.data import emotion_clips
from composer_core.lab.estimators.training import EMOTION_RECIPE, side_figures, train_emotion
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop

if TYPE_CHECKING:
    from composer_core.model.composer.checkpoint import LoadedModel

GRID = 9
TEMPO_BPM = 110.0
UNPITCHED = (
    *("note_rate", "onset_rate", "gap_median", "gap_mean", "gap_sd", "gap_p10", "gap_p90", "gap_entropy"),
    *("gap_variability", "rate_change", "rate_trend", "velocity_mean", "velocity_sd", "velocity_p10"),
    *("velocity_p90", "velocity_max", "velocity_step", "velocity_trend"),
)
"""Features of notes that say nothing of pitch or length: what a drum kit can be judged by."""
SHOWN_METRICS = (
    *("onset_density", "velocity_mean", "syncopation", "cymbal_rate", "groove_consistency"),
    *("mode_lean", "register", "articulation"),
)
"""What is printed of takes with low and with high emotion, where the instrument has the metric."""
LOW, HIGH = 1 / 3, 2 / 3
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Judge:
    """Rated questions over all features, and one of arousal over those without pitch."""

    pitched: QuestionSet
    unpitched: Question

    def read(self, loops: Sequence[Loop]) -> dict[str, FloatArray]:
        """Valence (-1 to 1, not of drums) and arousal (0 to 1) of loops of one instrument."""
        rows = np.array([feature_row(notes_of_loop(loop)) for loop in loops])
        if loops[0].is_drums:
            return {"arousal": self.unpitched.model.probability(rows[:, _UNPITCHED_COLUMNS])}
        shares = self.pitched.probabilities(rows)
        return {"valence": 2.0 * shares["valence"] - 1.0, "arousal": shares["arousal"]}

    def card(self, is_drums: bool) -> dict[str, object]:
        """Who judges, and how well on rated clips it did not learn from."""
        questions = {"arousal": self.unpitched} if is_drums else self.pitched.questions
        held_out = {name: question.figures["accuracy"] for name, question in questions.items()}
        return {"about": "boosted trees on people's ratings of EMOPIA's clips", "held_out_accuracy": held_out}


_UNPITCHED_COLUMNS = [FEATURE_NAMES.index(name) for name in UNPITCHED]


def read_judge(path: Path) -> Judge:
    """The judge trained on the rated clips below `path`, which is kept nowhere.

    A folder of `composer estimate train emotion` beside the clips (named emotion) saves training the larger part.
    """
    clips = emotion_clips(path)
    trained = path / "emotion"
    if (trained / MODEL_FILE).is_file():
        pitched = load_questions(trained, "emotion", FEATURE_NAMES)
    else:
        pitched = train_emotion(clips, "emotion", {"data": path.name})
    rows = np.array([feature_row(clip.notes) for clip in clips])[:, _UNPITCHED_COLUMNS]
    truth = np.array([clip.quadrant <= 2 for clip in clips])
    fold = folds_of([clip.group for clip in clips])
    found = train_question(rows, truth.astype(np.float64), fold, UNPITCHED, EMOTION_RECIPE)
    return Judge(pitched, Question(found.model, 0.5, side_figures(found.held_out, truth)))


def emotion_grid(instrument: str, count: int) -> list[Condition]:
    """At least `count` requests over 9 x 9 cells of valence and arousal at one tempo, nothing else given."""
    repeats = max(1, -(-count // GRID**2))
    places = [(v, a) for v in np.linspace(-1, 1, GRID) for a in np.linspace(0, 1, GRID)]
    return [
        Condition(instrument, tempo_bpm=TEMPO_BPM, valence=float(valence), arousal=float(arousal))
        for valence, arousal in places * repeats
    ]


def emotion(
    loaded: LoadedModel, humans: Sequence[HumanExample], judge: Judge | None, count: int, seed: int
) -> dict[str, object]:
    """`judged`: asked against judged; `labeller`: against the estimator that labelled the training windows;
    `control`: metrics of takes with little and with much of each."""
    made = generate_for(loaded, emotion_grid(humans[0].condition.instrument, count), seed)
    loops, rows = [one.played for one in made], measured([one.played for one in made])
    by_labeller = _labelled(loops, rows)
    found: dict[str, Any] = {"n": len(made), "control": _sides(made, rows, by_labeller)}
    found["labeller"] = {axis: _agreement(_requested(made, axis), values) for axis, values in by_labeller.items()}
    if judge is None:
        return found
    real = [example.played for example in humans]
    real_labels, real_judged = _labelled(real, measured(real)), judge.read(real)
    found["judge"] = judge.card(loops[0].is_drums)
    found["judged"] = {
        axis: _agreement(_requested(made, axis), values)
        | {"real_pearson": pearson(real_labels[axis], real_judged[axis])}
        | {"cells": _cells(made, values)}
        for axis, values in judge.read(loops).items()
    }
    return found


def _requested(made: Sequence[Made], axis: str) -> FloatArray:
    return np.array([getattr(one.condition, axis) for one in made], dtype=np.float64)


def _labelled(loops: Sequence[Loop], rows: Sequence[Mapping[str, float]]) -> dict[str, FloatArray]:
    pairs = np.array([estimate_affect(row, loop.instrument) for loop, row in zip(loops, rows, strict=True)])
    return {"valence": pairs[:, 0], "arousal": pairs[:, 1]}


def _agreement(asked: FloatArray, judged: FloatArray) -> dict[str, Any]:
    return {
        "n": len(asked),
        "pearson": pearson(asked, judged),
        "pearson_interval": interval(pearson, asked, judged),
        "ccc": ccc(asked, judged),
        "ccc_interval": interval(ccc, asked, judged),
    }


def _cells(made: Sequence[Made], values: FloatArray) -> list[list[float]]:
    """Mean judgement a cell: rows of arousal from low to high, columns of valence."""
    valence, arousal = _requested(made, "valence"), _requested(made, "arousal")
    steps_v, steps_a = np.unique(valence), np.unique(arousal)
    return [[round(float(values[(valence == v) & (arousal == a)].mean()), 3) for v in steps_v] for a in steps_a]


def _sides(
    made: Sequence[Made], rows: Sequence[Mapping[str, float]], labelled: Mapping[str, FloatArray]
) -> dict[str, Any]:
    """By axis and metric: values of the lowest third of the grid against the highest, and the AUC between them."""
    report: dict[str, Any] = {}
    for axis, values in labelled.items():
        asked = _requested(made, axis)
        place = (asked - asked.min()) / np.ptp(asked)
        low, high = np.flatnonzero(place < LOW), np.flatnonzero(place > HIGH)
        columns = {name: np.array([row[name] for row in rows]) for name in SHOWN_METRICS if name in rows[0]}
        columns[f"estimated_{axis}"] = values
        report[axis] = {
            name: {
                "auc": auc(column[low].tolist(), column[high].tolist()),
                "low_mean": float(np.nanmean(column[low])),
                "high_mean": float(np.nanmean(column[high])),
            }
            for name, column in columns.items()
        }
    return report
