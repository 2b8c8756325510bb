"""The renderer seen from the studio: one child process, started when first needed, replaced when it dies."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from composer_core.errors import ComposerError, NotFound, RenderError, Unavailable
from composer_core.render.request import RenderRequest, read_header, read_payload, write_request
from composer_core.render.timeline import SAMPLE_RATE

_log = logging.getLogger(__name__)

START_LIMIT_SEC = 30.0
MAX_FILE_BYTES = 256 << 20
_MODULE = "composer_core.render.renderer"
_KINDS: dict[str, type[ComposerError]] = {kind.__name__: kind for kind in (NotFound, RenderError, Unavailable)}
_LAST_WORDS_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came back: frames of the file, its peak before any turning down (1.0 is full scale), its bytes."""

    n_frames: int
    peak: float
    n_bytes: int

    @property
    def seconds(self) -> float:
        """Length of the file."""
        return self.n_frames / SAMPLE_RATE


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    requests: IO[bytes]
    answers: IO[bytes]
    errors: IO[bytes]
    version: str = ""


class Renderer:
    """A renderer process; safe to call from several threads, which then wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._owner = os.getpid()

    def render(
        self, request: RenderRequest, sink: Callable[[bytes], object], limit_sec: float | None = None
    ) -> Rendered:
        """Render and hand the file to `sink` piece by piece.

        Raises RenderError when the process dies, takes longer than `limit_sec` (20 s plus
        the length of what is played: slower than real time means stuck), or when the
        result is silent, too short or too large; Unavailable without FluidSynth. After any
        of them the next call works again.
        """
        limit = limit_sec or 20.0 + request.total_frames / SAMPLE_RATE
        with self._lock:
            child = self._running_child()
            with self._watched(child, request.what, limit):
                write_request(child.requests, request)
                answer = _checked(read_header(child.answers))
                result = Rendered(answer["n_frames"], answer["peak"], answer["n_bytes"])
                self._check(result, request)
                for piece in read_payload(child.answers, result.n_bytes):
                    sink(piece)
                return result

    def version(self) -> str:
        """Version of FluidSynth in the process, started if need be; Unavailable without FluidSynth."""
        with self._lock:
            return self._running_child().version

    @property
    def pid(self) -> int | None:
        """Process id of the running child, None before the first request."""
        return self._child.process.pid if self._child else None

    def close(self) -> None:
        """End the process. A later request starts a new one."""
        child, self._child = self._child, None
        if child is None or os.getpid() != self._owner:
            return
        _log.info("renderer %d is ended", child.process.pid)
        # A broken pipe when the process is dead already: there is nothing left to flush.
        for stream in (child.requests, child.answers, child.errors):
            _close_quietly(stream)
        try:
            child.process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()

    def _running_child(self) -> _Child:
        if self._owner != os.getpid():
            # After a fork the pipes belong to the parent: leave them alone.
            self._child, self._owner = None, os.getpid()
        if self._child is not None and self._child.process.poll() is not None:
            self.close()
        if self._child is None:
            self._child = child = _start()
            _log.info("renderer %d started", child.process.pid)
            try:
                with self._watched(child, "its first sound", START_LIMIT_SEC):
                    child.version = _checked(read_header(child.answers))["fluidsynth"]
            except ComposerError:
                self.close()  # a process that says it cannot work is of no use
                raise
        return self._child

    @contextmanager
    def _watched(self, child: _Child, what: str, limit_sec: float) -> Iterator[None]:
        """Kill the child at the limit, so that no read or write can hang; name what happened."""
        late = threading.Event()

        def stop() -> None:
            """Kill the child, and remember that it was the limit that did."""
            late.set()
            child.process.kill()

        timer = threading.Timer(limit_sec, stop)
        timer.start()
        healthy = False
        try:
            yield
            healthy = True
        except (EOFError, BrokenPipeError) as error:
            _log.warning("renderer %d %s", child.process.pid, "took too long" if late.is_set() else "died")
            if late.is_set():
                raise RenderError("render_timeout", what=what, limit=limit_sec) from error
            raise RenderError("renderer_died", what=what, reason=_last_words(child)) from error
        except _Answered as answered:
            healthy = True
            raise answered.error from None
        finally:
            timer.cancel()
            if not healthy:
                # Half an answer may still be in the pipe: only a new process is in step again.
                child.process.kill()
                self.close()

    def _check(self, result: Rendered, request: RenderRequest) -> None:
        most = request.total_frames if request.trim_tail else request.result_frames
        if not request.result_frames <= result.n_frames <= most:
            expected = request.result_frames / SAMPLE_RATE
            raise RenderError("render_short", what=request.what, found=result.seconds, expected=expected)
        if result.n_bytes > MAX_FILE_BYTES:
            raise RenderError("render_too_large", what=request.what, size=result.n_bytes, limit=MAX_FILE_BYTES)


class _Answered(Exception):
    """An error the renderer answered with; the process itself is well."""

    def __init__(self, error: ComposerError) -> None:
        self.error = error


def _checked(answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        raise EOFError("the renderer ended")
    if answer["error"]:
        kind, code, values = answer["error"]
        raise _Answered(_KINDS[kind](code, **values))
    return answer


def _start() -> _Child:
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process; close() closes it
    # Its own session: Ctrl-C in the terminal ends the studio, which then closes the pipe.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    return _Child(process, process.stdin, process.stdout, errors)


def _last_words(child: _Child) -> str:
    try:
        status = child.process.wait(timeout=2.0)
    except subprocess.TimeoutExpired:
        return "it closed its output"
    if status < 0:
        return signal.Signals(-status).name
    child.errors.seek(0, os.SEEK_END)
    child.errors.seek(max(0, child.errors.tell() - _LAST_WORDS_BYTES))
    lines = child.errors.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"exit status {status} {last}".strip()


def _close_quietly(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


_shared: Renderer | None = None
_shared_lock = threading.Lock()


def shared_renderer() -> Renderer:
    """The one renderer of this process, ended when the interpreter ends."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Renderer()
            atexit.register(_shared.close)
        return _shared
