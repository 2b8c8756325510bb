"""Profiles in the library: measured, overruled by labels, asked for by filters, given to old loops by scoring again."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from composer_core.errors import InvalidValue
from composer_core.estimate.scores.axes import MIN_NOTES, SCORE_NAMES
from composer_core.estimate.scores.profiles import PERFORMED, PROFILES, PROGRAMMED
from composer_core.pipeline import scoring
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.fields import check_value
from composer_core.pipeline.labels.imports import LabelRow, import_labels
from composer_core.pipeline.labels.review import PROFILE_FIELD, set_profile
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.loops import add_generated, load_loop
from composer_core.pipeline.library.measuring import measure_loop
from composer_core.pipeline.library.rescoring import n_to_rescore, preview_scores, rescore, retry_queue
from composer_core.pipeline.settings import Settings
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace
from small_library import N_LOOPS, bass, loose_rock, rock

JUDGED = ["loop_id", "judged_profile", *(f"judged.{axis}" for axis in SCORE_NAMES)]


@pytest.fixture
def played(workspace: Workspace) -> str:
    """The id of the one performed loop in a library of programmed ones."""
    return add_generated(workspace, [(loose_rock(), "take")])[0]


def judged(workspace: Workspace, loop_id: str) -> dict[str, object]:
    return browse.rows(workspace, [loop_id], JUDGED).to_dict("records")[0]


def test_a_loop_is_measured_for_both_profiles_and_judged_by_its_own(workspace: Workspace, played: str) -> None:
    row = browse.rows(workspace, [played])
    one = measure_loop(load_loop(workspace, played))
    assert one.score_profile == PERFORMED == row["judged_profile"].iloc[0]
    for axis in SCORE_NAMES:
        assert row[f"judged.{axis}"].iloc[0] == row[f"scores.{axis}"].iloc[0] == pytest.approx(one.scores[axis])
        stored = float(row[f"programmed_scores.{axis}"].iloc[0])
        assert stored == pytest.approx(one.programmed_scores[axis], nan_ok=True)
    assert all(math.isnan(one.programmed_scores[axis]) for axis in ("timing", "velocity"))
    assert (one.score_digest, one.programmed_digest) == tuple(scoring.digests(name)["drums"] for name in PROFILES)


def test_filters_by_profile_part_the_library(workspace: Workspace, played: str) -> None:
    counts = {name: browse.count(workspace, Filter(profiles=(name,))) for name in PROFILES}
    assert counts == {PERFORMED: 1, PROGRAMMED: N_LOOPS}
    assert browse.ids(workspace, browse.where(workspace, "profile=performed")) == [played]
    assert browse.ids(workspace, browse.where(workspace, "judged_profile!=programmed")) == [played]
    asked = Filter(profiles=(PROGRAMMED,))
    assert Filter.from_query(asked.to_query()) == asked
    facet = {one.value: one.n_loops for one in browse.facets(workspace, asked, ("profile",))["profile"]}
    assert facet == counts


def test_a_person_overrules_the_measurement_and_takes_it_back(workspace: Workspace, played: str) -> None:
    before = judged(workspace, played)
    assert set_profile(workspace, [played], PROGRAMMED, "ada") == 1
    assert set_profile(workspace, [played], PROGRAMMED, "ada") == 0
    after = judged(workspace, played)
    assert after["judged_profile"] == PROGRAMMED and math.isnan(float(str(after["judged.timing"])))
    stored = browse.rows(workspace, [played], ["programmed_scores.total", "scores.total", "score_profile"]).iloc[0]
    assert after["judged.total"] == stored["programmed_scores.total"]
    # what was measured stays beside it, and so does the score as performed
    assert stored["score_profile"] == PERFORMED and stored["scores.total"] == before["judged.total"]
    assert set_profile(workspace, [played], None, "ada") == 1
    assert judged(workspace, played) == before
    assert set_profile(workspace, [played], None, "ada") == 0


def test_a_selection_is_overruled_and_undone_at_once(workspace: Workspace) -> None:
    names = browse.ids(workspace)
    assert set_profile(workspace, names, PERFORMED, "ada") == N_LOOPS
    assert browse.count(workspace, Filter(profiles=(PERFORMED,))) == N_LOOPS
    decisions.undo(workspace, "ada")
    assert browse.count(workspace, Filter(profiles=(PROGRAMMED,))) == N_LOOPS


def test_a_person_counts_over_a_data_set_and_a_data_set_over_the_measurement(workspace: Workspace, played: str) -> None:
    import_labels(workspace, [LabelRow(played, PROFILE_FIELD, PROGRAMMED)], "import:test")
    assert judged(workspace, played)["judged_profile"] == PROGRAMMED
    set_profile(workspace, [played], PERFORMED, "ada")
    assert judged(workspace, played)["judged_profile"] == PERFORMED


def test_a_profile_leaves_a_loop_waiting_to_be_labelled(workspace: Workspace, played: str) -> None:
    set_profile(workspace, [played], PROGRAMMED, "ada")
    assert browse.rows(workspace, [played], ["label_status"])["label_status"].iloc[0] == "unlabelled"
    assert decisions.current(workspace, played).status == "unlabelled"
    assert played not in decisions.statuses(workspace)
    from composer_core.pipeline.labels.queue import queue

    assert played in {item.loop_id for item in queue(workspace, rater="ada")}


def test_only_the_two_profiles_can_be_said(workspace: Workspace, played: str) -> None:
    with pytest.raises(InvalidValue, match="sketched"):
        check_value(PROFILE_FIELD, "sketched", "drums")
    assert check_value(PROFILE_FIELD, PERFORMED, "bass") == PERFORMED
    assert set_profile(workspace, [played, "no such loop"], PERFORMED, "ada") >= 1


def test_queue_and_preview_go_by_profile(workspace: Workspace, played: str) -> None:
    everyone = Settings(pass_mark=100.0)
    whole = retry_queue(workspace, everyone)
    parts = [retry_queue(workspace, everyone, Filter(profiles=(name,))) for name in PROFILES]
    assert sorted(parts[0] + parts[1]) == sorted(whole) and parts[0] == [played]
    assert preview_scores(workspace, 100.0, None, Filter(profiles=(PERFORMED,))).n_below == 1
    set_profile(workspace, [played], PROGRAMMED, "ada")
    assert retry_queue(workspace, everyone, Filter(profiles=(PERFORMED,))) == []
    total = float(str(judged(workspace, played)["judged.total"]))
    assert played in browse.ids(workspace, Filter(below_total=total + 0.5))
    assert played not in browse.ids(workspace, Filter(below_total=total))


def test_a_workspace_from_before_profiles_gets_them_by_scoring_again(workspace: Workspace, played: str) -> None:
    fresh = {name: judged(workspace, name) for name in browse.ids(workspace)}
    store = LoopStore(workspace)
    for name in store.part_names():
        n = store.part_table(name).num_rows
        nothing = {"score_profile": pa.nulls(n, pa.string()), "programmed_digest": pa.nulls(n, pa.string())}
        nothing |= {f"programmed_scores.{axis}": pa.nulls(n, pa.float64()) for axis in SCORE_NAMES}
        store.replace_columns(name, nothing)
    assert n_to_rescore(workspace) == N_LOOPS + 1
    row = browse.rows(workspace, [played])
    assert row["judged.total"].iloc[0] == row["scores.total"].iloc[0]  # until then as performed
    assert browse.count(workspace, Filter(profiles=PROFILES)) == 0
    assert rescore(workspace)["rescored"] == N_LOOPS + 1
    assert n_to_rescore(workspace) == 0 and rescore(workspace)["rescored"] == 0
    for name, before in fresh.items():
        after = judged(workspace, name)
        for column, value in before.items():
            np.testing.assert_equal(after[column], value)


def test_a_loop_of_too_few_notes_has_a_profile_and_waits_for_nothing(workspace: Workspace) -> None:
    loop = rock(4)
    few = loop.with_notes(loop.notes.select(np.arange(len(loop.notes)) < MIN_NOTES - 1))
    (loop_id,) = add_generated(workspace, [(few, "take")])
    assert judged(workspace, loop_id)["judged_profile"] == PROGRAMMED
    assert n_to_rescore(workspace) == 0 and rescore(workspace)["rescored"] == 0


def test_reasons_name_what_a_profile_does_not_count() -> None:
    assert scoring.missing("drums", 16) == {}
    assert scoring.missing("drums", 16, PROGRAMMED) == {"timing": "not_counted", "velocity": "not_counted"}
    assert set(scoring.missing("drums", 2, PROGRAMMED).values()) == {"too_few_notes"}
    assert set(scoring.missing("other", 16, PROGRAMMED).values()) == {"no_calibration"}


def test_an_axis_younger_than_a_calibration_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "AXES", (*scoring.AXES, "writing"))
    assert scoring.missing("drums", 16) == {"writing": "not_calibrated"}
    assert scoring.missing("drums", 16, PROGRAMMED)["writing"] == "not_calibrated"


def test_explanations_of_a_programmed_score_add_up_to_it() -> None:
    for loop in (rock(4), bass()):
        scored = scoring.score([loop], PROGRAMMED)[0].scores
        explained = scoring.explain(loop, profile=PROGRAMMED)
        assert set(explained) == {name for name, value in scored.items() if not math.isnan(value)}
        for name, why in explained.items():
            assert why.score == pytest.approx(scored[name], abs=0.05)
            assert why.reference + sum(points for _, points in why.points) == pytest.approx(why.score, abs=0.05)


@pytest.mark.parametrize("instrument", ["drums", "bass", "guitar", "piano", "strings"])
def test_velocities_change_no_programmed_score(instrument: str) -> None:
    from dataclasses import replace

    loop = rock(4) if instrument == "drums" else replace(bass(), instrument=instrument)
    rng = np.random.default_rng(0)
    other = loop.with_notes(loop.notes.with_columns(velocity=rng.integers(1, 128, len(loop.notes))))
    first, second = scoring.score([loop, other], PROGRAMMED)
    np.testing.assert_equal(dict(first.scores), dict(second.scores))
    assert not math.isnan(first.scores["total"])
