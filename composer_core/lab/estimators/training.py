"""Train the estimators on data named by path; each becomes a folder or file of text that cannot run code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.errors import NotFound
from composer_core.estimate import emotion, meter
from composer_core.estimate.classifiers.boosting import BoostingConfig, folds_of, train_question
from composer_core.estimate.classifiers.calibration import FloatArray, calibration_error
from composer_core.estimate.classifiers.questions import Question, QuestionSet
from composer_core.estimate.genre import classifier
from composer_core.estimate.note_features import FEATURE_NAMES, feature_row, note_features
from composer_core.estimate.note_list import NoteList
from composer_core.estimate.technique import learned
from composer_core.lab.estimators.data import (
    GROOVE,
    LIEDER,
    PATTERNS,
    PROGRAM_SETS,
    QUARTETS,
    Clip,
    drum_patterns,
    drum_takes,
    emotion_clips,
    find_set,
    read_file,
)
from composer_core.lab.estimators.truths import TechniqueWindow, meter_windows, planted_figures, technique_windows
from composer_core.metrics import measure
from composer_core.music.genre import family_of
from composer_core.pipeline.library.song_notes import part_notes
from composer_core.store.atomic import write_json

EMOTION_RECIPE = BoostingConfig(rounds=700, rate=0.02, feature_share=0.2)
TECHNIQUE_RECIPE = BoostingConfig(rounds=100)
METER_RECIPE = BoostingConfig(rounds=100)
_EXCERPT_SEC, _EXCERPTS_A_PART, _LEAST_EXCERPT_NOTES = 30.0, 4, 20
_THRESHOLDS = np.linspace(0.02, 0.998, 80)
Progress = Callable[[str], None]


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def train_emotion(clips: Sequence[Clip], name: str, card: Mapping[str, object]) -> QuestionSet:
    """Valence and arousal (upper half or lower) by boosting, song-grouped; held-out figures in the card."""
    rows = np.array([feature_row(clip.notes) for clip in clips])
    quadrants = np.array([clip.quadrant for clip in clips])
    fold = folds_of([clip.group for clip in clips])
    truths = {"arousal": quadrants <= 2, "valence": (quadrants == 1) | (quadrants == 4)}
    questions, held = {}, {}
    for axis, truth in truths.items():
        trained = train_question(rows, truth.astype(np.float64), fold, FEATURE_NAMES, EMOTION_RECIPE)
        held[axis] = trained.held_out
        questions[axis] = Question(trained.model, 0.5, side_figures(trained.held_out, truth))
    figures: dict[str, Any] = {"clips": len(clips), "songs": len({clip.group for clip in clips})}
    figures["four_quadrants"] = round(float((quadrant_of(held) == quadrants).mean()), 3)
    return QuestionSet("emotion", name, FEATURE_NAMES, questions, {**card, "held_out": figures})


def quadrant_of(share: dict[str, FloatArray]) -> np.ndarray:
    """Quadrant 1 to 4 by the probabilities of the upper halves."""
    high, positive = share["arousal"] > 0.5, share["valence"] > 0.5
    return np.where(high, np.where(positive, 1, 2), np.where(positive, 4, 3))


def side_figures(share: FloatArray, truth: np.ndarray) -> dict[str, float]:
    """Accuracy and calibration error of held-out probabilities of a half."""
    hit = (share > 0.5) == truth
    error = calibration_error(np.maximum(share, 1 - share), hit)
    return {"accuracy": round(float(hit.mean()), 3), "calibration_error": round(error, 3)}


def train_techniques(windows: Sequence[TechniqueWindow], instrument: str, card: Mapping[str, object]) -> QuestionSet:
    """One question per technique, grouped by composer or file; the figures of all of them stand in the card.

    Only what fares well enough to be suggested is kept.
    """
    questions: dict[str, Question] = {}
    held_out: dict[str, Any] = {}
    for code in sorted({code for window in windows for code in window.asked}):
        asked = [window for window in windows if code in window.asked]
        rows = np.array([window.row for window in asked])
        truth = np.array([code in window.techniques for window in asked])
        fold = folds_of([window.group for window in asked])
        features = learned.TECHNIQUE_FEATURES
        trained = train_question(rows, truth.astype(np.float64), fold, features, TECHNIQUE_RECIPE)
        figures = technique_figures(trained.held_out, truth, fold) | {"groups": len({w.group for w in asked})}
        held_out[code] = figures
        question = Question(trained.model, best_threshold(trained.held_out, truth), figures)
        if learned.is_suggested(question):
            questions[code] = question
    name = f"technique-{instrument}"
    card = {**card, "held_out": held_out}
    return QuestionSet("technique", name, learned.TECHNIQUE_FEATURES, questions, card)


def best_threshold(share: FloatArray, truth: np.ndarray) -> float:
    """The probability from which saying yes gives the highest F1."""
    candidates = np.unique(np.quantile(share, _THRESHOLDS))
    scores = [f1_figures(share >= limit, truth)["f1"] for limit in candidates]
    return float(candidates[int(np.argmax(scores))])


def technique_figures(share: FloatArray, truth: np.ndarray, fold: np.ndarray) -> dict[str, object]:
    """F1, precision and recall with each fold's threshold chosen on the other folds; prevalence, calibration error."""
    said = np.zeros(len(truth), dtype=np.bool_)
    for number in np.unique(fold):
        inside = fold == number
        said[inside] = share[inside] >= best_threshold(share[~inside], truth[~inside])
    error = calibration_error(np.maximum(share, 1 - share), (share > 0.5) == truth)
    return {**f1_figures(said, truth), "windows": len(truth), "calibration_error": round(error, 3)}


def f1_figures(said: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """F1, precision, recall of yes, and the share of yes in the truth."""
    both = float((said & truth).sum())
    return {
        "f1": round(2 * both / max(1.0, float(said.sum() + truth.sum())), 3),
        "precision": round(both / max(1.0, float(said.sum())), 3),
        "recall": round(both / max(1.0, float(truth.sum())), 3),
        "prevalence": round(float(truth.mean()), 3),
    }


def train_meter(root: Path, card: Mapping[str, object]) -> QuestionSet:
    """One question per metre on windows from the notated sets and Groove MIDI, grouped by composer, tune or session."""
    windows = meter_windows(root)
    if not windows:
        raise NotFound("no_notes", path=str(root), instrument="any metre", purpose="train on")
    rows = np.array([window.row for window in windows])
    written = np.array([window.meter for window in windows])
    fold = folds_of([window.group for window in windows])
    questions, held = {}, {}
    for name in meter.CLASSES:
        truth = (written == name).astype(np.float64)
        trained = train_question(rows, truth, fold, meter.METER_FEATURES, METER_RECIPE)
        held[meter.question_name(name)] = trained.held_out
        questions[meter.question_name(name)] = Question(trained.model)
    figures = meter_figures(held, written)
    return QuestionSet("meter", "meter", meter.METER_FEATURES, questions, {**card, "held_out": figures})


def meter_figures(held: dict[str, FloatArray], written: np.ndarray) -> dict[str, object]:
    """Accuracy, macro-F1 and calibration error beside always saying the commonest metre."""
    shares = [meter.meter_shares({name: float(p[i]) for name, p in held.items()}) for i in range(len(written))]
    said = np.array([max(share, key=lambda name: share[name]) for share in shares])
    confidence = np.array([max(share.values()) for share in shares])
    f1 = {name: f1_figures(said == name, written == name)["f1"] for name in meter.CLASSES}
    counts = Counter(written.tolist())
    commonest = max(counts.values()) / len(written)
    return {
        "windows": len(written),
        "accuracy": round(float((said == written).mean()), 3),
        "accuracy_of_commonest": round(commonest, 3),
        "macro_f1": round(float(np.mean(list(f1.values()))), 3),
        "macro_f1_of_commonest": round(2 * commonest / (1 + commonest) / len(f1), 3),
        "calibration_error": round(calibration_error(confidence, said == written), 3),
        "f1": f1,
        "count": {name: counts[name] for name in meter.CLASSES},
    }


def genre_examples(root: Path) -> list[classifier.GenreExample]:
    """Groove MIDI's whole takes, and the drum machine patterns where they are there, with their families."""
    groove, patterns = find_set(root, GROOVE), find_set(root, PATTERNS)
    if groove is None:
        raise NotFound("path_missing", path=str(root / GROOVE))
    examples = [
        classifier.drum_example(take.loop, measure(take.loop), family_of(take.style), take.session, take.is_beat)
        for take in drum_takes(groove)
    ]
    if patterns is not None:
        examples += [
            classifier.drum_example(loop, measure(loop), family, classifier.PATTERN)
            for loop, family in drum_patterns(patterns)
        ]
    return examples


@dataclass(frozen=True, slots=True)
class _Source:
    """Where an instrument's reference excerpts come from: sets, and every how manieth file."""

    sets: tuple[str, ...]
    stride: int
    instrument: str


_REFERENCES = {
    "piano": _Source((LIEDER,), 6, "piano"),
    "strings": _Source((QUARTETS,), 2, "strings"),
    "bass": _Source(PROGRAM_SETS, 1, "bass"),
    "guitar": _Source(PROGRAM_SETS, 1, "guitar"),
    "other": _Source(PROGRAM_SETS, 1, "other"),
}


def build_emotion_reference(root: Path) -> dict[str, object]:
    """The cues' medians and deviations on permissive music, by instrument, with their provenance."""
    return {
        "about": "medians and deviations that composer_core.estimate.emotion standardises by; no ratings in it",
        "command": "composer estimate train emotion-reference --data DATA",
        "data": {name: ", ".join(source.sets) for name, source in _REFERENCES.items()},
        "excerpt_sec": _EXCERPT_SEC,
        "instruments": {
            name: emotion.measure_reference([note_features(notes) for notes in _excerpts(root, source)])
            for name, source in _REFERENCES.items()
        },
    }


def _excerpts(root: Path, source: _Source) -> list[NoteList]:
    found: list[NoteList] = []
    for name in source.sets:
        folder = find_set(root, name)
        if folder is None:
            raise NotFound("path_missing", path=str(root / name))
        for path in sorted(folder.glob("*.mid"))[:: source.stride]:
            song = read_file(path)
            parts = song.parts if song is not None else ()
            for part in parts:
                if song is not None and part.instrument == source.instrument and len(part.notes) >= 60:
                    found += _cut_excerpts(part_notes(song, part))
    return found


def _cut_excerpts(notes: NoteList) -> list[NoteList]:
    found = []
    starts = np.arange(notes.onset_sec[0], notes.onset_sec[-1] - 25.0, _EXCERPT_SEC)[:_EXCERPTS_A_PART]
    for start in starts:
        first, last = np.searchsorted(notes.onset_sec, (start, start + _EXCERPT_SEC))
        if last - first > _LEAST_EXCERPT_NOTES:
            columns = (notes.onset_sec, notes.end_sec, notes.pitch, notes.velocity)
            found.append(NoteList(*(column[first:last] for column in columns)))  # type: ignore[arg-type]
    return found


def train_and_save(kind: str, data: Path, out: Path, progress: Progress = quiet) -> dict[str, object]:
    """Train one estimator on the data under `data` and write it to `out`; returns its held-out figures.

    `kind` is emotion, genre, meter, technique-INSTRUMENT, technique-rules or emotion-reference. NotFound without data.
    """
    if not data.exists():
        raise NotFound("path_missing", path=str(data))
    card = {"data": data.name, "split": "five folds, no group (song, composer, file, session) on both sides"}
    if kind == "emotion-reference":
        write_json(out, build_emotion_reference(data))
        return {}
    if kind == "technique-rules":
        figures = planted_figures(data)
        if not figures:
            raise NotFound("no_notes", path=str(data), instrument="any rule", purpose="plant techniques in")
        write_json(out, {**card, "split": "loops of held-out files, technique planted by rule", "figures": figures})
        return {"figures": figures}
    if kind == "genre":
        model = classifier.train(genre_examples(data), card)
        write_json(out, model.to_json())
        return dict(model.card)
    questions = _train_questions(kind, data, card, progress)
    questions.save(out)
    return {"figures": {name: dict(q.figures) for name, q in questions.questions.items()}, **questions.card}


def _train_questions(kind: str, data: Path, card: dict[str, Any], progress: Progress) -> QuestionSet:
    if kind == "meter":
        return train_meter(data, card)
    if kind == "emotion":
        clips = emotion_clips(data)
        if not clips:
            raise NotFound("no_notes", path=str(data), instrument="rated clips", purpose="train on")
        progress(f"{len(clips)} rated clips")
        return train_emotion(clips, f"emotion-{data.resolve().name}", card)
    instrument = kind.removeprefix("technique-")
    windows = technique_windows(data, instrument)
    if not windows:
        raise NotFound("no_notes", path=str(data), instrument=instrument, purpose="train on")
    progress(f"{len(windows)} windows of {instrument}")
    return train_techniques(windows, instrument, card)
