"""The decoder: causal, the same with and without a cache, and transformers' Llama on the same weights."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from composer_core.errors import InvalidValue
from composer_core.model.conditions import arrays_of, bars_index, condition_rows, drop_fields, meter_index
from composer_core.model.config import ModelConfig, TrainConfig, config_from_json, read_train_config
from composer_core.music.condition import Condition
from composer_core.music.timing import COMMON_TIME, Meter
from tiny_models import GENRES, tiny_model, tiny_vocabulary

VOCABULARY = tiny_vocabulary()
CONDITION = Condition("drums", valence=0.3, arousal=0.7, genre={"funk": 1.0})


def logits_of(ids: torch.Tensor) -> torch.Tensor:
    model = tiny_model(VOCABULARY)
    with torch.no_grad():
        return model.composer(ids, model.composer.condition_vectors(arrays_of(CONDITION, GENRES)))


def test_the_future_has_no_say() -> None:
    ids = torch.randint(4, len(VOCABULARY), (1, 12), generator=torch.Generator().manual_seed(1))
    changed = ids.clone()
    changed[0, 8:] = 5
    assert torch.allclose(logits_of(ids)[0, :8], logits_of(changed)[0, :8], atol=1e-6)
    assert not torch.allclose(logits_of(ids)[0, 8:], logits_of(changed)[0, 8:], atol=1e-3)


def test_the_cache_changes_nothing() -> None:
    model = tiny_model(VOCABULARY)
    ids = torch.randint(4, len(VOCABULARY), (1, 20), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        vector = model.composer.condition_vectors(arrays_of(CONDITION, GENRES))
        cache = model.composer.new_cache(1)
        steps = [model.composer(ids[:, i : i + 1], vector, cache) for i in range(20)]
        assert torch.allclose(torch.cat(steps, dim=1), model.composer(ids, vector), atol=1e-5)


def test_llama_of_transformers_says_the_same() -> None:
    pytest.importorskip("transformers")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    from generate import llama_of

    model = tiny_model(VOCABULARY)
    ids = torch.randint(4, len(VOCABULARY), (2, 16), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        vector = model.composer.condition_vectors(arrays_of(CONDITION, GENRES)).expand(2, -1)
        own = model.composer(ids, vector)
        other = llama_of(model, CONDITION)(ids).logits
    assert torch.allclose(own, other, atol=1e-4)


def test_not_given_is_a_state_of_its_own() -> None:
    rows = [
        ({"arousal": 0.5}, COMMON_TIME, 4, {}),
        ({}, COMMON_TIME, 4, {}),
        ({"arousal": float("nan")}, COMMON_TIME, 4, {}),
    ]
    arrays = condition_rows(rows, GENRES)
    # arousal 0.5 scales to 0, the same number as an absent value: only the flag tells them apart.
    assert arrays.values[:, 3].tolist() == [0.0, 0.0, 0.0]
    assert arrays.given[:, 3].tolist() == [1.0, 0.0, 0.0]
    vectors = tiny_model(VOCABULARY).composer.condition_vectors(arrays)
    assert not torch.allclose(vectors[0], vectors[1])
    assert torch.equal(vectors[1], vectors[2])


def test_a_sub_style_counts_for_its_family_and_an_alien_genre_is_refused() -> None:
    arrays = arrays_of(Condition("drums", genre={"funk-fast": 1.0}), GENRES)
    assert arrays.genre.tolist() == [[1.0, 0.0]]
    with pytest.raises(InvalidValue, match="folk"):
        arrays_of(Condition("drums", genre={"folk": 1.0}), GENRES)


def test_metre_and_bars_have_indices() -> None:
    assert [meter_index(Meter.parse(text)) for text in ("4/4", "7/8", "5/8")] == [0, 4, 5]
    assert [bars_index(n) for n in (1, 2, 3, 4, 8, 9)] == [0, 1, 2, 2, 3, 3]


def test_hiding_never_hides_metre_and_bars() -> None:
    arrays = condition_rows([({"arousal": 0.5}, Meter(3, 4), 8, {"rock": 1.0})] * 50, GENRES)
    hidden = drop_fields(arrays, 1.0, 0.0, np.random.default_rng(0))
    assert not hidden.given.any()
    assert not hidden.genre.any()
    assert (hidden.meter == arrays.meter).all()
    assert (hidden.bars == arrays.bars).all()


def test_sizes_grow() -> None:
    shapes = [
        ModelConfig.of_size(size, instrument="drums", n_tokens=500, max_length=256, genres=())
        for size in ("tiny", "small", "base", "large")
    ]
    assert [shape.d_model for shape in shapes] == sorted(shape.d_model for shape in shapes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat: 0.1", "learning_rat"),
        ("steps: many", "steps"),
        ("steps: -1", "steps"),
        ("size: enormous", "size"),
        ("- a list", "field: value"),
        ("a: [", "YAML"),
    ],
)
def test_a_configuration_with_a_mistake_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(text)
    with pytest.raises(InvalidValue, match=message):
        read_train_config(path)


def test_the_command_line_beats_the_file(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("steps: 10\nbatch: 8\nmicro_batch: 8\n")
    config = read_train_config(path, steps=20, seed=None)
    assert (config.steps, config.batch, config.seed) == (20, 8, 0)


def test_contradictions_are_refused() -> None:
    with pytest.raises(InvalidValue, match="even share"):
        ModelConfig("drums", 100, 30, 2, 4, 64, 256, ())
    with pytest.raises(InvalidValue, match="micro_batch"):
        config_from_json(TrainConfig, {"batch": 4, "micro_batch": 8}, "here")
