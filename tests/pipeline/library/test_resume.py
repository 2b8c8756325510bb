"""An import that is killed anywhere and run again gives what an uninterrupted one gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import smf
from composer_core.pipeline.library import loops as library_loops
from composer_core.store.labels.store import LabelStore
from composer_core.store.loops.store import LoopStore
from composer_core.store.songs import SongStore
from composer_core.workspace import Workspace

KILLED_AT = """
import os, signal, sys
from pathlib import Path
import composer_core.store.atomic as atomic
from composer_core.pipeline.library import imports
from composer_core.ingest.engine import engine_named
from composer_core.pipeline.datasets.imports import ingest_with_facts
from composer_core.workspace import Workspace

if sys.argv[5] == "ray":
    from composer_core.ingest import ray_engine
    ray_engine._FEWEST_A_BATCH = 2  # several tasks
imports._NOTES_A_PART = 60  # a part every few files
folder, workspace, when, calls = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
done = 0
real = atomic.os.replace

def replace(source, target):
    global done
    done += 1
    if when == "before" and done == calls:
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
    if when == "after" and done == calls:
        os.kill(os.getpid(), signal.SIGKILL)

atomic.os.replace = replace
engine = engine_named(sys.argv[5])
ingest_with_facts([folder], Workspace(Path(workspace)), jobs=1 if sys.argv[5] == "local" else 2, engine=engine)
print(done)
"""


def run(
    folder: Path, workspace: Path, when: str = "never", calls: int = 0, engine: str = "local"
) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", KILLED_AT, str(folder), str(workspace), when, str(calls), engine]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def contents(root: Path) -> dict[str, Any]:
    """All that a library holds, but for times and how rows are spread over parts."""
    workspace = Workspace(root)
    table = library_loops.table(workspace).drop(columns="created_at").sort_values("loop_id").reset_index(drop=True)
    loops = LoopStore(workspace).load_many(list(table["loop_id"]))
    events = LabelStore(workspace.labels).events()
    return {
        "table": table.to_json(),
        "order": list(library_loops.table(workspace)["loop_id"]),
        "notes": [loop.notes.rows() for loop in loops],
        "labels": sorted(
            (event.loop_id, event.field, str(event.value), event.source, event.confidence) for event in events
        ),
        "songs": SongStore(workspace).table().sort_values("source_digest").to_json(),
        "parts": sorted(path.name for path in workspace.loops.glob(".*")),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve files in folders that name genres; the last two copy the music of the first."""
    folder = tmp_path_factory.mktemp("files")
    for n in range(12):
        path = folder / ("Jazz" if n % 2 else "Funk") / f"{n:02d}.mid"
        path.parent.mkdir(exist_ok=True)
        rows = [(step * 240, 60, 36 + (step * (1 + n % 10)) % 7) for step in range(32)]
        path.write_bytes(smf.smf(smf.notes(rows, smf.tempo(90 + n), channel=9)))
    return folder


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """The uninterrupted import's result and how many files it put in place."""
    root = tmp_path_factory.mktemp("whole") / "workspace"
    done = run(folder, root)
    assert done.returncode == 0, done.stderr
    return contents(root), int(done.stdout)


def check(folder: Path, root: Path, whole: dict[str, Any], when: str, calls: int, engine: str = "local") -> None:
    killed = run(folder, root, when, calls, engine)
    assert killed.returncode == -9, killed.stderr
    again = run(folder, root, engine=engine)
    assert again.returncode == 0, again.stderr
    assert contents(root) == whole


def test_killed_between_the_notes_and_the_loops_of_a_part(
    folder: Path, whole: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    assert len(whole[0]["order"]) == 12 and len(whole[0]["labels"]) >= 12
    check(folder, tmp_path / "workspace", whole[0], "after", 3)


@pytest.mark.slow
def test_killed_at_many_steps(folder: Path, whole: tuple[dict[str, Any], int], tmp_path: Path) -> None:
    # Before the first, middle and last file is put in place and after the ones behind them; the last is the report.
    last = whole[1]
    for when, calls in (("before", 1), ("after", 2), ("before", last // 2), ("after", last - 1), ("before", last)):
        check(folder, tmp_path / f"{when}{calls}", whole[0], when, calls)


@pytest.mark.slow
def test_killed_twice_in_a_row(folder: Path, whole: tuple[dict[str, Any], int], tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    assert run(folder, root, "after", 1).returncode == -9
    assert run(folder, root, "before", 4).returncode == -9
    assert run(folder, root).returncode == 0
    assert contents(root) == whole[0]


@pytest.mark.slow
def test_killed_on_a_ray_cluster(folder: Path, whole: tuple[dict[str, Any], int], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    check(folder, tmp_path / "workspace", whole[0], "after", whole[1] // 2, "ray")
