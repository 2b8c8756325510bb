"""Back up the labels as one SQLite file, from and to any of the supported databases.

The file of a running database must not be copied as it lies: its newest rows are in the
write-ahead log. SQLite is copied with its backup API, PostgreSQL read in one repeatable-read
transaction, so a backup is one moment of the labels however many people are writing. It gets
its name only when it is whole and has passed `PRAGMA integrity_check`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from composer_core.errors import NotFound, StoreError
from composer_core.store.atomic import atomic_writer
from composer_core.store.labels.schema import ACTIONS, EVENTS, METADATA, VERSIONS, migrate, open_engine
from composer_core.store.labels.store import LabelStore

_TABLES = (EVENTS, ACTIONS)
DAMAGED = "damaged-"
_ROWS = 2000
_LOG_MARKS = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
"""How a write-ahead log of SQLite begins."""
_FUNCTIONS = ("label_events_append_only", "label_actions_append_only")


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What a backup holds: events, actions, and the id of the newest event (0: none)."""

    path: Path
    n_events: int
    n_actions: int
    newest_event: int


def back_up(location: Path | str, path: Path) -> BackupFacts:
    """Write all labels to `path`, replacing it only when the new file is whole.

    Raises StoreError when the labels cannot be read or the file cannot be written.
    """
    store = LabelStore(location)
    try:
        with TemporaryDirectory(dir=_made(path.parent), prefix=f".{path.name}.") as folder:
            copy = Path(folder) / "labels.sqlite"
            if isinstance(location, Path):
                _copy_sqlite(location, copy)
                _make_single(copy)
            else:
                _dump(store, copy)
            facts = _checked(copy, path)
            with atomic_writer(path) as stream, copy.open("rb") as source:
                while block := source.read(1 << 20):
                    stream.write(block)
    except (OSError, sqlite3.Error) as error:
        raise StoreError("cannot_write", path=str(path), reason=str(error)) from error
    return facts


def restore(location: Path | str, path: Path, kept: Path) -> BackupFacts:
    """Put the labels of a backup in place of what is there; that is saved to `kept` before.

    A SQLite file that is damaged is moved as it is, with its log, to the name of `damaged_copy`. Nothing is kept of
    one that is not there. A backup of an older release is brought up to date first. All or nothing: when
    anything fails, the labels are as they were. Raises NotFound, or StoreError bad_backup for a file that is no
    whole backup.
    """
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    with TemporaryDirectory(dir=_made(kept.parent), prefix=".restore.") as folder:
        current = Path(folder) / "labels.sqlite"
        facts = _checked(path, path)
        _copy_sqlite(path, current)
        _bring_up_to_date(current, path)
        if isinstance(location, Path) and not _is_whole(location):
            _replace_damaged(location, current, damaged_copy(kept))
            return facts
        back_up(location, kept)
        try:
            if isinstance(location, Path):
                _copy_sqlite(current, location)
            else:
                _load(LabelStore(location), current)
        except (OSError, sqlite3.Error) as error:
            raise StoreError("cannot_write", path=str(location), reason=str(error)) from error
    return facts


def damaged_copy(kept: Path) -> Path:
    """Where damaged labels go instead of `kept`: under a name that tells them from backups."""
    return kept.with_name(f"{DAMAGED}{kept.name}")


def _is_whole(location: Path) -> bool:
    """Whether the labels at a path can be read through; a missing or empty file, too, is none that can."""
    if not location.is_file() or not location.stat().st_size:
        return False
    try:
        damage = label_damage(location)
    except sqlite3.OperationalError as error:
        raise StoreError("database_busy", path=str(location), reason=str(error)) from error
    return not damage


def label_damage(location: Path) -> str:
    """What is wrong with a SQLite file of labels, "" where it is whole. Nothing is changed."""
    log = location.with_name(f"{location.name}-wal")
    if log.is_file() and log.stat().st_size and log.read_bytes()[:4] not in _LOG_MARKS:
        return f"its write-ahead log {log.name} is none"
    try:
        with closing(sqlite3.connect(f"{location.absolute().as_uri()}?mode=ro", uri=True, timeout=30.0)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
            if verdict == "ok":
                connection.execute("SELECT count(*), max(id) FROM label_events").fetchone()
                connection.execute("SELECT max(version) FROM label_schema").fetchone()
            return "" if verdict == "ok" else str(verdict)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_ERROR":
            raise
        return str(error)
    except sqlite3.DatabaseError as error:
        return str(error)


def _replace_damaged(location: Path, current: Path, kept: Path) -> None:
    """Put `current` in place of a damaged file, which goes to `kept`; at no moment is there neither.

    The old write-ahead log must go before the new file comes: SQLite would play it into that.
    """
    new = location.with_name(f".{location.name}.restored")
    try:
        _make_single(current)
        shutil.copyfile(current, new)
        with new.open("rb") as stream:
            os.fsync(stream.fileno())
        for suffix in ("", "-wal", "-shm"):
            old = location.with_name(location.name + suffix)
            if old.exists():
                os.link(old, kept.with_name(kept.name + suffix))
                if suffix:
                    old.unlink()
        os.replace(new, location)
    except (OSError, sqlite3.Error) as error:
        new.unlink(missing_ok=True)
        raise StoreError("cannot_write", path=str(location), reason=str(error)) from error


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("cannot_write", path=str(folder), reason=error.strerror or str(error)) from error
    return folder


def _copy_sqlite(source: Path, target: Path) -> None:
    """The backup API: one consistent moment of `source`, also while others write to it."""
    with (
        closing(sqlite3.connect(source, timeout=30.0)) as origin,
        closing(sqlite3.connect(target, timeout=30.0)) as copy,
    ):
        origin.backup(copy)


def _make_single(copy: Path) -> None:
    """One file that needs no write-ahead log beside it."""
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _checked(path: Path, shown: Path) -> BackupFacts:
    """The facts of a backup that is whole; StoreError bad_backup otherwise."""
    try:
        # Read-only and by URI: opening must neither make nor change the file.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
            if verdict != "ok":
                raise StoreError("bad_backup", path=str(shown), reason=verdict)
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            missing = {VERSIONS.name, EVENTS.name} - tables
            if missing:
                raise StoreError("bad_backup", path=str(shown), reason=f"no table {', '.join(sorted(missing))}")
            events, newest = connection.execute("SELECT count(*), coalesce(max(id), 0) FROM label_events").fetchone()
            actions = 0
            if ACTIONS.name in tables:
                (actions,) = connection.execute("SELECT count(*) FROM label_actions").fetchone()
    except sqlite3.Error as error:
        raise StoreError("bad_backup", path=str(shown), reason=str(error)) from error
    return BackupFacts(shown, events, actions, newest)


def _bring_up_to_date(copy: Path, shown: Path) -> None:
    engine = open_engine(copy)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            migrate(connection)
    except StoreError as error:
        raise StoreError("bad_backup", path=str(shown), reason=error.values["reason"]) from error
    finally:
        engine.dispose()


def _dump(store: LabelStore, copy: Path) -> None:
    """PostgreSQL to a SQLite file: every table as of one moment."""
    target = open_engine(copy)
    with store.engine.connect().execution_options(isolation_level="REPEATABLE READ") as source, source.begin():
        source.execute(text("SET TRANSACTION READ ONLY"))
        with target.connect().execution_options(writes=True) as connection, connection.begin():
            migrate(connection)
            for table in _TABLES:
                for rows in _batches(source, table):
                    connection.execute(insert(table), rows)
    target.dispose()
    _make_single(copy)


def _load(store: LabelStore, copy: Path) -> None:
    """A SQLite file into PostgreSQL: tables dropped, made anew and filled in one transaction."""
    source_engine = open_engine(copy)
    with store.transaction(writes=True) as connection, source_engine.connect() as source, source.begin():
        METADATA.drop_all(connection)
        for function in _FUNCTIONS:
            connection.execute(text(f"DROP FUNCTION IF EXISTS {function}()"))
        migrate(connection)
        for table in _TABLES:
            for rows in _batches(source, table):
                connection.execute(insert(table), rows)
            highest = connection.execute(select(func.max(table.c.id))).scalar()
            if highest is not None:
                sequence = func.pg_get_serial_sequence(table.name, "id")
                connection.execute(select(func.setval(sequence, highest)))
    source_engine.dispose()


def _batches(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """All rows of a table by id, a few at a time."""
    last = 0
    while True:
        query = select(table).where(table.c.id > last).order_by(table.c.id).limit(_ROWS)
        rows = [dict(row._mapping) for row in source.execute(query)]
        if not rows:
            return
        last = rows[-1]["id"]
        yield rows
