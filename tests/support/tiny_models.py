"""A composer small enough for tests, with a vocabulary learnt from a few rock bars."""

from __future__ import annotations

import numpy as np
import torch

from composer_core.model.composer.checkpoint import LoadedModel
from composer_core.model.composer.conditions import WindowCondition, condition_rows
from composer_core.model.composer.data import WindowSet
from composer_core.model.composer.training import TrainingData
from composer_core.model.composer.transformer import Composer
from composer_core.model.config import ALL_CONDITIONS, SHARED, ModelConfig, TrainConfig
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import COMMON_TIME
from composer_core.tokens.vocab import Vocabulary, loop_to_bars

GENRES = ("funk", "rock")
ROCK = [(0, 36), (0, 42), (240, 42), (480, 38), (480, 42), (720, 42), (960, 36), (960, 42), (1440, 38)]


def rock_loop(bars: int = 4, variant: int = 0, tempo_bpm: float = 120.0) -> Loop:
    """A plain rock beat; variants move a few hits."""
    rows = [
        (bar * 1920 + tick + (120 if (variant + bar + i) % 7 == 0 else 0), 40, pitch, 80 + i)
        for bar in range(bars)
        for i, (tick, pitch) in enumerate(ROCK)
    ]
    return Loop("drums", Notes.from_rows(sorted(set(rows))), bars, tempo_bpm, source=f"rock-{variant}.mid")


def tiny_vocabulary() -> Vocabulary:
    """Drums with a dozen merges."""
    return Vocabulary.train(loop_to_bars(rock_loop(8)), kind="drums", n_merges=12)


def tiny_model(vocabulary: Vocabulary, seed: int = 0) -> LoadedModel:
    """An untrained composer: its samples are noise, but whole."""
    torch.manual_seed(seed)
    shape = ModelConfig.of_size(
        "tiny", instrument="drums", n_tokens=len(vocabulary), max_length=256, genres=GENRES, dropout=0.0
    )
    return LoadedModel("tiny", Composer(shape).eval(), vocabulary, "0" * 16, {})


def shared_model(seed: int = 0) -> LoadedModel:
    """An untrained composer of all instruments that knows every condition."""
    torch.manual_seed(seed)
    vocabulary = Vocabulary("shared", tiny_vocabulary().merges)
    shape = ModelConfig.of_size(
        "tiny",
        instrument=SHARED,
        n_tokens=len(vocabulary),
        max_length=512,
        genres=GENRES,
        dropout=0.0,
        conditions=ALL_CONDITIONS,
        techniques=("bass:walking", "piano:block_chord"),
        heads=True,
    )
    return LoadedModel("shared", Composer(shape).eval(), vocabulary, "1" * 16, {})


def tiny_data(vocabulary: Vocabulary, n: int = 24) -> TrainingData:
    """Windows of a few variants, one half each for training and to stop by."""
    loops = [rock_loop(1, variant) for variant in range(n)]
    sequences = []
    for loop in loops:
        body = [token for bar in loop_to_bars(loop) for token in vocabulary.encode_bar(bar)]
        sequences.append(np.array([vocabulary.bos, *body, vocabulary.eos], dtype=np.int32))
    rows = [
        WindowCondition({"tempo_bpm": 100.0 + i, "arousal": i / n}, COMMON_TIME, 1, {"rock": 1.0}) for i in range(n)
    ]
    windows = WindowSet(
        sequences,
        condition_rows(rows, GENRES),
        np.array([len(loop.notes) for loop in loops]),
        np.arange(n),
        [loop.source for loop in loops],
        vocabulary.bar_starts,
        np.arange(n) == 1,
    )
    train, dev = (windows.rows(np.arange(*part)) for part in ((0, n // 2), (n // 2, n)))
    return TrainingData(train, dev, vocabulary, GENRES, {})


def tiny_config(**changes: object) -> TrainConfig:
    """A training of a few steps on the CPU."""
    fields: dict[str, object] = {
        "size": "tiny",
        "steps": 8,
        "batch": 4,
        "micro_batch": 4,
        "warm_up": 2,
        "validate_every": 4,
        "checkpoint_every": 2,
        "device": "cpu",
    }
    return TrainConfig(**{**fields, **changes})  # type: ignore[arg-type]
