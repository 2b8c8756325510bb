"""Current labels of every loop as columns, worked out on arrays: millions of events in seconds.

The same answer as `label_projection.labels_of`, which replays the events of some loops one by one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv
from sqlalchemy import Integer, String, cast, func, select

from composer_core.errors import StoreError
from composer_core.store.label_projection import (
    GENRES_COLUMN,
    LABEL_PREFIX,
    LABEL_SCHEMA,
    NOTE_COLUMN,
    NUMBERS,
    SETS,
    STATUS_COLUMN,
    genre_codes,
)
from composer_core.store.label_schema import EVENTS
from composer_core.store.label_view import (
    APPROVED_RANK,
    HUMAN,
    KIND_RANK,
    LOOP_STATUS_ORDER,
    SETTLED,
    SETTLED_RANK,
    WITHDRAWN,
    LabelEvent,
    disputed,
)
from composer_core.store.labels import LabelStore

_EVENTS_A_PIECE = 50_000
_PIECES_AHEAD = 4
_SEPARATOR, _NEXT = "\x1f", "\n"
"""Neither occurs in JSON, nor in ids and codes of ours; the name of a source is rid of them."""
_CODED = ("loop_id", "field", "source", "status")
Index = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """All events by id; `code` holds an index into `names` for each of _CODED, `has_note` whether there is one."""

    id: Index
    code: dict[str, Codes]
    names: dict[str, list[str]]
    value: pa.Array
    has_note: NDArray[np.bool_]

    def texts(self, column: str, rows: Index) -> list[str]:
        """What stands in a column at these rows, in their order."""
        return [self.names[column][code] for code in self.code[column][rows]]


def all_labels(store: LabelStore) -> pa.Table:
    """LABEL_SCHEMA rows of every labelled loop, in no order."""
    pieces = list(_pieces(store))
    if not pieces:
        return LABEL_SCHEMA.empty_table()
    events = _coded(pa.concat_tables(pieces))
    pieces.clear()
    winners, is_disputed = _winners(events, _standing(events))
    columns: dict[str, Any] = {
        "loop_id": pa.array(events.names["loop_id"], pa.string()),
        STATUS_COLUMN: _statuses(events, winners, is_disputed),
        NOTE_COLUMN: _notes(store, events, winners),
    }
    fields = {name: code for code, name in enumerate(events.names["field"])}
    said = winners[events.code["status"][winners] != _code(events, "status", "rejected")]
    for name in LABEL_SCHEMA.names[len(columns) :]:
        field = "genre" if name == GENRES_COLUMN else name.removeprefix(LABEL_PREFIX)
        rows = said[events.code["field"][said] == fields.get(field, -1)]
        columns[name] = _column(events, rows, name, LABEL_SCHEMA.field(name).type)
    table = pa.table(columns, schema=LABEL_SCHEMA)
    return table.filter(pc.is_valid(table.column(STATUS_COLUMN)))


def _pieces(store: LabelStore) -> Iterator[pa.Table]:
    """The events, a piece of them joined to one text by the database: far fewer objects than a row each."""
    source = func.replace(func.replace(EVENTS.c.source, _SEPARATOR, " "), _NEXT, " ")
    has_note = cast(cast(func.length(EVENTS.c.note) > 0, Integer), String)
    line: Any = cast(EVENTS.c.id, String)
    for column in (EVENTS.c.loop_id, EVENTS.c.field, source, EVENTS.c.status, has_note, EVENTS.c.value):
        line = line + _SEPARATOR + column
    joined = select(func.aggregate_strings(line, _NEXT))
    with store.transaction() as connection, ThreadPoolExecutor(1) as reader:
        first, last = connection.execute(select(func.min(EVENTS.c.id), func.max(EVENTS.c.id))).one()
        waiting: deque[Future[pa.Table]] = deque()
        for start in range(first or 0, (last or -1) + 1, _EVENTS_A_PIECE):
            piece = joined.where(EVENTS.c.id.between(start, start + _EVENTS_A_PIECE - 1))
            text = connection.execute(piece).scalar()
            if text:
                waiting.append(reader.submit(_parsed, text, store.place))
            if len(waiting) > _PIECES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _parsed(text: str, place: str) -> pa.Table:
    names = ["id", *_CODED, "has_note", "value"]
    kinds = {"id": pa.int64(), "has_note": pa.int8(), "value": pa.string()}
    kinds |= {name: pa.dictionary(pa.int32(), pa.string()) for name in _CODED}
    try:
        return csv.read_csv(
            pa.BufferReader(text.encode()),
            read_options=csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=csv.ParseOptions(delimiter=_SEPARATOR, quote_char=False, escape_char=False),
            convert_options=csv.ConvertOptions(column_types=kinds, strings_can_be_null=False),
        )
    except pa.ArrowException as error:
        raise StoreError("damaged_store", path=place, reason=str(error)) from error


def _coded(table: pa.Table) -> _Events:
    ids = table.column("id").to_numpy()
    if len(ids) > 1 and not (np.diff(ids) > 0).all():
        order = np.argsort(ids)
        table, ids = table.take(pa.array(order)), ids[order]
    code, names = {}, {}
    for name in _CODED:
        whole = table.column(name).unify_dictionaries().combine_chunks()
        code[name] = whole.indices.to_numpy()
        names[name] = whole.dictionary.to_pylist()
    has_note = table.column("has_note").to_numpy() > 0
    return _Events(ids, code, names, table.column("value").combine_chunks(), has_note)


def _code(events: _Events, column: str, name: str) -> int:
    names = events.names[column]
    return names.index(name) if name in names else -1


def _pair(events: _Events, rows: Index) -> Index:
    """A number for the loop and field of each row."""
    loop = events.code["loop_id"][rows].astype(np.int64)
    return loop * len(events.names["field"]) + events.code["field"][rows]


def _standing(events: _Events) -> Index:
    """Rows of the newest event of each source of a loop and field that is not withdrawn, pairs side by side."""
    rows = np.arange(len(events.id))
    key = _pair(events, rows) * len(events.names["source"]) + events.code["source"]
    order = np.argsort(key, kind="stable")
    key = key[order]
    newest = order[np.append(key[1:] != key[:-1], True)]
    return newest[events.code["status"][newest] != _code(events, "status", WITHDRAWN)]


def _winners(events: _Events, standing: Index) -> tuple[Index, NDArray[np.bool_]]:
    """The event that counts of every loop and field, and whether raters dispute it."""
    pair = _pair(events, standing)
    several = np.zeros(len(pair), np.bool_)
    several[1:] = pair[1:] == pair[:-1]
    several[:-1] |= several[1:]
    alone, rivals = standing[~several], standing[several]
    rank = _rank(events, rivals)
    rivals = rivals[np.lexsort((-events.id[rivals], rank, _pair(events, rivals)))]
    if not len(rivals):
        return alone, np.zeros(len(alone), np.bool_)
    pair = _pair(events, rivals)
    starts = np.flatnonzero(np.append(True, pair[1:] != pair[:-1]))
    fights = np.zeros(len(starts), np.bool_)
    decided = np.add.reduceat(_is_decided(events, rivals).astype(np.int64), starts)
    ends = np.append(starts[1:], len(rivals))
    for group in np.flatnonzero(decided > 1):
        fights[group] = disputed(_replayed(events, rivals[starts[group] : ends[group]]))
    return np.concatenate((alone, rivals[starts])), np.concatenate((np.zeros(len(alone), np.bool_), fights))


def _rank(events: _Events, rows: Index) -> Index:
    """Precedence of each event, 0 wins: as LabelEvent.rank."""
    of_source = np.array([KIND_RANK.get(name.partition(":")[0], len(KIND_RANK) + 1) for name in events.names["source"]])
    rank = of_source[events.code["source"][rows]]
    status, human = events.code["status"][rows], rank == KIND_RANK[HUMAN]
    rank = np.where(human & (status == _code(events, "status", "approved")), APPROVED_RANK, rank)
    return np.where(human & (status == _code(events, "status", SETTLED)), SETTLED_RANK, rank)


def _is_decided(events: _Events, rows: Index) -> NDArray[np.bool_]:
    human = np.array([name.partition(":")[0] == HUMAN for name in events.names["source"]])
    decided = [_code(events, "status", name) for name in ("approved", "rejected", SETTLED)]
    return human[events.code["source"][rows]] & np.isin(events.code["status"][rows], decided)


def _replayed(events: _Events, rows: Index) -> list[LabelEvent]:
    """The events themselves, without what no dispute depends on."""
    texts = [events.texts(name, rows) for name in _CODED]
    values = events.value.take(pa.array(rows)).to_pylist()
    return [
        LabelEvent(int(events.id[row]), loop_id, field, json.loads(value), source, None, "", "", None, status)
        for row, value, loop_id, field, source, status in zip(rows, values, *texts, strict=True)
    ]


def _statuses(events: _Events, winners: Index, is_disputed: NDArray[np.bool_]) -> pa.Array:
    """One status a loop: the first of LOOP_STATUS_ORDER any of its fields has; null without a label."""
    orders = {name: order for order, name in enumerate(LOOP_STATUS_ORDER)}
    of_status = np.array([orders.get(name, len(orders)) for name in events.names["status"]])
    order = of_status[events.code["status"][winners]]
    settled = np.flatnonzero(events.code["status"][winners] == _code(events, "status", SETTLED))
    values = events.value.take(pa.array(winners[settled])).to_pylist()
    order[settled] = [orders["rejected" if value == "null" else "approved"] for value in values]
    order = np.where(is_disputed, orders["disputed"], order)
    first = np.full(len(events.names["loop_id"]), len(orders))
    np.minimum.at(first, events.code["loop_id"][winners], order)
    index = pa.array(np.minimum(first, len(orders) - 1), mask=first == len(orders))
    return pa.array(LOOP_STATUS_ORDER, pa.string()).take(index)


def _notes(store: LabelStore, events: _Events, winners: Index) -> pa.Array:
    """The different notes of a loop's labels, a line each."""
    found: list[dict[str, None] | None] = [None] * len(events.names["loop_id"])
    noted = winners[events.has_note[winners]]
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


def _column(events: _Events, rows: Index, name: str, kind: pa.DataType) -> pa.Array:
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
