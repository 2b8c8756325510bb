"""Write files whole or not at all: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from composer_core.errors import StoreError


@contextmanager
def atomic_writer(path: Path, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` only when the block ends without an error.

    `mode` says who may read and write it. Raises StoreError when the place cannot be written or the disk is full.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        temporary = ""
        _sync_folder(path.parent)
    except OSError as error:
        raise StoreError("cannot_write", path=str(path), reason=error.strerror or str(error)) from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def make_folder(folder: Path) -> Path:
    """The folder, made where it is not there; StoreError when it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("cannot_write", path=str(folder), reason=error.strerror or str(error)) from error
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process or thread is in here with the same file. StoreError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a")
    except OSError as error:
        raise StoreError("cannot_write", path=str(path), reason=error.strerror or str(error)) from error
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically."""
    with atomic_writer(path) as stream:
        stream.write(data)


def write_json(path: Path, value: object) -> None:
    """Write JSON atomically, readable, keys as given; NaN is refused (ValueError)."""
    write_bytes(path, _json(value))


def write_private_json(path: Path, value: object) -> None:
    """Write JSON as `write_json` does, into a file that only its owner can read."""
    with atomic_writer(path, 0o600) as stream:
        stream.write(_json(value))


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> object:
    """Read JSON; raises StoreError when the file is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
