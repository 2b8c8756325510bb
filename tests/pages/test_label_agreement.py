"""Raters side by side on the Label page: progress, agreement with intervals, confusion, and settling disputes."""

from __future__ import annotations

import json
from functools import partial

import pytest

from composer_core.pipeline.labels import decisions, review
from composer_core.workspace import Workspace
from small_library import ids
from studio import session
from studio.label import agreement as label_agreement
from studio.label import click as label_click
from studio.label import state as label_state
from studio_app import decide_in_browser, on_screen, open_label, press, text, undo_in_browser, written


def say(workspace: Workspace, loop_id: str, rater: str, emotion: str) -> None:
    seen = decisions.current(workspace, loop_id).seen
    decisions.decide(workspace, loop_id, rater=rater, action="approve", values={"emotion": emotion}, seen=seen)


@pytest.fixture
def rated(library_workspace: Workspace) -> Workspace:
    """Four loops that aki and ben both heard; they differ on the third."""
    for loop_id, first, second in zip(
        ids(library_workspace), ("happy", "sad", "happy", "sad"), ("happy", "sad", "sad", "sad"), strict=False
    ):
        say(library_workspace, loop_id, "aki", first)
        say(library_workspace, loop_id, "ben", second)
    return library_workspace


open_agreement = partial(open_label, section="agreement")


def test_coefficients_confusion_and_progress_are_shown(rated: Workspace, spoken: str) -> None:
    app = open_agreement(rated, "chie", spoken)
    # The four pairs of tests/pipeline/test_agreement.py: alpha 1 - 14 / 30 = 0.53, kappa 1 / 2.
    assert str(app.metric[0].value).startswith("0.53")
    assert "| aki / ben | 0.50" in written(app)
    assert "| aki | 4 | 0 | 0 | 0 |" in written(app) and "| ben | 4 |" in written(app)
    (cells,) = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    # Both said happy once and sad twice; once aki said happy where ben said sad.
    assert sorted(cells["text"]) == ["1", "1", "2"]
    loops = ids(rated)
    behind = [label_agreement.loops_of_cell(rated, leads_to) for leads_to in cells["customdata"]]
    assert sorted(behind) == sorted([(loops[0],), (loops[2],), (loops[1], loops[3])])


def test_a_cell_of_the_table_lays_its_loops_on_the_desk(rated: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_agreement(rated, "chie")
    (cells,) = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    place = cells["text"].index("2")
    loops = label_agreement.loops_of_cell(rated, cells["customdata"][place])
    laid: list[str] = []
    monkeypatch.setattr(label_click, "queue_loops", lambda some, _reason: laid.extend(some))
    monkeypatch.setattr(session, "notify", laid.append)
    label_click.queue_chosen(loops)
    assert laid == [*loops, text("label.queued", n=2)]


def test_somebody_without_a_vote_settles_a_dispute_and_it_leaves_the_queue(rated: Workspace, spoken: str) -> None:
    (dispute,) = review.disputes(rated)
    app = open_agreement(rated, "chie", spoken)
    assert app.button(key=f"label.settle.{dispute.loop_id}").label == text("label.settle", spoken)
    press(app, f"label.settle.{dispute.loop_id}")
    held = app.session_state[label_state.LABEL_DESK].in_hand
    assert held.item.loop_id == dispute.loop_id
    hand = on_screen(app)
    assert hand["votesRule"] == text("label.votes_settle", spoken)
    ((field, said),) = [(one["field"], one["said"]) for one in hand["votes"]]
    assert (field, [one["value"] for one in said]) == ("emotion", ["sad", "happy"])  # the vote that counts comes first
    decide_in_browser(app, "approve", emotion="happy")
    assert review.disputes(rated) == []
    label = decisions.current(rated, dispute.loop_id).fields["emotion"]
    assert (label.value, label.status, label.source) == ("happy", "approved", "human:chie")
    app.session_state["label.section"] = "agreement"
    app.run()
    assert text("label.no_disputes", spoken) in written(app)
    # The votes, and with them the agreement, are what they were.
    assert str(app.metric[0].value).startswith("0.53")


def test_whoever_has_a_vote_can_only_give_in(rated: Workspace) -> None:
    (dispute,) = review.disputes(rated)
    app = open_agreement(rated, "aki")
    assert app.button(key=f"label.settle.{dispute.loop_id}").label == text("label.look_again")
    press(app, "label.settle_all")
    assert on_screen(app)["votesRule"] == text("label.votes_own")
    # The form holds what this rater said before, not the label that counts.
    assert on_screen(app)["values"]["emotion"] == "happy"
    decide_in_browser(app, "approve")
    assert len(review.disputes(rated)) == 1
    undo_in_browser(app)
    decide_in_browser(app, "approve", emotion="sad")
    assert review.disputes(rated) == []


def test_one_rater_alone_has_nobody_to_agree_with(library_workspace: Workspace, spoken: str) -> None:
    say(library_workspace, ids(library_workspace)[0], "aki", "sad")
    app = open_agreement(library_workspace, "aki", spoken)
    assert text("label.no_agreement", spoken) in written(app) and text("label.no_disputes", spoken) in written(app)
