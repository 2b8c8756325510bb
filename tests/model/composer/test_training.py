"""Training: learns, resumes bit for bit, stops on NaN, refuses damaged checkpoints and models."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from composer_core.errors import InvalidValue, ModelError, NotFound
from composer_core.model.composer.checkpoint import load_checkpoint, load_model, save_model
from composer_core.model.composer.data import epoch_batches
from composer_core.model.composer.sampling import (
    Given,
    SampleSettings,
    choose,
    nll_of_loops,
    sample_ids,
    sample_notes,
    sampling_of,
)
from composer_core.model.composer.training import Trainer, learning_rate, nll_per_note
from composer_core.music.condition import Condition
from composer_core.music.instruments import PITCH_RANGE, POLYPHONY
from composer_core.music.key import Key
from composer_core.music.loop import Loop, check_loop
from composer_core.music.timing import Meter
from composer_core.tokens.vocab import Vocabulary
from tiny_models import rock_loop, shared_model, tiny_config, tiny_data, tiny_model, tiny_vocabulary

VOCABULARY = tiny_vocabulary()


def train(folder: Path, stop_after: int = 10**6, **changes: object) -> Trainer:
    trainer = Trainer(folder, tiny_config(**changes), tiny_data(VOCABULARY))
    trainer.run(lambda _: None, lambda: trainer.step >= stop_after)
    return trainer


def test_the_loss_falls(tmp_path: Path) -> None:
    trainer = train(tmp_path, steps=60, validate_every=20)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 60
    assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]
    loaded = load_model(tmp_path / "model")
    assert nll_per_note(loaded.composer, tiny_data(VOCABULARY).validation) == pytest.approx(trainer.best, abs=1e-5)


def test_a_training_whose_windows_lack_a_later_fields_slot_learns_without_that_field(tmp_path: Path) -> None:
    # A training stopped by a release that did not know `complexity`, whose slot is the last: its checkpoint fits
    # a model of the fields its windows hold, and no other.
    data = tiny_data(VOCABULARY)
    whole = Trainer(tmp_path, tiny_config(), data).composer.config.conditions
    arrays = data.train.conditions
    older = replace(arrays, values=arrays.values[:, :8], given=arrays.given[:, :8])
    data = replace(data, train=replace(data.train, conditions=older))
    assert Trainer(tmp_path, tiny_config(), data).composer.config.conditions == tuple(
        name for name in whole if name != "complexity"
    )
    assert "complexity" in whole


def test_a_run_says_how_many_threads_it_has(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert Trainer(tmp_path, tiny_config(threads=1), tiny_data(VOCABULARY)).device.name == "CPU (1 thread)"
    finally:
        torch.set_num_threads(before)


def test_a_resumed_run_is_bitwise_the_same(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    train(tmp_path / "parts", stop_after=3)
    resumed = train(tmp_path / "parts")
    for name, value in whole.composer.state_dict().items():
        assert torch.equal(value, resumed.composer.state_dict()[name]), name
    rows = [(tmp_path / part / "metrics.jsonl").read_text().splitlines() for part in ("whole", "parts")]
    steps = [[json.loads(line)["step"] for line in part] for part in rows]
    assert steps[0] == steps[1] == list(range(1, 9))
    losses = [[json.loads(line)["loss"] for line in part] for part in rows]
    assert losses[0] == losses[1]


def test_rows_after_the_last_checkpoint_are_not_kept_twice(tmp_path: Path) -> None:
    train(tmp_path, stop_after=4)
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write(json.dumps({"step": 5, "loss": 1.0}) + '\n{"step": 6, "lo')
    train(tmp_path)
    steps = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 9))


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    train(tmp_path, stop_after=2)
    with pytest.raises(ModelError, match="other data or settings"):
        train(tmp_path, batch=8, micro_batch=8)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    trainer = Trainer(tmp_path, tiny_config(), tiny_data(VOCABULARY))
    with torch.no_grad():
        trainer.composer.embed_tokens.weight[5] = math.nan
    with pytest.raises(ModelError, match="training stopped"):
        trainer.run(lambda _: None, lambda: False)


def test_micro_batches_make_the_same_steps(tmp_path: Path) -> None:
    losses = []
    for part, micro_batch in (("whole", 4), ("split", 2)):
        train(tmp_path / part, steps=5, micro_batch=micro_batch, dropout=0.0)
        rows = (tmp_path / part / "metrics.jsonl").read_text().splitlines()
        losses.append([json.loads(row)["loss"] for row in rows])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize("damage", ["truncated", "text", "pickle"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: str) -> None:
    train(tmp_path, stop_after=2)
    path = tmp_path / "checkpoint.pt"
    hostile = b"cposix\nsystem\n(S'touch /nonexistent/canary'\ntR."
    path.write_bytes({"truncated": path.read_bytes()[:500], "text": b"hello", "pickle": hostile}[damage])
    with pytest.raises(ModelError, match=r"checkpoint\.pt cannot be resumed"):
        load_checkpoint(path)


def saved(folder: Path) -> Path:
    model = tiny_model(VOCABULARY)
    save_model(folder, model.composer, VOCABULARY, {"nll_per_note": 1.0})
    return folder


def test_a_saved_model_samples_the_same(tmp_path: Path) -> None:
    condition = Condition("drums", bars=2)
    assert sample_ids(load_model(saved(tmp_path)), condition, [3]) == sample_ids(tiny_model(VOCABULARY), condition, [3])


@pytest.mark.parametrize("damage", ["truncated", "nan", "shape", "language", "field", "missing"])
def test_a_damaged_model_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    saved(tmp_path)
    weights, config = tmp_path / "model.safetensors", json.loads((tmp_path / "config.json").read_text())
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "missing":
        weights.unlink()
    elif damage in ("nan", "shape"):
        from safetensors.torch import load_file, save_file

        state = load_file(weights)
        name = "norm.weight"
        state[name] = state[name] * math.nan if damage == "nan" else state[name][:3].clone()
        save_file(state, weights)
    elif damage == "language":
        config["vocabulary_hash"] = "0" * 16
        (tmp_path / "config.json").write_text(json.dumps(config))
    else:
        config["model"]["n_wings"] = 2
        (tmp_path / "config.json").write_text(json.dumps(config))
    expected = {"language": "another token language", "field": "n_wings"}.get(damage, "cannot be used")
    with pytest.raises((ModelError, ValueError, Exception), match=expected) as caught:
        load_model(tmp_path)
    assert type(caught.value).__module__ == "composer_core.errors"


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        load_model(tmp_path)


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", "5/4", "7/8"])
@pytest.mark.parametrize("bars", [1, 2, 4, 8])
def test_every_sample_is_a_whole_loop(meter: str, bars: int) -> None:
    condition = Condition("drums", bars=bars, meter=Meter.parse(meter))
    model = tiny_model(VOCABULARY)
    for notes in sample_notes(model, condition, range(3)):
        check_loop(Loop("drums", notes, bars, 120.0, condition.meter))
        assert len(notes) >= bars
        assert len(set((notes.onset_tick // condition.meter.bar_tick).tolist())) == bars


@pytest.mark.parametrize("instrument", ["bass", "guitar", "piano", "strings"])
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_pitched_samples_are_playable_in_the_key(instrument: str, guidance: float) -> None:
    condition = Condition(instrument, bars=2, meter=Meter(7, 8), key=Key.parse("F#:dorian"), arousal=0.8)
    low, high = PITCH_RANGE[instrument]
    for notes in sample_notes(shared_model(), condition, range(3), SampleSettings(guidance=guidance)):
        loop = Loop(instrument, notes, 2, 120.0, condition.meter)
        check_loop(loop)
        assert low <= notes.pitch.min() and notes.pitch.max() <= high
        assert set((notes.pitch % 12).tolist()) <= set(condition.key.scale)
        assert (notes.onset_tick + notes.duration_tick).max() <= loop.length_tick
        assert np.unique(notes.onset_tick, return_counts=True)[1].max() <= POLYPHONY[instrument]


def test_bars_that_are_given_stay_as_they_are() -> None:
    model, condition = shared_model(), Condition("piano", bars=4, key=Key(2, "major"))
    whole = sample_notes(model, condition, [1])[0]
    whole = whole.with_columns(velocity=np.full(len(whole), 33))
    bar_tick = condition.meter.bar_tick
    for notes in sample_notes(model, condition, [2, 3], given=Given(whole, 1, 3)):
        outside = (notes.onset_tick < bar_tick) | (notes.onset_tick >= 3 * bar_tick)
        kept = (whole.onset_tick < bar_tick) | (whole.onset_tick >= 3 * bar_tick)
        assert notes.select(outside) == whole.select(kept)
        assert set((notes.select(~outside).onset_tick // bar_tick).tolist()) == {1, 2}
        assert set(notes.select(~outside).velocity.tolist()) == {80}


def test_a_model_brings_its_sampling() -> None:
    model = shared_model()
    guided = replace(model, facts={"sampling": {"guidance": 2.5}})
    condition = Condition("bass", bars=2, arousal=0.9)
    assert sampling_of(guided, "bass") == SampleSettings(guidance=2.5)
    assert sample_ids(guided, condition, [1]) == sample_ids(model, condition, [1], SampleSettings(guidance=2.5))
    with pytest.raises(InvalidValue, match="boldness"):
        sampling_of(replace(model, facts={"sampling": {"boldness": 1}}), "bass")


def test_an_instrument_may_have_its_own_sampling() -> None:
    facts = {"sampling": {"guidance": 2.5, "instruments": {"piano": {"temperature": 0.8}}}}
    model = replace(shared_model(), facts=facts)
    assert sampling_of(model, "piano") == SampleSettings(temperature=0.8, guidance=2.5)
    assert sampling_of(model, "bass") == SampleSettings(guidance=2.5)
    assert facts["sampling"]["instruments"] == {"piano": {"temperature": 0.8}}


def test_a_loop_is_likelier_to_the_model_that_learnt_it(tmp_path: Path) -> None:
    train(tmp_path, steps=60, validate_every=20)
    model, condition = load_model(tmp_path / "model"), Condition("drums", bars=1)
    learnt = rock_loop(1).notes
    moved = learnt.with_columns(onset_tick=(learnt.onset_tick + 40) % 1920)
    nll = nll_of_loops(model, condition, [learnt, moved])
    assert nll[0] < nll[1]


def test_training_goes_on_from_a_model_whole_or_by_adapters(tmp_path: Path) -> None:
    train(tmp_path / "base", steps=20, validate_every=20)
    start = str(tmp_path / "base" / "model")
    for name, adapter in (("whole", False), ("adapter", True)):
        trainer = train(tmp_path / name, steps=8, start=start, adapter=adapter, adapter_rank=2, warm_up=1)
        rows = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        assert (
            json.loads(rows[-1])["loss"]
            < json.loads((tmp_path / "base" / "metrics.jsonl").read_text().splitlines()[0])["loss"]
        )
        loaded = load_model(tmp_path / name / "model")
        assert nll_per_note(loaded.composer, tiny_data(VOCABULARY).validation) == pytest.approx(trainer.best, abs=1e-4)


def test_a_model_of_another_language_is_no_start(tmp_path: Path) -> None:
    other = Vocabulary("drums")
    save_model(tmp_path, tiny_model(other).composer, other, {})
    with pytest.raises(ModelError, match="another token language"):
        train(tmp_path / "run", start=str(tmp_path))


def test_half_precision_weights_load(tmp_path: Path) -> None:
    model = tiny_model(VOCABULARY)
    save_model(tmp_path, model.composer, VOCABULARY, {}, half=True)
    loaded = load_model(tmp_path).composer.state_dict()
    for name, value in model.composer.state_dict().items():
        assert torch.allclose(value, loaded[name], atol=1e-3)


def test_a_stop_keeps_whole_bars() -> None:
    model, asked = tiny_model(VOCABULARY), iter([False] * 30 + [True])
    ids = sample_ids(model, Condition("drums", bars=8), [1], should_stop=lambda: next(asked))[0]
    kinds = [kind for token in ids for kind, _ in VOCABULARY.pieces[token].tokens]
    assert kinds
    assert kinds[0] == "Bar"
    assert kinds[-1] == "Pitch"


def test_choosing_keeps_to_the_nucleus() -> None:
    # Probabilities 0.6, 0.3, 0.1: a nucleus of 0.85 is the first two.
    logits = np.log(np.array([0.6, 0.3, 0.1]))
    rng = np.random.default_rng(0)
    drawn = [choose(logits, SampleSettings(1.0, 0.85), rng) for _ in range(2000)]
    assert set(drawn) == {0, 1}
    assert np.mean(np.array(drawn) == 0) == pytest.approx(0.6 / 0.9, abs=0.04)
    masked = np.where([False, True, True], logits, -np.inf)
    assert {choose(masked, SampleSettings(1.0, 1.0), rng) for _ in range(200)} == {1, 2}


@given(st.lists(st.integers(5, 120), min_size=1, max_size=300), st.integers(1, 64), st.integers(0, 5))
def test_an_epoch_sees_every_sequence_once(lengths: list[int], batch: int, epoch: int) -> None:
    batches = epoch_batches(lengths, batch, 1, epoch)
    assert sorted(i for part in batches for i in part.tolist()) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch)


def test_the_learning_rate_warms_up_and_falls() -> None:
    config = replace(tiny_config(), learning_rate=1.0, warm_up=10, steps=110)
    rates = [learning_rate(config, step, 110) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.05 + 0.95 * 0.5, abs=0.01)
    assert rates[-1] == pytest.approx(0.05, abs=0.01)
