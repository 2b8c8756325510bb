"""The genre estimator: learning, calibration, storage, and the shipped model's card."""

import json

import numpy as np
import pytest

from composer_core.errors import InvalidValue, ModelError, NotFound
from composer_core.estimate.classifiers.softmax import best_temperature, cross_entropy, fit, probabilities
from composer_core.estimate.genre import classifier
from composer_core.estimate.genre.classifier import (
    PATTERN,
    GenreExample,
    GenreModel,
    drum_example,
    load_model,
    suggest_genre,
    train,
)
from composer_core.estimate.genre.features import FEATURE_NAMES, features_of
from composer_core.metrics import METRICS, measure
from composer_core.music.genre import FAMILIES, check_genre
from composer_core.music.loop import NO_NOTES, Loop
from metric_loops import beat, tune

ROCK = beat(kick="x.......x.x.....", snare="....x.......x...", hat="x.x.x.x.x.x.x.x.")
DISCO = beat(kick="x...x...x...x...", snare="....x.......x...", open="..x...x...x...x.")


def examples(n_sessions: int = 12) -> list[GenreExample]:
    """A rock and a disco take in every session."""
    return [
        drum_example(loop, measure(loop), family, f"session {session}")
        for session in range(n_sessions)
        for family, loop in (("rock", ROCK), ("electronic", DISCO))
    ]


@pytest.fixture(scope="module")
def learned() -> GenreModel:
    return train(examples(), {"data": "two patterns"})


def test_two_patterns_are_told_apart_in_sessions_left_out(learned):
    assert learned.classes == ("electronic", "rock")
    figures = learned.card["held_out_groups"]
    # always "electronic": F1 of 2 * 12 / (24 + 12) = 2/3 and 0, mean 1/3
    assert (figures["macro_f1"], figures["macro_f1_of_commonest"], figures["takes"]) == (1.0, 0.333, 24)
    assert learned.card["data"] == "two patterns" and len(learned.card["digest"]) == 64


def test_training_twice_gives_the_same_model(learned):
    assert train(examples(), {"data": "two patterns"}).to_json() == learned.to_json()


def test_families_with_few_takes_are_left_out():
    few = drum_example(ROCK, measure(ROCK), "jazz", "session 3")
    assert "jazz" not in train([*examples(), few], {}).classes


def test_one_family_alone_teaches_nothing():
    with pytest.raises(InvalidValue, match="genre"):
        train(examples()[::2], {})


def test_machine_patterns_teach_but_are_never_tested_on(learned):
    patterns = [drum_example(ROCK, measure(ROCK), "rock", PATTERN)] * 5
    taught = train([*examples(), *patterns], {})
    assert (taught.card["patterns"], taught.card["held_out_groups"]["takes"]) == (5, 24)
    row = dict(zip(FEATURE_NAMES, patterns[0].row, strict=True))
    assert np.isnan(row["metric:velocity_mean"]) and row["pattern:kick:0"] == 1.0


def test_f1_by_hand():
    said, truth = np.array([0, 1, 0, 1]), np.array([0, 0, 0, 1])
    # class 0: both 2, said 2 + true 3: 4 / 5; class 1: both 1, said 2 + true 1: 2 / 3; class 2: 0
    assert classifier.f1_scores(said, truth, 3).tolist() == pytest.approx([0.8, 2 / 3, 0.0])


def test_a_model_is_read_as_it_was_written(learned, tmp_path):
    path = tmp_path / "genre.json"
    path.write_text(json.dumps(learned.to_json()), encoding="utf-8")
    rows = np.array([features_of(loop, measure(loop)) for loop in (ROCK, DISCO)])
    np.testing.assert_allclose(load_model(path).shares(rows), learned.shares(rows), atol=1e-3)


@pytest.mark.parametrize("text", ["{}", "[", '{"features": {"a": [1]}, "classes": ["rock"]}'])
def test_a_damaged_model_is_named(tmp_path, text):
    path = tmp_path / "genre.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"genre\.json"):
        load_model(path)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"nowhere\.json"):
        load_model(tmp_path / "nowhere.json")


def test_weights_add_up_to_one():
    shares = np.array([0.4, 0.33, 0.17, 0.1])
    weights = classifier._weights(("rock", "pop", "jazz", "funk"), shares)
    # of 0.9: 44.4, 36.7 and 18.9 hundredths; the first takes what the others leave of 100
    assert weights == {"rock": 0.44, "pop": 0.37, "jazz": 0.19}
    check_genre(weights)
    assert classifier._weights(("rock", "pop"), np.array([0.08, 0.07])) == {"rock": 1.0}


def test_features_by_hand():
    row = dict(zip(FEATURE_NAMES, features_of(ROCK, measure(ROCK)), strict=True))
    # 3 kicks, 2 snares, 8 hats of 13 notes
    assert (row["share:kick"], row["share:hat"]) == pytest.approx((3 / 13, 8 / 13))
    assert [row[f"pattern:kick:{step}"] for step in (0, 8, 10, 12)] == [1, 1, 1, 0]
    assert row["metric:tempo_bpm"] == pytest.approx(np.log(120))
    assert all(name.removeprefix("metric:") in {*METRICS, "tempo_bpm"} for name in FEATURE_NAMES if "metric:" in name)


def test_fit_without_features_learns_the_class_shares():
    # no information but 3 of 4 rows of class 1: the bias gives ln(3 / 1) between the classes
    weights = fit(np.zeros((4, 1)), np.array([0, 1, 1, 1]), 2, np.ones(4), l2=0.0, steps=2000)
    assert weights[-1, 1] - weights[-1, 0] == pytest.approx(np.log(3), abs=1e-3)
    assert probabilities(np.zeros((1, 1)), weights)[0].tolist() == pytest.approx([0.25, 0.75], abs=1e-3)


def test_temperature_softens_what_was_too_sure():
    # 0.9 claimed, 0.7 true: sigmoid(ln(9) / T) = 0.7 at T = ln 9 / ln(7 / 3) = 2.593
    shares = np.tile([0.1, 0.9], (10, 1))
    classes = np.array([1] * 7 + [0] * 3)
    assert best_temperature(shares, classes, np.ones(10)) == pytest.approx(2.593, rel=0.03)


def test_cross_entropy_by_hand():
    # -(ln 0.5 + ln 0.25) / 2 = (0.693147 + 1.386294) / 2
    shares = np.array([[0.5, 0.5], [0.75, 0.25]])
    assert cross_entropy(shares, np.array([0, 1]), np.ones(2)) == pytest.approx(1.0397208)


def test_the_shipped_model_says_how_it_fares():
    model = load_model(classifier.MODEL)
    assert {"data", "split", "digest", "takes", "held_out_groups"} <= set(model.card)
    assert set(model.classes) <= set(FAMILIES)
    figures = model.card["held_out_groups"]
    assert figures["macro_f1"] > 3 * figures["macro_f1_of_commonest"]
    assert figures["calibration_error"] <= 0.06


def test_a_suggestion_is_weighted_and_reasoned():
    found = suggest_genre(DISCO, measure(DISCO))
    check_genre(found.value)
    assert 0 < found.confidence < 1
    assert 1 <= len(found.reasons) <= 3 and all(reason.startswith("metric:") for reason in found.reasons)


def test_other_instruments_get_no_genre():
    piano = tune([(0, 480, 60)])
    assert suggest_genre(piano, measure(piano)) is None
    assert suggest_genre(Loop("drums", NO_NOTES, 1), {}) is None
