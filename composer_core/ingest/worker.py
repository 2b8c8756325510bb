"""The process that touches untrusted bytes: reads files, runs the task, answers, dies if need be.

Started by `composer_core.ingest.pool` as `python -m composer_core.ingest.worker FD TASK
OPTIONS LIMIT_SEC LIMIT_MIB`, with one end of a pipe. Messages are frames of bytes, never pickles:

- to the worker: a batch, a JSON list of `{"id", "path", "kind", "first", "alone"}`; either
  MIDI files, or one archive, read from entry `first` on;
- from the worker: `ready`; for a batch of files one `results`; for an archive `begin` before
  and `results` after each group of members (so that the parent knows whose fault a death
  is), then `done`. The first line of a frame is JSON, the task's bytes follow.

The task takes a group of files, so that it can do the same thing to all of them at a time,
which is nearly twice as fast as file by file: `(files, options) -> results`, named
"module:function", with (name, bytes) files and for each a RefusedFile or (facts for JSON, bytes).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any

from composer_core.errors import InvalidValue, RefusedFile
from composer_core.ingest.archive import Member, is_midi_or_archive, is_table, read_members
from composer_core.ingest.chunks import MAX_FILE_BYTES

LIMIT_SEC = 10
LIMIT_MIB = 1024
GROUP = 12
"""Files or members at a time."""
_GROUP_BYTES = 4_000_000
_ORPHAN_EXTRA_SEC = 5
"""So much longer than the limit on one group, and a worker ends itself: its parent, which does so earlier, is gone."""
MEMBERS, TABLES = "members", "tables"
"""The option of a task that reads the tables of archives instead of their MIDI files."""
Options = Mapping[str, object]
Result = RefusedFile | tuple[dict[str, object], bytes]
Task = Callable[[list[tuple[str, bytes]], Options], list[Result]]


def each_file(
    files: Iterable[tuple[str, bytes]], read: Callable[[str, bytes], tuple[dict[str, object], bytes]]
) -> list[Result]:
    """A task that takes file by file: what `read(name, data)` gives of each, or its refusal."""
    results: list[Result] = []
    for name, data in files:
        try:
            results.append(read(name, data))
        except RefusedFile as refusal:
            results.append(refusal)
    return results


def serve(connection: Connection, task: Task, options: Options, limit_sec: float = LIMIT_SEC) -> None:
    """Answer batches until the pipe closes."""
    orphan_sec = int(limit_sec) + _ORPHAN_EXTRA_SEC
    connection.send_bytes(_frame({"type": "ready"}))
    while True:
        try:
            batch = json.loads(connection.recv_bytes())
        except EOFError:
            return
        signal.alarm(orphan_sec)
        if batch[0]["kind"] == "midi":
            _serve_files(connection, task, options, batch)
        else:
            _serve_archive(connection, task, options, batch[0], orphan_sec)
        signal.alarm(0)


def limit_memory(mib: int = LIMIT_MIB) -> None:
    """Cap this process's address space where the system can (Linux)."""
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (mib * 1024**2, mib * 1024**2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve_files(connection: Connection, task: Task, options: Options, batch: list[dict[str, Any]]) -> None:
    members = (_file_member(job) for job in batch)
    answers = [answer for group in _groups(members, GROUP) for answer in _answers(group, task, options)]
    connection.send_bytes(_results(answers))


def _file_member(job: dict[str, Any]) -> Member:
    try:
        return Member(job["id"], job["path"], read_regular(job["path"]))
    except (RefusedFile, MemoryError) as error:
        return Member(job["id"], job["path"], refusal=_as_refusal(error, job["path"]))


def _serve_archive(connection: Connection, task: Task, options: Options, job: dict[str, Any], orphan_sec: int) -> None:
    wanted = is_table if options.get(MEMBERS) == TABLES else is_midi_or_archive
    try:
        members = read_members(job["path"], job["kind"], job["first"], wanted)
        for group in _groups(members, 1 if job["alone"] else GROUP):
            first, last = group[0], group[-1]
            connection.send_bytes(_frame({"type": "begin", "index": first.index, "name": first.name}))
            signal.alarm(orphan_sec)
            kept = [member for member in group if member.data is not None or member.refusal is not None]
            progress = {"next": last.index + 1, "skipped": len(group) - len(kept)}
            connection.send_bytes(_results(_answers(kept, task, options), job["id"], progress))
    except (RefusedFile, MemoryError) as error:
        refusal = _as_refusal(error, job["path"])
        progress = {"next": sys.maxsize, "skipped": 0}
        connection.send_bytes(_results([(Member(0, job["path"]), refusal)], job["id"], progress))
    connection.send_bytes(_frame({"type": "done", "id": job["id"]}))


def _groups(members: Iterable[Member], size: int) -> Iterator[list[Member]]:
    """Neighbours, at most `size` of them and few bytes at a time."""
    group: list[Member] = []
    n_bytes = 0
    for member in members:
        group.append(member)
        n_bytes += len(member.data or b"")
        if len(group) >= size or n_bytes > _GROUP_BYTES:
            yield group
            group, n_bytes = [], 0
    if group:
        yield group


def _answers(group: list[Member], task: Task, options: Options) -> list[tuple[Member, Result]]:
    """What the task says to each member; those refused before are passed on."""
    files = [(member.name, member.data) for member in group if member.data is not None]
    try:
        results = iter(task(files, options) if files else [])
    except (RefusedFile, InvalidValue, MemoryError) as error:
        if len(files) > 1:
            return [answer for member in group for answer in _answers([member], task, options)]
        results = iter([_as_refusal(error, name) for name, _ in files])
    return [(member, member.refusal or next(results)) for member in group]


def read_regular(path: str) -> bytes:
    """The bytes of a regular file, at most MAX_FILE_BYTES of them; RefusedFile for anything else."""
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


def _results(
    answers: list[tuple[Member, Result]], job_id: int | None = None, progress: dict[str, int] | None = None
) -> bytes:
    """One frame for a group: of files, whose jobs are their indices, or of members of the archive `job_id`."""
    items, payloads = [], []
    for member, result in answers:
        item: dict[str, Any] = {"id": member.index if job_id is None else job_id, "name": member.name}
        if isinstance(result, RefusedFile):
            items.append(item | _refused(result))
        else:
            items.append(item | {"facts": result[0], "size": len(result[1])})
            payloads.append(result[1])
    head = {"type": "results", "items": items, "progress": progress}
    return _frame(head, b"".join(payloads))


def _frame(head: dict[str, Any], payload: bytes = b"") -> bytes:
    # File names may hold lone surrogates (bytes that are no UTF-8); ASCII JSON carries them.
    return json.dumps(head).encode("ascii") + b"\n" + payload


def main(arguments: list[str]) -> None:
    """Entry point: file descriptor of the pipe, task name, options as JSON, seconds a group may take, memory in MiB."""
    descriptor, task_name, options, limit_sec, limit_mib = arguments
    module, function = task_name.split(":")
    task: Task = getattr(importlib.import_module(module), function)
    limit_memory(int(limit_mib))
    # What a file leaves behind holds few cycles: look for them seldom.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    serve(Connection(int(descriptor)), task, json.loads(options), float(limit_sec))


if __name__ == "__main__":
    main(sys.argv[1:])
