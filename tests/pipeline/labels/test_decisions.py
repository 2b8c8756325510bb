"""Labelling as pages and commands call it: queue, suggestions, decisions, undo, on a small real library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.pipeline.labels import decisions, queue
from composer_core.pipeline.labels.fields import FORM_FIELDS, check_values
from composer_core.pipeline.labels.kept_suggestions import suggest_missing
from composer_core.pipeline.library import loops
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.workspace import Workspace
from small_library import N_LOOPS, ids

VALUES: dict[str, Any] = {
    "emotion_valence": 0.5,
    "emotion_arousal": 0.75,
    "emotion": "happy",
    "genre": {"rock": 0.75, "funk": 0.25},
    "technique": ["ghost"],
}


def drums(workspace: Workspace) -> list[str]:
    table = loops.table(workspace)
    return list(table["loop_id"][table["instrument"] == "drums"])


def decide(workspace: Workspace, loop_id: str, rater: str = "aki", action: str = "approve", **values: Any) -> list[int]:
    seen = decisions.current(workspace, loop_id).seen
    return decisions.decide(workspace, loop_id, rater=rater, action=action, values=values or VALUES, seen=seen)


def queued(workspace: Workspace, rater: str = "aki", order: str = "newest") -> list[str]:
    return [item.loop_id for item in queue.queue(workspace, rater=rater, order=order)]


def test_empty_library_has_an_empty_queue(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).create()
    assert queue.queue(workspace, rater="aki") == []
    assert suggest_missing(workspace) == 0
    assert decisions.progress(workspace, "aki") == decisions.LabelProgress(0, 0, 0, 0, 0, 0)


def test_newest_first(workspace: Workspace) -> None:
    assert queued(workspace) == ids(workspace)[::-1]
    assert [item.reason for item in queue.queue(workspace, rater="aki", order="newest", limit=2)] == ["newest"] * 2


def test_random_order_is_each_raters_own_and_stays(workspace: Workspace) -> None:
    orders = {rater: queued(workspace, rater, "random") for rater in ("aki", "ben", "chie", "dai")}
    assert orders["aki"] == queued(workspace, "aki", "random")
    assert all(sorted(order) == sorted(ids(workspace)) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) > 1


def test_least_certain_comes_first_with_its_reason(workspace: Workspace) -> None:
    first, second, third, *_ = ids(workspace)
    store = LabelStore(workspace.labels)
    store.add("model:a@1", [Entry(first, "genre", {"funk": 1.0}, "suggested", 0.6)])
    store.add("model:a@1", [Entry(second, "emotion", "sad", "suggested", 0.2)])
    items = queue.queue(workspace, rater="aki", order="uncertainty")
    assert items[0] == queue.QueueItem(second, "uncertain", "emotion", 0.2)
    assert items[1] == queue.QueueItem(first, "uncertain", "genre", 0.6)
    assert {item.reason for item in items[2:]} == {"unsuggested"} and third in [item.loop_id for item in items[2:]]


def test_unknown_order_and_action_are_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="order"):
        queue.queue(workspace, rater="aki", order="alphabetical")
    with pytest.raises(InvalidValue, match="action"):
        decide(workspace, ids(workspace)[0], action="accept")


def test_suggestions_are_stored_once_and_are_what_is_current(workspace: Workspace) -> None:
    assert suggest_missing(workspace, limit=2) == 2
    assert suggest_missing(workspace) == N_LOOPS - 2
    assert suggest_missing(workspace) == 0
    loop_id = ids(workspace)[0]
    events = len(decisions.history(workspace, loop_id))
    suggested = decisions.suggestion(workspace, loop_id)
    assert len(decisions.history(workspace, loop_id)) == events
    current = decisions.current(workspace, loop_id)
    assert current.status == "suggested"
    assert current.values == {name: made.value for name, made in suggested.items()}
    assert {"emotion_valence", "emotion_arousal", "emotion"} <= set(suggested)
    assert set(decisions.statuses(workspace).values()) == {"suggested"}


def test_a_shown_suggestion_is_stored_so_that_a_decision_names_it(workspace: Workspace) -> None:
    loop_id = drums(workspace)[0]
    assert decisions.current(workspace, loop_id).status == "unlabelled"
    decisions.suggestion(workspace, loop_id)
    shown = decisions.current(workspace, loop_id).seen["emotion"]
    decide(workspace, loop_id)
    event = next(e for e in decisions.history(workspace, loop_id) if e.field == "emotion" and e.kind == "human")
    assert event.supersedes == shown


def test_approved_and_rejected_loops_leave_the_queue(workspace: Workspace) -> None:
    first, second, *_ = drums(workspace)
    decide(workspace, first)
    decide(workspace, second, action="reject")
    assert set(queued(workspace)) == set(ids(workspace)) - {first, second}
    assert decisions.current(workspace, first).values == VALUES
    assert decisions.current(workspace, second).values == {}
    statuses = decisions.statuses(workspace)
    assert (statuses[first], statuses[second]) == ("approved", "rejected")
    progress = decisions.progress(workspace, "aki")
    assert (progress.total, progress.decided, progress.mine) == (N_LOOPS, 2, 2)
    assert decisions.progress(workspace, "ben").mine == 0
    assert decisions.raters(workspace) == ["aki"]


def test_skip_sends_a_loop_to_the_end_of_this_raters_queue_only(workspace: Workspace) -> None:
    first, second, *rest = queued(workspace)
    decide(workspace, first, action="skip")
    assert queued(workspace) == [second, *rest, first]
    decide(workspace, second, action="skip")
    assert queued(workspace) == [*rest, first, second]
    assert queued(workspace, "ben") == [first, second, *rest]
    assert queue.queue(workspace, rater="aki", order="newest")[-1].reason == "skipped"
    assert decisions.history(workspace, first) == []


def test_draft_stays_in_the_queue(workspace: Workspace) -> None:
    loop_id = queued(workspace)[0]
    decide(workspace, loop_id, action="draft", emotion="sad")
    item = queue.queue(workspace, rater="aki", order="newest")[0]
    assert (item.loop_id, item.reason) == (loop_id, "draft")
    assert decisions.current(workspace, loop_id).status == "draft"


def test_disputed_loops_come_first_for_those_who_have_not_decided(workspace: Workspace) -> None:
    loop_id = drums(workspace)[0]
    decide(workspace, loop_id, "aki", emotion="happy")
    decide(workspace, loop_id, "ben", emotion="sad")
    assert decisions.statuses(workspace)[loop_id] == "disputed"
    assert queue.queue(workspace, rater="chie", order="newest")[0] == queue.QueueItem(loop_id, "disputed")
    assert loop_id not in queued(workspace, "ben")


def test_exact_duplicates_are_not_asked_twice(workspace: Workspace) -> None:
    taken = loops.load_loop(workspace, drums(workspace)[0])
    loops.add_generated(workspace, [(taken, "take-1")])
    assert len(ids(workspace)) == N_LOOPS + 1
    assert len(queued(workspace)) == N_LOOPS


def test_stale_decision_is_refused_with_both_values(workspace: Workspace) -> None:
    loop_id = drums(workspace)[0]
    seen = decisions.current(workspace, loop_id).seen
    decide(workspace, loop_id, "aki", emotion="happy")
    with pytest.raises(StoreError) as refused:
        decisions.decide(workspace, loop_id, rater="ben", action="approve", values={"emotion": "sad"}, seen=seen)
    values = refused.value.values
    assert (values["theirs"], values["yours"], values["rater"]) == ("happy", "sad", "aki")


def test_clearing_a_field_rejects_what_it_held(workspace: Workspace) -> None:
    loop_id = drums(workspace)[0]
    decide(workspace, loop_id, action="draft", emotion="happy", genre={"rock": 1.0})
    decide(workspace, loop_id, emotion=None, genre=None, technique=None)
    current = decisions.current(workspace, loop_id)
    assert current.values == {}
    assert {name: label.status for name, label in current.fields.items()} == {
        "emotion": "rejected",
        "genre": "rejected",
    }


def test_undo_brings_a_loop_back(workspace: Workspace) -> None:
    loop_id = drums(workspace)[0]
    decisions.suggestion(workspace, loop_id)
    before = decisions.current(workspace, loop_id).values
    decide(workspace, loop_id)
    undone = decisions.undo(workspace, "aki")
    assert undone is not None and (undone.loop_id, undone.action) == (loop_id, "approve")
    assert decisions.current(workspace, loop_id).values == before
    assert loop_id in queued(workspace)
    assert decisions.undo(workspace, "aki") is None


def test_unknown_loop_and_bad_rater_are_refused(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        decide(workspace, "0123456789abcdef")
    with pytest.raises(InvalidValue, match="rater"):
        decide(workspace, drums(workspace)[0], rater=" ")
    with pytest.raises(InvalidValue, match="rater"):
        decisions.check_rater("")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"mood": "happy"}, "mood"),
        ({"emotion_valence": 3.0}, "emotion_valence"),
        ({"emotion_valence": float("nan")}, "emotion_valence"),
        ({"emotion_arousal": -0.1}, "emotion_arousal"),
        ({"emotion_arousal": True}, "emotion_arousal"),
        ({"emotion": "joyous"}, "emotion"),
        ({"genre": {"rock": 0.5}}, "genre"),
        ({"genre": {"polka": 1.0}}, "genre"),
        ({"genre": "rock"}, "genre"),
        ({"technique": ["slap"]}, "technique"),
        ({"technique": "ghost"}, "technique"),
    ],
)
def test_values_outside_the_vocabulary_are_refused(values: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidValue, match=named):
        check_values(values, "drums")


def test_values_are_stored_in_one_form() -> None:
    checked = check_values(
        {
            "emotion_valence": 0.12345,
            "emotion_arousal": 1,
            "emotion": None,
            "genre": {"rock": 1.0, "funk": 0.0},
            "technique": ("ride", "ghost", "ride"),
        },
        "drums",
    )
    assert checked == {
        "emotion_valence": 0.123,
        "emotion_arousal": 1.0,
        "emotion": None,
        "genre": {"rock": 1.0},
        "technique": ["ghost", "ride"],
    }
    assert set(checked) == set(FORM_FIELDS)
