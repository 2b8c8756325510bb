"""The process that touches untrusted bytes: reads files, runs the task, answers, dies if need be.

Started by `composer_core.ingest.pool` as `python -m composer_core.ingest.worker FD TASK
OPTIONS`, with one end of a pipe. Messages are frames of bytes, never pickles:

- to the worker: JSON `{"id", "path", "kind", "first"}` list, one batch a frame;
- from the worker: `ready`; for a MIDI file one `result`; for an archive `begin` before and
  `result` after each member (so that the parent knows whose fault a death is), then `done`.
  The first line of a frame is JSON, the task's bytes follow.

The task is a function `(name, data, options) -> (facts for JSON, bytes)`, named "module:function".
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from composer_core.errors import InvalidValue, RefusedFile
from composer_core.ingest.archive import Member, read_members
from composer_core.ingest.chunks import MAX_FILE_BYTES

LIMIT_SEC = 10
LIMIT_MIB = 1024
_ORPHAN_SEC = LIMIT_SEC + 5
"""After this long on one file a worker ends itself: its parent, which does so earlier, is gone."""
Task = Callable[[str, bytes, dict[str, Any]], tuple[dict[str, Any], bytes]]


def serve(connection: Connection, task: Task, options: dict[str, Any]) -> None:
    """Answer batches until the pipe closes."""
    connection.send_bytes(_frame({"type": "ready"}))
    while True:
        try:
            batch = connection.recv_bytes()
        except EOFError:
            return
        for job in json.loads(batch):
            serve_job = _serve_file if job["kind"] == "midi" else _serve_archive
            serve_job(connection, task, options, job)


def limit_memory(mib: int = LIMIT_MIB) -> None:
    """Cap this process's address space where the system can (Linux)."""
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (mib * 1024**2, mib * 1024**2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve_file(connection: Connection, task: Task, options: dict[str, Any], job: dict[str, Any]) -> None:
    _arm()
    head = {"id": job["id"], "index": 0, "name": job["path"], "done": True}
    try:
        member = Member(0, job["path"], _read_file(job["path"]))
    except (RefusedFile, MemoryError) as error:
        member = Member(0, job["path"], refusal=_as_refusal(error, job["path"]))
    connection.send_bytes(_answer(head, member, task, options))
    signal.alarm(0)


def _serve_archive(connection: Connection, task: Task, options: dict[str, Any], job: dict[str, Any]) -> None:
    n_skipped = 0
    _arm()
    try:
        for member in read_members(job["path"], job["kind"], job["first"]):
            head = {"id": job["id"], "index": member.index, "name": member.name}
            connection.send_bytes(_frame({"type": "begin", **head}))
            _arm()
            if member.data is None and member.refusal is None:
                n_skipped += 1
            else:
                connection.send_bytes(_answer(head, member, task, options))
    except (RefusedFile, MemoryError) as error:
        head = {"id": job["id"], "index": -1, "name": job["path"]}
        connection.send_bytes(_frame({"type": "result", **head, **_refused(_as_refusal(error, job["path"]))}))
    signal.alarm(0)
    connection.send_bytes(_frame({"type": "done", "id": job["id"], "skipped": n_skipped}))


def _read_file(path: str) -> bytes:
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for a writer.
            raise RefusedFile("not_midi", path=path, found="a folder" if stat.S_ISDIR(mode) else "a device or pipe")
        with open(path, "rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except PermissionError as error:
        raise RefusedFile("permission_denied", path=path) from error
    except FileNotFoundError as error:
        raise RefusedFile("path_missing", path=path) from error
    except OSError as error:
        raise RefusedFile("unreadable_midi", path=path, reason=error.strerror or str(error)) from error
    if len(data) > MAX_FILE_BYTES:
        raise RefusedFile("too_large", path=path, size=os.path.getsize(path), limit=MAX_FILE_BYTES)
    return data


def _answer(head: dict[str, Any], member: Member, task: Task, options: dict[str, Any]) -> bytes:
    answer: dict[str, Any] = {"type": "result", **head}
    try:
        if member.refusal is not None:
            raise member.refusal
        assert member.data is not None
        facts, payload = task(member.name, member.data, options)
    except (RefusedFile, InvalidValue, MemoryError) as error:
        return _frame(answer | _refused(_as_refusal(error, member.name)))
    return _frame(answer | {"facts": facts}, payload)


def _as_refusal(error: RefusedFile | InvalidValue | MemoryError, path: str) -> RefusedFile:
    if isinstance(error, RefusedFile):
        return error
    if isinstance(error, MemoryError):
        return RefusedFile("out_of_memory", path=path, limit=LIMIT_MIB)
    # A value that our own types refuse although the gate let it through.
    return RefusedFile("unreadable_midi", path=path, reason=str(error))


def _refused(error: RefusedFile) -> dict[str, Any]:
    values = {key: value if isinstance(value, int | float | str) else str(value) for key, value in error.values.items()}
    return {"error": {"code": error.code, "values": values}}


def _frame(head: dict[str, Any], payload: bytes = b"") -> bytes:
    # File names may hold lone surrogates (bytes that are no UTF-8); ASCII JSON carries them.
    return json.dumps(head).encode("ascii") + b"\n" + payload


def _arm() -> None:
    signal.alarm(_ORPHAN_SEC)


def main(arguments: list[str]) -> None:
    """Entry point: file descriptor of the pipe, task name, options as JSON."""
    descriptor, task_name, options = arguments
    module, function = task_name.split(":")
    task: Task = getattr(importlib.import_module(module), function)
    limit_memory()
    # What a file leaves behind holds few cycles: look for them seldom.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    serve(Connection(int(descriptor)), task, json.loads(options))


if __name__ == "__main__":
    main(sys.argv[1:])
