"""The genre of an instrument as the user's own library teaches it: from approved labels only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from composer_core.estimate import note_features
from composer_core.estimate.genre import classifier
from composer_core.estimate.genre.features import FEATURE_NAMES, features_of
from composer_core.estimate.note_list import notes_of_loop
from composer_core.metrics import measure
from composer_core.music.genre import family_weights
from composer_core.store.atomic import write_json
from composer_core.store.labels.store import open_labels
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

LEAST_LOOPS, N_FOLDS = 5, 5


def train_library_genre(workspace: Workspace, instrument: str, out: Path) -> dict[str, Any]:
    """Learn families from the loops of an instrument whose genre a person approved; returns the card.

    Loops of one source file stay on one side of every fold. InvalidValue unless two families have five loops.
    """
    labels = open_labels(workspace).view()
    approved = {
        loop_id: fields["genre"].value
        for loop_id, fields in labels.items()
        if "genre" in fields and fields["genre"].status == "approved" and fields["genre"].value
    }
    rows = LoopStore(workspace).table(["loop_id", "instrument"])
    wanted = [name for name in rows["loop_id"][rows["instrument"] == instrument] if name in approved]
    examples = []
    for loop_id, loop in zip(wanted, LoopStore(workspace).load_many(wanted), strict=True):
        weights = family_weights(approved[loop_id])
        family = max(weights, key=lambda name: weights[name])
        row = features_of(loop, measure(loop)) if loop.is_drums else note_features.feature_row(notes_of_loop(loop))
        examples.append(classifier.Example(row, family, loop.source))
    features = FEATURE_NAMES if instrument == "drums" else note_features.FEATURE_NAMES
    about = {"name": f"genre-{instrument}", "data": "the library's approved labels"}
    model = classifier.train(examples, about, features=features, least=LEAST_LOOPS, n_folds=N_FOLDS)
    write_json(out, model.to_json())
    return dict(model.card)
