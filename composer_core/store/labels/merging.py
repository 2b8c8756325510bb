"""Statements of another copy of the labels brought into a store: by whom and when they were made stays as it was.

Of each source the later statement goes on counting, whichever copy it comes from: what the
store has already, or what its source has said anew since, is not written again. Decisions of
people become actions, so that their progress, the queue and undo know them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from composer_core.errors import InvalidValue, require_choice
from composer_core.store.labels import queries as sql
from composer_core.store.labels.records import Merged, Statement
from composer_core.store.labels.schema import EVENTS
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import HUMAN, SETTLED, WITHDRAWN

HUMAN_STATUSES = ("approved", "rejected", "draft", SETTLED)
"""What a person can have decided of a field."""
_ONE_DECISION = timedelta(seconds=2)
"""The fields of one decision are stored within milliseconds; the next decision on the loop takes longer."""
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
