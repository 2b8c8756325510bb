"""What was said of a loop said again of the one in its place: decisions become drafts that nobody's undo knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer_core.store.labels.merging import carried, carry
from composer_core.store.labels.records import Entry, Statement
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import LabelEvent


def event(source: str, status: str, value: object = "happy", confidence: float | None = None) -> LabelEvent:
    return LabelEvent(7, "old", "emotion", value, source, confidence, "why", "t", None, status, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "status", "becomes"),
    [
        ("human:aki", "approved", "draft"),
        ("human:aki", "draft", "draft"),
        ("human:ben", "settled", "draft"),
        ("import:gmd", "suggested", "suggested"),
    ],
)
def test_what_each_statement_becomes(source: str, status: str, becomes: str) -> None:
    confidence = 0.7 if source.startswith("import") else None
    found = carried([event(source, status, confidence=confidence)], "new")
    assert found.left == ()
    assert found.statements == (Statement(Entry("new", "emotion", "happy", becomes, confidence), source, "why"),)


def test_what_no_draft_can_say_is_left_and_suggestions_are_made_anew() -> None:
    left = [event("human:aki", "rejected"), event("human:ben", "settled", None)]
    found = carried([*left, event("model:x@1", "suggested"), event("rule:y", "suggested")], "new")
    assert (found.statements, found.left) == ((), tuple(left))


@pytest.fixture
def store(tmp_path: Path) -> LabelStore:
    return LabelStore(tmp_path / "labels.sqlite")


def said(loop_id: str, source: str, value: str = "happy", status: str = "draft") -> Statement:
    return Statement(Entry(loop_id, "emotion", value, status), source, "why")


def test_carrying_twice_writes_once_and_over_nobody(store: LabelStore) -> None:
    statements = [said("new", "human:aki"), said("new", "human:ben", "sad"), said("other", "human:aki")]
    assert carry(store, statements) == 3
    assert carry(store, statements) == 0
    view = store.view()
    assert {loop_id: label["emotion"].status for loop_id, label in view.items()} == {"new": "draft", "other": "draft"}
    # Aki decides; what is carried later does not take that back, and a statement given twice counts once.
    store.write("aki", "approve", "new", [Entry("new", "emotion", "calm", "approved")], store.seen(["new"])["new"])
    assert (
        carry(store, [said("new", "human:aki", "bright"), said("third", "human:aki"), said("third", "human:aki")]) == 1
    )
    assert store.view(["new"])["new"]["emotion"].value == "calm"


def test_a_carried_draft_is_no_action_and_undo_goes_back_to_it(store: LabelStore) -> None:
    carry(store, [said("new", "human:aki")])
    assert store.actions() == [] and store.undo("aki") is None
    assert [one.action_id for one in store.history("new")] == [None]
    store.write("aki", "approve", "new", [Entry("new", "emotion", "calm", "approved")], store.seen(["new"])["new"])
    store.undo("aki")
    label = store.view(["new"])["new"]["emotion"]
    assert (label.value, label.status) == ("happy", "draft")


def test_nothing_to_carry(store: LabelStore) -> None:
    assert carry(store, []) == 0 and store.events() == []
