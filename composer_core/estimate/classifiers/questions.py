"""A set of trained yes-or-no questions in one folder: emotion's two axes, an instrument's techniques, metres.

The folder holds model.json (features, calibration, thresholds, figures, card) and one LightGBM
text file per question. Both are data: nothing in them can run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.errors import ModelError, NotFound
from composer_core.estimate.classifiers.boosting import Boosted
from composer_core.estimate.classifiers.calibration import FloatArray, Platt
from composer_core.store.atomic import write_bytes, write_json

FORMAT = 1
MODEL_FILE = "model.json"
_MAX_TEXT_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """A boosted question, the probability from which it is answered yes, and its held-out figures."""

    model: Boosted
    threshold: float = 0.5
    figures: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class QuestionSet:
    """Questions over the same features. `kind` says of what (emotion, technique, meter), `name` which model it is."""

    kind: str
    name: str
    features: tuple[str, ...]
    questions: Mapping[str, Question]
    card: Mapping[str, object]

    @property
    def digest(self) -> str:
        """Eight hex digits over the texts of all questions."""
        texts = "".join(question.model.digest for question in self.questions.values())
        return hashlib.sha256(texts.encode()).hexdigest()[:8]

    @property
    def source(self) -> str:
        """What label events are signed with."""
        return f"model:{self.name}@{self.digest}"

    def probabilities(self, rows: FloatArray) -> dict[str, FloatArray]:
        """Calibrated probability of yes of every question (n,) for rows (n, features)."""
        table = np.atleast_2d(rows)
        return {name: question.model.probability(table) for name, question in self.questions.items()}

    def save(self, folder: Path) -> None:
        """Write the folder; the JSON last, so that a broken write is seen."""
        for name, question in self.questions.items():
            write_bytes(folder / f"{name}.txt", question.model.text.encode())
        write_json(folder / MODEL_FILE, self.to_json())

    def to_json(self) -> dict[str, object]:
        """What model.json holds."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "name": self.name,
            "features": list(self.features),
            "questions": {
                name: {
                    "platt": list(question.model.platt),
                    "threshold": round(question.threshold, 4),
                    "sha256": question.model.digest,
                    "figures": dict(question.figures),
                }
                for name, question in self.questions.items()
            },
            "card": dict(self.card),
        }


def load_questions(folder: Path, kind: str, features: tuple[str, ...]) -> QuestionSet:
    """The set in `folder`; NotFound when there is none, ModelError when it is damaged or of another kind."""
    path = folder / MODEL_FILE
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if (data["format"], data["kind"]) != (FORMAT, kind):
            raise ValueError(f"it is format {data['format']}, kind {data['kind']}; expected {FORMAT}, {kind}")
        if tuple(data["features"]) != features:
            raise ValueError("it was trained on other features; train it again")
        questions = {name: _question(folder, name, row, features) for name, row in data["questions"].items()}
        return QuestionSet(kind, data["name"], features, questions, data["card"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("damaged_model", path=str(path), reason=str(error)) from error


def _question(folder: Path, name: str, row: Mapping[str, Any], features: tuple[str, ...]) -> Question:
    if not name.replace("_", "").isalnum():
        raise ValueError(f"{name!r} is no name of a question")
    path = folder / f"{name}.txt"
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise ValueError(f"{path.name} is larger than any model of this kind")
    text = path.read_bytes()
    if hashlib.sha256(text).hexdigest() != row["sha256"]:
        raise ValueError(f"{path.name} is not the file it was saved with")
    slope, shift = (float(value) for value in row["platt"])
    model = Boosted(text.decode(), features, Platt(slope, shift))
    return Question(model, float(row["threshold"]), row["figures"])
