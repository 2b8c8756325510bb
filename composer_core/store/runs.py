"""Training runs on disk: the request, the state with its heartbeat, the log and the curves.

A run folder holds request.json (the request), state.json (which process works on it and how far it
is), metrics.jsonl (one row per step), log.txt, data.npz with data.json (what it learns from, and facts about that),
checkpoint.pt and model/ (the best so far).
Only the training process writes state.json, except when it can no longer do so itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import psutil

from composer_core.errors import ComposerError, NotFound, StoreError
from composer_core.store.atomic import read_json, write_json

REQUEST_FILE = "request.json"
STATE_FILE = "state.json"
METRICS_FILE = "metrics.jsonl"
LOG_FILE = "log.txt"
FACTS_FILE = "data.json"
LOG_TAIL_BYTES = 6000
_IN_ROWS = {"step", "loss", "validation"}
OPTIONAL = ("code", "values")
"""Fields that runs of earlier releases lack."""
START_TOLERANCE_SEC = 1.0
"""Two start times this close are the same process: the system's clock is coarser than ours."""


@dataclass(frozen=True, slots=True)
class RunState:
    """What the training process last said of itself. `pid_started` tells a reused pid from its own; `code` and `values`
    are those of the error that ended it, where it was one of ours."""

    state: str
    pid: int
    pid_started: float
    step: int
    steps: int
    device_name: str
    message: str
    updated_at: float
    code: str = ""
    values: dict[str, object] = field(default_factory=dict)


def write_state(folder: Path, state: RunState) -> None:
    """Write the heartbeat."""
    write_json(folder / STATE_FILE, asdict(state))


def read_state(folder: Path) -> RunState | None:
    """The last heartbeat; None before the first. StoreError when the file is not one."""
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    data: Any = read_json(path)
    try:
        names = [spec.name for spec in fields(RunState) if spec.name not in OPTIONAL or spec.name in data]
        state = RunState(**{name: data[name] for name in names})
        if not all(isinstance(value, int | float) for value in (state.pid, state.pid_started, state.step, state.steps)):
            raise TypeError("a number is none")
        return state
    except (TypeError, KeyError) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error


def heartbeat_state(
    state: str, step: int, steps: int, device_name: str, message: str, error: ComposerError | None = None
) -> RunState:
    """A heartbeat of the process that calls this; `error` is what ended it."""
    process = psutil.Process()
    said = RunState(state, process.pid, process.create_time(), step, steps, device_name, message, time.time())
    if error is None:
        return said
    plain: dict[str, object] = {
        name: value if isinstance(value, int | float) else str(value) for name, value in error.values.items()
    }
    return replace(said, code=error.code, values=plain)


def is_alive(pid: int, pid_started: float) -> bool:
    """True when this very process still runs; a zombie or another process with its pid does not count."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - pid_started) <= START_TOLERANCE_SEC
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def read_rows(folder: Path) -> list[dict[str, object]]:
    """The training curve, one row per step; a half-written last line is left out.

    StoreError when another line is none.
    """
    path = folder / METRICS_FILE
    if not path.is_file():
        return []
    # A line is complete with its line end.
    lines = path.read_bytes().split(b"\n")[:-1]
    rows: list[dict[str, object]] = []
    for number, line in enumerate(lines, 1):
        row = row_of(line)
        if row is None:
            raise StoreError("damaged_store", path=str(path), reason=f"line {number} is none of a curve")
        rows.append(row)
    return rows


def missing_rows(rows: Sequence[Mapping[str, object]], state: RunState | None) -> str:
    """What a curve lacks that the state, which is written after it, speaks of; "" for nothing."""
    last = rows[-1]["step"] if rows else 0
    if state is None or (isinstance(last, int | float) and last >= state.step):
        return ""
    return f"it ends at step {last}, the run is at {state.step}"


def row_of(line: bytes) -> dict[str, object] | None:
    """A line of the training curve; None where it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and row.keys() >= _IN_ROWS else None


def read_facts(folder: Path) -> dict[str, object]:
    """What a run found of its data when it prepared them; nothing before. StoreError for a damaged file."""
    path = folder / FACTS_FILE
    if not path.is_file():
        return {}
    data: Any = read_json(path)
    facts = data.get("facts") if isinstance(data, dict) else None
    if not isinstance(facts, dict):
        raise StoreError("damaged_store", path=str(path), reason="it holds no facts")
    return facts


def log_tail(folder: Path) -> str:
    """The last lines of the log."""
    path = folder / LOG_FILE
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - LOG_TAIL_BYTES))
        return stream.read().decode("utf-8", errors="replace")


def run_folder(root: Path, run: str) -> Path:
    """The folder of a run by name; NotFound for an unknown one or a name that is a path."""
    folder = root / run
    if not run or folder.parent != root or not (folder / REQUEST_FILE).is_file():
        raise NotFound("run_missing", run=run, path=str(root))
    return folder


def run_names(root: Path) -> list[str]:
    """Names of all runs, newest first."""
    if not root.is_dir():
        return []
    found = [(path.stat().st_mtime, path.parent.name) for path in root.glob(f"*/{REQUEST_FILE}")]
    return [name for _, name in sorted(found, reverse=True)]
