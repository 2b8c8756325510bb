"""Scores in the Library: pass mark and weights with their preview, why a score is low, loops mended by rules."""

from __future__ import annotations

import re

import pytest

import small_library
from composer_core.estimate.scores.axes import AXES
from composer_core.pipeline.editing.recipes import saved_recipes
from composer_core.pipeline.library import browse, loops
from composer_core.pipeline.library.rescoring import totals
from composer_core.pipeline.settings import load_settings
from composer_core.workspace import Workspace
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
