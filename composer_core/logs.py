"""What the software tells about its work: nothing unless asked, and a file in the workspace.

Every module with something to tell has `_log = logging.getLogger(__name__)`: info for milestones, debug for
details, warning for what a person should know although the work goes on. Commands show it with `-v`
(`configure`); the studio's server and the training processes keep it in the workspace (`log_to`).

A log is shown to others more freely than a library is. At info and above it therefore never holds a note or a
value of a label, nor a path outside the workspace: an error is named by its code, a path goes through
`shown_path`.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import sys
import threading
import time
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

from composer_core.errors import ComposerError
from composer_core.workspace import ASSETS, Workspace, default_workspace

MAX_BYTES = 1_000_000
"""A log file that would grow beyond this is put aside, and another one is begun."""
N_FILES = 3
"""So many files a kind of process are kept, the one being written included."""
_ROOTS = ("composer_core", "studio")
"""The packages whose loggers are heard; other libraries' are left alone."""
_LEVELS = (logging.CRITICAL + 1, logging.INFO, logging.DEBUG)
_LINE = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"
_DIGEST = 8
_KNOWN_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")
"""Longer or stranger endings may be part of a name."""
_changing = threading.Lock()
"""Held while handlers change: the studio's sessions are threads that may begin at the same moment."""


def configure(verbosity: int) -> None:
    """Show the log on standard error: nothing for 0, from info on for 1, from debug on for 2 and more.

    Calling it again changes the verbosity. Without any call, Python itself would show warnings.
    """
    shown = logging.StreamHandler(sys.stderr) if verbosity else logging.NullHandler()
    shown.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
    with _changing:
        _replace("shown", shown)


def log_to(workspace: Workspace, process: str) -> Path:
    """Keep the log from info on in `logs/<process>.log` of the workspace; returns the file.

    `process` names a kind of process ("studio", "training"). All processes of a kind write one file, a line at
    a time, each line with the process's id; see `_SharedFile`. Calling it again changes nothing; with another
    workspace the log goes on there. A file that cannot be written is never a reason to stop: the log is lost.
    """
    path = workspace.logs / f"{process}.log"
    with _changing:
        held = [handler for handler in logging.getLogger(_ROOTS[0]).handlers if isinstance(handler, _SharedFile)]
        if not any(handler.baseFilename == os.path.abspath(path) for handler in held):
            kept = _SharedFile(path)
            kept.setLevel(logging.INFO)
            _replace("kept", kept)
    return path


def shown_path(path: Path | str, workspace: Workspace | None = None) -> str:
    """A path as a log may tell it.

    Relative where it lies in the workspace (the default one where none is given) or among the shipped assets.
    Of any other place only a digest, the same each time, and the ending are told: `5d41402a.mid`.
    """
    whole = Path(os.path.abspath(path))
    home = Path(os.path.abspath((workspace or default_workspace()).root))
    if whole.is_relative_to(home):
        return _printable(whole.relative_to(home))
    if whole.is_relative_to(ASSETS):
        return _printable(whole.relative_to(ASSETS.parent))
    digest = hashlib.sha256(os.fsencode(whole)).hexdigest()[:_DIGEST]
    return digest + (whole.suffix.lower() if _KNOWN_SUFFIX.fullmatch(whole.suffix) else "")


def _printable(path: Path) -> str:
    """A path on one line, whatever signs its names hold."""
    return ascii(str(path))[1:-1]


def named(error: BaseException) -> str:
    """An error as a log may tell it: its code, or its type and the line of ours it came from; never its message,
    which may hold a path or a text of the user."""
    if isinstance(error, ComposerError):
        return error.code
    code = Path(__file__).parents[1]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(code)]
    place = f" at {Path(frames[-1].filename).relative_to(code)}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place


class _SharedFile(RotatingFileHandler):
    """A rotating file that several processes may write at once.

    Python's own handler is safe for threads only: where one process puts the file aside, another would go on
    writing into it under its new name, or put it aside again. Here a lock on a file beside it is held for each
    line, and whoever finds another file under the name than the one it has open opens that one first.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=N_FILES - 1, encoding="utf-8", delay=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, on its own among all processes."""
        try:
            path = Path(self.baseFilename)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.with_suffix(".lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the file's closing
                self._follow(path)
                super().emit(record)
        except OSError:
            self.handleError(record)

    def _follow(self, path: Path) -> None:
        """Close the file that is open if another process has put it aside; the next line opens the new one."""
        if self.stream is None:
            return
        try:
            same = os.path.samestat(path.stat(), os.fstat(self.stream.fileno()))
        except FileNotFoundError:
            same = False
        if not same:
            self.stream.close()
            self.stream = None  # as RotatingFileHandler does itself

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of the base class
        """Lose the line. A full disk is reported by whatever else is to be written; a log must not stop that."""


def _replace(name: str, handler: logging.Handler) -> None:
    """Put a handler in the place of the one of its name, and let the loggers hear what any handler wants."""
    formatter = logging.Formatter(_LINE, "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.set_name(name)
    for root in map(logging.getLogger, _ROOTS):
        for old in [one for one in root.handlers if one.get_name() == name]:
            root.removeHandler(old)
            old.close()
        root.addHandler(handler)
        root.setLevel(min(one.level for one in root.handlers))
