"""Warm worker processes that can be killed: one file's death or hang costs only that file.

Each worker reads a batch of files a message. A worker that dies, or sits on a batch for
longer than the limit for one file and is killed, is replaced, and the files of its batch are
read again one by one: the one that does it again is refused by name. Archives are one job
each and treated likewise, member by member. Outcomes come in the order of the jobs.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

from composer_core.errors import RefusedFile, Unavailable
from composer_core.ingest.worker import GROUP, LIMIT_MIB, LIMIT_SEC

_log = logging.getLogger(__name__)

_MAX_START_FAILURES = 3
_FILES_A_WORKER = 8
"""A worker more is started for every so many files: starting one costs as much as reading these."""
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
_START_LIMIT_SEC = 120.0
_BATCHES_AHEAD = 2
_DYING_SEC = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read: its path, kind ("midi", "zip", "tar") and, for archives, the first entry.

    `alone` after it was in a batch (its members: in a group) that a worker died on.
    """

    id: int
    path: str
    kind: str
    first: int = 0
    alone: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of a file or archive member: a refusal, or the task's facts and bytes."""

    name: str
    refusal: RefusedFile | None = None
    facts: dict[str, object] = field(default_factory=dict)
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
    options: Mapping[str, object],
    *,
    jobs: int | None = None,
    limit_sec: float = LIMIT_SEC,
    limit_mib: int = LIMIT_MIB,
    seen: Callable[[int], None] | None = None,
) -> Iterator[JobReport]:
    """Run a task over (path, kind) files in worker processes; one report a file, in order.

    `task` names a function "module:function" (see worker), `seen` is called with the number
    of files done. Raises Unavailable when no worker can be started at all.
    """
    queued = [Job(index, path, kind) for index, (path, kind) in enumerate(files)]
    if not queued:
        return
    n_workers = min(jobs or default_jobs(), -(-len(queued) // _FILES_A_WORKER))
    with _Pool(queued, n_workers, [task, json.dumps(options), str(limit_sec), str(limit_mib)], limit_sec) as pool:
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
    batches: deque[list[Job]] = field(default_factory=deque)
    ready: bool = False
    current: tuple[int, str] | None = None

    def send(self, batch: list[Job]) -> None:
        """Hand it a batch, behind those it has; OSError when it died meanwhile."""
        self.batches.append(batch)
        self.connection.send_bytes(json.dumps([asdict(job) for job in batch]).encode())

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
        self._batch = max(1, min(GROUP, len(jobs) // (4 * n_workers)))
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
        try:
            return self._started()
        except OSError as error:
            # No room for its complaints, or no process left to be had.
            raise Unavailable("reader_unavailable", reason=error.strerror or str(error)) from error

    def _started(self) -> _Worker:
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
        elif head["type"] == "results":
            yield from self._take(worker, head, payload)
        elif head["type"] == "done":
            worker.batches.popleft()
            yield self._open.pop(head["id"])
        else:
            worker.ready = True
        if worker.ready and len(worker.batches) < _BATCHES_AHEAD:
            self._give(worker)

    def _take(self, worker: _Worker, head: dict[str, Any], payload: bytes) -> Iterator[JobReport]:
        start = 0
        for item in head["items"]:
            size = item.get("size", 0)
            self._open[item["id"]].outcomes.append(_outcome(item, payload[start : start + size]))
            start += size
        worker.current = None
        progress = head["progress"]
        if progress is None:
            yield from [self._open.pop(job.id) for job in worker.batches.popleft()]
        else:
            (job,) = worker.batches[0]
            self._open[job.id].n_skipped += progress["skipped"]
            worker.batches[0] = [replace(job, first=progress["next"])]

    def _give(self, worker: _Worker) -> None:
        if self._todo:
            try:
                worker.send(self._next_batch())
            except OSError:
                # It died meanwhile; its end of file is heard next and gives the jobs back.
                return
        if not worker.batches:
            worker.deadline = float("inf")

    def _next_batch(self) -> list[Job]:
        batch = [self._todo.popleft()]
        if batch[0].kind == "midi" and not batch[0].alone:
            while self._todo and len(batch) < self._batch and self._todo[0].kind == "midi" and not self._todo[0].alone:
                batch.append(self._todo.popleft())
        return batch

    def _replace(self, worker: _Worker, *, timed_out: bool) -> Iterator[JobReport]:
        """Find out which file a worker died on, give back the rest of its batches, start another."""
        self._workers.remove(worker)
        reason = worker.stop(dying=not timed_out)
        # The reason may end in a line that names a file.
        _log.debug("a reader process ended: %s", reason)
        _log.warning("a reader process %s; another one is started", "took too long" if timed_out else "died")
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _MAX_START_FAILURES:
                raise Unavailable("reader_unavailable", reason=reason)
        batches = list(worker.batches)
        if batches and worker.ready:
            batches[0] = yield from self._blame(worker, batches[0], timed_out, reason)
        self._todo.extendleft(reversed([job for batch in batches for job in batch]))
        self._workers.append(self._start())

    def _blame(
        self, worker: _Worker, batch: list[Job], timed_out: bool, reason: str
    ) -> Generator[JobReport, None, list[Job]]:
        """Refuse the file or member a worker surely died on; the jobs of the batch still to be done."""
        job = batch[0]
        if len(batch) > 1 or (job.kind != "midi" and not job.alone):
            return [replace(suspect, alone=True) for suspect in batch]
        index, name = worker.current or (job.first, job.path)
        if timed_out:
            refusal = RefusedFile("timeout", path=name, limit=int(self._limit_sec))
        else:
            refusal = RefusedFile("worker_died", path=name, reason=reason)
        self._open[job.id].outcomes.append(Outcome(name, refusal))
        if name != job.path:
            return [replace(job, first=index + 1)]
        yield self._open.pop(job.id)
        return []


def _outcome(item: dict[str, Any], payload: bytes) -> Outcome:
    error = item.get("error")
    if error is not None:
        return Outcome(item["name"], RefusedFile(error["code"], **error["values"]))
    return Outcome(item["name"], facts=item["facts"], payload=payload)


class Read(Protocol):
    """What an open engine does: `read_all`, with the processes chosen before."""

    def __call__(
        self,
        files: Sequence[tuple[str, str]],
        task: str,
        options: Mapping[str, object],
        *,
        seen: Callable[[int], None] | None = None,
    ) -> Iterator[JobReport]:
        """One report a (path, kind) file, in order; `seen` is called with the number of files done."""
