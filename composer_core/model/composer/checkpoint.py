"""Models and checkpoints on disk. Weights are safetensors; nothing that can run code is ever read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from composer_core.errors import ModelError, NotFound
from composer_core.model.composer.transformer import Composer
from composer_core.model.config import ModelConfig, config_from_json, config_to_json
from composer_core.store.atomic import read_json, write_bytes, write_json
from composer_core.tokens.vocab import Vocabulary

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocabulary.json"
CHECKPOINT_FILE = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A composer ready to sample: weights, vocabulary, and the facts saved with them."""

    name: str
    composer: Composer
    vocabulary: Vocabulary
    hash: str
    facts: dict[str, object]


def save_model(
    folder: Path,
    composer: Composer,
    vocabulary: Vocabulary,
    facts: Mapping[str, object],
    weights: Mapping[str, torch.Tensor] | None = None,
    half: bool = False,
) -> None:
    """Write weights, vocabulary and configuration; the configuration last, since it marks the model as whole.

    `weights` stand for the composer's own (an adapted one's merged); `half` stores them in
    half precision.
    """
    kind = torch.float16 if half else torch.float32
    chosen = weights if weights is not None else composer.state_dict()
    state = {name: tensor.detach().cpu().contiguous().to(kind) for name, tensor in chosen.items()}
    write_bytes(folder / WEIGHTS_FILE, save_safetensors(state))
    write_json(folder / VOCABULARY_FILE, vocabulary.to_json())
    shape = config_to_json(composer.config)
    write_json(folder / CONFIG_FILE, {"model": shape, "vocabulary_hash": vocabulary.hash, **facts})


def load_model(folder: Path) -> LoadedModel:
    """Read a model; ModelError names what is wrong with it (another language, truncated, NaN, wrong shape)."""
    config_path = folder / CONFIG_FILE
    if not config_path.is_file():
        raise NotFound("path_missing", path=str(config_path))
    data: Any = read_json(config_path)
    if not isinstance(data, dict) or not isinstance(data.get("model"), dict):
        raise ModelError("damaged_model", path=str(folder), reason="its config.json holds no model")
    config = config_from_json(ModelConfig, data["model"], str(config_path))
    words = read_json(folder / VOCABULARY_FILE)
    if not isinstance(words, dict):
        raise ModelError("damaged_model", path=str(folder), reason=f"its {VOCABULARY_FILE} holds no vocabulary")
    vocabulary = Vocabulary.from_json(words, str(folder))
    if data.get("vocabulary_hash") != vocabulary.hash or len(vocabulary) != config.n_tokens:
        raise ModelError(
            "vocabulary_mismatch", path=str(folder), found=data.get("vocabulary_hash"), expected=vocabulary.hash
        )
    composer = Composer(config)
    weights = read_weights(folder / WEIGHTS_FILE, composer.state_dict())
    composer.load_state_dict(weights)
    composer.eval()
    facts = {key: value for key, value in data.items() if key not in ("model", "vocabulary_hash")}
    return LoadedModel(folder.name, composer, vocabulary, model_hash(folder), facts)


def read_weights(path: Path, expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file, checked against the names, shapes and finiteness expected."""
    folder = str(path.parent)
    try:
        weights = load_safetensors(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ModelError("damaged_model", path=folder, reason=str(error)) from error
    if set(weights) != set(expected):
        odd = sorted(set(weights) ^ set(expected))[:3]
        raise ModelError("damaged_model", path=folder, reason=f"its weights do not fit: {', '.join(odd)}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise ModelError("damaged_model", path=folder, reason=f"{name} has shape {tuple(tensor.shape)}")
        if not torch.isfinite(tensor).all():
            raise ModelError("damaged_model", path=folder, reason=f"{name} holds NaN or infinity")
    return {name: tensor.float() for name, tensor in weights.items()}


def model_hash(folder: Path) -> str:
    """Digest of weights and vocabulary, 16 hex digits: with condition and seed it names a take."""
    total = hashlib.sha256()
    for name in (WEIGHTS_FILE, VOCABULARY_FILE):
        total.update((folder / name).read_bytes())
    return total.hexdigest()[:16]


def save_checkpoint(path: Path, state: Mapping[str, object]) -> None:
    """Write a training checkpoint atomically: whole or not there."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, object]:
    """Read a checkpoint without running code in it; ModelError when damaged."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, AttributeError, UnpicklingError) as error:
        raise ModelError("damaged_checkpoint", path=str(path), reason=str(error).split("\n")[0]) from error
    if not isinstance(state, dict):
        raise ModelError("damaged_checkpoint", path=str(path), reason="it holds no training state")
    return state
