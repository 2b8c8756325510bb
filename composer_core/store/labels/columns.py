"""Compute the current labels of every loop as columns, on arrays: millions of events in seconds.

The answer is the same as that of `projection.labels_of`, which replays the events of some loops one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import func, select

from composer_core.store.labels.arrays import Events, Index, code_of, read_events, standing_rows, winners
from composer_core.store.labels.projection import (
    GENRES_COLUMN,
    LABEL_PREFIX,
    LABEL_SCHEMA,
    NOTE_COLUMN,
    NUMBERS,
    SETS,
    STATUS_COLUMN,
    genre_codes,
    loops_changed_since,
)
from composer_core.store.labels.schema import EVENTS
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import ANNOTATED, IMPORT, LOOP_STATUS_ORDER, OF_SCORES, SETTLED

_MOST_CHANGED = 4
"""Where more than every so manieth loop changed, reading all events in their order is faster than by loop."""


def all_labels(store: LabelStore, told: Callable[[float], None] | None = None) -> pa.Table:
    """LABEL_SCHEMA rows of every labelled loop, in no order; `told` is called with the share that is read, 0 to 1."""
    return _columns_of(store, read_events(store, told))


def labels_since(store: LabelStore, event_id: int, n_loops: int) -> pa.Table:
    """LABEL_SCHEMA rows of the loops with an event later than `event_id`, nulls for one that has no label any more.

    `n_loops` is how many the library has.
    """
    changed = pa.array(loops_changed_since(store, event_id, None), pa.string())
    few = len(changed) * _MOST_CHANGED < n_loops
    labels = _columns_of(store, read_events(store, loop_ids=changed.to_pylist() if few else None))
    if not few:
        labels = labels.filter(pc.is_in(labels.column("loop_id"), value_set=changed))
    bare = changed.filter(pc.invert(pc.is_in(changed, value_set=labels.column("loop_id").combine_chunks())))
    return pa.concat_tables([labels, pa.table({"loop_id": bare})], promote_options="default")


def _columns_of(store: LabelStore, events: Events | None) -> pa.Table:
    if events is None:
        return LABEL_SCHEMA.empty_table()
    rows, is_disputed = winners(events, standing_rows(events))
    columns: dict[str, Any] = {
        "loop_id": pa.array(events.names["loop_id"], pa.string()),
        STATUS_COLUMN: _statuses(events, rows, is_disputed),
        NOTE_COLUMN: _notes(store, events, rows),
    }
    fields = {name: code for code, name in enumerate(events.names["field"])}
    said = rows[events.code["status"][rows] != code_of(events, "status", "rejected")]
    for name in LABEL_SCHEMA.names[len(columns) :]:
        field = "genre" if name == GENRES_COLUMN else name.removeprefix(LABEL_PREFIX)
        of_field = said[events.code["field"][said] == fields.get(field, -1)]
        columns[name] = _column(events, of_field, name, LABEL_SCHEMA.field(name).type)
    labelled = np.zeros(len(events.names["loop_id"]), np.bool_)
    labelled[events.code["loop_id"][rows]] = True
    return pa.table(columns, schema=LABEL_SCHEMA).filter(pa.array(labelled))


def _statuses(events: Events, rows: Index, is_disputed: NDArray[np.bool_]) -> pa.Array:
    """One status a loop: the first of LOOP_STATUS_ORDER any of its fields has; null without a label."""
    counts = ~np.isin(events.code["field"][rows], [code_of(events, "field", name) for name in OF_SCORES])
    rows, is_disputed = rows[counts], is_disputed[counts]
    orders = {name: order for order, name in enumerate(LOOP_STATUS_ORDER)}
    of_status = np.array([orders.get(name, len(orders)) for name in events.names["status"]])
    order = of_status[events.code["status"][rows]]
    imported = np.array([name.partition(":")[0] == IMPORT for name in events.names["source"]])
    order = np.where((order == orders["suggested"]) & imported[events.code["source"][rows]], orders[ANNOTATED], order)
    settled = np.flatnonzero(events.code["status"][rows] == code_of(events, "status", SETTLED))
    values = events.value.take(pa.array(rows[settled])).to_pylist()
    order[settled] = [orders["rejected" if value == "null" else "approved"] for value in values]
    order = np.where(is_disputed, orders["disputed"], order)
    first = np.full(len(events.names["loop_id"]), len(orders))
    np.minimum.at(first, events.code["loop_id"][rows], order)
    index = pa.array(np.minimum(first, len(orders) - 1), mask=first == len(orders))
    return pa.array(LOOP_STATUS_ORDER, pa.string()).take(index)


def _notes(store: LabelStore, events: Events, rows: Index) -> pa.Array:
    """The different notes of a loop's labels, a line each."""
    found: list[dict[str, None] | None] = [None] * len(events.names["loop_id"])
    noted = rows[events.has_note[rows]]
    noted = noted[np.argsort(np.array(events.texts("field", noted)), kind="stable")]
    for row, note in zip(noted, _note_texts(store, events.id[noted]), strict=True):
        loop = int(events.code["loop_id"][row])
        found[loop] = (found[loop] or {}) | {note: None}
    return pa.array(["\n".join(notes) if notes else None for notes in found], pa.string())


def _note_texts(store: LabelStore, ids: Index) -> list[str]:
    wanted = {int(one): "" for one in ids}
    if wanted:
        query = select(EVENTS.c.id, EVENTS.c.note).where(func.length(EVENTS.c.note) > 0)
        wanted |= {row.id: row.note for row in store.stream(query) if row.id in wanted}
    return [wanted[int(one)] for one in ids]


def _column(events: Events, rows: Index, name: str, kind: pa.DataType) -> pa.Array:
    """The values of one field by loop; null where a loop has none."""
    place = np.full(len(events.names["loop_id"]), -1, np.int64)
    place[events.code["loop_id"][rows]] = np.arange(len(rows))
    values = events.value.take(pa.array(rows)).dictionary_encode()
    known = [_decoded(name, json.loads(text)) for text in values.dictionary.to_pylist()]
    decoded = pa.array(known, kind).take(values.indices)
    return decoded.take(pa.array(np.maximum(place, 0), mask=place < 0)) if len(rows) else pa.nulls(len(place), kind)


def _decoded(name: str, value: Any) -> Any:
    """A label's value as its column holds it."""
    if value is None:
        return None
    if name == GENRES_COLUMN:
        return genre_codes(value)
    if name == LABEL_PREFIX + "genre":
        return next(iter(genre_codes(value)), None)
    if name.removeprefix(LABEL_PREFIX) in NUMBERS:
        return float(value)
    return [str(code) for code in value] if name.removeprefix(LABEL_PREFIX) in SETS else str(value)
