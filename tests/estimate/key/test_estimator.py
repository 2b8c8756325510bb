"""Keys: from every root alike, calibrated, with modes by the scale; damaged models are refused."""

import json
import math

import numpy as np
import pytest

from composer_core.errors import ModelError, NotFound
from composer_core.estimate import estimate_key, estimate_keys
from composer_core.estimate.key.estimator import (
    MODEL,
    KeyModel,
    all_roots,
    features_of,
    load_model,
    mode_of,
    temperature_at,
)
from composer_core.estimate.key.features import N_FEATURES, TURNS, key_features
from composer_core.lab.estimators.key import fit_key_weights
from composer_core.metrics import chords_of
from composer_core.music.loop import NO_NOTES, Loop
from metric_loops import beat, tune


def progression(*chords: tuple[int, ...], instrument: str = "piano") -> Loop:
    """One chord a bar with its lowest note an octave below."""
    rows = [(i * 1920, 1920, pitch) for i, chord in enumerate(chords) for pitch in (chord[0] - 12, *chord)]
    return tune(rows, instrument, bars=len(chords))


C, F, G, AM, DM, E = (60, 64, 67), (65, 69, 72), (67, 71, 74), (57, 60, 64), (62, 65, 69), (64, 68, 71)
CADENCE = progression(C, F, G, C)
MINOR_CADENCE = progression(AM, DM, E, AM)


@pytest.mark.parametrize("semitones", range(12))
def test_transposing_turns_the_key_and_nothing_else(semitones):
    moved = CADENCE.with_notes(CADENCE.notes.with_columns(pitch=CADENCE.notes.pitch + semitones))
    first, second = estimate_key(CADENCE), estimate_key(moved)
    assert (first.key.root, first.key.mode) == (0, "major")
    assert (second.key.root, second.key.mode) == (semitones, "major")
    assert second.confidence == pytest.approx(first.confidence, abs=1e-3)


def test_a_minor_cadence():
    found = estimate_key(MINOR_CADENCE)
    assert str(found.key) == "A:minor" and 1 / 24 < found.confidence <= 1


def test_drums_and_silence_have_no_key():
    assert estimate_keys([beat(kick="x..."), Loop("piano", NO_NOTES, 1), CADENCE])[:2] == [None, None]
    assert estimate_keys([]) == []


def test_features_by_hand():
    # C for a quarter, then E and G for a quarter: time 1/3 each, onsets 1/3 each, basses C and E, tops C and G
    row = key_features([0, 1, 1], [1, 1, 1], [60, 64, 67], 2.0)
    single = row[: 19 * 12].reshape(19, 12)
    assert single[0, [0, 4, 7]] == pytest.approx([1 / 3] * 3)
    assert single[3, [0, 4]].tolist() == [0.5, 0.5] and single[4, [0, 7]].tolist() == [0.5, 0.5]
    assert (single[6, 0], single[7, 4], single[8, 0], single[9, 7]) == (1, 1, 1, 1)
    assert row[19 * 12 + 4] == 1.0  # the only move of the bass: C to E
    assert not key_features([], [], [], 4.0).any()


def test_turns_are_permutations_that_shift_pitch_classes():
    assert all(sorted(turn) == list(range(N_FEATURES)) for turn in TURNS.tolist())
    moved = CADENCE.with_notes(CADENCE.notes.with_columns(pitch=CADENCE.notes.pitch + 5))
    np.testing.assert_allclose(features_of(moved)[TURNS[5]], features_of(CADENCE), atol=1e-6)
    assert all_roots(np.ones((N_FEATURES, 2))).shape == (N_FEATURES, 24)


@pytest.mark.parametrize(
    "key, weights, mode",
    [
        (0, {0: 5, 4: 3, 7: 3, 5: 1, 11: 1}, "major"),
        (0, {0: 5, 4: 3, 7: 3, 6: 1}, "lydian"),  # F# and no F
        (7, {7: 5, 11: 3, 2: 3, 5: 1}, "mixolydian"),  # on G, F and no F#
        (12 + 2, {2: 5, 5: 3, 9: 3, 11: 1}, "dorian"),  # on D, B and no Bb
        (12 + 4, {4: 5, 7: 3, 11: 3, 5: 1}, "phrygian"),  # on E, F and no F#
        (12 + 11, {11: 5, 2: 3, 5: 2, 0: 1}, "locrian"),  # on B, C and F, no C# and F#
        (12 + 9, {9: 5, 0: 3, 4: 3, 5: 1, 6: 1}, "minor"),  # both sixths
        (0, {0: 90, 4: 3, 7: 5, 6: 2}, "major"),  # 2 % are too little to tell
    ],
)
def test_modes_by_the_degree_that_marks_them(key, weights, mode):
    time = np.zeros(12)
    time[list(weights)] = list(weights.values())
    assert mode_of(time / time.sum(), key) == mode


def test_the_shipped_model_says_what_it_learnt_from():
    card = load_model().card
    assert "POP909" in card["data"] and len(card["digest"]) == 64
    learned = card["exact_accuracy"].pop("learned")
    assert learned["8 s"] >= 0.66 and learned["16 s"] >= 0.76 and learned["song"] >= 0.87
    assert learned["8 s"] >= 0.10 + max(row["8 s"] for row in card["exact_accuracy"].values())


def test_more_music_makes_the_same_answer_surer():
    model = load_model()
    # Measured on songs left out; between two lengths along the logarithm: 16 is half way from 8 to 32.
    assert max(load_model().card["calibration_error"].values()) <= 0.05
    row, sec = features_of(CADENCE)[None], np.array([4.0, 8.0, 16.0, 300.0, 4000.0])
    surest = model.shares(np.repeat(row, 5, axis=0), sec).max(axis=1)
    assert surest[0] == surest[1] < surest[2] < surest[3] == surest[4]
    halves = temperature_at(((8.0, 1.0), (32.0, 2.0)), np.array([16.0]))
    assert halves == pytest.approx([1.5])


def test_weights_come_back_and_damage_is_refused(tmp_path):
    model = load_model()
    again = KeyModel.from_json(json.loads(json.dumps(model.to_json())))
    np.testing.assert_array_equal(again.weights, model.weights)
    assert again.temperatures == model.temperatures
    data = model.to_json()
    del data["weights"]["bass"]
    (tmp_path / "damaged.json").write_text(json.dumps(data))
    with pytest.raises(ModelError):
        load_model(tmp_path / "damaged.json")
    with pytest.raises(NotFound):
        load_model(tmp_path / "none.json")
    assert MODEL.is_file()


def test_fitting_learns_a_key_from_one_root_for_all():
    # taught C major and A minor only, it knows the cadences on every root
    rows = np.stack([features_of(CADENCE), features_of(MINOR_CADENCE)] * 2000)
    weights, bias = fit_key_weights(rows, np.array([0, 21] * 2000))
    moved = [x.with_notes(x.notes.with_columns(pitch=x.notes.pitch + 3)) for x in (CADENCE, MINOR_CADENCE)]
    shares = KeyModel(weights, bias, ((8.0, 1.0),), {}).shares(
        np.stack([features_of(x) for x in moved]), np.ones(len(moved))
    )
    assert shares.argmax(axis=1).tolist() == [3, 12]


def test_chords_of_the_bars():
    assert chords_of(progression(C, F, G, AM)) == ["C:maj", "F:maj", "G:maj", "A:min"]
    assert chords_of(tune([(0, 960, 36)], "bass", bars=2)) == ["C:1", "N"]
    assert chords_of(beat(kick="x...")) == []
    assert math.isfinite(estimate_key(progression(C, F)).confidence)
