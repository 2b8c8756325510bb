"""Warm worker processes that can be killed: one file's death or hang costs only that file.

Each worker reads a batch of files a message. A worker that dies, or sits on one file (or
archive member) for longer than the limit and is killed, is replaced: that file is refused
by name, the rest of its batch is read by others. Outcomes come in the order of the jobs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from composer_core.errors import RefusedFile, Unavailable
from composer_core.ingest.worker import LIMIT_SEC

BATCH = 12
_MAX_START_FAILURES = 3
_FILES_A_WORKER = 8
"""A worker more is started for every so many files: starting one costs as much as reading these."""
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
_START_LIMIT_SEC = 120.0
_DYING_SEC = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read: its path, kind ("midi", "zip", "tar") and, for archives, the first entry."""

    id: int
    path: str
    kind: str
    first: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the worker expects it."""
        return {"id": self.id, "path": self.path, "kind": self.kind, "first": self.first}


@dataclass(slots=True)
class Outcome:
    """What became of a file or archive member: a refusal, or the task's facts and bytes."""

    name: str
    refusal: RefusedFile | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    payload: bytes = b""


@dataclass(slots=True)
class JobReport:
    """All outcomes of one job (several for an archive) and how many members were skipped."""

    job_id: int
    outcomes: list[Outcome] = field(default_factory=list)
    n_skipped: int = 0


def default_jobs() -> int:
    """Processors this process may use, at most 8."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, available)


def read_all(
    files: Sequence[tuple[str, str]],
    task: str,
    options: dict[str, Any],
    *,
    jobs: int | None = None,
    limit_sec: float = LIMIT_SEC,
    seen: Callable[[int], None] | None = None,
) -> Iterator[JobReport]:
    """Run a task over (path, kind) files in worker processes; one report a file, in order.

    `task` names a function "module:function" (see worker), `seen` is called with the number
    of files done. Raises Unavailable when no worker can be started at all.
    """
    todo = [Job(index, path, kind) for index, (path, kind) in enumerate(files)]
    if not todo:
        return
    n_workers = min(jobs or default_jobs(), -(-len(todo) // _FILES_A_WORKER))
    with _Pool(todo, n_workers, [task, json.dumps(options)], limit_sec) as pool:
        held: dict[int, JobReport] = {}
        next_id = 0
        for done, report in enumerate(pool.reports(), 1):
            held[report.job_id] = report
            if seen is not None:
                seen(done)
            while next_id in held:
                yield held.pop(next_id)
                next_id += 1


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    complaints: IO[bytes]
    deadline: float
    queue: deque[Job] = field(default_factory=deque)
    ready: bool = False
    current: tuple[int, str] | None = None

    def send(self, jobs: list[Job]) -> None:
        self.queue.extend(jobs)
        self.connection.send_bytes(json.dumps([job.to_json() for job in jobs]).encode())

    def stop(self, *, dying: bool = False) -> str:
        """Kill (one that is dying gets time to do so itself) and reap; the reason of its death in words."""
        self.connection.close()
        try:
            status = self.process.wait(_DYING_SEC if dying else 0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.complaints.seek(0)
        lines = self.complaints.read()[-2000:].decode(errors="replace").strip().splitlines()
        self.complaints.close()
        return f"signal {-status}" if status < 0 else (lines[-1] if lines else f"status {status}")


class _Pool:
    """The workers, what they still have to do, and what they answered."""

    def __init__(self, jobs: list[Job], n_workers: int, arguments: list[str], limit_sec: float) -> None:
        self._todo = deque(jobs)
        self._open = {job.id: JobReport(job.id) for job in jobs}
        self._arguments, self._limit_sec = arguments, limit_sec
        self._batch = max(1, min(BATCH, len(jobs) // (4 * n_workers)))
        self._failed_starts = 0
        self._workers = [self._start() for _ in range(n_workers)]

    def __enter__(self) -> _Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.stop()

    def reports(self) -> Iterator[JobReport]:
        """Job reports as they are completed."""
        while self._open:
            nearest = min(worker.deadline for worker in self._workers) - time.monotonic()
            timeout = min(max(0.0, nearest), _START_LIMIT_SEC)
            ready = wait([worker.connection for worker in self._workers], timeout)
            for worker in list(self._workers):
                if worker.connection in ready:
                    yield from self._hear(worker)
                elif time.monotonic() > worker.deadline:
                    yield from self._replace(worker, timed_out=True)

    def _start(self) -> _Worker:
        ours, theirs = Pipe()
        # A file, not a pipe: nobody reads it while the worker lives, so a pipe could fill up.
        complaints = tempfile.TemporaryFile()  # noqa: SIM115
        paths = [_PACKAGE_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "composer_core.ingest.worker", str(theirs.fileno()), *self._arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "MALLOC_ARENA_MAX": "2",
            },
        )
        theirs.close()
        return _Worker(process, ours, complaints, time.monotonic() + _START_LIMIT_SEC)

    def _hear(self, worker: _Worker) -> Iterator[JobReport]:
        try:
            frame = worker.connection.recv_bytes()
        except (EOFError, OSError):
            yield from self._replace(worker, timed_out=False)
            return
        head_bytes, _, payload = frame.partition(b"\n")
        head = json.loads(head_bytes)
        worker.deadline = time.monotonic() + self._limit_sec
        if head["type"] == "begin":
            worker.current = (head["index"], head["name"])
        elif head["type"] == "result":
            self._open[head["id"]].outcomes.append(_outcome(head, payload))
            worker.current = None
        elif head["type"] == "ready":
            worker.ready = True
        if head["type"] == "done" or head.get("done"):
            report = self._open.pop(head["id"])
            report.n_skipped += head.get("skipped", 0)
            worker.queue.popleft()
            worker.current = None
            yield report
        if worker.ready and len(worker.queue) <= self._batch // 2:
            self._give(worker)

    def _give(self, worker: _Worker) -> None:
        jobs = [self._todo.popleft() for _ in range(min(self._batch, len(self._todo)))]
        if jobs:
            try:
                worker.send(jobs)
            except OSError:
                # It died meanwhile; its end of file is heard next and gives the jobs back.
                return
        if not worker.queue:
            worker.deadline = float("inf")

    def _replace(self, worker: _Worker, *, timed_out: bool) -> Iterator[JobReport]:
        """Refuse the file a worker died on, give back the rest of its batch, start another."""
        self._workers.remove(worker)
        reason = worker.stop(dying=not timed_out)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _MAX_START_FAILURES:
                raise Unavailable("reader_unavailable", reason=reason)
        if worker.queue and worker.ready:
            yield from self._blame(worker, worker.queue.popleft(), timed_out, reason)
        self._todo.extendleft(reversed(worker.queue))
        self._workers.append(self._start())

    def _blame(self, worker: _Worker, job: Job, timed_out: bool, reason: str) -> Iterator[JobReport]:
        index, name = worker.current or (job.first, job.path)
        report = self._open[job.id]
        if timed_out:
            refusal = RefusedFile("timeout", path=name, limit=int(self._limit_sec))
        else:
            refusal = RefusedFile("worker_died", path=name, reason=reason)
        report.outcomes.append(Outcome(name, refusal))
        if job.kind != "midi" and name != job.path:
            self._todo.appendleft(Job(job.id, job.path, job.kind, index + 1))
        else:
            yield self._open.pop(job.id)


def _outcome(head: dict[str, Any], payload: bytes) -> Outcome:
    error = head.get("error")
    if error is not None:
        return Outcome(head["name"], RefusedFile(error["code"], **error["values"]))
    return Outcome(head["name"], facts=head["facts"], payload=payload)
