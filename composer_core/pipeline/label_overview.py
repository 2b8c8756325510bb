"""What the desk asks of all labels again and again, kept in memory and brought up to date by the loops that changed.

Statuses, confidences and differences of opinion come from every event there is; at a hundred
thousand loops reading them anew takes longer than a rater waits. So each is read once a process,
and then only for loops with a newer event. Other processes' events are seen as well, and a restored backup begins anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from composer_core.pipeline.label_difference import against_model, difference
from composer_core.store.label_projection import loops_changed_since
from composer_core.store.label_view import HUMAN, MODEL, RULE, LabelEvent, current_label, loop_status
from composer_core.store.labels import LabelStore

_MOST_CHANGED = 5000
"""With more loops than this changed, reading all anew is as fast."""
_LOOPS_A_QUERY = 500
_MOST_STATES = 24
"""So many things are kept, of whatever workspaces; then all is read anew."""
Fields = Mapping[str, Sequence[LabelEvent]]
"""Field -> the newest event of every source that still has an opinion, the one that counts first."""
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Opinions:
    """How far the sources of a loop differ: most on `field`, by `amount` (0 to 1); and the people's label that a
    model contradicts most surely, as (difference, field, the model's event, all events of the field)."""

    amount: float
    field: str
    against: tuple[float, str, LabelEvent, tuple[LabelEvent, ...]] | None


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Value]):
    """One thing to know of loops: of all at once, and of one by its standing events (None: nothing to know)."""

    of_all: Callable[[LabelStore], dict[str, Value]]
    of_loop: Callable[[Fields], Value | None]


@dataclass(frozen=True, slots=True)
class _State:
    """What is known up to an event, which is named by its id, loop and time."""

    newest: tuple[int, str, str]
    values: dict[str, Any]


_states: dict[tuple[str, str], _State] = {}
_lock = threading.Lock()


def statuses(store: LabelStore) -> Mapping[str, str]:
    """Loop -> status, of the loops on which a person has an opinion."""
    return _known(store, "statuses", _Kind(_all_statuses, _status))


def lowest_confidence(store: LabelStore) -> Mapping[str, tuple[float, str]]:
    """As `LabelStore.suggested_confidence`: loop -> (lowest confidence of a suggestion, its field)."""
    return _known(store, "confidence", _Kind(lambda s: s.suggested_confidence(), _lowest))


def opinions(store: LabelStore) -> Mapping[str, Opinions]:
    """Loop -> how its sources differ, of the loops where two or more have spoken of one field and do not agree."""
    return _known(store, "opinions", _Kind(_all_opinions, _opinions))


def _known(store: LabelStore, name: str, kind: _Kind[Value]) -> Mapping[str, Value]:
    key = (store.place, name)
    with _lock:
        state, newest = _states.get(key), store.newest()
        if state is None or not store.holds(state.newest):
            state = None
        elif state.newest == newest:
            return state.values
        changed = [] if state is None else loops_changed_since(store, state.newest[0], _MOST_CHANGED + 1)
        if state is None or len(changed) > _MOST_CHANGED:
            values: dict[str, Any] = kind.of_all(store)
        else:
            # A new dictionary, for somebody may be reading the one from before.
            values = dict(state.values)
            for loop_id, value in _of_loops(store, changed, kind):
                values.pop(loop_id, None)
                if value is not None:
                    values[loop_id] = value
        # What came while this was read is read again the next time.
        if len(_states) >= _MOST_STATES:
            _states.clear()
        _states[key] = _State(newest, values)
        return values


def _of_loops(store: LabelStore, loop_ids: Sequence[str], kind: _Kind[Value]) -> Iterator[tuple[str, Value | None]]:
    for start in range(0, len(loop_ids), _LOOPS_A_QUERY):
        some = loop_ids[start : start + _LOOPS_A_QUERY]
        standing = store.standing(some)
        yield from ((loop_id, kind.of_loop(standing.get(loop_id, {}))) for loop_id in some)


def _all_statuses(store: LabelStore) -> dict[str, str]:
    return {loop_id: status for loop_id, fields in store.standing_of_people() if (status := _status(fields))}


def _status(fields: Fields) -> str | None:
    """By people's events alone: whatever machines say counts less, and is the last of all statuses."""
    people = {name: [event for event in events if event.kind == HUMAN] for name, events in fields.items()}
    labels = {name: current_label(events) for name, events in people.items() if events}
    return loop_status(labels) if labels else None


def _lowest(fields: Fields) -> tuple[float, str] | None:
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
    return (0.0, "") if spoken else None


def _all_opinions(store: LabelStore) -> dict[str, Opinions]:
    return {loop_id: made for loop_id, fields in store.standing_of_several() if (made := _opinions(fields))}


def _opinions(fields: Fields) -> Opinions | None:
    shared = {name: events for name, events in fields.items() if len(events) > 1}
    if not shared:
        return None
    amount, field = max((difference(events), name) for name, events in shared.items())
    worst = [
        (size, name, model, tuple(events)) for name, events in shared.items() for size, model in against_model(events)
    ]
    against = max(worst, key=lambda one: ((one[2].confidence or 0.0) * one[0], one[1])) if worst else None
    return Opinions(amount, field, against) if amount > 0 or against is not None else None
