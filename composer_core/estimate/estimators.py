"""Load the estimators in use: the shipped ones, or those a person has trained in place of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from composer_core.estimate import meter
from composer_core.estimate.classifiers.questions import MODEL_FILE, QuestionSet, load_questions
from composer_core.estimate.emotion import WHOLE, Emotion, read_emotion, read_trained_emotion
from composer_core.estimate.genre import classifier
from composer_core.estimate.genre.classifier import GenreModel
from composer_core.estimate.note_features import FEATURE_NAMES
from composer_core.estimate.note_list import NoteList
from composer_core.estimate.technique import learned
from composer_core.music.instruments import INSTRUMENTS
from composer_core.workspace import ASSETS

SHIPPED = ASSETS / "models"


@dataclass(frozen=True)
class Estimators:
    """`emotion` None means the published cues; the mappings are by instrument."""

    emotion: QuestionSet | None = None
    genre: Mapping[str, GenreModel] = field(default_factory=dict)
    techniques: Mapping[str, QuestionSet] = field(default_factory=dict)
    meter: QuestionSet | None = None

    def read_emotion(self, notes: NoteList, instrument: str = WHOLE) -> Emotion | None:
        """Valence and arousal of pitched notes; None for fewer than four."""
        if self.emotion is not None:
            return read_trained_emotion(self.emotion, notes)
        return read_emotion(notes, instrument)


def load_estimators(own: Path | None = None) -> Estimators:
    """The shipped estimators; where the folder `own` holds one of the same name, that one instead.

    Raises ModelError naming the file when one is damaged.
    """
    places = (SHIPPED,) if own is None or not own.is_dir() else (own, SHIPPED)
    files = [path for place in places[:-1] for path in sorted(place.rglob("*")) if path.is_file()]
    stamp = tuple((str(path), path.stat().st_mtime_ns) for path in files)
    return _load(places, stamp)


@lru_cache(maxsize=4)
def _load(places: tuple[Path, ...], _stamp: tuple[tuple[str, int], ...]) -> Estimators:
    emotion = _first(places, "emotion")
    metre = _first(places, "meter")
    genres = {name: _first_file(places, f"genre-{name}.json") for name in INSTRUMENTS}
    techniques = {name: _first(places, f"technique-{name}") for name in learned.LEARNT_INSTRUMENTS}
    return Estimators(
        None if emotion is None else load_questions(emotion, "emotion", FEATURE_NAMES),
        {name: classifier.load_model(path) for name, path in genres.items() if path is not None},
        {
            name: load_questions(folder, "technique", learned.TECHNIQUE_FEATURES)
            for name, folder in techniques.items()
            if folder is not None
        },
        None if metre is None else load_questions(metre, "meter", meter.METER_FEATURES),
    )


@lru_cache(maxsize=1)
def shipped_meter_model() -> QuestionSet:
    """The shipped estimator of the metre alone, which imports ask; ModelError when it is damaged."""
    return load_questions(meter.FOLDER, "meter", meter.METER_FEATURES)


def _first(places: tuple[Path, ...], name: str) -> Path | None:
    return next((place / name for place in places if (place / name / MODEL_FILE).is_file()), None)


def _first_file(places: tuple[Path, ...], name: str) -> Path | None:
    return next((place / name for place in places if (place / name).is_file()), None)
