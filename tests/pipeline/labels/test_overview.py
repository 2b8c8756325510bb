"""What is kept in memory of all labels is what reading them anew gives, whatever happened meanwhile."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from composer_core.pipeline.labels import overview
from composer_core.store.labels.backup import back_up, restore
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import loop_status

LOOPS, FIELDS, MOODS = ("a", "b", "c"), ("emotion", "genre"), ("happy", "sad", "calm")
SOURCES = ("model:x@1", "model:y@1", "rule:z", "import:set")


@pytest.fixture
def store(tmp_path: Path) -> LabelStore:
    return LabelStore(tmp_path / "labels.sqlite")


def anew(store: LabelStore) -> tuple[Any, ...]:
    """The same by the views that read everything, from the store's own methods."""
    standing, view = store.standing(), store.view()
    spoken = {loop for loop, fields in standing.items() for events in fields.values()
              if any(event.kind == "human" for event in events)}  # fmt: skip
    approved = {
        loop: {name for name, one in view[loop].items() if (one.status, one.source[:6]) == ("approved", "human:")}
        for loop in spoken
    }
    said = {loop: overview._statements(fields) for loop, fields in standing.items()}
    return (
        {loop: loop_status(view[loop]) for loop in spoken},
        approved,
        {loop: one for loop, one in said.items() if one},
    )


def kept(store: LabelStore) -> tuple[Any, ...]:
    """As the desk reads it; and as a process that has just begun would."""
    people = overview.people(store)
    found = dict(overview.statuses(store)), {loop: set(one.approved) for loop, one in people.items()}
    said = dict(overview.source_statements(store))
    assert (people, said) == (overview._of_all_people(store), overview._all_statements(store))
    for rater in ("aki", "ben"):
        standing = {one.id: (one.kind, one.loop_id) for one in store.actions(rater)}
        assert list(overview.acts(store, rater).items()) == list(standing.items())
    return *found, said


def act(store: LabelStore, chance: random.Random) -> None:
    loop, name = chance.choice(LOOPS), chance.choice(FIELDS)
    value: Any = chance.choice(MOODS) if name == "emotion" else {chance.choice(("rock", "funk")): 1.0}
    kind = chance.randrange(4)
    if kind == 0:
        store.undo(chance.choice(("aki", "ben")))
    elif kind == 1:
        confidence = chance.choice((None, 0.2, 0.7))
        store.add(chance.choice(SOURCES), [Entry(loop, name, value, "suggested", confidence)])
    else:
        status, action = chance.choice((("approved", "approve"), ("rejected", "reject"), ("draft", "draft")))
        entry = Entry(loop, name, value, status)
        store.write(chance.choice(("aki", "ben")), action, loop, [entry], store.seen([loop])[loop])


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_reading_anew_gives_after_every_step(store: LabelStore, seed: int) -> None:
    chance = random.Random(seed)
    assert kept(store) == anew(store) == ({}, {}, {})
    for _ in range(25):
        act(store, chance)
        assert kept(store) == anew(store)


def test_what_another_store_wrote_is_seen_and_nobody_reads_a_dictionary_that_changes(store: LabelStore) -> None:
    first = overview.statuses(store)
    LabelStore(Path(store.place)).write("aki", "approve", "a", [Entry("a", "emotion", "sad", "approved")], {})
    assert overview.statuses(store) == {"a": "approved"} and first == {}
    assert overview.people(store) is overview.people(store)


def test_after_a_restored_backup_all_is_read_anew(store: LabelStore, tmp_path: Path) -> None:
    store.add("rule:z", [Entry("a", "emotion", "sad", "suggested", 0.5)])
    back_up(Path(store.place), tmp_path / "saved")
    store.write("aki", "approve", "a", [Entry("a", "emotion", "sad", "approved")], {"emotion": 1})
    assert kept(store) == anew(store)
    restore(Path(store.place), tmp_path / "saved", tmp_path / "before")
    # As many events as before the backup came back, but others.
    store.write("ben", "reject", "b", [Entry("b", "emotion", "sad", "rejected")], {})
    assert kept(store) == anew(store)
    assert overview.statuses(store) == {"b": "rejected"}


def test_actions_of_a_restored_backup_are_others_though_all_were_taken_back(store: LabelStore, tmp_path: Path) -> None:
    entries = [Entry("a", "emotion", "sad", "approved")]
    store.write("aki", "approve", "a", entries, {})
    back_up(Path(store.place), tmp_path / "saved")
    store.undo("aki")
    assert not overview.acts(store, "aki")
    restore(Path(store.place), tmp_path / "saved", tmp_path / "before")
    assert list(overview.acts(store, "aki").values()) == [("approve", "a")]


def test_many_changes_at_once_are_read_anew(store: LabelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "_MOST_CHANGED", 2)
    assert kept(store) == anew(store)
    store.add("model:x@1", [Entry(loop, "emotion", "sad", "suggested", 0.5) for loop in ("a", "b", "c", "d")])
    assert kept(store) == anew(store) and len(overview.source_statements(store)) == 4
