"""Labels survive kill -9, and several processes never lose each other's edits."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import label_writer
from composer_core.store.labels import LabelStore

WRITER = str(Path(label_writer.__file__))


def start(database: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, WRITER, str(database), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acknowledged_until_killed(database: Path, rater: str, after_sec: float) -> list[list[int]]:
    """Ids of each write a process acknowledged before it was killed; a half-printed line does not count."""
    process = start(database, "approve", rater)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(after_sec)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    lines = (first + rest).split("\n")[:-1]
    return [[int(word) for word in line.split()] for line in lines]


def check_trials(database: Path, trials: int) -> int:
    """Kill `trials` writers; every acknowledged event must be there, every action whole. Returns acknowledgements."""
    chance = random.Random(5)
    acknowledged: list[list[int]] = []
    for trial in range(trials):
        acknowledged += acknowledged_until_killed(database, f"rater{trial}", chance.uniform(0.0, 0.25))
        with sqlite3.connect(database) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    store = LabelStore(database)
    stored = {event.id: event for event in store.events()}
    assert all(event_id in stored for ids in acknowledged for event_id in ids)
    whole = len(label_writer.FIELDS)
    assert len(stored) == whole * len(store.actions())
    assert all(len(labels) == whole for labels in store.view().values())
    return len(acknowledged)


def test_two_killed_writers_lose_no_acknowledged_label(tmp_path: Path) -> None:
    assert check_trials(tmp_path / "labels.sqlite", trials=2) >= 2


@pytest.mark.slow
def test_twenty_killed_writers_lose_no_acknowledged_label(tmp_path: Path) -> None:
    assert check_trials(tmp_path / "labels.sqlite", trials=20) >= 20


def check_processes(database: Path, writers: int, edits: int) -> None:
    processes = [start(database, "edit", f"rater{number}", str(edits)) for number in range(writers)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * writers
    written = [tuple(int(word) for word in line.split()) for text in outputs for line in text.splitlines()]
    assert len(written) == writers * edits
    events = LabelStore(database).events()
    assert sorted(event_id for event_id, _ in written) == [event.id for event in events]
    # No two edits saw the same event, so none was written over another unseen: each loop is one chain.
    for loop_id in {event.loop_id for event in events}:
        chain = [event for event in events if event.loop_id == loop_id]
        assert [event.supersedes for event in chain] == [None, *(event.id for event in chain[:-1])]


def test_processes_never_overwrite_each_other_unseen(tmp_path: Path) -> None:
    check_processes(tmp_path / "labels.sqlite", writers=3, edits=10)


@pytest.mark.slow
def test_eight_processes_with_forty_edits_each(tmp_path: Path) -> None:
    check_processes(tmp_path / "labels.sqlite", writers=8, edits=40)
