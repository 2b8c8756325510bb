"""Recognise techniques learnt from notes with known techniques: one question per technique, by instrument.

The program number is never an input, because it is the ground truth of some of these questions. The
model's figures hold the results on held-out composers and files. A technique is suggested only when its
held-out F1 is at least LEAST_F1 and above the F1 of always saying yes.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from composer_core.estimate.classifiers.cues import cue_reasons
from composer_core.estimate.classifiers.questions import Question, QuestionSet
from composer_core.estimate.note_features import FEATURE_NAMES, feature_row
from composer_core.estimate.note_list import FloatArray, NoteList
from composer_core.estimate.suggestion import Suggestion
from composer_core.workspace import ASSETS

FOLDER = ASSETS / "models"
TECHNIQUE_FEATURES = (*FEATURE_NAMES, "fast_repeat_share", "fast_turn_share")
LEAST_F1 = 0.35
LEARNT_INSTRUMENTS = ("bass", "guitar", "piano", "strings")
_FAST_SEC = 0.14
_N_REASONS = 2


def technique_row(notes: NoteList) -> FloatArray:
    """One row of TECHNIQUE_FEATURES; NaN where undefined."""
    return np.append(feature_row(notes), _fast_shares(notes))


def _fast_shares(notes: NoteList) -> FloatArray:
    """Shares of the notes that repeat the pitch before, and that turn back to the pitch before last, within 0.14 s."""
    if len(notes) < 3:
        return np.full(2, np.nan)
    gap, step = np.diff(notes.onset_sec), np.diff(notes.pitch)
    fast = gap <= _FAST_SEC
    repeats = float((fast & (step == 0)).mean())
    turns = fast[1:] & fast[:-1] & (step[1:] == -step[:-1]) & (np.abs(step[1:]) <= 2) & (step[1:] != 0)
    return np.array([repeats, float(turns.mean())])


def is_suggested(question: Question) -> bool:
    """Whether a technique fares well enough on held-out material to be suggested at all."""
    f1, prevalence = (float(cast(float, question.figures.get(name, 0.0))) for name in ("f1", "prevalence"))
    return f1 >= LEAST_F1 and f1 > 2 * prevalence / (1 + prevalence)


def learnt_techniques(model: QuestionSet, notes: NoteList) -> tuple[dict[str, float], tuple[str, ...]]:
    """Code -> calibrated probability of what the notes show by the model, and the cues that speak for it."""
    row = technique_row(notes)
    if not np.isfinite(row).any():
        return {}, ()
    found: dict[str, float] = {}
    reasons: list[str] = []
    for code, question in model.questions.items():
        probability = float(question.model.probability(row[None, :])[0])
        if is_suggested(question) and probability >= question.threshold:
            found[code] = round(probability, 3)
            parts = question.model.contributions(row)
            reasons += cue_reasons({name: part for name, part in parts.items() if part > 0}, _N_REASONS)
    return found, tuple(dict.fromkeys(reasons))


def merged(learnt: Suggestion | None, ruled: Suggestion | None) -> Suggestion | None:
    """What the model and the rules see together, as sure as the less sure of them."""
    if learnt is None or ruled is None:
        return learnt or ruled
    codes = sorted({*learnt.codes, *ruled.codes})
    confidence = min(learnt.confidence, ruled.confidence)
    return Suggestion(codes, confidence, (*learnt.reasons, *ruled.reasons), learnt.source)
