"""Find each loop: a small SQLite file beside the parts, so that a lookup costs the same in a large library.

It is built from the parts alone and may be deleted at any time. A part that is not in it
yet (its writer was killed in between) is added when the index is next opened. An index that
is damaged, or that names parts that no longer exist, is rebuilt.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from composer_core.errors import StoreError

_IDS_A_QUERY = 500
_BUSY_SEC = 60.0
_PARTS_A_COMMIT = 64
_TABLES = """
CREATE TABLE IF NOT EXISTS parts (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS loops (loop_id TEXT PRIMARY KEY, part INTEGER NOT NULL, line INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (content_hash TEXT PRIMARY KEY, loop_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (source_digest TEXT, part INTEGER, PRIMARY KEY (source_digest, part)) WITHOUT ROWID;
"""
_TABLES_NUMBER = 2
"""Counts up with the tables; an index of other tables is rebuilt."""
ReadIds = Callable[[str], tuple[Sequence[str], Sequence[str], Sequence[str]]]
"""Ids, content hashes and source digests of the part of a name, row by row."""


class LoopIndex:
    """The index of one library. Any number of processes may use it at once."""

    def __init__(self, path: Path, read_ids: ReadIds) -> None:
        self._path = path
        self._read_ids = read_ids
        self._parts: Sequence[str] = ()
        self._private: TemporaryDirectory[str] | None = None

    def refresh(self, parts: Sequence[str]) -> None:
        """Take in the parts that are not in it; `parts` are the names of all there are, in order.

        Where the library can only be read and the index does not fit it, a private one is made in the folder for
        temporary files. StoreError when it cannot be written.
        """
        self._parts = parts
        try:
            if self._take_in(parts):
                return
        except sqlite3.OperationalError as error:
            if self._private is not None or os.access(self._path.parent, os.W_OK):
                raise StoreError("cannot_write", path=str(self._path), reason=str(error)) from error
            self._private = TemporaryDirectory(prefix="composer-index-")
            self._path = Path(self._private.name) / self._path.name
        except sqlite3.DatabaseError:
            pass  # damaged: below it is made anew
        self._remove()
        self._take_in(parts)

    def _take_in(self, parts: Sequence[str]) -> bool:
        """False when the index names parts that are gone, or lacks a table of today's."""
        with self._open() as connection:
            known = {name for (name,) in connection.execute("SELECT name FROM parts")}
            (number,) = connection.execute("PRAGMA user_version").fetchone()
            if not known <= set(parts) or (known and number != _TABLES_NUMBER):
                return False
            missing = [name for name in parts if name not in known]
            if missing or number != _TABLES_NUMBER:
                connection.execute(f"PRAGMA user_version = {_TABLES_NUMBER}")
            for start in range(0, len(missing), _PARTS_A_COMMIT):
                connection.execute("BEGIN IMMEDIATE")
                for name in missing[start : start + _PARTS_A_COMMIT]:
                    self._add(connection, name)
                connection.execute("COMMIT")
        return True

    def _add(self, connection: sqlite3.Connection, name: str) -> None:
        added = connection.execute("INSERT OR IGNORE INTO parts (name) VALUES (?)", (name,))
        if not added.rowcount:
            return  # another process was faster
        part = added.lastrowid
        loop_ids, contents, digests = self._read_ids(name)
        rows = ((loop_id, part, line) for line, loop_id in enumerate(loop_ids))
        connection.executemany("INSERT OR IGNORE INTO loops VALUES (?, ?, ?)", rows)
        pairs = zip(contents, loop_ids, strict=True)
        connection.executemany("INSERT OR IGNORE INTO contents VALUES (?, ?)", pairs)
        files = ((digest, part) for digest in dict.fromkeys(digests))
        connection.executemany("INSERT OR IGNORE INTO files VALUES (?, ?)", files)

    def locate(self, loop_ids: Iterable[str]) -> dict[str, tuple[str, int]]:
        """(name of the part, row in it) of those loops that the library has."""
        query = "SELECT loop_id, name, line FROM loops JOIN parts ON part = number WHERE loop_id IN ({})"
        return {loop_id: (name, line) for loop_id, name, line in self._find(query, loop_ids)}

    def parts_of_files(self, digests: Iterable[str]) -> list[str]:
        """Names of the parts that hold loops of files with these digests, in order."""
        query = "SELECT DISTINCT name FROM files JOIN parts ON part = number WHERE source_digest IN ({})"
        return sorted({name for (name,) in self._find(query, digests)})

    def first_of_content(self, contents: Iterable[str]) -> dict[str, str]:
        """The first loop of each of these contents that the library has."""
        query = "SELECT content_hash, loop_id FROM contents WHERE content_hash IN ({})"
        return dict(self._find(query, contents))

    def _find(self, query: str, keys: Iterable[str]) -> list[tuple[Any, ...]]:
        wanted = list(dict.fromkeys(keys))
        if not wanted or not self._path.exists():
            return []
        try:
            return self._rows(query, wanted)
        except sqlite3.OperationalError as error:
            raise StoreError("cannot_write", path=str(self._path), reason=str(error)) from error
        except sqlite3.DatabaseError:
            # Damaged further inside than `refresh` looked: made anew from the parts.
            self._remove()
            self._take_in(self._parts)
            return self._rows(query, wanted)

    def _rows(self, query: str, wanted: Sequence[str]) -> list[tuple[Any, ...]]:
        with self._open() as connection:
            found: list[tuple[Any, ...]] = []
            for start in range(0, len(wanted), _IDS_A_QUERY):
                some = wanted[start : start + _IDS_A_QUERY]
                found += connection.execute(query.format(",".join("?" * len(some))), some)
            return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = self._connected()
        try:
            yield connection
        finally:
            connection.close()

    def _connected(self) -> sqlite3.Connection:
        """A connection; one that only reads the file as it lies where nothing can be written beside it."""
        if not self._path.is_file() or os.access(self._path.parent, os.W_OK):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=_BUSY_SEC, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                # A power cut may take the newest parts out of the index, never damage it: they are read again.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(_TABLES)
                return connection
            except sqlite3.Error as error:
                connection.close()
                if not isinstance(error, sqlite3.OperationalError) or not self._path.stat().st_size:
                    raise
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
