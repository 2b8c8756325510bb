"""What the browser's desk sends, through the router: stored in order and once, whatever arrives."""

from __future__ import annotations

from typing import Any

import pytest

from composer_core.pipeline.labels import decisions
from composer_core.workspace import Workspace
from studio.label import state as label_state
from studio.label.presses import answer_presses
from studio_app import desk_data, on_screen, open_label, send


def test_presses_are_stored_in_order_and_once(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    hands = desk_data(app)["hands"]
    moods = ("happy", "sad", "calm")
    presses = [
        {"kind": "approve", "loop": hand["id"], "values": {"emotion": mood}, "seen": hand["seen"], "note": ""}
        for hand, mood in zip(hands, moods, strict=False)
    ]
    send(app, *presses)
    assert [answer["outcome"] for answer in desk_data(app)["answers"]] == ["stored"] * 3
    # The browser has not heard the answers: it sends all of it again, to this session and after a restart.
    for _ in range(2):
        app.session_state["presses"] = 0
        send(app, *presses)
        app = open_label(library_workspace)
    for hand, mood in zip(hands, moods, strict=False):
        events = decisions.history(library_workspace, hand["id"])
        assert [event.value for event in events if event.source == "human:aki"] == [mood]


def test_a_press_on_a_loop_that_is_not_on_screen_any_more_acts_on_that_loop(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first, second = desk_data(app)["hands"][:2]
    said = {"kind": "approve", "values": {"emotion": "warm"}, "note": ""}
    send(app, {**said, "loop": second["id"], "seen": second["seen"]})
    assert on_screen(app)["id"] == first["id"]
    assert decisions.current(library_workspace, second["id"]).values["emotion"] == "warm"


def test_a_decision_redone_after_an_undo_is_no_conflict_with_oneself(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    hand = on_screen(app)
    said = {"kind": "approve", "loop": hand["id"], "seen": hand["seen"], "note": ""}
    undo = {"kind": "undo", "loop": hand["id"], "target": {"client": "browser", "press": 1}}
    send(app, {**said, "values": {"emotion": "sad"}}, undo, {**said, "values": {"emotion": "calm"}})
    assert [answer["outcome"] for answer in desk_data(app)["answers"]] == ["stored", "undone", "stored"]
    assert decisions.current(library_workspace, hand["id"]).values["emotion"] == "calm"


@pytest.mark.parametrize(
    "wrong",
    [
        {"values": {"emotion": "nothing of ours"}},
        {"values": {"technique": ["slap"], "mood": 1}},
        {"values": []},
        {"seen": {"emotion": "7"}},
        {"kind": "delete"},
        {"note": "x" * 1001},
        {"rater": ""},
        {"note": None},
    ],
)
def test_a_press_that_cannot_be_stored_is_answered(library_workspace: Workspace, wrong: dict[str, Any]) -> None:
    app = open_label(library_workspace)
    hand = on_screen(app)
    said = {"kind": "approve", "loop": hand["id"], "values": {"emotion": "sad"}, "seen": hand["seen"], "note": ""}
    answer = send(app, {**said, **wrong})
    assert answer["outcome"] == "failed" and answer["text"]
    assert on_screen(app)["id"] == hand["id"]
    assert all(event.status == "suggested" for event in decisions.history(library_workspace, hand["id"]))


def test_a_press_on_a_loop_that_is_gone_says_so(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    answer = send(app, {"kind": "skip", "loop": "gone", "values": {}, "seen": {}, "note": ""})
    assert answer["outcome"] == "gone" and "gone" in answer["text"]


def test_a_desk_that_is_left_keeps_what_was_sent_with_the_click(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    hand = on_screen(app)
    listed = {"client": "browser", "press": 1, "rater": "aki", "kind": "approve", "loop": hand["id"]}
    listed |= {"values": {"emotion": "sad"}, "seen": hand["seen"], "note": ""}
    desk = app.session_state[label_state.LABEL_DESK]
    answers = answer_presses(library_workspace, desk, {"presses": [listed]})
    assert [answer["outcome"] for answer in answers] == ["stored"]
    assert answer_presses(library_workspace, desk, {"presses": [listed, 7, {"client": "x"}]}) == answers
