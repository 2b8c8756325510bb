"""Scores in the Library: pass mark and weights with their preview, why a score is low, loops mended by rules."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

import small_library
from composer_core.estimate.scores.axes import AXES
from composer_core.pipeline.editing.recipes import saved_recipes
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library import browse, loops
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.rescoring import totals
from composer_core.pipeline.settings import load_settings
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace
from studio import session
from studio.library.state import View
from studio.rater import RATER
from studio_app import open_library, text, written


def test_pass_mark_and_weights_show_what_they_would_change_and_are_kept(library_workspace: Workspace) -> None:
    app = open_library()
    app.slider("retry.mark").set_value(100.0).run()
    waiting = next(one for one in app.metric if one.label == text("retry.waiting"))
    assert waiting.value == str(int((totals(library_workspace)[1] < 100.0).sum()))
    app.button("retry.save").click().run()
    assert load_settings(library_workspace).pass_mark == 100.0
    app.toggle("retry.weighted").set_value(True).run()
    app.button("retry.save").click().run()
    assert set(load_settings(library_workspace).score_weights or {}) == set(AXES)
    assert not app.exception


def test_a_loop_below_the_mark_says_why_and_is_mended_beside_it(library_workspace: Workspace) -> None:
    loop_id = loops.add_generated(library_workspace, [(small_library.loose_rock(), "take")])[0]
    app = open_library({"loop": loop_id})
    assert re.search(r"takes \d+ points", written(app))
    app.button("retry.mend").click().run()
    assert text("retry.before") in written(app) and text("retry.after") in written(app)
    app.button("retry.recipe").click().run()
    assert list(saved_recipes(library_workspace)) == [f"mended {loop_id}"]
    before = browse.count(library_workspace)
    app.button("retry.keep").click().run()
    assert not app.exception and browse.count(library_workspace) == before + 1


@pytest.mark.parametrize(
    "code", ["no_calibration", "too_few_notes", "not_played", "flat_material", "not_counted", "not_calibrated"]
)
def test_reasons_of_missing_scores_are_said_in_both_languages(code: str) -> None:
    assert text(f"missing.{code}") != text(f"missing.{code}", "ja")


def test_a_loop_says_what_its_score_judges_and_lets_it_be_chosen(library_workspace: Workspace) -> None:
    loop_id = loops.add_generated(library_workspace, [(small_library.loose_rock(), "take")])[0]
    app = open_library({"loop": loop_id})
    assert text("profile.performed_judges") in written(app)
    app.session_state[RATER] = "aki"
    app.segmented_control(key=f"library.profile.{loop_id}").set_value("programmed").run()
    assert not app.exception
    assert text("profile.programmed_judges") in written(app)
    assert text("profile.by_hand", profile=text("profile.performed")) in written(app)
    assert decisions.current(library_workspace, loop_id).values == {"score_profile": "programmed"}
    app.segmented_control(key=f"library.profile.{loop_id}").set_value("measured").run()
    assert text("profile.performed_judges") in written(app)
    assert decisions.current(library_workspace, loop_id).values == {}


def test_a_selection_is_judged_by_another_profile_at_once(library_workspace: Workspace) -> None:
    app = open_library()
    app.session_state[session.SELECTION] = browse.ids(library_workspace)
    app.session_state[RATER] = "aki"
    app.run()
    app.button(key="library.judge_as.performed").click().run()
    assert not app.exception
    everyone = browse.count(library_workspace)
    assert browse.count(library_workspace, Filter(profiles=("performed",))) == everyone


def test_the_queue_is_counted_by_profile(library_workspace: Workspace) -> None:
    played = loops.add_generated(library_workspace, [(small_library.loose_rock(), "take")])[0]
    app = open_library()
    app.slider("retry.mark").set_value(100.0).run()
    app.segmented_control(key="retry.of").set_value("performed").run()
    waiting = next(one for one in app.metric if one.label == text("retry.waiting"))
    assert waiting.value == "1"
    app.button("retry.save").click().run()
    app.button("retry.show").click().run()
    assert not app.exception
    shown = View.from_query(dict(app.query_params)).filter
    assert shown.profiles == ("performed",) and browse.ids(library_workspace, shown) == [played]


def test_loops_without_a_profile_are_announced_and_scored_again(library_workspace: Workspace) -> None:
    store = LoopStore(library_workspace)
    for name in store.part_names():
        store.replace_columns(name, {"score_profile": pa.nulls(store.part_table(name).num_rows, pa.string())})
    app = open_library()
    n_loops = browse.count(library_workspace)
    assert text("rescore.waiting", n=f"{n_loops:,}") in [one.value for one in app.info]
    app.button(key="library.rescore").click().run()
    assert not app.exception
    assert not any(one.key == "library.rescore" for one in app.button)
    assert browse.count(library_workspace, Filter(profiles=("programmed",))) == n_loops


def test_links_from_before_profiles_ask_for_the_score_that_counts(library_workspace: Workspace) -> None:
    app = open_library({"scores.total": "0..100", "sort": "-scores.total"})
    shown = View.from_query(dict(app.query_params))
    assert shown.filter.range_of("judged.total") == (0.0, 100.0) and shown.sort == "judged.total"
