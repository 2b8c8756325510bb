"""The tables of the label database, and the numbered migrations that build them."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import finalize

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from composer_core.errors import InvalidValue, StoreError, Unavailable
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

DATABASE_VARIABLE = "COMPOSER_DATABASE_URL"
"""Environment variable with the URL of a PostgreSQL database for the labels."""

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for the others; 20 writers at 88 commits a second need far less."""

METADATA = MetaData()
EVENTS = Table(
    "label_events",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("loop_id", String, nullable=False),
    Column("field", String, nullable=False),
    Column("value", Text, nullable=False),
    Column("source", String, nullable=False),
    Column("confidence", Float),
    Column("note", Text, nullable=False),
    Column("created_at", String, nullable=False),
    Column("supersedes", Integer),
    Column("status", String, nullable=False),
    Column("action_id", Integer),
)
ACTIONS = Table(
    "label_actions",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rater", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("loop_id", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("undoes", Integer),
    Column("batch", Integer),
    Column("client", String),
    Column("press", Integer),
)
VERSIONS = Table("label_schema", METADATA, Column("version", Integer, primary_key=True), Column("applied_at", String))


def _create_events(connection: Connection) -> None:
    """1: the append-only events. Columns are repeated here, so that later changes to EVENTS cannot alter history."""
    table = Table(
        "label_events",
        MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=True),
        *(Column(name, String, nullable=False) for name in ("loop_id", "field")),
        Column("value", Text, nullable=False),
        Column("source", String, nullable=False),
        Column("confidence", Float),
        Column("note", Text, nullable=False),
        Column("created_at", String, nullable=False),
        Column("supersedes", Integer),
        Column("status", String, nullable=False),
        sqlite_autoincrement=True,
    )
    Index("label_events_by_loop", table.c.loop_id, table.c.field, table.c.source, table.c.id)
    table.create(connection)
    _refuse_changes(connection, "label_events")


def _create_actions(connection: Connection) -> None:
    """2: what a rater did in one keystroke (approve, reject, draft, skip, undo), so that undo takes it back whole."""
    table = Table(
        "label_actions",
        MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=True),
        *(Column(name, String, nullable=False) for name in ("rater", "kind", "loop_id", "created_at")),
        Column("undoes", Integer),
        sqlite_autoincrement=True,
    )
    Index("label_actions_by_rater", table.c.rater, table.c.id)
    table.create(connection)
    connection.execute(text("ALTER TABLE label_events ADD COLUMN action_id INTEGER"))
    connection.execute(text("CREATE INDEX label_events_by_action ON label_events (action_id)"))
    _refuse_changes(connection, "label_actions")


def _refuse_changes(connection: Connection, table: str) -> None:
    # SQLite enforces append-only itself, whatever program opens the file.
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.execute(
                text(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            )


def _create_batches(connection: Connection) -> None:
    """3: bulk edits, taken back as one; and PostgreSQL enforces append-only itself too."""
    connection.execute(text("ALTER TABLE label_actions ADD COLUMN batch INTEGER"))
    connection.execute(text("CREATE INDEX label_actions_by_batch ON label_actions (batch)"))
    if connection.dialect.name == "postgresql":
        for table in ("label_events", "label_actions"):
            connection.execute(
                text(
                    f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
                )
            )
            connection.execute(
                text(
                    f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                    f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
                )
            )


def _create_presses(connection: Connection) -> None:
    """4: which press of which browser an action answers, so that one that is sent twice is stored once."""
    connection.execute(text("ALTER TABLE label_actions ADD COLUMN client VARCHAR"))
    connection.execute(text("ALTER TABLE label_actions ADD COLUMN press INTEGER"))
    # NULLs are distinct: actions of commands and of older releases have no press.
    connection.execute(text("CREATE UNIQUE INDEX label_actions_by_press ON label_actions (client, press)"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _create_events,
    _create_actions,
    _create_batches,
    _create_presses,
)
"""Number n is MIGRATIONS[n - 1]. Append only; never change one that was released."""


def now() -> str:
    """The time in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def label_location(workspace: Workspace) -> Path | str:
    """Where a workspace keeps its labels: the URL in COMPOSER_DATABASE_URL, else a SQLite file.

    Loops are named by their content, so workspaces of several people may share one database.
    """
    return os.environ.get(DATABASE_VARIABLE) or workspace.labels


def open_engine(location: Path | str) -> Engine:
    """An engine for a SQLite file (a path) or another database (a URL, such as postgresql://me@host/labels).

    SQLite runs with write-ahead log and synchronous FULL: what was acknowledged survives a
    power cut. Its connections are not pooled, so a forked process never shares one; those of
    a URL are pooled once a process. Raises InvalidValue for a URL that is none, Unavailable
    when the database's driver is not installed.
    """
    if not isinstance(location, Path):
        return _pooled_engine(location, os.getpid())
    if location.is_file() and not os.access(location.parent, os.W_OK):
        return reading_engine(location)
    engine = create_engine(f"sqlite:///{location}", poolclass=NullPool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def reading_engine(location: Path) -> Engine:
    """For a file where SQLite can make no file of shared memory beside it (a folder that cannot be written, a full
    disk): it is read as it lies.

    Where its newest rows are still in the write-ahead log, both are copied into a private folder first.
    """
    log = location.with_name(f"{location.name}-wal")
    mode = "immutable=1"
    if log.is_file() and log.stat().st_size:
        private = TemporaryDirectory(prefix="composer-labels-")
        copies = [Path(shutil.copy(path, private.name)) for path in (location, log)]
        location, mode = copies[0], "mode=rw"
    engine = create_engine(f"sqlite:///{location.absolute().as_uri()}?{mode}&uri=true", poolclass=NullPool)
    if mode == "mode=rw":
        finalize(engine, private.cleanup)
    event.listen(engine, "connect", _prepare_reading)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_reading(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    # A copy is not the labels: nothing may be written there that nobody would find again.
    connection.execute("PRAGMA query_only = ON")


@cache
def _pooled_engine(location: str, _process: int) -> Engine:
    try:
        url = make_url(location)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() != "postgresql":
            raise ArgumentError(location)
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=50)
    except (ArgumentError, NoSuchModuleError) as error:
        # Not the value itself: it may hold a password.
        raise InvalidValue(
            "bad_format", name=DATABASE_VARIABLE, value="...", expected="a URL such as postgresql://name@host/database"
        ) from error
    except ModuleNotFoundError as error:
        raise Unavailable("postgres_missing", cure='pip install "psycopg[binary]"') from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Python's sqlite3 would begin transactions by itself, and late: `_begin_sqlite` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock before anything is read, so no one can write between check and write.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def schema_version(connection: Connection) -> int:
    """Number of the last migration applied, 0 for an empty database."""
    if not inspect(connection).has_table(VERSIONS.name):
        return 0
    return connection.execute(select(func.max(VERSIONS.c.version))).scalar() or 0


def migrate(connection: Connection, target: int = len(MIGRATIONS)) -> None:
    """Apply the migrations that are missing up to `target`, all or none.

    Raises StoreError when the database was written by a later release.
    """
    version = schema_version(connection)
    if version > len(MIGRATIONS):
        reason = f"its schema is number {version}, this release knows {len(MIGRATIONS)}; update Composer Studio"
        raise StoreError("damaged_store", path=str(connection.engine.url), reason=reason)
    if version == 0:
        VERSIONS.create(connection, checkfirst=True)
    for number in range(version + 1, target + 1):
        MIGRATIONS[number - 1](connection)
        connection.execute(insert(VERSIONS).values(version=number, applied_at=now()))
        _log.info("labels: migration %d applied", number)
