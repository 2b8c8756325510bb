"""The label store: append-only events in a database, the current view, undo, and refusal of stale writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from composer_core.errors import StoreError, require_choice
from composer_core.store import label_queries as sql
from composer_core.store.label_queries import EVENT_STATUSES, human_source
from composer_core.store.label_records import Action, Batch, Changed, Entry, UndoResult
from composer_core.store.label_schema import (
    ACTIONS,
    EVENTS,
    MIGRATIONS,
    label_location,
    migrate,
    open_engine,
    schema_version,
)
from composer_core.store.label_view import HUMAN, MODEL, RULE, CurrentLabel, LabelEvent, current_label
from composer_core.workspace import Workspace

__all__ = [
    "ACTION_KINDS",
    "EVENT_STATUSES",
    "Action",
    "Batch",
    "Changed",
    "Entry",
    "LabelStore",
    "UndoResult",
    "human_source",
    "open_labels",
]
ACTION_KINDS = ("approve", "reject", "draft", "skip")
<<<<<<< HEAD
_MANY_LOOPS = 500
"""Above this many ids the whole view is read instead: SQLite limits the variables of a query."""
_ROWS_A_PIECE = 20_000
=======
>>>>>>> 7dcae54 (Keep labels in SQLite or PostgreSQL; bulk edits with one undo; back up and restore)


def open_labels(workspace: Workspace) -> LabelStore:
    """The labels of a workspace: its SQLite file, or the database COMPOSER_DATABASE_URL names."""
    return LabelStore(label_location(workspace))


class LabelStore:
    """Label events of one workspace. Safe for several threads and processes at once.

    `location` is the path of a SQLite file (made when missing) or a database URL. Raises
    StoreError when the database cannot be opened or was written by a later release.
    """

    def __init__(self, location: Path | str) -> None:
        if isinstance(location, Path):
            location.parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = open_engine(location)
        self.place = str(location) if isinstance(location, Path) else self.engine.url.render_as_string()
        with self.transaction() as connection:
            version = schema_version(connection)
        if version != len(MIGRATIONS):
            with self.transaction(writes=True) as connection:
                migrate(connection)

    def add(self, source: str, entries: Iterable[Entry], note: str = "") -> list[int]:
        """Append events of a model, a rule or an import in one transaction; returns their ids.

        They never need to have seen anything: people always win over them.
        """
        sql.check_source(source)
        rows = [sql.event_row(entry, source, note, supersedes=None, action_id=None) for entry in entries]
        with self.transaction(writes=True) as connection:
            return sql.append(connection, rows)

    def add_changed(self, source: str, entries: Sequence[tuple[Entry, str]]) -> Changed:
        """Append, in one transaction, what `source` has not said already; each entry comes with its note.

        At most one entry a loop and field. An entry is unchanged when the newest event of the
        same source for that loop and field has its value, status, confidence and note.
        """
        sql.check_source(source)
        rows = [sql.event_row(entry, source, note, supersedes=None, action_id=None) for entry, note in entries]
        with self.transaction(writes=True) as connection:
            known, people = sql.said(connection, source, rows)
            fresh = [row for row in rows if known.get((row["loop_id"], row["field"])) != sql.saying(row)]
            sql.append(connection, fresh)
        behind = sum((row["loop_id"], row["field"]) in people for row in fresh)
        return Changed(len(fresh), len(rows) - len(fresh), behind)

    def write(
        self, rater: str, kind: str, loop_id: str, entries: Sequence[Entry], seen: Mapping[str, int], note: str = ""
    ) -> list[int]:
        """Append what a rater decided on one loop, all fields or none; returns the events' ids.

        `seen` names, field by field, the event the rater was looking at (0 or absent: nothing).
        When a person or an import has written a field since, nothing is stored and StoreError
        conflict is raised; its values hold the first such field with `theirs` and `yours`, and
        all of them under `conflicts`.
        """
        require_choice("action", kind, ACTION_KINDS)
        source = human_source(rater)
        with self.transaction(writes=True) as connection:
            sql.refuse_stale(connection, entries, {loop_id: seen})
            action_id = sql.act(connection, rater, kind, loop_id)
            rows = [sql.event_row(entry, source, note, seen.get(entry.field) or None, action_id) for entry in entries]
            return sql.append(connection, rows)

    def write_many(
        self, rater: str, kind: str, entries: Sequence[Entry], seen: Mapping[str, Mapping[str, int]], note: str = ""
    ) -> Batch | None:
        """Append a decision on many loops in one transaction, all or none; None when there is nothing to write.

        `seen` names the event looked at by loop and field. One `undo` takes all of it back.
        Raises StoreError conflict as `write` does, for any of the loops.
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
        return Batch(batch, len(loop_ids), len(rows))

    def undo(self, rater: str) -> UndoResult | None:
        """Take back the rater's newest action (or bulk edit) that still stands, by new events; None: there is none.

        Every field gets back what the same rater had said before, or no opinion of theirs at
        all. What others have said meanwhile stays.
        """
        source = human_source(rater)
        with self.transaction(writes=True) as connection:
            targets = sql.newest_standing(connection, rater)
            rows, fields = [], []
            for target in targets:
                undo_id = sql.act(connection, rater, "undo", target.loop_id, undoes=target.id)
                query = select(EVENTS).where(EVENTS.c.action_id == target.id).order_by(EVENTS.c.id)
                written = sql.read(connection, query)
                fields += [event.field for event in written]
                rows += [sql.restored(connection, undone, source, undo_id) for undone in written]
            sql.append(connection, rows)
        if not targets:
            return None
        loop_ids = tuple(target.loop_id for target in targets)
        return UndoResult(loop_ids[0], targets[0].kind, tuple(dict.fromkeys(fields)), loop_ids)

    def view(self, loop_ids: Sequence[str] | None = None) -> dict[str, dict[str, CurrentLabel]]:
        """Current labels, loop -> field -> label, of some loops or all."""
<<<<<<< HEAD
        query = ranked_events()
        if loop_ids is not None and len(loop_ids) <= _MANY_LOOPS:
            query = ranked_events(EVENTS.c.loop_id.in_(loop_ids))
        current: dict[str, dict[str, CurrentLabel]] = {}
        with self._transaction() as connection:
            for (loop_id, name), rows in groupby(
                _read(connection, query), key=lambda event: (event.loop_id, event.field)
=======
        return {
            loop_id: {name: current_label(events) for name, events in fields.items()}
            for loop_id, fields in self.standing(loop_ids).items()
        }

    def standing(self, loop_ids: Sequence[str] | None = None) -> dict[str, dict[str, list[LabelEvent]]]:
        """Loop -> field -> the newest event of every source that still has an opinion, the one that counts first."""
        # Above this many ids the whole table is read instead.
        some = loop_ids is not None and len(loop_ids) <= sql.MANY_LOOPS
        query = sql.standing_events(EVENTS.c.loop_id.in_(loop_ids or ())) if some else sql.standing_events()
        wanted = None if loop_ids is None or some else set(loop_ids)
        found: dict[str, dict[str, list[LabelEvent]]] = {}
        with self.transaction() as connection:
            for (loop_id, name), events in groupby(
                sql.read(connection, query), key=lambda event: (event.loop_id, event.field)
>>>>>>> 7dcae54 (Keep labels in SQLite or PostgreSQL; bulk edits with one undo; back up and restore)
            ):
                if wanted is None or loop_id in wanted:
                    found.setdefault(loop_id, {})[name] = list(events)
        return found

    def touched_by_people(self) -> dict[str, dict[str, CurrentLabel]]:
        """The view of only those loops on which a person has an event."""
        with self.transaction() as connection:
            loop_ids = list(connection.execute(select(EVENTS.c.loop_id).where(sql.of_kind(HUMAN)).distinct()).scalars())
        return self.view(loop_ids) if loop_ids else {}

    def seen(self, loop_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Loop -> field -> id of its newest event: what someone looking now has seen."""
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

    def events(self) -> list[LabelEvent]:
        """All events, oldest first: what a replay starts from."""
        with self.transaction() as connection:
            return sql.read(connection, select(EVENTS).order_by(EVENTS.c.id))

    def actions(self, rater: str | None = None) -> list[Action]:
        """Actions that stand (undone ones and the undos left out), oldest first."""
        query = sql.standing_actions()
        if rater is not None:
            query = query.where(ACTIONS.c.rater == rater)
        with self.transaction() as connection:
            return [sql.action_of(row) for row in connection.execute(query.order_by(ACTIONS.c.id))]

    def raters(self) -> list[str]:
        """Everyone who has acted, by name."""
        with self.transaction() as connection:
            return sorted(connection.execute(select(ACTIONS.c.rater).distinct()).scalars())

    def suggested_confidence(self) -> dict[str, tuple[float, str]]:
        """Loop -> (lowest confidence, its field) over the newest machine event of each field.

        Every loop a model or rule has looked at is in it; where none gave a confidence it is 0
        with an empty field.
        """
        newest = (
            select(func.max(EVENTS.c.id)).where(sql.of_kind(MODEL, RULE)).group_by(EVENTS.c.loop_id, EVENTS.c.field)
        )
        query = select(EVENTS.c.loop_id, EVENTS.c.confidence, EVENTS.c.field).where(EVENTS.c.id.in_(newest))
        lowest: dict[str, tuple[float, str]] = {}
        with self.transaction() as connection:
            for loop_id, confidence, name in connection.execute(query.order_by(EVENTS.c.field)):
                if confidence is None:
                    lowest.setdefault(loop_id, (0.0, ""))
                elif loop_id not in lowest or not lowest[loop_id][1] or confidence < lowest[loop_id][0]:
                    lowest[loop_id] = (confidence, name)
        return lowest

    def stream(self, query: Select[Any]) -> Iterator[Row[Any]]:
        """Rows of a query over EVENTS or ACTIONS, read in pieces, so that millions need no memory."""
        with self._transaction() as connection:
            yield from connection.execution_options(yield_per=_ROWS_A_PIECE).execute(query)

    @contextmanager
    def transaction(self, writes: bool = False) -> Iterator[Connection]:
        """A connection inside one transaction; writers wait for each other. StoreError when the database fails."""
        try:
            with self.engine.connect().execution_options(writes=writes) as connection, connection.begin():
                if writes and connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('label_events'))"))
                yield connection
        except OperationalError as error:
            raise StoreError("cannot_write", path=self.place, reason=str(error.orig).strip()) from error
        except DatabaseError as error:
<<<<<<< HEAD
            raise StoreError("damaged_store", path=self._place, reason=str(error.orig)) from error


def human_source(rater: str) -> str:
    """`human:<rater>`; InvalidValue unless the name is 1 to 40 printable characters without blanks around."""
    if not (0 < len(rater) <= 40 and rater.isprintable() and rater == rater.strip()):
        raise InvalidValue("bad_format", name="rater", value=rater, expected="a name of 1 to 40 characters")
    return f"{HUMAN}:{rater}"


def _check_source(source: str) -> None:
    kind, _, name = source.partition(":")
    if kind not in SOURCE_KINDS or kind == HUMAN or not name:
        raise InvalidValue("bad_format", name="source", value=source, expected="model:, rule: or import: and a name")


def _row(entry: Entry, source: str, note: str, supersedes: int | None, action_id: int | None) -> dict[str, Any]:
    require_choice("status", entry.status, EVENT_STATUSES)
    if entry.confidence is not None:
        require_range("confidence", entry.confidence, 0.0, 1.0)
    return {
        "loop_id": entry.loop_id,
        "field": entry.field,
        "value": json.dumps(entry.value, ensure_ascii=False, sort_keys=True, allow_nan=False),
        "source": source,
        "confidence": entry.confidence,
        "note": note,
        "created_at": now(),
        "supersedes": supersedes,
        "status": entry.status,
        "action_id": action_id,
    }


def _append(connection: Connection, rows: list[dict[str, Any]]) -> list[int]:
    if not rows:
        return []
    statement = insert(EVENTS).returning(EVENTS.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, rows).scalars())


def _saying(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["value"], row["status"], row["confidence"], row["note"]


def _said(
    connection: Connection, source: str, rows: Sequence[Mapping[str, Any]]
) -> tuple[dict[tuple[str, str], tuple[Any, ...]], set[tuple[str, str]]]:
    """What `source` last said of each loop and field in `rows`, and which of them a person has labelled."""
    said: dict[tuple[str, str], tuple[Any, ...]] = {}
    people: set[tuple[str, str, str]] = set()
    loop_ids = sorted({row["loop_id"] for row in rows})
    human = EVENTS.c.source.startswith(f"{HUMAN}:")
    for start in range(0, len(loop_ids), _MANY_LOOPS):
        some = EVENTS.c.loop_id.in_(loop_ids[start : start + _MANY_LOOPS])
        query = select(EVENTS).where(some, human | (EVENTS.c.source == source)).order_by(EVENTS.c.id)
        for event in connection.execute(query):
            place = (event.loop_id, event.field)
            if event.source == source:
                said[place] = (event.value, event.status, event.confidence, event.note)
            elif event.status == WITHDRAWN:
                people.discard((*place, event.source))
            else:
                people.add((*place, event.source))
    return said, {(loop_id, name) for loop_id, name, _ in people}


def _act(connection: Connection, rater: str, kind: str, loop_id: str, undoes: int | None = None) -> int:
    row = {"rater": rater, "kind": kind, "loop_id": loop_id, "created_at": now(), "undoes": undoes}
    key = connection.execute(insert(ACTIONS).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _action(row: Row[Any]) -> Action:
    return Action(row.id, row.rater, row.kind, row.loop_id, row.created_at, row.undoes)


def _standing_actions() -> Select[Any]:
    undone = select(ACTIONS.c.undoes).where(ACTIONS.c.undoes.is_not(None))
    return select(ACTIONS).where(ACTIONS.c.kind != "undo", not_(ACTIONS.c.id.in_(undone)))


def _newest_standing_action(connection: Connection, rater: str) -> Action | None:
    query = _standing_actions().where(ACTIONS.c.rater == rater).order_by(ACTIONS.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _action(row)


def _refuse_stale(connection: Connection, loop_id: str, entries: Sequence[Entry], seen: Mapping[str, int]) -> None:
    query = select(EVENTS).where(
        EVENTS.c.loop_id == loop_id,
        EVENTS.c.source.startswith(f"{HUMAN}:") | EVENTS.c.source.startswith(f"{IMPORT}:"),
    )
    newest = {event.field: event for event in _read(connection, query.order_by(EVENTS.c.id))}
    conflicts = [
        {"field": entry.field, "rater": theirs.author, "theirs": theirs.value, "yours": entry.value}
        | {"status": theirs.status, "event_id": theirs.id}
        for entry in entries
        if (theirs := newest.get(entry.field)) is not None and theirs.id > seen.get(entry.field, 0)
    ]
    if conflicts:
        first = {name: conflicts[0][name] for name in ("field", "rater", "theirs", "yours")}
        raise StoreError("conflict", loop_id=loop_id, conflicts=conflicts, **first)


def _restored(connection: Connection, undone: LabelEvent, source: str, action_id: int) -> dict[str, Any]:
    """The event that brings back what `source` said before `undone`."""
    same = (EVENTS.c.loop_id == undone.loop_id, EVENTS.c.field == undone.field, EVENTS.c.source == source)
    query = select(EVENTS).where(*same, EVENTS.c.id < undone.id).order_by(EVENTS.c.id.desc()).limit(1)
    before = next(iter(_read(connection, query)), None)
    value, status = (None, WITHDRAWN) if before is None else (before.value, before.status)
    entry = Entry(undone.loop_id, undone.field, value, status)
    return _row(entry, source, before.note if before else "", undone.id, action_id)


def ranked_events(*conditions: Any) -> Select[Any]:
    """Standing events, loop by loop and field by field, the winner of each first."""
    newest = func.row_number().over(
        partition_by=(EVENTS.c.loop_id, EVENTS.c.field, EVENTS.c.source), order_by=EVENTS.c.id.desc()
    )
    per_source = select(EVENTS, newest.label("age")).where(*conditions).subquery()
    human = per_source.c.source.startswith(f"{HUMAN}:")
    rank = case(
        (and_(human, per_source.c.status == "approved"), APPROVED_RANK),
        *((per_source.c.source.startswith(f"{kind}:"), rank) for kind, rank in KIND_RANK.items()),
    )
    return (
        select(*(per_source.c[column.name] for column in EVENTS.c))
        .where(per_source.c.age == 1, per_source.c.status != WITHDRAWN)
        .order_by(per_source.c.loop_id, per_source.c.field, rank, per_source.c.id.desc())
    )


def _read(connection: Connection, query: Select[Any]) -> list[LabelEvent]:
    return [LabelEvent(**{**row._mapping, "value": json.loads(row.value)}) for row in connection.execute(query)]
=======
            raise StoreError("damaged_store", path=self.place, reason=str(error.orig).strip()) from error
>>>>>>> 7dcae54 (Keep labels in SQLite or PostgreSQL; bulk edits with one undo; back up and restore)
