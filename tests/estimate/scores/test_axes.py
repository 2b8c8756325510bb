"""Scores: trees as LightGBM evaluates them, maps by percentiles, files that vouch for themselves, explanations."""

import math

import numpy as np
import pytest

from composer_core.errors import ModelError
from composer_core.estimate.classifiers.trees import Trees
from composer_core.estimate.scores.axes import SCORE_NAMES, length_of
from composer_core.estimate.scores.explain import explain
from composer_core.estimate.scores.files import SHIPPED, load, save, shipped, shipped_folder
from composer_core.estimate.scores.maps import ScoreMap
from composer_core.estimate.scores.profiles import PROFILES
from composer_core.estimate.scores.training import Examples, Plan, balanced_folds, contributions, fit, grow
from composer_core.estimate.scores.typicality import NormalScale, distance, parts
from composer_core.metrics import measure
from composer_core.rules.damage import damage
from metric_loops import groove_loops


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 6))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows


@pytest.fixture(scope="module")
def trees(rows):
    target = (np.nan_to_num(rows[:, 0] * rows[:, 1]) > 0).astype(float)
    return grow(rows, target, np.ones(len(rows)), ("a", "b", "c", "d", "e", "f"), 20)


def test_trees_give_what_lightgbm_gives(rows, trees):
    import lightgbm

    expected = lightgbm.Booster(model_str=trees.text).predict(rows, raw_score=True)
    np.testing.assert_allclose(trees.raw(rows), expected, atol=1e-9)
    np.testing.assert_allclose(contributions(trees, rows).sum(axis=1), expected, atol=1e-6)


def test_a_text_that_is_no_model_is_refused_by_name():
    with pytest.raises(ModelError, match=r"drums-timing\.txt"):
        Trees.parse("tree\n\nTree=0\nnothing", "drums-timing.txt")


TWO_TREES = """feature_names=a b

Tree=0
leaf_value=1

Tree=1
split_feature=0 1
threshold=0.5 0.5
decision_type=2 2
left_child=1 -1
right_child=-2 -3
leaf_value=10 20 30

end of trees
"""


def test_a_tree_of_one_leaf_gives_it_to_every_row():
    trees = Trees.parse(TWO_TREES, "x.txt")
    # a above 0.5: leaf 1; otherwise b decides between leaves 0 and 2. The first tree always adds 1.
    assert trees.raw(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])).tolist() == [21, 11, 31]
    assert (trees.depth, trees.root.tolist(), trees.value.tolist()) == (2, [0, 1], [1, 0, 0, 10, 20, 30])


@pytest.mark.parametrize(
    ("found", "damage"),
    [
        ("Tree=", "Forest="),
        ("threshold=0.5 0.5", "threshold=0.5"),
        ("threshold=0.5 0.5", "threshold=0.5 half"),
        ("left_child=1 -1", "left_child=0 -1"),
        ("left_child=1 -1", "left_child=1 0"),
        ("left_child=1 -1", "left_child=2 -1"),
        ("right_child=-2 -3", "right_child=-2 -4"),
        ("leaf_value=10 20 30", "leaf_value=10 20"),
        ("leaf_value=1\n", "leaf_value=\n"),
        ("decision_type=2 2\n", ""),
    ],
)
def test_a_damaged_text_is_refused_as_a_whole(found, damage):
    assert found in TWO_TREES
    with pytest.raises(ModelError, match=r"x\.txt"):
        Trees.parse(TWO_TREES.replace(found, damage), "x.txt")


def test_maps_put_percentiles_of_human_loops_at_40_70_and_85_and_go_on_falling():
    score = ScoreMap.fit(np.arange(101.0))
    assert score(np.array([5.0, 25.0, 50.0, 95.0])).tolist() == pytest.approx([40, 70, 85, 97])
    values = score(np.linspace(-300, 400, 200))
    assert (np.diff(values) > 0).all() and values[0] > 0 and values[-1] < 100


def test_normal_scores_are_normal_go_on_beyond_the_tails_and_note_what_is_missing():
    reference = np.column_stack((np.arange(1000.0), np.where(np.arange(1000) % 2, np.nan, 1.0)))
    scale = NormalScale.fit(reference)
    scores = scale.scores(np.array([[499.5, 1.0], [1500.0, np.nan], [np.nan, 1.0]]))
    assert scores[0, 0] == pytest.approx(0.0, abs=0.01)
    # 90 minus 10 % is 800, over 2.56 the width; 510 beyond the 99th percentile at 2.33
    assert scores[1, 0] == pytest.approx(2.326 + 511 / 312, abs=0.02)
    assert (scores[1, 1], scores[2, 0]) == (0.0, 3.0)
    again = NormalScale.from_json(scale.to_json())
    np.testing.assert_allclose(again.scores(reference[:5]), scale.scores(reference[:5]), atol=1e-3)


def test_places_are_the_share_of_human_loops_below():
    # 0 to 999, and a metric that is 1 for all but a tenth of the loops, where it is 0.
    reference = np.column_stack((np.arange(1000.0), np.where(np.arange(1000) < 100, 0.0, 1.0)))
    scale = NormalScale.fit(reference)
    assert scale.percentile_ranks(np.array([249.75, 1.0]))[0] == pytest.approx(0.25, abs=0.005)
    np.testing.assert_array_equal(scale.percentile_ranks(np.array([-1.0, -0.5])), [0.0, 0.0])
    np.testing.assert_array_equal(scale.percentile_ranks(np.array([1000.0, 1.5])), [1.0, 1.0])
    # A tenth of the loops is below 1 and none above: ties counted half that is 0.55.
    assert np.isnan(scale.percentile_ranks(np.array([np.nan, 1.0]))[0])
    assert scale.percentile_ranks(np.array([0.0, 1.0]))[1] == pytest.approx(0.55, abs=0.02)


def test_distance_is_that_of_the_three_most_unusual_metrics_and_the_root_of_its_parts():
    away = np.array([[0.0, 0, 0, 0], [1, -1, 1, 0.5], [1, -2, 2, 0.5], [1, -2, 2, 0.9]])
    # 3 / 3; (1 + 4 + 4) / 3; the fourth is not read
    assert distance(away).tolist() == pytest.approx([0.0, 1.0, math.sqrt(3), math.sqrt(3)])
    np.testing.assert_allclose(parts(away).sum(axis=1), distance(away) ** 2)
    assert parts(away)[2].tolist() == pytest.approx([1 / 3, 4 / 3, 4 / 3, 0])
    assert distance(away[1:2, :2]).tolist() == pytest.approx([1.0])


def test_folds_keep_groups_whole():
    group = np.repeat([0, 1, 2, 3, 4], [50, 20, 20, 10, 10])
    fold = balanced_folds(group, 2)
    assert all(len(set(fold[group == name])) == 1 for name in range(5))
    assert abs(np.count_nonzero(fold) - 55) <= 5


def test_an_axis_gives_back_what_damage_of_another_took_from_it():
    # Late notes (their own sign: x) and loud ones (y), which come late a little as well.
    rng = np.random.default_rng(0)
    human = rng.normal(size=(600, 3))
    late = human + np.array([3.0, 0.0, 0.0])
    loud = human + np.array([1.5, 6.0, 0.0])
    examples = Examples(
        metrics=("x", "y", "z"),
        human=human,
        bars=np.full(600, 4),
        group=np.arange(600) % 30,
        damaged=np.concatenate((late, loud)),
        source=np.tile(np.arange(600), 2),
        kind=np.repeat([0, 1], 600),
        strength=np.full(1200, 2),
        kinds=("late", "loud"),
    )
    axes = {"timing": ("x", "z"), "velocity": ("y", "z")}
    plan = Plan("drums", axes, {"late": ("timing",), "loud": ("velocity",)}, {})
    calibration, _ = fit(examples, plan, {})
    bars = np.full(600, 4)
    raw = {name: calibration.raw(rows, bars)["timing"] for name, rows in (("human", human), ("loud", loud))}
    assert (raw["loud"] - raw["human"]).mean() < -0.5
    score = {
        name: np.mean([row["timing"] for row in calibration.score_rows(rows, bars)])
        for name, rows in (("human", human), ("late", late), ("loud", loud))
    }
    assert abs(score["loud"] - score["human"]) < 3
    assert score["late"] < score["human"] - 40


def test_lengths_are_judged_by_the_longest_calibrated_one_that_fits():
    assert [length_of(bars) for bars in (1, 2, 3, 4, 7, 8, 100)] == [1, 2, 2, 4, 4, 8, 8]


def test_a_calibration_comes_back_from_its_files_and_damage_is_refused_by_name(tmp_path):
    calibration = shipped("drums")
    digest = save(tmp_path, calibration, lambda path, data: path.write_bytes(data))
    again = load(tmp_path, "drums")
    metrics = dict.fromkeys(calibration.metrics, 0.3)
    assert digest == again.digest and again.score([metrics], [4])[0] == pytest.approx(
        calibration.score([metrics], [4])[0], abs=0.5
    )
    path = tmp_path / "drums-timing.txt"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with pytest.raises(ModelError, match=r"drums\.json"):
        load(tmp_path, "drums")
    assert load(tmp_path, "bass") is None


def test_every_shipped_file_belongs_to_a_calibration_that_loads():
    for profile in PROFILES:
        files = [path for path in shipped_folder(profile).iterdir() if path.is_file()]
        names = {path.name.split(".")[0].split("-")[0] for path in files}
        assert "drums" in names and all(shipped(name, profile) is not None for name in names)
    folders = {path.name for path in SHIPPED.iterdir() if path.is_dir()}
    assert folders == {shipped_folder(profile).name for profile in PROFILES} - {SHIPPED.name}


def test_explanations_add_up_and_name_what_was_damaged():
    loop = groove_loops(stride=60)[0]
    calibration = shipped("drums")
    for kind, strength, axis in (("flat", 1.0, "velocity"), ("quantise", 1.0, "timing")):
        damaged = damage(loop, kind, strength, 0)
        found = explain(calibration, measure(damaged), damaged.bars)
        scores = calibration.score([measure(damaged)], [damaged.bars])[0]
        assert set(found) == set(SCORE_NAMES)
        for name, one in found.items():
            assert one.score == pytest.approx(scores[name], abs=1e-2)
            assert sum(points for _, points in one.points) == pytest.approx(one.score - one.reference, abs=1e-3)
        assert found["total"].worst_axis == axis and found["total"].score < 20


def test_human_loops_pass_more_often_than_damaged_ones():
    loops = groove_loops(stride=25)[:40]
    calibration = shipped("drums")
    bars = [loop.bars for loop in loops]
    human = [row["total"] for row in calibration.score([measure(loop) for loop in loops], bars)]
    flat = [
        row["total"] for row in calibration.score([measure(damage(loop, "machine", 1.0, 0)) for loop in loops], bars)
    ]
    assert np.median(human) > 70 > np.max(flat)
