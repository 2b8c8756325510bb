"""Bulk edits: one transaction, one undo, and every conflict named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer_core.errors import StoreError
from composer_core.store.labels.records import BulkEdit, Entry
from composer_core.store.labels.store import LabelStore

MODEL = "model:affect@1"


@pytest.fixture
def store(location: Path | str) -> LabelStore:
    return LabelStore(location)


def write(store: LabelStore, rater: str, value: Any, seen: int = 0) -> None:
    store.write(rater, "approve", "L", [Entry("L", "emotion", value, "approved")], {"emotion": seen})


def emotion(store: LabelStore) -> tuple[Any, str]:
    label = store.view()["L"]["emotion"]
    return label.value, label.status


def bulk(
    store: LabelStore, rater: str, values: dict[str, Any], seen: dict[str, dict[str, int]] | None = None
) -> BulkEdit:
    entries = [Entry(loop_id, "emotion", value, "approved") for loop_id, value in values.items()]
    made = store.write_many(rater, "approve", entries, store.seen(list(values)) if seen is None else seen)
    assert made is not None
    return made


def test_a_bulk_edit_is_one_batch_and_one_undo(store: LabelStore) -> None:
    store.add(MODEL, [Entry("L", "emotion", "calm", "suggested", 0.5)])
    write(store, "aki", "sad", seen=1)
    made = bulk(store, "aki", {"L": "happy", "M": "happy", "N": "happy"})
    assert (made.n_loops, made.n_events) == (3, 3)
    assert {labels["emotion"].value for labels in store.view().values()} == {"happy"}
    assert [action.batch for action in store.actions("aki")] == [None, made.id, made.id, made.id]
    undone = store.undo("aki")
    assert undone is not None and undone.loop_ids == ("L", "M", "N") and undone.fields == ("emotion",)
    assert {loop_id: labels["emotion"].value for loop_id, labels in store.view().items()} == {"L": "sad"}
    assert len(store.actions("aki")) == 1
    store.undo("aki")
    assert emotion(store) == ("calm", "suggested")


def test_two_batches_are_taken_back_one_by_one(store: LabelStore) -> None:
    first = bulk(store, "aki", {"L": "happy", "M": "happy"})
    other = bulk(store, "ben", {"N": "sad"})
    second = bulk(store, "aki", {"L": "calm", "O": "calm"})
    assert len({first.id, other.id, second.id}) == 3
    store.undo("aki")
    assert {loop_id: labels["emotion"].value for loop_id, labels in store.view().items()} == {
        "L": "happy", "M": "happy", "N": "sad",
    }  # fmt: skip


def test_a_stale_bulk_edit_stores_nothing_and_names_every_conflict(store: LabelStore) -> None:
    seen = store.seen(["L", "M", "N"])
    write(store, "ben", "sad")
    store.write("ben", "approve", "N", [Entry("N", "emotion", "fear", "approved")], {})
    with pytest.raises(StoreError) as refused:
        bulk(store, "aki", {"L": "happy", "M": "happy", "N": "happy"}, seen)
    conflicts = refused.value.values["conflicts"]
    assert [(c["loop_id"], c["theirs"], c["yours"]) for c in conflicts] == [
        ("L", "sad", "happy"),
        ("N", "fear", "happy"),
    ]
    assert "M" not in store.view() and store.actions("aki") == []


def test_thousands_of_loops_in_one_edit(store: LabelStore) -> None:
    made = bulk(store, "aki", {f"loop{number}": "happy" for number in range(1200)})
    assert (made.n_loops, len(store.view()), len(store.view(["loop7"]))) == (1200, 1200, 1)
    assert store.seen(["loop7", "none"]) == {"loop7": {"emotion": 8}, "none": {}}


def test_an_empty_bulk_edit_is_none(store: LabelStore) -> None:
    assert store.write_many("aki", "approve", [], {}) is None
    assert store.actions() == []
