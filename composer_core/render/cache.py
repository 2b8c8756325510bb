"""A folder of rendered audio that never outgrows its limit: the least recently used file goes first."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from composer_core.errors import NotFound
from composer_core.store.atomic import atomic_writer

NAME_PATTERN = re.compile(r"[0-9a-f]{40}\.(flac|wav)")
_ABANDONED_SEC = 3600.0


class AudioCache:
    """Files named by content hash in `folder`, at most `limit_bytes` together (one file may always stay)."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes

    def find(self, name: str) -> Path | None:
        """The file of this name, marked as just used; None when it is not there."""
        path = self.path(name)
        try:
            os.utime(path)
        except PermissionError:  # a cache that can only be read still plays
            return path
        except (FileNotFoundError, NotADirectoryError):
            return None
        return path

    def path(self, name: str) -> Path:
        """Where a file of this name lies, present or not; NotFound unless it is a content-hash name."""
        if not NAME_PATTERN.fullmatch(name):
            raise NotFound("path_missing", path=name)
        return self.folder / name

    def put(self, name: str, write: Callable[[IO[bytes]], object]) -> Path:
        """Write a file whole or not at all, then make room; StoreError when it cannot be written."""
        path = self.path(name)
        with atomic_writer(path) as stream:
            write(stream)
        self.make_room(keep=name)
        return path

    def make_room(self, keep: str = "") -> None:
        """Delete the least recently used files beyond the limit, and remains of interrupted writes."""
        files = []
        for path in self.folder.iterdir():
            status = _status(path)
            if status is None:
                continue
            if NAME_PATTERN.fullmatch(path.name):
                files.append((path.name == keep, status.st_mtime, status.st_size, path))
            elif path.name.startswith(".") and time.time() - status.st_mtime > _ABANDONED_SEC:
                path.unlink(missing_ok=True)
        total = sum(size for _, _, size, _ in files)
        for kept, _, size, path in sorted(files):
            if kept or total <= self.limit_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # another process made room at the same moment
        return None
