"""Labels survive kill -9, and many raters at once never lose each other's edits; on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import label_writer
from composer_core.errors import StoreError
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore

WRITER = str(Path(label_writer.__file__))
Location = Path | str


def start(location: Location, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, WRITER, str(location), *arguments], stdout=subprocess.PIPE, text=True)


def check_kills(location: Location, rounds: int, group: int) -> None:
    """Kill `rounds` groups of writers; every acknowledged event must be there, every action whole."""
    process = start(location, "kill", str(rounds), str(group))
    *lines, last = process.communicate(timeout=300)[0].splitlines()
    assert process.returncode == 0 and last == f"killed {rounds * group}"
    acknowledged = [[int(word) for word in line.split()] for line in lines if line]
    assert len(acknowledged) >= rounds
    if isinstance(location, Path):
        with sqlite3.connect(location) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store = LabelStore(location)
    stored = {event.id: event for event in store.events()}
    lost = [event_id for ids in acknowledged for event_id in ids if event_id not in stored]
    assert lost == []
    whole = len(label_writer.FIELDS)
    assert len(stored) == whole * len(store.actions())
    assert all(len(labels) == whole for labels in store.view().values())


def test_killed_writers_lose_no_acknowledged_label(location: Location) -> None:
    check_kills(location, rounds=3, group=4)


@pytest.mark.slow
def test_three_hundred_kills_lose_no_acknowledged_label(location: Location) -> None:
    check_kills(location, rounds=75, group=4)


def check_chains(location: Location, written: list[tuple[int, int]]) -> None:
    """Every edit is stored, and no two saw the same event: none was written over another unseen."""
    events = LabelStore(location).events()
    assert sorted(event_id for event_id, _ in written) == [event.id for event in events]
    for loop_id in {event.loop_id for event in events}:
        chain = [event for event in events if event.loop_id == loop_id]
        assert [event.supersedes for event in chain] == [None, *(event.id for event in chain[:-1])]


def test_processes_never_overwrite_each_other_unseen(location: Location) -> None:
    processes = [start(location, "edit", f"rater{number}", "10") for number in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 3
    lines = [line.split() for text in outputs for line in text.splitlines()]
    assert len(lines) == 30
    check_chains(location, [(int(event_id), int(seen)) for event_id, seen, _ in lines])


@pytest.mark.slow
def test_twenty_raters_with_sixty_edits_each_lose_nothing(location: Location) -> None:
    store = LabelStore(location)

    def rate(number: int) -> list[tuple[int, int]]:
        return [edit(store, f"rater{number}", f"shared-{(number + turn) % 5}", turn) for turn in range(60)]

    with ThreadPoolExecutor(20) as raters:
        written = [pair for pairs in raters.map(rate, range(20)) for pair in pairs]
    assert len(written) == 20 * 60
    check_chains(location, written)


def edit(store: LabelStore, rater: str, loop_id: str, turn: int) -> tuple[int, int]:
    """One edit that reads again after each refusal; (event, what it saw)."""
    while True:
        seen = store.seen([loop_id])[loop_id].get("emotion", 0)
        try:
            entry = Entry(loop_id, "emotion", f"{rater}-{turn}", "approved")
            (event_id,) = store.write(rater, "approve", loop_id, [entry], {"emotion": seen})
        except StoreError as error:
            assert error.code == "conflict", error
            continue
        return event_id, seen


def test_a_write_that_fails_midway_leaves_nothing(location: Location) -> None:
    store = LabelStore(location)
    good, bad = Entry("L", "emotion", "sad", "approved"), Entry("L", "genre", float("nan"), "approved")
    with pytest.raises(ValueError, match="JSON"):
        store.write("aki", "approve", "L", [good, bad], {})
    assert store.events() == [] and store.actions() == []


def test_everyone_sees_the_same_when_all_open_an_empty_database(new_location: Callable[[], Any]) -> None:
    location = new_location()
    with ThreadPoolExecutor(6) as people:
        stores = list(people.map(lambda _: LabelStore(location), range(6)))
    stores[0].add("rule:x", [Entry("L", "emotion", "sad", "suggested")])
    assert all(len(store.events()) == 1 for store in stores)
