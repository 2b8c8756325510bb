"""A press of a key in a browser is stored once, however often it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer_core.errors import StoreError
from composer_core.store.labels.records import Entry, Press
from composer_core.store.labels.store import LabelStore


@pytest.fixture
def store(location: Path | str) -> LabelStore:
    return LabelStore(location)


def write(store: LabelStore, rater: str, value: Any, seen: int = 0) -> int:
    (event_id,) = store.write(rater, "approve", "L", [Entry("L", "emotion", value, "approved")], {"emotion": seen})
    return event_id


def emotion(store: LabelStore) -> tuple[Any, str]:
    label = store.view()["L"]["emotion"]
    return label.value, label.status


PAGE = "page-1"


def press(store: LabelStore, number: int, value: Any, seen: int = 0, client: str = PAGE) -> list[int]:
    entry = Entry("L", "emotion", value, "approved")
    return store.write("aki", "approve", "L", [entry], {"emotion": seen}, press=Press(client, number))


def test_a_press_sent_again_is_stored_once(store: LabelStore) -> None:
    first = press(store, 1, "sad")
    assert press(store, 1, "sad") == first and press(store, 1, "happy") == first
    assert [event.value for event in store.history("L")] == ["sad"]
    # The number alone is not the press: another page counts for itself.
    assert press(store, 1, "happy", seen=first[0], client="page-2") != first
    assert emotion(store) == ("happy", "approved")


def test_a_page_has_seen_what_it_wrote_itself_and_nothing_else(store: LabelStore) -> None:
    first = press(store, 1, "sad")
    again = press(store, 2, "calm")  # the page has not been told the id of its first event
    assert [event.supersedes for event in store.history("L")] == [None, first[0]]
    write(store, "ben", "fear", seen=again[0])
    # Its own event is newer than ben's below, and still ben's was never seen.
    store.undo("aki", Press(PAGE, 3))
    with pytest.raises(StoreError) as refused:
        press(store, 4, "happy")
    assert refused.value.values["theirs"] == "fear"


def test_an_undo_sent_again_takes_back_nothing_more(store: LabelStore) -> None:
    press(store, 1, "sad")
    press(store, 2, "calm")
    undone = store.undo("aki", Press(PAGE, 3))
    assert undone is not None and undone.action == "approve"
    assert store.undo("aki", Press(PAGE, 3)) is None
    assert emotion(store) == ("sad", "approved")
    # One that found nothing is answered too: sent again after a decision it leaves that alone.
    assert store.undo("ben", Press("page-3", 1)) is None
    write(store, "ben", "fear", seen=store.history("L")[-1].id)
    assert store.undo("ben", Press("page-3", 1)) is None
    assert emotion(store)[0] == "fear"


def test_an_undo_takes_back_the_decision_it_names(store: LabelStore) -> None:
    press(store, 1, "sad")
    press(store, 2, "calm")
    undone = store.undo("aki", Press(PAGE, 3), target=Press(PAGE, 1))
    assert undone is not None
    assert [(event.value, event.status) for event in store.history("L")][-1] == (None, "withdrawn")
    # A decision that was refused never became an action: there is nothing of it to take back.
    assert store.undo("aki", Press(PAGE, 5), target=Press(PAGE, 4)) is None


def test_a_bulk_edit_is_taken_back_by_one_press(store: LabelStore) -> None:
    entries = [Entry(loop_id, "emotion", "sad", "approved") for loop_id in ("A", "B")]
    store.write_many("aki", "approve", entries, {})
    undone = store.undo("aki", Press(PAGE, 1))
    assert undone is not None and undone.loop_ids == ("A", "B")
    assert store.view() == {} and store.undo("aki", Press(PAGE, 1)) is None
