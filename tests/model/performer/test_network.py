import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from composer_core.errors import ComposerError, InvalidValue, ModelError, NotFound
from composer_core.model.performer.evaluation import evaluate, wasserstein
from composer_core.model.performer.features import context_vector, note_features
from composer_core.model.performer.network import (
    AROUSAL_GAIN,
    CONFIG_FILE,
    MAX_OFFSET_MS,
    WEIGHTS_FILE,
    Performer,
    PerformerConfig,
    PerformerNetwork,
    offset_bin,
    velocity_bin,
)
from composer_core.model.performer.training import PerformerTraining, held_out_nll, train_performer
from composer_core.music.loop import Loop
from performed_takes import pattern, played_windows
from rule_loops import HAT, KICK, SNARE, grid_loop

TINY = PerformerConfig(d_model=32, n_layers=1, n_heads=2, d_feed_forward=48, dropout=0.0)
QUICK = PerformerTraining(epochs=25, batch=8, learning_rate=1e-2, warm_up=5, validate_every=50)


@pytest.fixture(scope="module")
def trained():
    losses = []
    network = train_performer(
        played_windows(48), played_windows(8, seed=1), TINY, QUICK, lambda at: losses.append(at.loss)
    )
    return Performer(network), losses


def perform(performer, loop, seed=0, arousal=0.5):
    return performer.perform(loop, tempo_bpm=120.0, genre={"rock": 1.0}, arousal=arousal, seed=seed)


def test_the_loss_falls(trained):
    _, losses = trained
    # untrained: ln 32 + ln 48 = 7.34 nats a note
    assert losses[0] == pytest.approx(np.log(32) + np.log(48), abs=0.8)
    assert np.mean(losses[-10:]) < 0.6 * losses[0]


def test_it_learns_who_is_loud_and_late(trained):
    performer, _ = trained
    loop = pattern(np.random.default_rng(5))
    snare = loop.notes.pitch == SNARE
    played = [perform(performer, loop, seed) for seed in range(20)]
    velocity = np.mean([velocity for velocity, _ in played], axis=0)
    offset = np.mean([offset for _, offset in played], axis=0)
    assert velocity[snare].mean() > velocity[~snare].mean() + 30
    assert offset[snare].mean() > 5 > -3 > offset[~snare].mean()


def test_arousal_makes_it_louder(trained):
    performer, _ = trained
    loop = pattern(np.random.default_rng(6))
    soft = [perform(performer, loop, seed, 0.1)[0].mean() for seed in range(20)]
    loud = [perform(performer, loop, seed, 0.9)[0].mean() for seed in range(20)]
    auc = np.mean([[a < b for a in soft] for b in loud])
    assert auc >= 0.9


def test_the_same_seed_plays_the_same_and_another_differently(trained):
    performer, _ = trained
    loop = pattern(np.random.default_rng(7))
    first, again, other = perform(performer, loop, 3), perform(performer, loop, 3), perform(performer, loop, 4)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_sampled_values_lie_in_range_also_untrained():
    torch.manual_seed(0)
    performer = Performer(PerformerNetwork(TINY))
    velocity, offset = perform(performer, pattern(np.random.default_rng(8)))
    assert velocity.min() >= 1
    assert velocity.max() <= 127
    assert np.abs(offset).max() <= MAX_OFFSET_MS


def test_not_given_conditions_and_an_empty_loop_are_allowed(trained):
    performer, _ = trained
    velocity, _ = performer.perform(grid_loop([(0, KICK)]), tempo_bpm=90.0, genre={}, arousal=None, seed=0)
    assert velocity.shape == (1,)
    velocity, offset = performer.perform(grid_loop([]), tempo_bpm=90.0, genre={}, arousal=None, seed=0)
    assert velocity.shape == offset.shape == (0,)


def test_training_is_deterministic():
    few = PerformerTraining(epochs=1, batch=8, warm_up=2)
    states = [train_performer(played_windows(16), [], TINY, few).state_dict() for _ in range(2)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_loss_that_is_not_finite_stops_training():
    windows = played_windows(8)
    windows[0].context[0] = np.inf
    with pytest.raises(ModelError) as caught:
        train_performer(windows, [], TINY, PerformerTraining(epochs=1, batch=8))
    assert caught.value.code == "training_diverged"


def test_saved_and_loaded_it_plays_nearly_the_same_distribution(trained, tmp_path):
    performer, _ = trained
    performer.save(tmp_path, {"note": "kept"})
    loaded = Performer.load(tmp_path)
    assert loaded.facts == {"note": "kept"}
    assert len(loaded.hash) == 16
    windows = played_windows(8, seed=2)
    # half precision: the likelihood of held-out notes moves by less than a hundredth of a nat
    before, after = held_out_nll(performer.network, windows), held_out_nll(loaded.network, windows)
    assert after == pytest.approx(before, abs=0.01)


def damage_truncated(folder):
    data = (folder / WEIGHTS_FILE).read_bytes()
    (folder / WEIGHTS_FILE).write_bytes(data[: len(data) // 2])


def damage_missing(folder):
    (folder / WEIGHTS_FILE).unlink()


def damage_other_shape(folder):
    data = json.loads((folder / CONFIG_FILE).read_text())
    data["performer"]["d_model"] = 64
    (folder / CONFIG_FILE).write_text(json.dumps(data))


def damage_more_layers(folder):
    data = json.loads((folder / CONFIG_FILE).read_text())
    data["performer"]["n_layers"] = 2
    (folder / CONFIG_FILE).write_text(json.dumps(data))


def damage_config(folder):
    (folder / CONFIG_FILE).write_text("{")


def damage_config_field(folder):
    (folder / CONFIG_FILE).write_text('{"performer": {"colour": 3}}')


def damage_nan(folder):
    network = PerformerNetwork(TINY)
    network.norm.weight.data[0] = float("nan")
    Performer(network).save(folder, {})


@pytest.mark.parametrize(
    "damage",
    [
        damage_truncated,
        damage_missing,
        damage_other_shape,
        damage_more_layers,
        damage_config,
        damage_config_field,
        damage_nan,
    ],
)
def test_damaged_performers_are_refused_by_name(damage, tmp_path):
    Performer(PerformerNetwork(TINY)).save(tmp_path, {})
    damage(tmp_path)
    with pytest.raises(ComposerError) as caught:
        Performer.load(tmp_path)
    assert caught.value.code == "damaged_model"
    assert str(tmp_path) in str(caught.value)


def test_a_missing_performer_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        Performer.load(tmp_path)


def test_contradicting_shapes_are_refused():
    with pytest.raises(InvalidValue):
        PerformerConfig(d_model=30, n_heads=4)


def test_bins_cover_the_range():
    assert velocity_bin(np.array([1, 3, 4, 127])).tolist() == [0, 0, 1, 31]
    # 2.5 ms a bin from -60: 0 ms is the first of bin 24; beyond the range is the outermost
    assert offset_bin(np.array([-99.0, -60.0, 0.0, 59.9, 99.0])).tolist() == [0, 0, 24, 47, 47]


def test_features_tell_neighbours_and_place():
    loop = grid_loop([(0, KICK), (0, HAT), (6, HAT), (51, SNARE)], 2)
    features = note_features(loop, circular=False)
    # pitch, role, step in the quarter, quarter in the bar: step 51 is the 16th after the second bar line
    assert features.categories.tolist() == [[36, 0, 0, 0], [42, 2, 0, 0], [42, 2, 6, 0], [38, 1, 3, 0]]
    together = features.numbers[:, :10]
    assert together[0].nonzero()[0].tolist() == [0, 2]
    assert together[2].nonzero()[0].tolist() == [2]


def flat_performer(**shape):
    """One that finds every velocity alike likely."""
    network = PerformerNetwork(replace(TINY, pitched=True, **shape))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    return Performer(network)


def bass_bars(places, bars):
    loop = grid_loop([(48 * bar + step, 40) for bar in range(bars) for step in places], bars)
    return Loop("bass", loop.notes, bars, tempo_bpm=120.0)


def test_parts_nobody_played_keep_their_accents_through_all_bars():
    loop = bass_bars((0, 12, 18, 30, 42), 4)
    asked = {"tempo_bpm": 120.0, "genre": {}, "arousal": None, "seed": 3}
    velocity, offset = flat_performer(timing=False).perform(loop, **asked)
    assert np.array_equal(velocity.reshape(4, 5), np.tile(velocity[:5], (4, 1)))
    assert len(set(velocity[:5].tolist())) > 2 and not offset.any()
    # Where people were recorded each note is drawn alone.
    played, _ = flat_performer(timing=True).perform(loop, **asked)
    assert not np.array_equal(played[:5], played[5:10])


def test_an_asked_arousal_is_brought_out_by_the_performer_s_gain():
    # 0.8 is 0.6 on -1 to 1; a gain of 1.25 makes it 0.75.
    for facts, expected in (({AROUSAL_GAIN: 1.25}, 0.75), ({}, 0.6)):
        performer, seen = Performer(PerformerNetwork(TINY), facts), []
        performer.sample = lambda features, context, seed, rounds, seen=seen: seen.append(context)
        performer.perform(grid_loop([(0, KICK)]), tempo_bpm=110.0, genre={}, arousal=0.8, seed=0)
        assert seen[0][2] == pytest.approx(expected)


def test_circular_features_see_over_the_seam():
    loop = grid_loop([(0, KICK), (45, SNARE)])
    # the snare at step 45 is one 16th before the kick at 0 when the loop goes round
    before = note_features(loop, circular=True).numbers[0, 10:20]
    assert before.nonzero()[0].tolist() == [1]
    assert not note_features(loop, circular=False).numbers[0, 10:20].any()


def test_context_marks_what_was_not_given():
    given = context_vector(110.0, 4.0, {"funk-purdieshuffle": 1.0}, 0.5)
    missing = context_vector(110.0, 4.0, {}, None)
    assert given[0] == 0.0
    assert given[3] == given[-1] == 1.0
    assert not missing.any()


def test_wasserstein_is_the_shift_of_a_shifted_sample():
    sample = np.random.default_rng(0).normal(size=100)
    assert wasserstein(sample, sample + 3.0) == pytest.approx(3.0)


def test_evaluation_puts_the_performer_before_the_baselines(trained):
    performer, _ = trained
    report = evaluate(performer, played_windows(48), played_windows(8, seed=1))
    rows = report["rows"]
    assert rows["median"]["offset_mae_ms"] < rows["quantised, mean velocity of the role"]["offset_mae_ms"]
    assert rows["median"]["velocity_mae"] < rows["mean of role and place"]["velocity_mae"]
    assert rows["sampled"]["velocity_wasserstein"] < rows["mean of role and place"]["velocity_wasserstein"]
    json.dumps(report, allow_nan=False)
