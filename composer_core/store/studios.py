"""Which studios run on a workspace: each holds a lock on a file of its own as long as its process lives."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from composer_core.errors import StoreError
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)
_held: dict[Path, IO[str]] = {}


@dataclass(frozen=True, slots=True)
class RunningStudio:
    """A studio that works on a workspace: its process and where it is reached."""

    pid: int
    address: str


def announce(workspace: Workspace, address: str) -> None:
    """Say that this process is a studio of the workspace, until it ends. A workspace that can only be read has none."""
    path = workspace.studios / f"{os.getpid()}.json"
    if path in _held:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", encoding="utf-8")
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stream.write(json.dumps({"pid": os.getpid(), "address": address}))
        stream.flush()
    except OSError as error:
        _log.info("the studio is not announced: %s", error.strerror)
        return
    _held[path] = stream


def running(workspace: Workspace) -> Iterator[RunningStudio]:
    """The studios that work on a workspace now, other than this process; what dead ones left is cleared away."""
    for path in sorted(workspace.studios.glob("*.json")):
        if path in _held:
            continue
        with path.open("r+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield _described(stream.read(), path)
                continue
            path.unlink(missing_ok=True)


def _described(text: str, path: Path) -> RunningStudio:
    try:
        said = json.loads(text)
        return RunningStudio(int(said["pid"]), str(said["address"]))
    except (ValueError, KeyError, TypeError):
        return RunningStudio(int(path.stem) if path.stem.isdigit() else 0, "?")


def refuse_while_running(workspace: Workspace) -> None:
    """StoreError studio_running names a studio that works on the workspace."""
    for studio in running(workspace):
        raise StoreError("studio_running", path=str(workspace.root), pid=studio.pid, address=studio.address)
