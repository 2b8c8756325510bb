"""A composer with random weights in a workspace: it knows the grammar but no music, and is there in no time."""

from __future__ import annotations

from dataclasses import asdict

import torch

from composer_core.model.composer.checkpoint import save_model
from composer_core.model.composer.transformer import Composer
from composer_core.model.config import ModelConfig
from composer_core.pipeline.training.runs import TrainRequest
from composer_core.store.atomic import write_json
from composer_core.store.runs import REQUEST_FILE
from composer_core.tokens.vocab import Vocabulary
from composer_core.workspace import Workspace

MAX_LENGTH = 512


def add_untrained_model(workspace: Workspace, instrument: str = "drums", name: str = "untrained") -> str:
    """Store the model as a finished run and return its name."""
    vocabulary = Vocabulary("drums" if instrument == "drums" else "pitched")
    torch.manual_seed(11)
    shape = ModelConfig.of_size(
        "tiny", instrument=instrument, n_tokens=len(vocabulary), max_length=MAX_LENGTH, genres=("funk", "rock")
    )
    save_model(workspace.runs / name / "model", Composer(shape), vocabulary, {"train": {"size": "tiny"}})
    write_json(workspace.runs / name / REQUEST_FILE, asdict(TrainRequest(instrument, "library", "tiny", name=name)))
    return name
