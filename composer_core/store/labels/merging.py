"""Statements of another copy of the labels brought into a store: by whom and when they were made stays as it was.

Of each source the later statement goes on counting, whichever copy it comes from: what the
store has already, or what its source has said anew since, is not written again. Decisions of
people become actions, so that their progress, the queue and undo know them.

Labels of loops that were replaced are said again of the loops in their place (`carry`), what people said as drafts.
Such a draft belongs to no action of its rater, so that nobody's undo takes it back and nobody's progress counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from composer_core.errors import InvalidValue, require_choice
from composer_core.store.labels import queries as sql
from composer_core.store.labels.records import Entry, Merged, Statement
from composer_core.store.labels.schema import EVENTS
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import HUMAN, IMPORT, SETTLED, WITHDRAWN, LabelEvent

HUMAN_STATUSES = ("approved", "rejected", "draft", SETTLED)
"""What a person can have decided of a field."""
_ONE_DECISION = timedelta(seconds=2)
"""The fields of one decision are stored within milliseconds; the next decision on the loop takes longer."""
_DECIDED = ("approved", "draft", SETTLED)
_Opinion = tuple[str, str, str]
"""A loop's id, a field and a source."""


def check_statement(statement: Statement) -> None:
    """InvalidValue for a source, status, field or confidence that no event may have."""
    kind, _, name = statement.source.partition(":")
    if kind == HUMAN:
        sql.human_source(name)
        require_choice("status", statement.entry.status, HUMAN_STATUSES)
    else:
        sql.check_source(statement.source)
        require_choice("status", statement.entry.status, ("suggested",))
    if not statement.source.isprintable():
        raise InvalidValue("bad_format", name="source", value=statement.source, expected="a printable name")
    sql.event_row(statement.entry, statement.source, statement.note, None, None)


def merge(store: LabelStore, statements: Sequence[Statement]) -> Merged:
    """Append, in one transaction, the statements that are news, in their order.

    News is what its source has not said, or said otherwise at an earlier time; a statement
    without a time is news where it differs from the last of its source.
    """
    for statement in statements:
        check_statement(statement)
    with store.transaction(writes=True) as connection:
        newest, people = _known(connection, statements)
        fresh: list[dict[str, Any]] = []
        edited = []
        for number, statement in enumerate(statements):
            row = sql.event_row(statement.entry, statement.source, statement.note, None, None)
            row["created_at"] = statement.said_at or row["created_at"]
            known = newest.get(_opinion(row))
            if _is_news(row, known, bool(statement.said_at)):
                fresh.append(row)
                newest[_opinion(row)] = row
            elif statement.said_at and known is not None and _contradicts(row, known):
                edited.append(number)
        _act(connection, fresh)
        sql.append(connection, fresh)
    behind = sum(sql.place_of(row) in people for row in fresh if not _is_human(row))
    return Merged(len(fresh), len(statements) - len(fresh) - len(edited), behind, tuple(edited))


def _opinion(row: dict[str, Any]) -> _Opinion:
    return row["loop_id"], row["field"], row["source"]


def _is_human(row: dict[str, Any]) -> bool:
    return str(row["source"]).startswith(f"{HUMAN}:")


def _is_news(row: dict[str, Any], known: dict[str, Any] | None, timed: bool) -> bool:
    if known is None:
        return True
    return row["created_at"] > known["created_at"] if timed else sql.value_key(row) != sql.value_key(known)


def _contradicts(row: dict[str, Any], known: dict[str, Any]) -> bool:
    return row["created_at"] == known["created_at"] and sql.value_key(row) != sql.value_key(known)


def _known(
    connection: Connection, statements: Sequence[Statement]
) -> tuple[dict[_Opinion, dict[str, Any]], set[sql.Place]]:
    """The newest event of each source that is spoken for, and the places a person has labelled."""
    sources = {statement.source for statement in statements}
    newest: dict[_Opinion, dict[str, Any]] = {}
    people: dict[_Opinion, bool] = {}
    for group in sql.in_groups(statement.entry.loop_id for statement in statements):
        query = select(EVENTS).where(EVENTS.c.loop_id.in_(group)).order_by(EVENTS.c.id)
        for event in connection.execute(query):
            row = dict(event._mapping)
            if event.source in sources:
                newest[_opinion(row)] = row
            if _is_human(row):
                people[_opinion(row)] = event.status != WITHDRAWN
    return newest, {(loop_id, name) for (loop_id, name, _), stands in people.items() if stands}


def _act(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Give the rows of people the actions they were part of."""
    groups: dict[tuple[str, str], list[list[dict[str, Any]]]] = {}
    for row in rows:
        if _is_human(row):
            decisions = groups.setdefault((row["source"], row["loop_id"]), [])
            if not decisions or _apart(decisions[-1][-1], row):
                decisions.append([])
            decisions[-1].append(row)
    made = [decision for decisions in groups.values() for decision in decisions]
    for decision in sorted(made, key=lambda rows: str(rows[0]["created_at"])):
        first = decision[0]
        rater = first["source"].partition(":")[2]
        action = sql.act(connection, rater, _kind(decision), first["loop_id"], created_at=first["created_at"])
        for row in decision:
            row["action_id"] = action


def _apart(first: dict[str, Any], second: dict[str, Any]) -> bool:
    moments = [datetime.fromisoformat(row["created_at"]) for row in (first, second)]
    return abs(moments[1] - moments[0]) > _ONE_DECISION


def _kind(rows: Sequence[dict[str, Any]]) -> str:
    """approve, draft or reject: a cleared field of an approval is stored as rejected."""
    found = {row["status"] for row in rows}
    settled = any(row["status"] == SETTLED and row["value"] != "null" for row in rows)
    if "approved" in found or settled:
        return "approve"
    return "draft" if "draft" in found else "reject"


@dataclass(frozen=True, slots=True)
class Carried:
    """What is to be said of new loops, and the decisions that are left behind because a draft cannot say them:
    rejections, and settlements that none of the votes is right."""

    statements: tuple[Statement, ...]
    left: tuple[LabelEvent, ...]


def carried(events: Iterable[LabelEvent], loop_id: str) -> Carried:
    """What stands of a replaced loop, as statements about `loop_id`.

    What people approved, drafted or settled becomes their draft; what data sets say stays what they say. Suggestions of
    models and rules are left out: they are made anew from the new notes.
    """
    statements, left = [], []
    for event in events:
        if event.kind == HUMAN and event.status in _DECIDED and event.value is not None:
            entry = Entry(loop_id, event.field, event.value, "draft")
            statements.append(Statement(entry, event.source, event.note))
        elif event.kind == HUMAN:
            left.append(event)
        elif event.kind == IMPORT:
            entry = Entry(loop_id, event.field, event.value, event.status, event.confidence)
            statements.append(Statement(entry, event.source, event.note))
    return Carried(tuple(statements), tuple(left))


def carry(store: LabelStore, statements: Sequence[Statement]) -> int:
    """Append, in one transaction, what no event of the same source says of the loop and field yet; how many."""
    by_loop: dict[str, list[Statement]] = {}
    for one in statements:
        by_loop.setdefault(one.entry.loop_id, []).append(one)
    written = 0
    with store.transaction(writes=True) as connection:
        for group in sql.in_groups(by_loop):
            columns = (EVENTS.c.loop_id, EVENTS.c.field, EVENTS.c.source)
            query = select(*columns).where(EVENTS.c.loop_id.in_(group)).distinct()
            known = {(row[0], row[1], row[2]) for row in connection.execute(query)}
            rows = []
            for one in (statement for loop_id in group for statement in by_loop[loop_id]):
                place = (one.entry.loop_id, one.entry.field, one.source)
                if place not in known:
                    known.add(place)
                    rows.append(sql.event_row(one.entry, one.source, one.note, None, None))
            written += len(sql.append(connection, rows))
    return written
