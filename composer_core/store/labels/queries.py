"""The SQL behind the label store: what is read, what is appended, what is refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, insert, not_, select

from composer_core.errors import InvalidValue, StoreError, require_choice, require_range
from composer_core.store.labels.records import Action, Entry, Press
from composer_core.store.labels.schema import ACTIONS, EVENTS, now
from composer_core.store.labels.view import (
    APPROVED_RANK,
    HUMAN,
    IMPORT,
    KIND_RANK,
    MODEL,
    RULE,
    SETTLED,
    SETTLED_RANK,
    SOURCE_KINDS,
    WITHDRAWN,
    LabelEvent,
)

EVENT_STATUSES = ("suggested", "draft", "approved", "rejected", SETTLED, WITHDRAWN)
PEOPLE_ONLY = ("quality",)
"""No model or rule may say this."""
MANY_LOOPS = 500
"""Ids in one query: SQLite limits its variables."""
_VALUE = list(EVENTS.c.keys()).index("value")
Place = tuple[str, str]
"""A loop's id and a field."""


def human_source(rater: str) -> str:
    """`human:<rater>`; InvalidValue unless the name is 1 to 40 printable characters without blanks around."""
    if not (0 < len(rater) <= 40 and rater.isprintable() and rater == rater.strip()):
        raise InvalidValue("bad_format", name="rater", value=rater, expected="a name of 1 to 40 characters")
    return f"{HUMAN}:{rater}"


def check_source(source: str) -> None:
    """InvalidValue unless `source` is a model, a rule or an import with a name."""
    kind, _, name = source.partition(":")
    if kind not in SOURCE_KINDS or kind == HUMAN or not name:
        raise InvalidValue("bad_format", name="source", value=source, expected="model:, rule: or import: and a name")


def event_row(entry: Entry, source: str, note: str, supersedes: int | None, action_id: int | None) -> dict[str, object]:
    """The row to insert for an entry; InvalidValue for a bad status, confidence or source of PEOPLE_ONLY."""
    require_choice("status", entry.status, EVENT_STATUSES)
    if entry.field in PEOPLE_ONLY and source.partition(":")[0] in (MODEL, RULE):
        raise InvalidValue("contradiction", first=entry.field, second=source, reason="only people say this")
    if entry.confidence is not None:
        require_range("confidence", entry.confidence, 0.0, 1.0)
    return {
        "loop_id": entry.loop_id,
        "field": entry.field,
        "value": json.dumps(entry.value, ensure_ascii=False, sort_keys=True, allow_nan=False),
        "source": source,
        "confidence": entry.confidence,
        # Bytes no database keeps: PostgreSQL refuses NUL, UTF-8 has no halves of a pair.
        "note": note.replace("\x00", "").encode("utf-8", "replace").decode(),
        "created_at": now(),
        "supersedes": supersedes,
        "status": entry.status,
        "action_id": action_id,
    }


def append(connection: Connection, rows: Sequence[Mapping[str, object]]) -> list[int]:
    """Insert event rows in order; their ids."""
    if not rows:
        return []
    statement = insert(EVENTS).returning(EVENTS.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, rows).scalars())


def act(
    connection: Connection,
    rater: str,
    kind: str,
    loop_id: str,
    undoes: int | None = None,
    batch: int | None = None,
    created_at: str = "",
    press: Press | None = None,
) -> int:
    """Insert one action, done now where no time is given; its id."""
    done_at = created_at or now()
    row = {"rater": rater, "kind": kind, "loop_id": loop_id, "created_at": done_at, "undoes": undoes, "batch": batch}
    if press is not None:
        row |= {"client": press.client, "press": press.number}
    key = connection.execute(insert(ACTIONS).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def read(connection: Connection, query: Select[Any]) -> list[LabelEvent]:
    """The events of a query over EVENTS."""
    return [event_of(row) for row in connection.execute(query)]


def event_of(row: Row[Any]) -> LabelEvent:
    """An event out of its row, whose columns are those of EVENTS in their order."""
    columns: list[Any] = list(row)
    columns[_VALUE] = json.loads(columns[_VALUE])
    return LabelEvent(*columns)


def action_of(row: Row[Any]) -> Action:
    """An action out of its row."""
    return Action(row.id, row.rater, row.kind, row.loop_id, row.created_at, row.undoes, row.batch)


def standing_actions() -> Select[Any]:
    """Actions that no undo has taken back, the undos left out."""
    undone = select(ACTIONS.c.undoes).where(ACTIONS.c.undoes.is_not(None))
    return select(ACTIONS).where(ACTIONS.c.kind != "undo", not_(ACTIONS.c.id.in_(undone)))


def act_of(connection: Connection, press: Press | None) -> Action | None:
    """The action that answered a press, None for a press that is new (or for none)."""
    if press is None:
        return None
    query = select(ACTIONS).where(ACTIONS.c.client == press.client, ACTIONS.c.press == press.number)
    row = connection.execute(query).first()
    return None if row is None else action_of(row)


def own_events(connection: Connection, loop_id: str, press: Press | None) -> dict[int, str]:
    """Id and field of the events that earlier presses of the same page wrote on a loop, oldest first.

    Whoever presses there knows of them, also while the page has not been told their ids yet.
    """
    if press is None:
        return {}
    query = (
        select(EVENTS.c.id, EVENTS.c.field)
        .join(ACTIONS, ACTIONS.c.id == EVENTS.c.action_id)
        .where(EVENTS.c.loop_id == loop_id, ACTIONS.c.client == press.client)
        .order_by(EVENTS.c.id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def newest_standing(connection: Connection, rater: str, target: Press | None = None) -> list[Action]:
    """The rater's newest action that stands, or the one that answered `target`: it alone, or all of its batch,
    oldest first; [] when there is none."""
    own = standing_actions().where(ACTIONS.c.rater == rater)
    if target is not None:
        own = own.where(ACTIONS.c.client == target.client, ACTIONS.c.press == target.number)
    row = connection.execute(own.order_by(ACTIONS.c.id.desc()).limit(1)).first()
    if row is None or row.batch is None:
        return [] if row is None else [action_of(row)]
    batch = own.where(ACTIONS.c.batch == row.batch).order_by(ACTIONS.c.id)
    return [action_of(one) for one in connection.execute(batch)]


def of_kind(*kinds: str) -> ColumnElement[bool]:
    """Events of these kinds of source."""
    first, *others = (EVENTS.c.source.startswith(f"{kind}:") for kind in kinds)
    for other in others:
        first = first | other
    return first


def in_groups(loop_ids: Iterable[str]) -> list[list[str]]:
    """The ids without repeats, in groups one query can take."""
    unique = sorted(set(loop_ids))
    return [unique[start : start + MANY_LOOPS] for start in range(0, len(unique), MANY_LOOPS)]


def refuse_stale(
    connection: Connection,
    entries: Sequence[Entry],
    seen: Mapping[str, Mapping[str, int]],
    known: Collection[int] = (),
) -> None:
    """StoreError conflict when a person or an import has written a field since it was seen, loop by loop.

    Events whose ids are in `known` were seen as well.
    """
    newest: dict[Place, LabelEvent] = {}
    for group in in_groups(entry.loop_id for entry in entries):
        query = select(EVENTS).where(EVENTS.c.loop_id.in_(group), of_kind(HUMAN, IMPORT)).order_by(EVENTS.c.id)
        newest |= {(event.loop_id, event.field): event for event in read(connection, query) if event.id not in known}
    conflicts: list[dict[str, object]] = [
        {"loop_id": entry.loop_id, "field": entry.field, "rater": theirs.author}
        | {"theirs": theirs.value, "yours": entry.value, "status": theirs.status, "event_id": theirs.id}
        for entry in entries
        if (theirs := newest.get((entry.loop_id, entry.field))) is not None
        and theirs.id > seen.get(entry.loop_id, {}).get(entry.field, 0)
    ]
    if conflicts:
        first = {name: conflicts[0][name] for name in ("loop_id", "field", "rater", "theirs", "yours")}
        raise StoreError("conflict", conflicts=conflicts, **first)


def restored(connection: Connection, undone: LabelEvent, source: str, action_id: int) -> dict[str, object]:
    """The event that brings back what `source` said before `undone`."""
    same = (EVENTS.c.loop_id == undone.loop_id, EVENTS.c.field == undone.field, EVENTS.c.source == source)
    query = select(EVENTS).where(*same, EVENTS.c.id < undone.id).order_by(EVENTS.c.id.desc()).limit(1)
    before = next(iter(read(connection, query)), None)
    value, status = (None, WITHDRAWN) if before is None else (before.value, before.status)
    entry = Entry(undone.loop_id, undone.field, value, status)
    return event_row(entry, source, before.note if before else "", undone.id, action_id)


def last_values(
    connection: Connection, source: str, rows: Sequence[Mapping[str, object]]
) -> tuple[dict[Place, tuple[object, ...]], set[Place]]:
    """What `source` last said of each loop and field in `rows` (as `saying`), and which of them a person labelled."""
    found: dict[Place, tuple[Any, ...]] = {}
    people: set[tuple[str, str, str]] = set()
    for group in in_groups(str(row["loop_id"]) for row in rows):
        query = select(EVENTS).where(EVENTS.c.loop_id.in_(group), of_kind(HUMAN) | (EVENTS.c.source == source))
        for event in connection.execute(query.order_by(EVENTS.c.id)):
            place = (event.loop_id, event.field)
            if event.source == source:
                found[place] = (event.value, event.status, event.confidence, event.note)
            elif event.status == WITHDRAWN:
                people.discard((*place, event.source))
            else:
                people.add((*place, event.source))
    return found, {(loop_id, name) for loop_id, name, _ in people}


def place_of(row: Mapping[str, object]) -> Place:
    """The loop and the field that a row speaks of."""
    return str(row["loop_id"]), str(row["field"])


def value_key(row: Mapping[str, object]) -> tuple[object, ...]:
    """What a row says, without when and by whom."""
    return row["value"], row["status"], row["confidence"], row["note"]


def standing_events(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The newest event of each source that was not withdrawn, loop by loop and field by field, the winner first."""
    newest = func.row_number().over(
        partition_by=(EVENTS.c.loop_id, EVENTS.c.field, EVENTS.c.source), order_by=EVENTS.c.id.desc()
    )
    per_source = select(EVENTS, newest.label("age")).where(*conditions).subquery()
    human = per_source.c.source.startswith(f"{HUMAN}:")
    rank = case(
        (and_(human, per_source.c.status == SETTLED), SETTLED_RANK),
        (and_(human, per_source.c.status == "approved"), APPROVED_RANK),
        *((per_source.c.source.startswith(f"{kind}:"), rank) for kind, rank in KIND_RANK.items()),
    )
    return (
        select(*(per_source.c[column.name] for column in EVENTS.c))
        .where(per_source.c.age == 1, per_source.c.status != WITHDRAWN)
        .order_by(per_source.c.loop_id, per_source.c.field, rank, per_source.c.id.desc())
    )
