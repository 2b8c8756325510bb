"""Estimate valence and arousal of pitched music from notes in seconds, using published effect directions only.

No rated music may be used to train the shipped default, so nothing in it is fitted to ratings. Each cue is
standardised by the median and deviation of permissive reference music (pieces for the same
instrument), clipped at 3, weighted, and summed; the weights were set beforehand from the literature
and never changed afterwards. Mode and chord lean are centred at 0, where major and minor fit alike.

Arousal: rate of onsets and of notes, loudness, and against it long notes (Gabrielsson and Lindström
2010; Schubert 2004; Eerola, Friberg and Bresin 2013). Valence: major over minor is the strongest
cue, measured in three ways (whole piece, four-second windows, chords), then faster, higher, more consonant,
softer and shorter (the same sources; Costa, Fine and Ricci Bitti 2004 on consonance).

The axis value is tanh of 0.7 sums in reference deviations. The confidence is the probability that the
sum lies on the right side of the middle if sums and ratings correlate as in published models of the same
cues: about 0.84 for arousal and 0.63 for valence (R^2 of 0.7 and 0.4: Eerola and Vuoskoski 2013).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

import numpy as np

from composer_core.errors import StoreError
from composer_core.estimate.classifiers.cues import cue_reasons
from composer_core.estimate.classifiers.questions import QuestionSet
from composer_core.estimate.note_features import feature_row, note_features
from composer_core.estimate.note_list import NoteList
from composer_core.estimate.suggestion import Suggestion
from composer_core.workspace import ASSETS

SOURCE = "model:emotion-cues@1"
REFERENCE = ASSETS / "models" / "emotion-reference.json"
WHOLE = "piano"
"""Whose reference a whole piece (several instruments together) is read by: the one with the fullest texture."""
AROUSAL_WEIGHTS = {"onset_rate": 0.5, "note_rate": 0.5, "velocity_mean": 1.0, "duration_median": -0.3}
VALENCE_WEIGHTS = {
    "mode_lean": 1 / 3,
    "mode_lean_local": 1 / 3,
    "chord_lean": 1 / 3,
    "register": 0.3,
    "onset_rate": 0.3,
    "consonance": 0.3,
    "velocity_mean": -0.2,
    "duration_median": -0.2,
}
CENTRED_AT_ZERO = ("mode_lean", "mode_lean_local", "chord_lean")
CUES = tuple(dict.fromkeys((*AROUSAL_WEIGHTS, *VALENCE_WEIGHTS)))
PUBLISHED_CORRELATION = {"arousal": 0.84, "valence": 0.63}
_CLIP = 3.0
_STRETCH = 0.7
"""One deviation of the reference is 0.6 of the way from the middle to the end of an axis."""
_LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its sum in reference deviations, what each cue added, and the probability of the side it is on."""

    total: float
    parts: Mapping[str, float]
    confidence: float


@dataclass(frozen=True, slots=True)
class Emotion:
    """Valence -1 to 1 and arousal 0 to 1 with confidence and the cues that speak for each."""

    valence: float
    arousal: float
    valence_confidence: float
    arousal_confidence: float
    valence_reasons: tuple[str, ...]
    arousal_reasons: tuple[str, ...]
    source: str

    def suggestions(self) -> dict[str, Suggestion]:
        """`emotion_valence` and `emotion_arousal`, rounded to two decimals."""
        valence = (round(self.valence, 2), round(self.valence_confidence, 3), self.valence_reasons)
        arousal = (round(self.arousal, 2), round(self.arousal_confidence, 3), self.arousal_reasons)
        return {
            "emotion_valence": Suggestion(*valence, self.source),
            "emotion_arousal": Suggestion(*arousal, self.source),
        }


class CueReference(TypedDict):
    """An instrument's excerpts: how many, [median, deviation] of each cue, deviation of both sums."""

    excerpts: int
    cues: dict[str, list[float]]
    spread: dict[str, float]


def read_emotion(notes: NoteList, instrument: str = WHOLE) -> Emotion | None:
    """The default's estimate of pitched notes; None for fewer than four."""
    features = note_features(notes)
    if math.isnan(features["note_rate"]):
        return None
    reference = load_reference(REFERENCE)[instrument]
    valence = _axis(features, reference, VALENCE_WEIGHTS, "valence")
    arousal = _axis(features, reference, AROUSAL_WEIGHTS, "arousal")
    return Emotion(
        math.tanh(_STRETCH * valence.total),
        0.5 + 0.5 * math.tanh(_STRETCH * arousal.total),
        valence.confidence,
        arousal.confidence,
        cue_reasons(valence.parts),
        cue_reasons(arousal.parts),
        SOURCE,
    )


def read_trained_emotion(model: QuestionSet, notes: NoteList) -> Emotion | None:
    """A trained model's estimate: each axis is the calibrated probability of its upper half; None for few notes."""
    row = feature_row(notes)
    if not np.isfinite(row).any():
        return None
    shares = {name: float(values[0]) for name, values in model.probabilities(row).items()}
    reasons = {name: cue_reasons(question.model.contributions(row)) for name, question in model.questions.items()}
    valence, arousal = shares["valence"], shares["arousal"]
    return Emotion(
        2.0 * valence - 1.0,
        arousal,
        max(valence, 1.0 - valence),
        max(arousal, 1.0 - arousal),
        reasons["valence"],
        reasons["arousal"],
        model.source,
    )


def _axis(features: Mapping[str, float], reference: CueReference, weights: Mapping[str, float], axis: str) -> Axis:
    parts = weighted_parts(features, reference["cues"], weights)
    total = sum(parts.values()) / reference["spread"][axis]
    r = PUBLISHED_CORRELATION[axis]
    certainty = 0.5 * (1.0 + math.erf(abs(total) * r / math.sqrt(1 - r * r) / math.sqrt(2.0)))
    return Axis(total, parts, certainty)


def weighted_parts(
    features: Mapping[str, float], cues: Mapping[str, list[float]], weights: Mapping[str, float]
) -> dict[str, float]:
    """Weight times deviation of each cue."""
    return {name: weight * deviation_of(name, features[name], cues) for name, weight in weights.items()}


def deviation_of(name: str, value: float, reference: Mapping[str, list[float]]) -> float:
    """How many reference deviations a cue lies from the middle, within 3; undefined is 0."""
    median, deviation = reference[name]
    if not math.isfinite(value):
        return 0.0
    centre = 0.0 if name in CENTRED_AT_ZERO else median
    return max(-_CLIP, min(_CLIP, (value - centre) / deviation))


def measure_reference(rows: Iterable[Mapping[str, float]]) -> CueReference:
    """[median, standard deviation] of every cue over `note_features`, and the spread of both sums, as JSON values."""
    table = list(rows)
    cues = {}
    for name in CUES:
        column = np.array([row[name] for row in table])
        column = column[np.isfinite(column)]
        cues[name] = [round(float(np.median(column)), 5), max(_LEAST_DEVIATION, round(float(column.std()), 5))]
    spread = {
        axis: round(float(np.std([sum(weighted_parts(row, cues, weights).values()) for row in table])), 5)
        for axis, weights in (("valence", VALENCE_WEIGHTS), ("arousal", AROUSAL_WEIGHTS))
    }
    return {"excerpts": len(table), "cues": cues, "spread": spread}


@cache
def load_reference(path: Path) -> dict[str, CueReference]:
    """Reference medians and deviations by instrument; StoreError when the file is missing or damaged."""
    try:
        found: dict[str, CueReference] = json.loads(path.read_text(encoding="utf-8"))["instruments"]
        return found
    except (OSError, ValueError, KeyError) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
