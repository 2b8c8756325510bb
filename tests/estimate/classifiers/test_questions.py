"""Trained questions: learning, calibration by hand, storage that refuses what was changed."""

import numpy as np
import pytest

from composer_core.errors import ModelError, NotFound
from composer_core.estimate.classifiers.boosting import BoostingConfig, folds_of, train_question
from composer_core.estimate.classifiers.calibration import calibration_error, fit_platt
from composer_core.estimate.classifiers.questions import Question, QuestionSet, load_questions

FEATURES = ("a", "b")


@pytest.fixture(scope="module")
def learned() -> QuestionSet:
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 2))
    truth = (rows[:, 0] > 0).astype(np.float64)
    fold = folds_of([f"song {i % 20}" for i in range(200)])
    trained = train_question(rows, truth, fold, FEATURES, BoostingConfig(rounds=30))
    assert ((trained.held_out > 0.5) == truth).mean() > 0.9
    return QuestionSet("emotion", "test", FEATURES, {"valence": Question(trained.model)}, {"data": "noise"})


def test_a_set_is_read_as_it_was_written(learned, tmp_path):
    learned.save(tmp_path)
    rows = np.array([[2.0, 0.0], [-2.0, 0.0], [np.nan, 1.0]])
    found = load_questions(tmp_path, "emotion", FEATURES)
    np.testing.assert_allclose(found.probabilities(rows)["valence"], learned.probabilities(rows)["valence"])
    assert found.source == learned.source and found.source.startswith("model:test@")


def test_contributions_name_what_decides(learned):
    parts = learned.questions["valence"].model.contributions(np.array([2.0, 0.0]))
    assert parts["a"] > abs(parts["b"])


@pytest.mark.parametrize("change", ["text", "json", "kind", "features", "name"])
def test_a_changed_file_is_refused_and_named(learned, tmp_path, change):
    learned.save(tmp_path)
    text, table = tmp_path / "valence.txt", tmp_path / "model.json"
    if change == "text":
        text.write_bytes(text.read_bytes()[:-40])
    if change == "json":
        table.write_text(table.read_text()[:-40])
    if change == "name":
        table.write_text(table.read_text().replace('"valence"', '"../valence"'))
    wanted = (("technique" if change == "kind" else "emotion"), (("a",) if change == "features" else FEATURES))
    with pytest.raises(ModelError, match=r"model\.json"):
        load_questions(tmp_path, *wanted)


def test_no_model_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        load_questions(tmp_path, "emotion", FEATURES)


def test_groups_are_never_split():
    groups = [f"song {i % 7}" for i in range(50)]
    fold = folds_of(groups)
    assert all(len({f for f, g in zip(fold.tolist(), groups, strict=True) if g == name}) == 1 for name in set(groups))
    assert set(fold.tolist()) == set(range(5))


def test_calibration_error_by_hand():
    # bin 0.9: four claims of 0.9, two right: gap 0.4; bin 0.6: one claim of 0.6, right: gap 0.4; both weighted: 0.4
    assert calibration_error(np.array([0.9] * 4 + [0.6]), np.array([1, 1, 0, 0, 1])) == pytest.approx(0.4)


def test_platt_softens_what_was_too_sure():
    # always 0.9 or 0.1, right in 70 %: log odds 2.197 must become ln(0.7 / 0.3) = 0.847, a slope of 0.386
    p = np.tile([0.9, 0.1], 500)
    truth = np.concatenate([np.tile([1.0, 0.0], 350), np.tile([0.0, 1.0], 150)])
    assert fit_platt(p, truth).slope == pytest.approx(0.386, abs=0.03)
