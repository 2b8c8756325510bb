"""The label store: append-only events in a database, the current view, undo, and refusal of stale writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from composer_core.errors import StoreError, require_choice
from composer_core.store.atomic import make_folder, read_json
from composer_core.store.damage import note_damage
from composer_core.store.labels import queries as sql
from composer_core.store.labels.queries import human_source
from composer_core.store.labels.records import Action, BulkEdit, Changed, Entry, Press, UndoResult
from composer_core.store.labels.schema import (
    ACTIONS,
    EVENTS,
    MIGRATIONS,
    label_location,
    migrate,
    open_engine,
    reading_engine,
    schema_version,
)
from composer_core.store.labels.view import HUMAN, CurrentLabel, LabelEvent, current_label
from composer_core.workspace import Workspace

FAILURES = (PoolTimeoutError, DBAPIError)
"""The failures that `store_error` translates; any other exception of SQLAlchemy is a programming mistake."""
_BUSY_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED")
_BUSY_STATES = ("53300", "55P03", "40P01", "40001")
"""PostgreSQL: too many connections, lock not available, deadlock, serialization failure."""
_GONE_CLASSES = ("08", "57")
"""PostgreSQL: connection exceptions, and a server that shuts down or starts."""
_ROWS_A_PIECE = 20_000
ACTION_KINDS = ("approve", "reject", "draft", "skip")


def store_error(error: PoolTimeoutError | DBAPIError, place: str) -> StoreError:
    """Translate a failure into a StoreError: database_busy, database_unreachable, cannot_write or damaged_store."""
    if isinstance(error, PoolTimeoutError):
        return StoreError("database_busy", path=place, reason="all connections are in use")
    reason = str(error.orig).strip()
    sqlite = str(getattr(error.orig, "sqlite_errorname", ""))
    state = getattr(error.orig, "sqlstate", None)
    if sqlite.startswith(_BUSY_SQLITE) or state in _BUSY_STATES:
        return StoreError("database_busy", path=place, reason=reason)
    if not isinstance(error, OperationalError | InterfaceError) or sqlite == "SQLITE_ERROR":
        # SQLite says so of a table that is not there.
        return StoreError("damaged_store", path=place, reason=reason)
    # Without a server psycopg has no SQLSTATE to give, so a missing state means that it could not be reached.
    gone = error.connection_invalidated or (not sqlite and state is None) or str(state).startswith(_GONE_CLASSES)
    return StoreError("database_unreachable" if gone else "cannot_write", path=place, reason=reason)


def open_labels(workspace: Workspace) -> LabelStore:
    """Open the labels of a workspace: its SQLite file, or the database that COMPOSER_DATABASE_URL names.

    StoreError labels_lost when the file is gone or empty though there were labels: a new one would hide the loss.
    """
    location = label_location(workspace)
    if isinstance(location, Path) and (n_events := lost_events(location, workspace)):
        raise StoreError("labels_lost", path=str(location), count=n_events)
    return LabelStore(location)


def lost_events(location: Path, workspace: Workspace) -> int:
    """How many label events the search data know of while the file of labels is missing or empty; else 0."""
    manifest = workspace.catalogue / "manifest.json"
    if (location.exists() and location.stat().st_size) or not manifest.exists():
        return 0
    try:
        content: Any = read_json(manifest)
        return int(content["event"])
    except (StoreError, KeyError, TypeError, ValueError):
        return 0


class LabelStore:
    """Label events of one workspace. Safe for several threads and processes at once.

    `location` is the path of a SQLite file (created when missing) or a database URL. StoreError
    when the database cannot be opened or was written by a later release.
    """

    def __init__(self, location: Path | str) -> None:
        if isinstance(location, Path):
            make_folder(location.parent)
        self._location = location
        self._reading: Engine | None = None
        self.engine: Engine = open_engine(location)
        self.place = str(location) if isinstance(location, Path) else self.engine.url.render_as_string()
        with self.transaction() as connection:
            version = schema_version(connection)
        if version != len(MIGRATIONS):
            with self.transaction(writes=True) as connection:
                migrate(connection)

    def add(self, source: str, entries: Iterable[Entry], note: str = "") -> list[int]:
        """Append events of a model, a rule or an import in one transaction; returns their ids.

        They need no `seen`, because a person's label always wins over them.
        """
        sql.check_source(source)
        rows = [sql.event_row(entry, source, note, supersedes=None, action_id=None) for entry in entries]
        with self.transaction(writes=True) as connection:
            return sql.append(connection, rows)

    def add_changed(self, source: str, entries: Sequence[tuple[Entry, str]]) -> Changed:
        """Append the entries that differ from the last statement of `source`, in one transaction.

        Each entry comes with its note, and there is at most one entry per loop and field. An entry is
        unchanged when the newest event of the same source for that loop and field has the same value,
        status, confidence and note.
        """
        sql.check_source(source)
        rows = [sql.event_row(entry, source, note, supersedes=None, action_id=None) for entry, note in entries]
        with self.transaction(writes=True) as connection:
            known, people = sql.last_values(connection, source, rows)
            fresh = [row for row in rows if known.get(sql.place_of(row)) != sql.value_key(row)]
            sql.append(connection, fresh)
        behind = sum(sql.place_of(row) in people for row in fresh)
        return Changed(len(fresh), len(rows) - len(fresh), behind)

    def write(
        self,
        rater: str,
        kind: str,
        loop_id: str,
        entries: Sequence[Entry],
        seen: Mapping[str, int],
        note: str = "",
        press: Press | None = None,
    ) -> list[int]:
        """Append a rater's decision on one loop, all fields or none; returns the ids of the events.

        `seen` names for each field the event that the rater was looking at (0 or absent: none).
        When a person or an import has written a field since, nothing is stored and StoreError
        conflict is raised. Its values hold the first such field with `theirs` and `yours`, and
        all of them under `conflicts`.

        A `press` that has been answered before writes nothing and returns the ids of then. What the
        same page has written on the loop counts as seen.
        """
        require_choice("action", kind, ACTION_KINDS)
        source = human_source(rater)
        with self.transaction(writes=True) as connection:
            if (done := sql.act_of(connection, press)) is not None:
                return list(connection.execute(select(EVENTS.c.id).where(EVENTS.c.action_id == done.id)).scalars())
            own = sql.own_events(connection, loop_id, press)
            sql.refuse_stale(connection, entries, {loop_id: seen}, own)
            action_id = sql.act(connection, rater, kind, loop_id, press=press)
            newest = {name: max(seen.get(name, 0), number) for number, name in own.items()}
            looked_at = {**seen, **newest}
            rows = [
                sql.event_row(entry, source, note, looked_at.get(entry.field) or None, action_id) for entry in entries
            ]
            return sql.append(connection, rows)

    def write_many(
        self, rater: str, kind: str, entries: Sequence[Entry], seen: Mapping[str, Mapping[str, int]], note: str = ""
    ) -> BulkEdit | None:
        """Append a decision on many loops in one transaction, all or none; None when there is nothing to write.

        `seen` names the event looked at for each loop and field. One `undo` takes back the whole
        decision. StoreError conflict as in `write`, for any of the loops.
        """
        require_choice("action", kind, ACTION_KINDS)
        source = human_source(rater)
        if not entries:
            return None
        with self.transaction(writes=True) as connection:
            sql.refuse_stale(connection, entries, seen)
            batch = (connection.execute(select(func.max(ACTIONS.c.id))).scalar() or 0) + 1
            loop_ids = list(dict.fromkeys(entry.loop_id for entry in entries))
            actions = {loop_id: sql.act(connection, rater, kind, loop_id, batch=batch) for loop_id in loop_ids}
            rows = [
                sql.event_row(
                    entry, source, note, seen.get(entry.loop_id, {}).get(entry.field) or None, actions[entry.loop_id]
                )
                for entry in entries
            ]
            sql.append(connection, rows)
        return BulkEdit(batch, len(loop_ids), len(rows))

    def undo(self, rater: str, press: Press | None = None, target: Press | None = None) -> UndoResult | None:
        """Take back the rater's newest action or bulk edit that still stands, by new events; None when there is none.

        `target` names the press whose action is meant instead of the newest. A `press` that has been
        answered before takes nothing more back and returns None.

        Every field returns to the same rater's earlier label, or to no label of theirs. Labels
        that others have given meanwhile stay.
        """
        source = human_source(rater)
        with self.transaction(writes=True) as connection:
            if sql.act_of(connection, press) is not None:
                return None
            targets = sql.newest_standing(connection, rater, target)
            rows, fields = [], []
            for number, undone_act in enumerate(targets):
                own = press if number == 0 else None  # of a bulk edit one action stands for the press
                undo_id = sql.act(connection, rater, "undo", undone_act.loop_id, undoes=undone_act.id, press=own)
                query = select(EVENTS).where(EVENTS.c.action_id == undone_act.id).order_by(EVENTS.c.id)
                written = sql.read(connection, query)
                fields += [event.field for event in written]
                rows += [sql.restored(connection, undone, source, undo_id) for undone in written]
            sql.append(connection, rows)
            if not targets:
                if press is not None:
                    # Answered as well: sent again it must not take back what was decided since.
                    sql.act(connection, rater, "undo", "", press=press)
                return None
        loop_ids = tuple(undone_act.loop_id for undone_act in targets)
        return UndoResult(loop_ids[0], targets[0].kind, tuple(dict.fromkeys(fields)), loop_ids)

    def view(self, loop_ids: Sequence[str] | None = None) -> dict[str, dict[str, CurrentLabel]]:
        """The current labels of some loops or all: loop -> field -> label."""
        return {
            loop_id: {name: current_label(events) for name, events in fields.items()}
            for loop_id, fields in self.standing(loop_ids).items()
        }

    def standing(self, loop_ids: Sequence[str] | None = None) -> dict[str, dict[str, list[LabelEvent]]]:
        """The newest event of every source that still has an opinion, for each loop and field, in order of priority.

        The first event is the one that counts. `loop_ids` None reads all loops.
        """
        # SQLite limits the number of variables in a query, so with more ids the whole table is read and filtered.
        some = loop_ids is not None and len(loop_ids) <= sql.MANY_LOOPS
        query = sql.standing_events(EVENTS.c.loop_id.in_(loop_ids or ())) if some else sql.standing_events()
        wanted = None if loop_ids is None or some else set(loop_ids)
        found: dict[str, dict[str, list[LabelEvent]]] = {}
        with self.transaction() as connection:
            for (loop_id, name), events in groupby(
                sql.read(connection, query), key=lambda event: (event.loop_id, event.field)
            ):
                if wanted is None or loop_id in wanted:
                    found.setdefault(loop_id, {})[name] = list(events)
        return found

    def standing_of_people(self) -> Iterator[tuple[str, dict[str, list[LabelEvent]]]]:
        """Yield (loop, field -> standing events of people alone, the one that counts first) for loops that have any."""
        return self._by_loop(sql.standing_events(sql.of_kind(HUMAN)))

    def _by_loop(self, query: Select[Any]) -> Iterator[tuple[str, dict[str, list[LabelEvent]]]]:
        for loop_id, rows in groupby(self.stream(query), key=lambda row: row.loop_id):
            fields: dict[str, list[LabelEvent]] = {}
            for event in map(sql.event_of, rows):
                fields.setdefault(event.field, []).append(event)
            yield loop_id, fields

    def newest(self) -> tuple[int, str, str]:
        """The id, loop and time of the newest event; (0, "", "") when there is none."""
        query = select(EVENTS.c.id, EVENTS.c.loop_id, EVENTS.c.created_at).order_by(EVENTS.c.id.desc()).limit(1)
        with self.transaction() as connection:
            row = connection.execute(query).first()
        return (0, "", "") if row is None else (row.id, row.loop_id, row.created_at)

    def has_event(self, event: tuple[int, str, str]) -> bool:
        """True while an event that `newest` returned still exists. After a restored backup it may not."""
        query = select(EVENTS.c.id, EVENTS.c.loop_id, EVENTS.c.created_at).where(EVENTS.c.id == event[0])
        with self.transaction() as connection:
            row = connection.execute(query).first()
        return event[0] == 0 or (row is not None and tuple(row) == event)

    def months_of_people(self) -> dict[int, str]:
        """The month ("2026-11") of every event of a person, by event id."""
        month = func.substr(EVENTS.c.created_at, 1, len("2026-11"))
        with self.transaction() as connection:
            rows = connection.execute(select(EVENTS.c.id, month).where(sql.of_kind(HUMAN)))
            return {row[0]: row[1] for row in rows}

    def seen(self, loop_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """The id of the newest event for each loop and field: what somebody who looks now has seen."""
        found: dict[str, dict[str, int]] = {loop_id: {} for loop_id in loop_ids}
        with self.transaction() as connection:
            for group in sql.in_groups(loop_ids):
                query = (
                    select(EVENTS.c.loop_id, EVENTS.c.field, func.max(EVENTS.c.id))
                    .where(EVENTS.c.loop_id.in_(group))
                    .group_by(EVENTS.c.loop_id, EVENTS.c.field)
                )
                for loop_id, name, event_id in connection.execute(query):
                    found[loop_id][name] = event_id
        return found

    def history(self, loop_id: str) -> list[LabelEvent]:
        """All events of a loop, oldest first."""
        with self.transaction() as connection:
            return sql.read(connection, select(EVENTS).where(EVENTS.c.loop_id == loop_id).order_by(EVENTS.c.id))

    def histories(self, loop_ids: Sequence[str]) -> dict[str, list[LabelEvent]]:
        """All events of these loops, oldest first; a loop without any has an empty list."""
        found: dict[str, list[LabelEvent]] = {loop_id: [] for loop_id in loop_ids}
        with self.transaction() as connection:
            for group in sql.in_groups(loop_ids):
                query = select(EVENTS).where(EVENTS.c.loop_id.in_(group)).order_by(EVENTS.c.id)
                for event in sql.read(connection, query):
                    found[event.loop_id].append(event)
        return found

    def events(self) -> list[LabelEvent]:
        """All events, oldest first: the input of a replay."""
        with self.transaction() as connection:
            return sql.read(connection, select(EVENTS).order_by(EVENTS.c.id))

    def actions(self, rater: str | None = None) -> list[Action]:
        """The actions that stand, oldest first; undone actions and the undos themselves are left out."""
        query = sql.standing_actions()
        if rater is not None:
            query = query.where(ACTIONS.c.rater == rater)
        with self.transaction() as connection:
            return [sql.action_of(row) for row in connection.execute(query.order_by(ACTIONS.c.id))]

    def acts_from(self, rater: str, number: int = 0) -> list[tuple[int, str, str, int | None]]:
        """A rater's actions from an id on as (id, kind, loop, the action it undoes), undone ones and undos included."""
        columns = (ACTIONS.c.id, ACTIONS.c.kind, ACTIONS.c.loop_id, ACTIONS.c.undoes)
        query = select(*columns).where(ACTIONS.c.rater == rater, ACTIONS.c.id >= number).order_by(ACTIONS.c.id)
        with self.transaction() as connection:
            return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]

    def raters(self) -> list[str]:
        """The names of all raters who have acted."""
        with self.transaction() as connection:
            return sorted(connection.execute(select(ACTIONS.c.rater).distinct()).scalars())

    def stream(self, query: Select[Any]) -> Iterator[Row[Any]]:
        """Yield the rows of a query over EVENTS or ACTIONS, read in pieces so that millions need little memory."""
        with self.transaction() as connection:
            yield from connection.execution_options(yield_per=_ROWS_A_PIECE).execute(query)

    def _connected(self, writes: bool) -> Connection:
        """A connection; where the disk is so full that SQLite cannot even begin to read, one that only reads."""
        try:
            return self.engine.connect()
        except OperationalError:
            if writes or not isinstance(self._location, Path) or not self._location.is_file():
                raise
            self._reading = self._reading or reading_engine(self._location)
            return self._reading.connect()

    @contextmanager
    def transaction(self, writes: bool = False) -> Iterator[Connection]:
        """Open a connection with one transaction; writers wait for each other. StoreError when the database fails."""
        try:
            with self._connected(writes).execution_options(writes=writes) as connection, connection.begin():
                if writes and connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('label_events'))"))
                yield connection
        except FAILURES as error:
            failure = store_error(error, self.place)
            # What a constraint refuses leaves the file as whole as it was.
            damaged = failure.code == "damaged_store" and not isinstance(error, IntegrityError)
            if damaged and isinstance(self._location, Path):
                note_damage(self._location, str(failure.values["reason"]))
            raise failure from error
