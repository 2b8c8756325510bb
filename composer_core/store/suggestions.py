"""What the estimators said of each loop, kept so that it is computed once: a small SQLite file beside the library.

It is built from the loops and the models alone and may be deleted at any time. Each entry carries a stamp of what it
was computed from; under another stamp it counts as missing. A damaged file is made anew.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from composer_core.errors import StoreError

_log = logging.getLogger(__name__)

_BUSY_SEC = 60.0
_IDS_A_QUERY = 500
_TABLE = "CREATE TABLE IF NOT EXISTS suggestions (loop_id TEXT PRIMARY KEY, stamp TEXT NOT NULL, fields TEXT NOT NULL)"
_FIND = "SELECT loop_id, stamp, fields FROM suggestions WHERE loop_id IN ({})"
Answer = TypeVar("Answer")


class KeptSuggestions:
    """The kept suggestions of one workspace. Any number of processes may use the file at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, stamps: Mapping[str, str]) -> dict[str, dict[str, list[object]]]:
        """Of these loops the fields that were kept under the stamp each has now; StoreError when unreadable."""
        wanted = list(stamps)

        def read(connection: sqlite3.Connection) -> dict[str, dict[str, list[object]]]:
            """The kept fields of each wanted loop whose stamp still fits."""
            found: dict[str, dict[str, list[object]]] = {}
            for start in range(0, len(wanted), _IDS_A_QUERY):
                some = wanted[start : start + _IDS_A_QUERY]
                for loop_id, stamp, fields in connection.execute(_FIND.format(",".join("?" * len(some))), some):
                    if stamp == stamps[loop_id]:
                        found[loop_id] = json.loads(fields)
            return found

        return self._ask(read) if self._path.exists() else {}

    def keep(self, made: Sequence[tuple[str, str, Mapping[str, object]]]) -> None:
        """Keep (loop, stamp, fields as JSON can hold them), in place of what was kept; StoreError when unwritable."""
        rows = [(loop_id, stamp, json.dumps(fields, allow_nan=False)) for loop_id, stamp, fields in made]

        def write(connection: sqlite3.Connection) -> None:
            """Put all rows in at once, or none."""
            with connection:
                connection.executemany("INSERT OR REPLACE INTO suggestions VALUES (?, ?, ?)", rows)

        if rows:
            self._ask(write)

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        try:
            with self._open() as connection:
                return question(connection)
        except sqlite3.OperationalError as error:
            raise StoreError("cannot_write", path=str(self._path), reason=str(error)) from error
        except (sqlite3.DatabaseError, json.JSONDecodeError, UnicodeDecodeError):
            _log.warning("the kept suggestions are damaged and are made anew")
        for name in (self._path, *(self._path.with_name(self._path.name + end) for end in ("-wal", "-shm"))):
            name.unlink(missing_ok=True)
        with self._open() as connection:
            return question(connection)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=_BUSY_SEC)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # A power cut may take the newest entries: they are computed again.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_TABLE)
            yield connection
        finally:
            connection.close()
