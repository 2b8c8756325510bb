"""Files read on a Ray cluster: each task takes a batch and reads it as one machine does, in a process that may die.

Without an address two things are made sure of: the cluster that is started listens on
127.0.0.1 only and has no dashboard, and it is gone with the process that started it. With an
address, the machines of the cluster read the files, so these must lie there under the same
paths, and the same release must be installed. Ray carries tasks and answers as pickles between
its own processes; answers are plain values, and no byte of a file is unpickled.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from composer_core import __version__
from composer_core.errors import ComposerError, InvalidValue, RefusedFile, Unavailable
from composer_core.ingest.pool import JobReport, Outcome, Read, default_jobs, read_all
from composer_core.ingest.worker import LIMIT_SEC

_CURE = 'pip install "composer-studio[ray]"'
_PLACE = "/tmp"  # noqa: S108 - only a private folder in it; sockets of the cluster allow no longer path
_PREFIX = "composer-ray-"
_STORE_BYTES = 128 * 1024**2
_MOST_A_BATCH, _FEWEST_A_BATCH = 128, 8
"""Files a task: starting its reader process costs as much as reading some tens of them."""
_TASKS_A_PROCESSOR = 2
_REASON_CHARACTERS = 300
_ANSWER_SEC = 5.0
Batch = tuple[int, list[tuple[str, str]]]
"""The place of the first file among all, and (path, kind) of each."""


class RayEngine:
    """A Ray cluster: the one at `address`, or one on this machine that lives as long as the reading."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        # Read when ray is imported or started: nothing is reported to its makers, and (the variable
        # of that odd name) its servers listen on the loopback address instead of all.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")  # of half a minute each
        if address is None:
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        try:
            import ray  # noqa: F401
        except ImportError as error:
            raise Unavailable("ray_missing", cure=_CURE) from error

    @contextmanager
    def opened(self, jobs: int | None) -> Iterator[Read]:
        """As `Engine` says. Starting a cluster of its own takes some seconds."""
        import ray

        place = None if self._address is not None else _own_folder()
        try:
            self._connect(jobs, place)
            n_processors = int(ray.cluster_resources().get("CPU", 1))
            n_tasks = jobs if jobs is not None else _TASKS_A_PROCESSOR * n_processors
            yield _Reading(self._address or "127.0.0.1", max(1, n_tasks))
        finally:
            ray.shutdown()
            if place is not None:
                shutil.rmtree(place, ignore_errors=True)

    def _connect(self, jobs: int | None, place: str | None) -> None:
        import ray

        if self._address is not None:
            _require_listening(self._address)
        own: dict[str, Any] = {
            "num_cpus": jobs or default_jobs(),
            "num_gpus": 0,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
            "_temp_dir": place,
        }
        try:
            ray.init(
                address=self._address or "local",
                log_to_driver=False,
                logging_level="error",
                **({} if self._address else own),
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise Unavailable(
                "ray_unreachable", address=self._address or "127.0.0.1", reason=_in_short(error)
            ) from error


def _own_folder() -> str:
    """An empty folder for a cluster's sockets and logs; those of processes that were killed are removed."""
    for left in Path(_PLACE).glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_PLACE)


def _require_listening(address: str) -> None:
    """Unavailable unless something answers at HOST:PORT: Ray itself would go on trying for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SEC).close()
    except ValueError as error:
        raise InvalidValue("bad_format", name="--ray-address", value=address, expected="HOST:PORT") from error
    except OSError as error:
        raise Unavailable("ray_unreachable", address=address, reason=error.strerror or str(error)) from error


class _Reading:
    """`Read` on the cluster this process is connected to, at most `n_tasks` batches under way at a time."""

    def __init__(self, address: str, n_tasks: int) -> None:
        self._address, self._n_tasks = address, n_tasks

    def __call__(
        self,
        files: Sequence[tuple[str, str]],
        task: str,
        options: Mapping[str, object],
        *,
        seen: Callable[[int], None] | None = None,
    ) -> Iterator[JobReport]:
        import ray

        remote = ray.remote(num_cpus=1)(read_batch)
        queued = deque(_batches(files, self._n_tasks))
        under_way: deque[tuple[int, Any]] = deque()
        done = 0
        while queued or under_way:
            while queued and len(under_way) < self._n_tasks:
                start, batch = queued.popleft()
                under_way.append((start, remote.remote(batch, task, options, LIMIT_SEC)))
            start, answer = under_way.popleft()
            for report in self._reports(answer, start):
                done += 1
                if seen is not None:
                    seen(done)
                yield report

    def _reports(self, answer: Any, start: int) -> list[JobReport]:
        import ray

        try:
            told = ray.get(answer)
        except ray.exceptions.RayError as error:
            raise Unavailable("ray_failed", address=self._address, reason=_in_short(error)) from error
        if told["version"] != __version__:
            raise Unavailable("ray_mismatch", address=self._address, found=told["version"], expected=__version__)
        if "error" in told:
            code, values = told["error"]
            raise Unavailable(code, **values)
        return [self._report(row, start + place) for place, row in enumerate(told["reports"])]

    def _report(self, row: dict[str, Any], job_id: int) -> JobReport:
        outcomes = []
        for name, refusal, facts, payload in row["outcomes"]:
            refused = None if refusal is None else RefusedFile(refusal[0], **refusal[1])
            if refused is not None and refused.code == "path_missing" and os.path.exists(name):
                raise Unavailable("ray_file_missing", path=name, address=self._address)
            outcomes.append(Outcome(name, refused, facts, payload))
        return JobReport(job_id, outcomes, row["n_skipped"])


def read_batch(
    files: list[tuple[str, str]], task: str, options: Mapping[str, object], limit_sec: float
) -> dict[str, object]:
    """Ray task: `read_all` with one process, as plain values.

    `version` of what reads; then `reports`, one a file, with (name, refusal or None, facts,
    payload) outcomes, a refusal being its code and values; or `error`, likewise, when no
    process can be started here.
    """
    try:
        reports = list(read_all(files, task, options, jobs=1, limit_sec=limit_sec))
    except ComposerError as error:
        return {"version": __version__, "error": (error.code, error.values)}
    return {
        "version": __version__,
        "reports": [
            {"n_skipped": report.n_skipped, "outcomes": [_plain(one) for one in report.outcomes]} for report in reports
        ],
    }


def _plain(outcome: Outcome) -> tuple[str, tuple[str, dict[str, Any]] | None, dict[str, Any], bytes]:
    refusal = outcome.refusal
    said = None if refusal is None else (refusal.code, refusal.values)
    return outcome.name, said, outcome.facts, outcome.payload


def _batches(files: Sequence[tuple[str, str]], n_tasks: int) -> Iterator[Batch]:
    """Neighbouring files, so many that each task gets several batches; an archive is one by itself."""
    size = min(_MOST_A_BATCH, max(_FEWEST_A_BATCH, len(files) // (4 * n_tasks)))
    start = 0
    batch: list[tuple[str, str]] = []
    for place, (path, kind) in enumerate(files):
        if batch and (len(batch) == size or kind != "midi" or batch[-1][1] != "midi"):
            yield start, batch
            start, batch = place, []
        batch.append((path, kind))
    if batch:
        yield start, batch


def _in_short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[-1] if lines else type(error).__name__)[:_REASON_CHARACTERS]
