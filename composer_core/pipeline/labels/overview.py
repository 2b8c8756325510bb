"""Facts about all labels that the desk needs often, kept in memory and updated for the loops that changed.

Statuses, confidences and differences of opinion are computed from all events; with a hundred
thousand loops reading them all takes seconds. So they are read once per process, and later only
for loops with newer events. Events of other processes are noticed too, and after a restored
backup everything is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from composer_core.pipeline.labels.difference import against_model, difference
from composer_core.store.labels.arrays import lowest_confidence, of_several, read_events
from composer_core.store.labels.projection import loops_changed_since
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import (
    HUMAN,
    MODEL,
    RULE,
    SETTLED,
    LabelEvent,
    current_label,
    loop_status,
    votes_of,
)

_MOST_CHANGED = 5000
"""When more loops than this have changed, reading everything is just as fast."""
_LOOPS_A_QUERY = 500
_MOST_STATES = 24
"""The most entries that are kept, over all workspaces; when there are more, all are dropped and read again."""
Fields = Mapping[str, Sequence[LabelEvent]]
"""For each field the newest event of every source that still has an opinion; the event that counts comes first."""
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class People:
    """The opinions of people on a loop, from their events alone, because machines count less.

    `approved` names the fields with a value that a person approved. `shared` holds the standing events of the fields
    on which two or more people have voted: only on these can they agree or differ. `status` is "" where all they
    say is how the loop is to be scored.
    """

    status: str
    approved: frozenset[str]
    shared: Mapping[str, Sequence[LabelEvent]]


@dataclass(frozen=True, slots=True)
class ModelDisagreement:
    """A label of a person or an import that a model contradicts.

    `amount` is how far they differ, 0 to 1. `model_event` and `confidence` are the model's. `votes` holds the raters'
    votes on the field as (rater, status, event); `settled` is True when a settlement decided the field.
    """

    field: str
    amount: float
    model_event: int
    confidence: float | None
    votes: tuple[tuple[str, str, int], ...]
    settled: bool


@dataclass(frozen=True, slots=True)
class Opinions:
    """How far the sources of a loop differ.

    They differ most on `field`, by `amount` (0 to 1). `against` is the label that a model contradicts most surely.
    """

    amount: float
    field: str
    against: ModelDisagreement | None


@dataclass(frozen=True, slots=True)
class SourceStatements:
    """The suggestions of machines for a loop, and how far all its sources differ.

    Of the newest suggestions of all fields, `confidence` is the lowest and `field` is its field. They are 0 and ""
    when no suggestion has a confidence, None and "" when the loop has no suggestion. `opinions` is None when no
    source contradicts another.
    """

    confidence: float | None
    field: str
    opinions: Opinions | None


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Value]):
    """One kind of fact about loops, computed for all loops at once or for one from its standing events.

    `of_loop` returns None when there is nothing to say about the loop.
    """

    of_all: Callable[[LabelStore], dict[str, Value]]
    of_loop: Callable[[Fields], Value | None]


@dataclass(frozen=True, slots=True)
class _State:
    """The values known up to an event, which is identified by its id, loop and time."""

    newest: tuple[int, str, str]
    values: dict[str, Any]


_states: dict[tuple[str, str], _State] = {}
_acts: dict[tuple[str, str], tuple[tuple[Any, ...], dict[int, tuple[str, str]]]] = {}
"""By place and rater: the last action, and the answer of `acts` at that action."""
_MOST_RATERS = 200
_lock = threading.Lock()


def people(store: LabelStore) -> Mapping[str, People]:
    """The opinions of people, by loop; only loops on which a person has one."""
    return _known(store, "people", _Kind(_of_all_people, _of_people))


def statuses(store: LabelStore) -> Mapping[str, str]:
    """The status of each loop on whose music a person has an opinion."""
    return {loop_id: one.status for loop_id, one in people(store).items() if one.status}


def source_statements(store: LabelStore) -> Mapping[str, SourceStatements]:
    """The statements of the sources, by loop; only loops with a suggestion, or whose sources differ."""
    return _known(store, "source_statements", _Kind(_all_statements, _statements))


def acts(store: LabelStore, rater: str) -> Mapping[int, tuple[str, str]]:
    """The rater's actions that still stand, oldest first: id -> (kind, loop)."""
    key = (store.place, rater)
    with _lock:
        last, standing = _acts.get(key, ((0,), {}))
        rows = store.acts_from(rater, last[0])
        if last[0] and (not rows or rows[0] != last):
            # The last known action is gone, so a backup was restored meanwhile: read all actions again.
            rows, standing = store.acts_from(rater), {}
        standing = dict(standing)
        for number, kind, loop_id, undone in rows:
            if kind == "undo":
                standing.pop(undone or 0, None)
            else:
                standing[number] = (kind, loop_id)
        if rows:
            if len(_acts) >= _MOST_RATERS:
                _acts.clear()
            _acts[key] = (rows[-1], standing)
        return standing


def _known(store: LabelStore, name: str, kind: _Kind[Value]) -> Mapping[str, Value]:
    key = (store.place, name)
    with _lock:
        state, newest = _states.get(key), store.newest()
        if state is None or not store.has_event(state.newest):
            state = None
        elif state.newest == newest:
            return state.values
        changed = [] if state is None else loops_changed_since(store, state.newest[0], _MOST_CHANGED + 1)
        if state is None or len(changed) > _MOST_CHANGED:
            values: dict[str, Any] = kind.of_all(store)
        else:
            # Update a copy, because another thread may be reading the earlier dictionary.
            values = dict(state.values)
            for loop_id, value in _of_loops(store, changed, kind):
                values.pop(loop_id, None)
                if value is not None:
                    values[loop_id] = value
        # `newest` was taken before reading: events that arrived meanwhile are read again the next time.
        if len(_states) >= _MOST_STATES:
            _states.clear()
        _states[key] = _State(newest, values)
        return values


def _of_loops(store: LabelStore, loop_ids: Sequence[str], kind: _Kind[Value]) -> Iterator[tuple[str, Value | None]]:
    for start in range(0, len(loop_ids), _LOOPS_A_QUERY):
        some = loop_ids[start : start + _LOOPS_A_QUERY]
        standing = store.standing(some)
        yield from ((loop_id, kind.of_loop(standing.get(loop_id, {}))) for loop_id in some)


def _of_all_people(store: LabelStore) -> dict[str, People]:
    return {loop_id: made for loop_id, fields in store.standing_of_people() if (made := _of_people(fields))}


def _of_people(fields: Fields) -> People | None:
    spoken = {name: [event for event in events if event.kind == HUMAN] for name, events in fields.items()}
    labels = {name: current_label(events) for name, events in spoken.items() if events}
    if not labels:
        return None
    approved = frozenset(name for name, label in labels.items() if label.status == "approved")
    shared = {name: events for name, events in spoken.items() if len({event.source for event in events}) > 1}
    return People(loop_status(labels), approved, shared)


def _all_statements(store: LabelStore) -> dict[str, SourceStatements]:
    events = read_events(store)
    if events is None:
        return {}
    differ = {loop_id: made for loop_id, fields in of_several(events, differing=True) if (made := _opinions(fields))}
    lowest = lowest_confidence(events)
    alone = {loop_id: SourceStatements(*lowest[loop_id], differ.get(loop_id)) for loop_id in lowest}
    return alone | {
        loop_id: SourceStatements(None, "", made) for loop_id, made in differ.items() if loop_id not in lowest
    }


def _statements(fields: Fields) -> SourceStatements | None:
    sure, field = _lowest(fields)
    opinions = _opinions(fields)
    return None if sure is None and opinions is None else SourceStatements(sure, field, opinions)


def _lowest(fields: Fields) -> tuple[float | None, str]:
    """The same as `arrays.lowest_confidence`, for one loop."""
    found: list[tuple[float, str]] = []
    spoken = False
    for name in sorted(fields):
        machines = [event for event in fields[name] if event.kind in (MODEL, RULE)]
        if machines:
            spoken = True
            newest = max(machines, key=lambda event: event.id)
            found += [] if newest.confidence is None else [(newest.confidence, name)]
    if found:
        return min(found, key=lambda one: one[0])
    return (0.0 if spoken else None), ""


def _opinions(fields: Fields) -> Opinions | None:
    shared = {name: events for name, events in fields.items() if len(events) > 1}
    if not shared:
        return None
    amount, field = max((difference(events), name) for name, events in shared.items())
    against = [
        _model_disagreement(size, model, events) for events in shared.values() for size, model in against_model(events)
    ]
    worst = max(against, key=lambda one: ((one.confidence or 0.0) * one.amount, one.field), default=None)
    return Opinions(amount, field, worst) if amount > 0 or worst is not None else None


def _model_disagreement(amount: float, model: LabelEvent, events: Sequence[LabelEvent]) -> ModelDisagreement:
    votes = tuple((vote.author, vote.status, vote.id) for vote in votes_of(events))
    settled = any(event.status == SETTLED for event in events)
    return ModelDisagreement(model.field, amount, model.id, model.confidence, votes, settled)
