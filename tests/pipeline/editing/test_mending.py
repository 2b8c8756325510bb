"""The retry queue: who is in it under which settings, and rules that mend what scores badly."""

import math

import numpy as np
import pytest

from composer_core.errors import InvalidValue, ModelError
from composer_core.estimate.scores.axes import AXES, SCORE_NAMES
from composer_core.pipeline.editing.mending import LEAST_GAIN, candidate_steps, mend, mended_json, retry
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.loops import add_generated, load_loop
from composer_core.pipeline.library.rescoring import preview_scores, rescore, retry_queue, totals
from composer_core.pipeline.scoring import score
from composer_core.pipeline.settings import Settings, load_settings, save_settings
from composer_core.rules.damage import damage
from metric_loops import groove_loops
from small_library import N_LOOPS, loose_rock, rock


def test_settings_keep_pass_mark_and_weights_and_refuse_nonsense(workspace):
    wanted = Settings(pass_mark=62.5, score_weights={"timing": 0.5, "velocity": 1.0})
    save_settings(workspace, wanted)
    assert load_settings(workspace) == wanted
    for wrong in ({"pass_mark": 101}, {"pass_mark": True}, {"score_weights": {"kazoo": 1}}, {"score_weights": 3}):
        with pytest.raises(InvalidValue):
            Settings(**wrong)
    with pytest.raises(InvalidValue):
        Settings(score_weights={"timing": 0.0})


def test_a_preview_counts_every_loop_once_and_a_higher_mark_fails_more(workspace):
    low, high = preview_scores(workspace, 0.0), preview_scores(workspace, 100.0)
    for found in (low, high):
        assert found.n_below + found.n_passing + found.n_without == N_LOOPS
        assert found.counts.sum() == found.n_below + found.n_passing
    assert low.n_below == 0 and high.n_passing == 0
    with pytest.raises(InvalidValue):
        preview_scores(workspace, 120.0)


def test_with_one_weight_the_total_is_that_axis_by_the_loops_own_profile(workspace):
    played = add_generated(workspace, [(loose_rock(), "take")])[0]
    names, total = totals(workspace, {"structure": 1.0})
    rows = browse.rows(workspace, names, ["judged.structure"])["judged.structure"].to_numpy(dtype=float)
    np.testing.assert_allclose(total, rows)
    of = dict(zip(*totals(workspace, {"velocity": 1.0}), strict=True))
    assert of[played] == browse.rows(workspace, [played], ["scores.velocity"])["scores.velocity"].iloc[0]
    # velocity does not count in what is programmed, so nothing is left to weigh
    assert all(math.isnan(value) for name, value in of.items() if name != played)


def test_the_queue_is_what_lies_below_the_mark_worst_first(workspace):
    names, total = totals(workspace)
    of = dict(zip(names, total, strict=True))
    mark = float(np.nanmedian(total))
    found = retry_queue(workspace, Settings(pass_mark=mark))
    values = [of[name] for name in found]
    assert values == sorted(values) and all(value < mark for value in values)
    assert len(found) == np.count_nonzero(total < mark)


def test_mending_never_lowers_a_total_and_leaves_the_loop_alone():
    loop = loose_rock()
    onset = loop.notes.onset_tick.copy()
    found = mend(loop)
    assert found.better and found.total_after >= found.total_before + LEAST_GAIN
    assert found.recipe is not None and found.total_after == pytest.approx(score([found.after])[0].scores["total"])
    assert np.array_equal(loop.notes.onset_tick, onset)
    again = found.recipe.apply(loop)  # what was done can be done again
    assert all(map(np.array_equal, again.notes.columns(), found.after.notes.columns()))


def test_a_loop_without_scores_is_left_as_it_is():
    loop = rock(4)
    silent = loop.with_notes(loop.notes.select(np.arange(len(loop.notes)) < 2))
    found = mend(silent)
    assert not found.better and found.after is silent and math.isnan(found.total_after)


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_has_rules_that_apply(axis):
    steps = candidate_steps(rock(4), axis)
    assert steps
    for step in steps:
        assert len(step.apply(rock(4)).notes)


def test_a_mended_loop_joins_the_library_once_beside_the_one_it_came_from(workspace):
    loop_id = add_generated(workspace, [(loose_rock(), "take")])[0]
    before = browse.count(workspace)
    shown = retry(workspace, [loop_id], keep=False)[0]
    assert shown.better and not shown.kept_as and browse.count(workspace) == before
    kept = retry(workspace, [loop_id])[0]
    assert browse.count(workspace) == before + 1
    assert retry(workspace, [loop_id])[0].kept_as == kept.kept_as and browse.count(workspace) == before + 1
    assert load_loop(workspace, kept.kept_as).notes == kept.after.notes or np.array_equal(
        load_loop(workspace, kept.kept_as).notes.onset_tick, kept.after.notes.onset_tick
    )
    said = mended_json(kept)
    assert (
        said["total"]["after"] > said["total"]["before"]
        and said["steps"]
        and set(said["scores"]["after"]) == set(SCORE_NAMES)
    )


def test_jittered_playing_is_mended(request):
    """Human loops of Groove MIDI with 30 ms of jitter: half of them at least gain ten points."""
    loops = [loop for loop in groove_loops(most_files=12) if len(loop.notes) >= 16][:6]
    gains = []
    for number, loop in enumerate(loops):
        found = mend(damage(loop, "jitter", 30.0, seed=number))
        gains.append(found.total_after - found.total_before)
    assert np.median(gains) >= 10.0, gains


def test_rescoring_repairs_scores_of_another_calibration_and_only_those(workspace):
    import pyarrow as pa

    from composer_core.store.loops.store import LoopStore

    store = LoopStore(workspace)
    expected = totals(workspace)[1]
    assert rescore(workspace) == {"loops": N_LOOPS, "rescored": 0, "measured": 0}
    n_stale = 0
    for name in store.part_names()[:1]:
        n_stale = store.part_table(name).num_rows
        wrong = {"scores.total": pa.array([1.0] * n_stale), "score_digest": pa.array(["another"] * n_stale)}
        store.replace_columns(name, wrong)
    assert n_stale and rescore(workspace)["rescored"] == n_stale
    np.testing.assert_allclose(totals(workspace)[1], expected)


def test_a_calibration_of_metrics_that_are_gone_is_refused_by_name(monkeypatch):
    from composer_core.pipeline import scoring

    scoring._calibration.cache_clear()
    left = {name: metric for name, metric in scoring.METRICS.items() if name != "velocity_sd"}
    monkeypatch.setattr(scoring, "METRICS", left)
    with pytest.raises(ModelError, match="velocity_sd"):
        score([rock(4)])
    scoring._calibration.cache_clear()
