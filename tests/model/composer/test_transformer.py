"""The decoder: causal, the same with and without a cache, and transformers' Llama on the same weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from composer_core.errors import InvalidValue
from composer_core.model.composer.adapter import add_adapters, merged_state
from composer_core.model.composer.checkpoint import LoadedModel
from composer_core.model.composer.conditions import (
    WindowCondition,
    arrays_of,
    bars_index,
    condition_rows,
    drop_fields,
    meter_index,
)
from composer_core.model.composer.decoder import next_logits, stepper_of
from composer_core.model.composer.heads import head_losses
from composer_core.model.composer.notices import notices_of
from composer_core.model.composer.transformer import Composer
from composer_core.model.config import ModelConfig, TrainConfig, config_from_json, read_train_config
from composer_core.music.chords import Chord, parse_chord_line
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.timing import COMMON_TIME, Meter
from tiny_models import GENRES, shared_model, tiny_model, tiny_vocabulary

VOCABULARY = tiny_vocabulary()
CONDITION = Condition("drums", valence=0.3, arousal=0.7, genre={"funk": 1.0})


def vectors_of(model: LoadedModel, condition: Condition, ids: torch.Tensor) -> torch.Tensor:
    """The condition vector of each position of some sequences."""
    vectors = model.composer.condition_vectors(arrays_of(condition, model.composer.config)).expand(len(ids), -1, -1)
    bar = torch.from_numpy(model.vocabulary.bar_starts)[ids].cumsum(1).clamp(max=8)
    return model.composer.at_positions(vectors, bar)


def logits_of(ids: torch.Tensor) -> torch.Tensor:
    model = tiny_model(VOCABULARY)
    with torch.no_grad():
        return model.composer(ids, vectors_of(model, CONDITION, ids))


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
        vector = vectors_of(model, CONDITION, ids)
        cache = model.composer.new_cache(1)
        steps = [model.composer(ids[:, i : i + 1], vector[:, i : i + 1], cache) for i in range(20)]
        assert torch.allclose(torch.cat(steps, dim=1), model.composer(ids, vector), atol=1e-5)


@pytest.mark.parametrize("adapted", [False, True])
def test_one_token_at_a_time_says_the_same(adapted: bool) -> None:
    """Three sequences: five tokens by the composer's layers, ten one by one in the other layout; gains are not 1."""
    model = tiny_model(VOCABULARY)
    composer = add_adapters(model.composer, 4) if adapted else model.composer
    ids = torch.randint(4, len(VOCABULARY), (3, 15), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        for name, parameter in composer.named_parameters():
            if "norm" in name or name.endswith(".up"):
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)), alpha=0.3)
        vectors = vectors_of(model, CONDITION, ids)
        whole = composer(ids, vectors)
        step, cache = stepper_of(composer), composer.new_cache(3)
        found = [next_logits(composer, step, ids[:, :5], vectors[:, :5], cache)]
        found += [next_logits(composer, step, ids[:, i : i + 1], vectors[:, i : i + 1], cache) for i in range(5, 15)]
    assert torch.allclose(torch.stack(found, dim=1), whole[:, 4:], atol=1e-4)


def test_steps_follow_weights_that_change() -> None:
    model = tiny_model(VOCABULARY)
    ids = torch.tensor([[5]])
    with torch.no_grad():
        vectors = vectors_of(model, CONDITION, ids)
        before = stepper_of(model.composer)(ids[:, 0], vectors[:, 0], model.composer.new_cache(1))
        model.composer.layers[0].mlp.down_proj.weight.mul_(30.0)
        after = stepper_of(model.composer)(ids[:, 0], vectors[:, 0], model.composer.new_cache(1))
        whole = model.composer(ids, vectors)[:, -1]
    assert not torch.allclose(after, before, atol=1e-3)
    assert torch.allclose(after, whole, atol=1e-4)


def test_llama_of_transformers_says_the_same() -> None:
    pytest.importorskip("transformers")
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))
    from generate import llama_of

    model = tiny_model(VOCABULARY)
    ids = torch.randint(4, len(VOCABULARY), (2, 16), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        own = model.composer(ids, vectors_of(model, CONDITION, ids))
        other = llama_of(model, CONDITION)(ids).logits
    assert torch.allclose(own, other, atol=1e-4)


def test_not_given_is_a_state_of_its_own() -> None:
    rows = [
        WindowCondition({"arousal": 0.5}, COMMON_TIME, 4, {}),
        WindowCondition({}, COMMON_TIME, 4, {}),
        WindowCondition({"arousal": float("nan")}, COMMON_TIME, 4, {}),
    ]
    arrays = condition_rows(rows, GENRES)
    # arousal 0.5 scales to 0, the same number as an absent value: only the flag tells them apart.
    assert arrays.values[:, 3].tolist() == [0.0, 0.0, 0.0]
    assert arrays.given[:, 3].tolist() == [1.0, 0.0, 0.0]
    vectors = tiny_model(VOCABULARY).composer.condition_vectors(arrays)
    assert not torch.allclose(vectors[0], vectors[1])
    assert torch.equal(vectors[1], vectors[2])


def test_a_sub_style_counts_for_its_family_and_an_alien_genre_is_refused() -> None:
    config = tiny_model(VOCABULARY).composer.config
    arrays = arrays_of(Condition("drums", genre={"funk-fast": 1.0}), config)
    assert arrays.genre.tolist() == [[1.0, 0.0]]
    with pytest.raises(InvalidValue, match="folk"):
        arrays_of(Condition("drums", genre={"folk": 1.0}), config)


def test_metre_and_bars_have_indices() -> None:
    assert [meter_index(Meter.parse(text)) for text in ("4/4", "7/8", "5/8")] == [0, 4, 5]
    assert [bars_index(n) for n in (1, 2, 3, 4, 8, 9)] == [0, 1, 2, 2, 3, 3]


def test_hiding_never_hides_metre_and_bars() -> None:
    arrays = condition_rows([WindowCondition({"arousal": 0.5}, Meter(3, 4), 8, {"rock": 1.0})] * 50, GENRES)
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
    path.write_text("steps: 10\nbatch: 8\n")
    config = read_train_config(path, steps=20, seed=None)
    assert (config.steps, config.batch, config.seed) == (20, 8, 0)


def test_contradictions_are_refused() -> None:
    with pytest.raises(InvalidValue, match="even share"):
        ModelConfig("drums", 100, 30, 2, 4, 64, 256, ())
    with pytest.raises(InvalidValue, match="micro_batch"):
        config_from_json(TrainConfig, {"batch": 4, "micro_batch": 8}, "here")


CHORDS, KEY = parse_chord_line("Em C G D", None)


def test_a_chord_acts_on_its_bar_and_on_the_one_before() -> None:
    model = shared_model()
    asked = Condition("bass", key=KEY, chords=CHORDS)
    other = asked.changed(chords=(*CHORDS[:3], Chord.parse("B7")))
    vectors = [model.composer.condition_vectors(arrays_of(c, model.composer.config))[0] for c in (asked, other)]
    # Rows: before the first bar, then bars 1 to 8. The fourth chord is the next one in bar 3.
    differs = [not torch.equal(a, b) for a, b in zip(*vectors, strict=True)]
    assert differs == [False, False, False, True, True, False, False, False, False]


def test_chords_count_from_the_tonic() -> None:
    config = shared_model().composer.config
    in_e, in_a = (
        arrays_of(Condition("bass", key=Key(root, "minor"), chords=chords), config)
        for root, chords in (
            (4, parse_chord_line("Em C G D", None)[0]),
            (9, parse_chord_line("Am F C G", None)[0]),
        )
    )
    assert (in_e.chords == in_a.chords).all()
    assert (in_e.mode == in_a.mode).all()


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"key": Key(4, "minor")}, False),
        ({"technique": ("walking",)}, False),
        ({"technique": ("slap",)}, True),
        ({"register": 40.0}, False),
        ({"syncopation": 3.0}, False),
        ({"complexity": 0.9}, False),
    ],
)
def test_each_field_reaches_the_model_or_a_notice(changes: dict[str, Any], same: bool) -> None:
    model = shared_model()
    plain, asked = Condition("bass"), Condition("bass", **changes)
    vectors = [model.composer.condition_vectors(arrays_of(c, model.composer.config)) for c in (plain, asked)]
    assert torch.equal(*vectors) is same
    assert bool(notices_of(model.composer.config, {}, asked)) is same


def test_a_model_says_what_it_never_learnt_and_hardly_saw() -> None:
    first = tiny_model(VOCABULARY).composer.config
    asked = Condition("drums", complexity=0.5, technique=("ghost",), meter=Meter(7, 8), arousal=0.2)
    assert notices_of(first, {}, asked) == ("unlearnt_complexity", "unlearnt_technique", "rare_meter")
    windows = {"meters": {"drums": {"4/4": 90, "7/8": 10}}}
    assert "rare_meter" not in notices_of(first, windows, asked)
    assert notices_of(shared_model().composer.config, {}, Condition("bass", key=Key(2, "dorian"))) == ("mode_by_scale",)


def test_an_adapter_starts_as_the_model_and_merges_into_it() -> None:
    plain, adapted = shared_model().composer, add_adapters(shared_model().composer, 4)
    ids = torch.randint(4, 100, (2, 9), generator=torch.Generator().manual_seed(4))
    vector = torch.zeros(2, 9, plain.config.d_model)
    with torch.no_grad():
        assert torch.equal(plain(ids, vector), adapted(ids, vector))
        for name, parameter in adapted.named_parameters():
            if name.endswith(".up"):
                parameter.normal_(std=0.1)
        merged = Composer(plain.config).eval()
        merged.load_state_dict(merged_state(adapted))
        assert not torch.allclose(plain(ids, vector), adapted(ids, vector), atol=1e-3)
        assert torch.allclose(merged(ids, vector), adapted(ids, vector), atol=1e-4)
    n_trained = sum(weights.numel() for weights in adapted.parameters() if weights.requires_grad)
    assert 0 < n_trained < plain.n_parameters


def test_heads_learn_only_what_was_hidden() -> None:
    rows = [WindowCondition({"valence": 0.8, "arousal": 0.9}, genre={"rock": 1.0}, instrument="bass")] * 4
    true = condition_rows(rows, GENRES)
    composer = shared_model().composer
    output = composer.heads(torch.randn(4, 5, composer.config.d_model), torch.ones(4, 5, dtype=torch.bool))
    whole = torch.zeros(4, dtype=torch.bool)
    shown = head_losses(output, true, true, whole)
    assert shown["emotion"] == 0
    assert shown["genre"] == 0
    hidden = head_losses(output, true, true.hidden(), whole)
    # valence 0.8 is +, arousal 0.9 scales to 0.8, +: quadrant 0.
    expected = ((output.valence - 0.8) ** 2 + (output.arousal - 0.8) ** 2).mean()
    expected = expected + 0.5 * -output.quadrant.log_softmax(-1)[:, 0].mean()
    assert torch.allclose(hidden["emotion"], expected)
    assert head_losses(output, true, true.hidden(), ~whole)["emotion"] == 0
