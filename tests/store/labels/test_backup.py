"""Backups are one moment of the labels, whole or refused, and come back on either database."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import label_writer
from composer_core.errors import NotFound, StoreError
from composer_core.store.labels.backup import back_up, restore
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore

Location = Path | str


def fill(location: Location, n: int = 5) -> LabelStore:
    store = LabelStore(location)
    store.add("model:affect@1", [Entry(f"L{k}", "emotion", "calm", "suggested", 0.5) for k in range(n)], "何か")
    store.write("秋", "approve", "L0", [Entry("L0", "emotion", "happy", "approved")], {"emotion": 1}, note="サビ")
    return store


def test_a_backup_comes_back_as_it_was(location: Location, tmp_path: Path) -> None:
    store = fill(location)
    before = store.events(), store.actions()
    facts = back_up(location, tmp_path / "labels.backup")
    assert (facts.n_events, facts.n_actions, facts.newest_event) == (6, 1, 6)
    store.write("ben", "approve", "L1", [Entry("L1", "emotion", "fear", "approved")], {"emotion": 2})
    restore(location, tmp_path / "labels.backup", tmp_path / "kept.sqlite")
    again = LabelStore(location)
    assert (again.events(), again.actions()) == before
    # Numbering goes on after the newest event, and what was there before the restore is kept.
    again.write("ben", "approve", "L2", [Entry("L2", "emotion", "sad", "approved")], {"emotion": 3})
    assert again.events()[-1].id > 6
    assert len(LabelStore(tmp_path / "kept.sqlite").events()) == 7


def test_labels_move_between_the_databases(tmp_path: Path, postgres: str) -> None:
    from postgres_server import fresh_place

    here, there = tmp_path / "labels.sqlite", fresh_place(postgres)
    store = fill(here)
    back_up(here, tmp_path / "one")
    restore(there, tmp_path / "one", tmp_path / "kept one")
    assert LabelStore(there).events() == store.events()
    LabelStore(there).undo("秋")
    back_up(there, tmp_path / "two")
    restore(here, tmp_path / "two", tmp_path / "kept two")
    assert LabelStore(here).events() == LabelStore(there).events()
    assert LabelStore(here).view() == LabelStore(there).view()


def test_an_empty_store_can_be_saved_and_restored(location: Location, tmp_path: Path) -> None:
    LabelStore(location)
    assert back_up(location, tmp_path / "empty").n_events == 0
    restore(location, tmp_path / "empty", tmp_path / "kept")
    assert LabelStore(location).events() == []


def test_a_backup_of_the_first_release_is_brought_up_to_date(location: Location, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old") as connection:
        connection.executescript((Path(__file__).parent / "labels_first_release.sql").read_text(encoding="utf-8"))
    facts = restore(location, tmp_path / "old", tmp_path / "kept")
    assert (facts.n_events, facts.n_actions) == (3, 1)
    assert LabelStore(location).view()["L"]["emotion"].value == "happy"


@pytest.mark.parametrize("damage", ["no database", "cut off", "flipped", "empty", "another database", "later release"])
def test_what_is_no_whole_backup_is_refused_and_nothing_changes(
    location: Location, tmp_path: Path, damage: str
) -> None:
    store = fill(location, n=400)
    path = tmp_path / "labels.backup"
    back_up(location, path)
    data = path.read_bytes()
    if damage == "no database":
        path.write_bytes(b"labels " * 200)
    elif damage == "cut off":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        path.write_bytes(data[:5000] + bytes(byte ^ 0xFF for byte in data[5000:9000]) + data[9000:])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
        if damage == "another database":
            with sqlite3.connect(path) as connection:
                connection.execute("CREATE TABLE other (x)")
        else:
            path.write_bytes(data)
            with sqlite3.connect(path) as connection:
                connection.execute("INSERT INTO label_schema VALUES (99, '')")
    with pytest.raises(StoreError) as refused:
        restore(location, path, tmp_path / "kept")
    assert refused.value.code == "bad_backup"
    assert len(store.events()) == 401 and not (tmp_path / "kept").exists()


def test_a_backup_that_is_not_there_is_named(location: Location, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        restore(location, tmp_path / "nothing", tmp_path / "kept")


def test_a_place_that_cannot_be_written_is_named(location: Location, tmp_path: Path) -> None:
    fill(location)
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StoreError) as refused:
        back_up(location, tmp_path / "folder" / "labels.backup")
    assert refused.value.code == "cannot_write"


def check_backups_under_load(location: Location, folder: Path, backups: int) -> None:
    """Four processes write while backups are taken: each backup is a whole beginning of the events."""
    LabelStore(location)
    stop = threading.Event()
    acknowledged: list[int] = []
    processes = [
        subprocess.Popen(
            [sys.executable, label_writer.__file__, str(location), "edit", f"rater{n}", "100000"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]

    def collect(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged.append(int(line.split()[0]))

    readers = [threading.Thread(target=collect, args=(process,)) for process in processes]
    for reader in readers:
        reader.start()
    try:
        while len(acknowledged) < 5:
            stop.wait(0.01)
        for number in range(backups):
            must_be_there = list(acknowledged)
            path = folder / f"{number}"
            facts = back_up(location, path)
            stored = [event.id for event in LabelStore(path).events()]
            assert set(must_be_there) <= set(stored)
            # Nothing that had not been written, no hole, and it counts what it holds.
            assert stored == list(range(1, len(stored) + 1)) and facts.n_events == len(stored)
            assert len(LabelStore(path).actions()) == len(stored)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join()
    restore(location, path, folder / "kept")
    assert [event.id for event in LabelStore(location).events()] == stored


def test_backups_under_load_are_whole(location: Location, tmp_path: Path) -> None:
    check_backups_under_load(location, tmp_path, backups=3)


@pytest.mark.slow
def test_a_hundred_backups_under_load_are_whole(location: Location, tmp_path: Path) -> None:
    check_backups_under_load(location, tmp_path, backups=100)


def test_readers_go_on_while_labels_are_restored(new_location: Callable[[], Location], tmp_path: Path) -> None:
    location = new_location()
    store = fill(location)
    back_up(location, tmp_path / "backup")
    store.write("ben", "approve", "L3", [Entry("L3", "emotion", "sad", "approved")], {"emotion": 4})
    restore(location, tmp_path / "backup", tmp_path / "kept")
    # The same store object, opened before the restore, sees the restored labels.
    assert len(store.events()) == 6
