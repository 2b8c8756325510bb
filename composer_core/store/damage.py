"""Files found damaged: noted where they are met, so that the rest can be read and each screen can name them.

A note stands as long as the file is as it was; one that was replaced is read again.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from composer_core.errors import InvalidValue, StoreError
from composer_core.logs import shown_path

_log = logging.getLogger(__name__)

SET_ASIDE = "set-aside"
"""Folder of a workspace where damaged files go; nothing in it is ever deleted."""
PARQUET, ARROW, SQLITE = b"PAR1", b"ARROW1", b"SQLite format 3\0"
_FOOTER_BYTES = 4
Stamp = tuple[int, int, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A file that cannot be read, and why."""

    path: Path
    reason: str


_noted: dict[Path, tuple[Stamp | None, str]] = {}
_whole: dict[Path, Stamp] = {}
_lock = threading.Lock()


def stamp_of(path: Path) -> Stamp | None:
    """What changes with a file's content: size, time and inode; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def note_damage(path: Path, reason: str) -> None:
    """Remember that this file, as it is now, cannot be read."""
    path = path.absolute()
    stamp = stamp_of(path)
    with _lock:
        known = _noted.get(path)
        _noted[path] = (stamp, reason)
    if known is None or known[0] != stamp:
        _log.warning("damaged and left out: %s", shown_path(path))


def is_noted(path: Path) -> bool:
    """Whether this file was noted and has not changed since."""
    if not _noted:
        return False
    known = _noted.get(path.absolute())
    return known is not None and known[0] == stamp_of(path)


def noted_any(root: Path) -> bool:
    """Whether any file below a folder was noted, changed since or not: quick where nothing was."""
    return bool(_noted) and any(path.is_relative_to(root.absolute()) for path in list(_noted))


def noted(root: Path) -> list[DamagedFile]:
    """The damaged files below a folder that this process has met, by name; those that have changed are forgotten."""
    root = root.absolute()
    with _lock:
        for path in [path for path, (stamp, _) in _noted.items() if stamp != stamp_of(path)]:
            del _noted[path]
        found = [DamagedFile(path, reason) for path, (_, reason) in _noted.items() if path.is_relative_to(root)]
    return sorted(found, key=lambda damage: damage.path)


def readable(paths: Iterable[Path], read: Callable[[Path], T]) -> Iterator[T]:
    """What `read` gives of each file; one that turns out damaged is noted and left out."""
    for path in paths:
        try:
            value = read(path)
        except (StoreError, InvalidValue) as error:
            if isinstance(error, StoreError) and error.code != "damaged_store":
                raise
            note_damage(_path_in(error, path), str(error.values.get("reason", error)))
            continue
        yield value


def _path_in(error: StoreError | InvalidValue, path: Path) -> Path:
    """The file an error speaks of, where it lies in the folder that was read."""
    named = Path(str(error.values.get("path", path)))
    return named if named.is_file() else path


def looks_whole(path: Path, magic: bytes) -> bool:
    """Whether a file begins, and a Parquet or Arrow file ends, as its kind does: microseconds, whatever its size.

    What is damaged further inside shows when it is read.
    """
    stamp = stamp_of(path)
    if stamp is None:
        return False
    if _whole.get(path) == stamp:
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(len(magic))
            stream.seek(-min(stamp[0], len(magic) + _FOOTER_BYTES), os.SEEK_END)
            tail = stream.read()
    except OSError:
        return False
    ends = magic == SQLITE or (
        tail.endswith(magic) and 0 < int.from_bytes(tail[:_FOOTER_BYTES], "little") < stamp[0] - 2 * len(magic)
    )
    if head == magic and ends:
        _whole[path] = stamp
        return True
    return False


def aside_folder(root: Path) -> Path:
    """A new place in a workspace for what is set aside now; it is not made yet."""
    return root / SET_ASIDE / datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")


def set_aside(root: Path, path: Path, folder: Path | None = None) -> Path:
    """Move a file or folder of a workspace out of the way, under its own name; where it is now. StoreError."""
    target = (folder or aside_folder(root)) / path.absolute().relative_to(root.absolute())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, target)
    except OSError as error:
        raise StoreError("cannot_write", path=str(path), reason=error.strerror or str(error)) from error
    _log.warning("set aside: %s", shown_path(path))
    return target
