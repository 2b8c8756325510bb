"""Label events as arrays: read and settle millions of them in seconds.

The current labels are computed as in `view`, but on numbers instead of one object per event.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from sqlalchemy import Integer, Select, String, cast, func, select

from composer_core.errors import StoreError
from composer_core.store.labels.schema import EVENTS
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import (
    APPROVED_RANK,
    HUMAN,
    KIND_RANK,
    MODEL,
    RULE,
    SETTLED,
    SETTLED_RANK,
    WITHDRAWN,
    LabelEvent,
    disputed,
)

_EVENTS_A_PIECE = 50_000
_PIECES_AHEAD = 4
_LOOPS_A_PIECE = 5_000
_SEPARATOR, _NEXT = "\x1f", "\n"
"""Neither occurs in JSON, nor in ids and codes of ours; the name of a source is rid of them."""
_CODED = ("loop_id", "field", "source", "status")
Index = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """All events by id; `code` holds an index into `names` for each of _CODED, `has_note` whether there is one,
    `confidence` (15 digits of it) is NaN where nobody gave one."""

    id: Index
    code: dict[str, Codes]
    names: dict[str, list[str]]
    value: pa.Array
    confidence: NDArray[np.float64]
    has_note: NDArray[np.bool_]

    def texts(self, column: str, rows: Index) -> list[str]:
        """What stands in a column at these rows, in their order."""
        return [self.names[column][code] for code in self.code[column][rows]]


def read_events(
    store: LabelStore, told: Callable[[float], None] | None = None, loop_ids: Sequence[str] | None = None
) -> Events | None:
    """All events of a store, or those of some loops; None when there is none. StoreError when they cannot be read.

    `told` is called with the share that is read, 0 to 1.
    """
    pieces = []
    with ThreadPoolExecutor(1) as reader:
        waiting: deque[Future[pa.Table]] = deque()
        for text, share in _texts(store) if loop_ids is None else _texts_of(store, loop_ids):
            if text:
                waiting.append(reader.submit(_parsed, text, store.place))
            if len(waiting) > _PIECES_AHEAD:
                pieces.append(waiting.popleft().result())
            if told is not None:
                told(share)
        pieces += [one.result() for one in waiting]
    return _coded(pa.concat_tables(pieces)) if pieces else None


def _joined() -> Select[Any]:
    """Events joined to one text by the database: far fewer objects than a row each."""
    source = func.replace(func.replace(EVENTS.c.source, _SEPARATOR, " "), _NEXT, " ")
    has_note = cast(cast(func.length(EVENTS.c.note) > 0, Integer), String)
    line: Any = cast(EVENTS.c.id, String)
    confidence = func.coalesce(cast(EVENTS.c.confidence, String), "")
    for column in (EVENTS.c.loop_id, EVENTS.c.field, source, EVENTS.c.status, has_note, confidence, EVENTS.c.value):
        line = line + _SEPARATOR + column
    return select(func.aggregate_strings(line, _NEXT))


def _texts(store: LabelStore) -> Iterator[tuple[str | None, float]]:
    """All events, a piece of them a text, with the share that is read then."""
    with store.transaction() as connection:
        first, last = connection.execute(select(func.min(EVENTS.c.id), func.max(EVENTS.c.id))).one()
        for start in range(first or 0, (last or -1) + 1, _EVENTS_A_PIECE):
            end = start + _EVENTS_A_PIECE - 1
            piece = _joined().where(EVENTS.c.id.between(start, end))
            yield connection.execute(piece).scalar(), min(1.0, (end - first + 1) / (last - first + 1))


def _texts_of(store: LabelStore, loop_ids: Sequence[str]) -> Iterator[tuple[str | None, float]]:
    """The events of some loops likewise."""
    with store.transaction() as connection:
        for start in range(0, len(loop_ids), _LOOPS_A_PIECE):
            piece = _joined().where(EVENTS.c.loop_id.in_(loop_ids[start : start + _LOOPS_A_PIECE]))
            yield connection.execute(piece).scalar(), min(1.0, (start + _LOOPS_A_PIECE) / len(loop_ids))


def _parsed(text: str, place: str) -> pa.Table:
    names = ["id", *_CODED, "has_note", "confidence", "value"]
    kinds = {"id": pa.int64(), "has_note": pa.int8(), "confidence": pa.float64(), "value": pa.string()}
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


def _coded(table: pa.Table) -> Events:
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
    confidence = table.column("confidence").to_numpy()
    return Events(ids, code, names, table.column("value").combine_chunks(), confidence, has_note)


def code_of(events: Events, column: str, name: str) -> int:
    """Index of a name in a column of _CODED; -1 where it does not occur."""
    names = events.names[column]
    return names.index(name) if name in names else -1


def pair_of(events: Events, rows: Index) -> Index:
    """A number for the loop and field of each row."""
    loop = events.code["loop_id"][rows].astype(np.int64)
    return loop * len(events.names["field"]) + events.code["field"][rows]


def standing_rows(events: Events) -> Index:
    """Rows of the newest event of each source of a loop and field that is not withdrawn, pairs side by side."""
    rows = np.arange(len(events.id))
    key = pair_of(events, rows) * len(events.names["source"]) + events.code["source"]
    order = np.argsort(key, kind="stable")
    key = key[order]
    newest = order[np.append(key[1:] != key[:-1], True)]
    standing: Index = newest[events.code["status"][newest] != code_of(events, "status", WITHDRAWN)]
    return standing


def winners(events: Events, standing: Index) -> tuple[Index, NDArray[np.bool_]]:
    """The event that counts of every loop and field, and whether raters dispute it."""
    several = _several(events, standing)
    alone, rivals = standing[~several], _ranked(events, standing[several])
    if not len(rivals):
        return alone, np.zeros(len(alone), np.bool_)
    starts, ends = _groups(pair_of(events, rivals))
    fights = np.zeros(len(starts), np.bool_)
    decided = np.add.reduceat(_is_decided(events, rivals).astype(np.int64), starts)
    for group in np.flatnonzero(decided > 1):
        fights[group] = disputed(events_at(events, rivals[starts[group] : ends[group]]))
    return np.concatenate((alone, rivals[starts])), np.concatenate((np.zeros(len(alone), np.bool_), fights))


def of_several(events: Events, differing: bool = False) -> Iterator[tuple[str, dict[str, list[LabelEvent]]]]:
    """(loop, field -> standing events, the one that counts first), of the fields on which two or more sources have
    spoken; `differing`: said different things. The events are without notes and times."""
    standing = standing_rows(events)
    rivals = _ranked(events, standing[_several(events, standing)])
    if not len(rivals):
        return
    if differing:
        said = events.value.take(pa.array(rivals)).dictionary_encode().indices.to_numpy()
        starts, ends = _groups(pair_of(events, rivals))
        differ = np.minimum.reduceat(said, starts) != np.maximum.reduceat(said, starts)
        rivals = rivals[np.repeat(differ, ends - starts)]
    for loop_id, of_loop in groupby(events_at(events, rivals), key=lambda event: event.loop_id):
        fields: dict[str, list[LabelEvent]] = {}
        for event in of_loop:
            fields.setdefault(event.field, []).append(event)
        yield loop_id, fields


def lowest_confidence(events: Events) -> dict[str, tuple[float, str]]:
    """Loop -> (lowest confidence, its field) over the newest machine event of each field.

    Every loop a model or rule has looked at is in it; where none gave a confidence it is 0
    with an empty field.
    """
    machine = np.array([name.partition(":")[0] in (MODEL, RULE) for name in events.names["source"]])
    rows = np.flatnonzero(machine[events.code["source"]])
    if not len(rows):
        return {}
    rows = rows[np.argsort(pair_of(events, rows), kind="stable")]
    rows = rows[_groups(pair_of(events, rows))[1] - 1]
    by_name = np.argsort(np.argsort(np.array(events.names["field"])))[events.code["field"][rows]]
    confidence, loop = events.confidence[rows], events.code["loop_id"][rows]
    order = np.lexsort((by_name, confidence, loop))  # NaN comes last
    first = order[_groups(loop[order])[0]]
    known = ~np.isnan(confidence[first])
    sure = np.where(known, confidence[first], 0.0).tolist()
    fields = events.texts("field", rows[first])
    return {
        loop_id: (number, field if is_known else "")
        for loop_id, number, field, is_known in zip(
            events.texts("loop_id", rows[first]), sure, fields, known, strict=True
        )
    }


def _several(events: Events, standing: Index) -> NDArray[np.bool_]:
    """Whether another source stands beside an event; `standing` has the pairs side by side."""
    pair = pair_of(events, standing)
    several = np.zeros(len(pair), np.bool_)
    several[1:] = pair[1:] == pair[:-1]
    several[:-1] |= several[1:]
    return several


def _ranked(events: Events, rows: Index) -> Index:
    """Pairs side by side, in each the event that counts first."""
    return rows[np.lexsort((-events.id[rows], rank_of(events, rows), pair_of(events, rows)))]


def _groups(key: NDArray[Any]) -> tuple[Index, Index]:
    """Where runs of the same key begin, and where they end."""
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    return starts, np.append(starts[1:], len(key))


def rank_of(events: Events, rows: Index) -> Index:
    """Precedence of each event, 0 wins: as LabelEvent.rank."""
    of_source = np.array([KIND_RANK.get(name.partition(":")[0], len(KIND_RANK) + 1) for name in events.names["source"]])
    rank = of_source[events.code["source"][rows]]
    status, human = events.code["status"][rows], rank == KIND_RANK[HUMAN]
    rank = np.where(human & (status == code_of(events, "status", "approved")), APPROVED_RANK, rank)
    return np.where(human & (status == code_of(events, "status", SETTLED)), SETTLED_RANK, rank)


def _is_decided(events: Events, rows: Index) -> NDArray[np.bool_]:
    human = np.array([name.partition(":")[0] == HUMAN for name in events.names["source"]])
    decided = [code_of(events, "status", name) for name in ("approved", "rejected", SETTLED)]
    return human[events.code["source"][rows]] & np.isin(events.code["status"][rows], decided)


def events_at(events: Events, rows: Index) -> list[LabelEvent]:
    """The events themselves, without notes, times and what they supersede."""
    texts = [events.texts(name, rows) for name in _CODED]
    said = events.value.take(pa.array(rows)).dictionary_encode()
    known = [json.loads(text) for text in said.dictionary.to_pylist()]
    sure = [None if number != number else number for number in events.confidence[rows].tolist()]
    return [
        LabelEvent(number, loop_id, field, known[value], source, confidence, "", "", None, status)
        for number, value, confidence, loop_id, field, source, status in zip(
            events.id[rows].tolist(), said.indices.to_pylist(), sure, *texts, strict=True
        )
    ]
