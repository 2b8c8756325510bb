"""How fast labels are saved, looked at and queued, and whether backups under load are whole; SQLite and PostgreSQL.

    python benchmarks/labels.py DATA WORKSPACE [--loops 100000] [--postgres URL]

WORKSPACE is a library as `benchmarks/big_library.py` makes it out of the MIDI files in DATA; it is made when it is
not there: eight suggestions a loop, a second model's opinion on the mood of each, and 50,000 loops two
raters approved. Measured in it are the waits of the Label page; then 20 raters make 60 edits each on five loops
they share, and 100 backups are made of a small store while four raters write. With --postgres, the URL of a server
whose database may be written, all of it again there, in a schema of its own that is dropped afterwards.
Prints a table, then one JSON object; exit status 1 when a limit is missed or a label is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import big_library
import numpy as np

from composer_core.errors import StoreError
from composer_core.pipeline.labels import decisions, queue
from composer_core.pipeline.labels.queue import ORDERS, unique_loops
from composer_core.store.labels.backup import back_up, restore
from composer_core.store.labels.records import Entry
from composer_core.store.labels.schema import DATABASE_VARIABLE
from composer_core.store.labels.store import LabelStore
from composer_core.workspace import Workspace

SAVE_LIMIT_MS = 300.0
WAIT_LIMIT_MS = 500.0
"""A rerun of a page may take so long (20 users, p95); a look at a loop is part of one."""
QUEUE_LIMIT_MS, FIRST_LIMIT_MS = 1000.0, 10_000.0
"""A queue is made when the order or the rater changes, and again when its 50 loops are used up; it includes an approval
here. The first of a process reads all labels, behind a spinner."""
RATERS, EDITS, SHARED = 20, 60, 5
BACKUPS, WRITERS = 100, 4
_LOOKS, _SAVES, _QUEUES, _WHOLE = 100, 100, 5, 1
_SECOND_OPINIONS, _APPROVED = 100_000, 50_000
Location = Path | str


def measure(name: str, call: Callable[[int], Any], times: int, limit_ms: float | None = None) -> dict[str, Any]:
    """Call it `times` times; p50, p95 and maximum in ms."""
    took = []
    for number in range(times):
        started = time.perf_counter()
        call(number)
        took.append(time.perf_counter() - started)
    return row(name, took, limit_ms)


def row(name: str, took_sec: list[float], limit_ms: float | None = None) -> dict[str, Any]:
    """A line of the table."""
    ms = np.array(took_sec) * 1000
    p50, p95 = np.percentile(ms, [50, 95])
    return {"name": name, "n": len(ms), "p50_ms": float(p50), "p95_ms": float(p95), "max_ms": float(ms.max()),
            "limit_ms": limit_ms}  # fmt: skip


def add_opinions(workspace: Workspace) -> None:
    """A second model on every loop's mood, and what two raters approved, so that every order has work to do."""
    loop_ids = unique_loops(workspace)
    rng = np.random.default_rng(2)
    moods = big_library.EMOTIONS
    with sqlite3.connect(workspace.labels) as connection:
        if connection.execute("SELECT count(*) FROM label_actions").fetchone()[0]:
            return
        columns = "(loop_id, field, value, source, confidence, note, created_at, status, action_id)"
        statement = f"INSERT INTO label_events {columns} VALUES (?, 'emotion', ?, ?, ?, '', ?, ?, ?)"
        at = "2026-01-02T00:00:00.000+00:00"
        drawn = rng.integers(len(moods), size=(3, len(loop_ids)))
        second = [(loop_id, json.dumps(moods[mood]), "model:second@1", 0.7, at, "suggested", None)
                  for loop_id, mood in zip(loop_ids[:_SECOND_OPINIONS], drawn[0], strict=False)]  # fmt: skip
        connection.executemany(statement, second)
        for number, rater in enumerate(("aki", "ben")):
            chosen = rng.permutation(len(loop_ids))[:_APPROVED]
            first = number * len(chosen) + 1
            connection.executemany(
                "INSERT INTO label_actions (id, rater, kind, loop_id, created_at) VALUES (?, ?, 'approve', ?, ?)",
                [(first + place, rater, loop_ids[loop], at) for place, loop in enumerate(chosen)],
            )
            connection.executemany(
                statement,
                [(loop_ids[loop], json.dumps(moods[drawn[1 + number, loop]]), f"human:{rater}", None, at, "approved",
                  first + place) for place, loop in enumerate(chosen)],
            )  # fmt: skip


def waits(workspace: Workspace) -> list[dict[str, Any]]:
    """What a rater waits for in a large library."""
    loop_ids = unique_loops(workspace)
    chosen = [loop_ids[place] for place in np.random.default_rng(3).permutation(len(loop_ids))]
    chosen = chosen[: _LOOKS + _SAVES + _QUEUES * len(ORDERS)]
    seen = {loop_id: decisions.current(workspace, loop_id).seen for loop_id in chosen[_LOOKS:]}

    def save(number: int) -> None:
        loop_id = chosen[_LOOKS + number]
        values = {"emotion": "calm", "emotion_valence": 0.3, "emotion_arousal": 0.2}
        decisions.decide(workspace, loop_id, rater="cho", action="approve", values=values, seen=seen[loop_id])

    first = [
        measure(
            f"first queue {order}",
            lambda _, o=order: queue.queue(workspace, rater="aki", order=o),
            1,
            FIRST_LIMIT_MS,
        )
        for order in ("uncertainty", "disagreement", "outlier")
    ]
    rows = [
        *first,
        measure("look at a loop", lambda n: decisions.current(workspace, chosen[n]), _LOOKS, WAIT_LIMIT_MS),
        measure("approve a loop", save, _SAVES, SAVE_LIMIT_MS),
        measure("undo", lambda _: decisions.undo(workspace, "cho"), _SAVES, SAVE_LIMIT_MS),
    ]
    for place, order in enumerate(ORDERS):

        def ask(number: int, order: str = order, place: int = place) -> None:
            save(_SAVES + place * _QUEUES + number)
            queue.queue(workspace, rater="aki", order=order)

        rows.append(measure(f"approve, then queue {order}", ask, _QUEUES, QUEUE_LIMIT_MS))
    for _ in range(_QUEUES * len(ORDERS)):
        decisions.undo(workspace, "cho")
    rows.append(measure("progress", lambda _: decisions.progress(workspace, "aki"), _QUEUES, WAIT_LIMIT_MS))
    rows.append(measure("all current labels", lambda _: LabelStore(place_of(workspace)).view(), _WHOLE))
    return rows


def place_of(workspace: Workspace) -> Location:
    """Where the labels are now."""
    return os.environ.get(DATABASE_VARIABLE) or workspace.labels


def raters_at_once(location: Location) -> tuple[dict[str, Any], int]:
    """RATERS threads make EDITS edits each on SHARED loops, reading again after a refusal; times of the saves, and
    how many edits were lost (overwritten unseen, or not stored)."""
    store = LabelStore(location)

    def rate(number: int) -> list[float]:
        return [edit(store, f"rater{number}", f"shared-{(number + turn) % SHARED}", turn) for turn in range(EDITS)]

    with ThreadPoolExecutor(RATERS) as pool:
        took = [seconds for of_rater in pool.map(rate, range(RATERS)) for seconds in of_rater]
    lost = RATERS * EDITS
    for loop_id in (f"shared-{number}" for number in range(SHARED)):
        chain = store.history(loop_id)
        unbroken = [event.supersedes for event in chain] == [None, *(event.id for event in chain[:-1])]
        lost -= len(chain) if unbroken else 0
    return row(f"save, {RATERS} raters on {SHARED} loops", took, SAVE_LIMIT_MS), lost


def edit(store: LabelStore, rater: str, loop_id: str, turn: int) -> float:
    """Seconds of the save that went through; a refusal is answered and another try."""
    while True:
        seen = store.seen([loop_id])[loop_id].get("emotion", 0)
        started = time.perf_counter()
        try:
            entry = Entry(loop_id, "emotion", f"{rater}-{turn}", "approved")
            store.write(rater, "approve", loop_id, [entry], {"emotion": seen})
        except StoreError as error:
            if error.code != "conflict":
                raise
            continue
        return time.perf_counter() - started


def backups(location: Location, folder: Path) -> tuple[dict[str, Any], int]:
    """BACKUPS backups while WRITERS approve; times, and how many acknowledged before a backup are not in it."""
    store = LabelStore(location)
    over, newest = threading.Event(), [0] * WRITERS

    def write(number: int) -> None:
        turn = 0
        while not over.is_set():
            loop_id = f"loop{number}-{turn % 500}"
            entry = Entry(loop_id, "emotion", turn, "approved")
            seen = store.seen([loop_id])[loop_id]
            newest[number] = store.write(f"rater{number}", "approve", loop_id, [entry], seen)[0]
            turn += 1

    missing, took = 0, []
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, number) for number in range(WRITERS)]
        for _ in range(BACKUPS):
            acknowledged, started = max(newest), time.perf_counter()
            facts = back_up(location, folder / "labels.backup")
            took.append(time.perf_counter() - started)
            # Writers wait for each other, so ids have no gaps: what is below the newest is there.
            missing += max(0, acknowledged - facts.newest_event) + (facts.newest_event - facts.n_events)
        over.set()
        for writer in writers:
            writer.result()
    return row(f"backup, {WRITERS} raters writing", took), missing


@contextmanager
def schema(server: str) -> Iterator[Callable[[], str]]:
    """Gives URLs of new, empty schemas on a PostgreSQL server; drops them afterwards."""
    import psycopg

    names: list[str] = []

    def fresh() -> str:
        names.append(f"composer_benchmark_{os.getpid()}_{len(names)}")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{names[-1]}"')
        return f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{names[-1]}"

    try:
        yield fresh
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            for name in names:
                connection.execute(f'DROP SCHEMA "{name}" CASCADE')


def study(workspace: Workspace, small: Callable[[], Location], folder: Path) -> dict[str, Any]:
    """All measurements on the database that is set."""
    rows = waits(workspace)
    started = time.perf_counter()
    n_events = back_up(place_of(workspace), folder / "all.backup").n_events
    rows.append(row("backup of it all", [time.perf_counter() - started]))
    shared, lost = raters_at_once(small())
    under_load, missing = backups(small(), folder)
    return {"events": n_events, "rows": [*rows, shared, under_load], "lost_edits": lost, "missing_in_backups": missing}


def show(name: str, result: dict[str, Any]) -> list[str]:
    """Print a table; what missed its limit."""
    print(f"{name}, {result['events']} events", flush=True)
    print(f"  {'':<32}{'n':>6}{'p50 ms':>10}{'p95 ms':>10}{'max ms':>10}{'limit':>8}")
    missed = []
    for line in result["rows"]:
        limit = line["limit_ms"]
        numbers = "".join(f"{line[key]:>10.1f}" for key in ("p50_ms", "p95_ms", "max_ms"))
        print(f"  {line['name']:<32}{line['n']:>6}{numbers}{'-' if limit is None else f'{limit:.0f}':>8}")
        if limit is not None and line["p95_ms"] > limit:
            missed.append(f"{name}: {line['name']}")
    print(f"  edits lost {result['lost_edits']}, missing in backups {result['missing_in_backups']}")
    missed += [f"{name}: {key}" for key in ("lost_edits", "missing_in_backups") if result[key]]
    return missed


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--loops", type=int, default=100_000)
    parser.add_argument("--postgres", metavar="URL", help="of a server; without it only SQLite is measured")
    arguments = parser.parse_args()
    os.environ.pop(DATABASE_VARIABLE, None)
    workspace = Workspace(arguments.workspace).create()
    big_library.build(arguments.data, workspace, arguments.loops)
    add_opinions(workspace)
    results, missed = {}, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results["SQLite"] = study(workspace, lambda: folder / f"{time.perf_counter_ns()}.sqlite", folder)
        missed += show("SQLite", results["SQLite"])
        if arguments.postgres:
            with schema(arguments.postgres) as fresh:
                os.environ[DATABASE_VARIABLE] = fresh()
                restore(os.environ[DATABASE_VARIABLE], folder / "all.backup", folder / "kept")
                results["PostgreSQL"] = study(workspace, fresh, folder)
            missed += show("PostgreSQL", results["PostgreSQL"])
        else:
            print("PostgreSQL: not measured; name a server with --postgres URL")
    print(json.dumps({"loops": arguments.loops, "load": os.getloadavg()[0], "results": results, "missed": missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
