"""Current labels as columns: one row a loop, built from the append-only events through the label store.

A search over a million loops cannot replay events; it reads these columns instead. They
are made once and then brought up to date by the loops on which an event came later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
from sqlalchemy import func, select

from composer_core.store.label_queries import standing_events
from composer_core.store.label_schema import EVENTS
from composer_core.store.label_view import CurrentLabel, LabelEvent, current_label, loop_status
from composer_core.store.labels import LabelStore

LABEL_PREFIX = "labels."
STATUS_COLUMN, NOTE_COLUMN = "label_status", "label_note"
GENRES_COLUMN = LABEL_PREFIX + "genres"
"""All genre codes of a loop, heaviest first; `labels.genre` is the heaviest alone."""
_NUMBERS = ("emotion_valence", "emotion_arousal", "tempo_bpm", "quality")
_SETS = ("technique",)
_TEXTS: tuple[str, ...] = ("emotion", "genre", "key_root", "key_mode", "meter", "tempo_bucket", "swing_phase", "feel")
_TEXTS += ("section", "intensity", "license", "caption_en", "caption_ja")
LABEL_SCHEMA = pa.schema(
    [
        ("loop_id", pa.string()),
        (STATUS_COLUMN, pa.string()),
        (NOTE_COLUMN, pa.string()),
        *((LABEL_PREFIX + name, pa.float64()) for name in _NUMBERS),
        *((LABEL_PREFIX + name, pa.string()) for name in _TEXTS),
        *((LABEL_PREFIX + name, pa.list_(pa.string())) for name in _SETS),
        (GENRES_COLUMN, pa.list_(pa.string())),
    ]
)
_LOOPS_A_BATCH = 50_000
_IDS_A_QUERY = 500


def newest_event(store: LabelStore) -> int:
    """Id of the newest event, 0 when there is none."""
    return next(store.stream(select(func.max(EVENTS.c.id))))[0] or 0


def loops_changed_since(store: LabelStore, event_id: int, limit: int) -> list[str]:
    """Loops with an event later than `event_id`, at most `limit` of them."""
    query = select(EVENTS.c.loop_id).where(EVENTS.c.id > event_id).distinct().limit(limit)
    return [row[0] for row in store.stream(query)]


def labels_of(store: LabelStore, loop_ids: Sequence[str]) -> pa.Table:
    """LABEL_SCHEMA rows of these loops, in no order. A loop that has no label any more has a row of nulls."""
    labels: dict[str, dict[str, CurrentLabel]] = {}
    for start in range(0, len(loop_ids), _IDS_A_QUERY):
        labels |= store.view(loop_ids[start : start + _IDS_A_QUERY])
    return _table((loop_id, labels.get(loop_id, {})) for loop_id in dict.fromkeys(loop_ids))


def all_labels(store: LabelStore) -> pa.Table:
    """LABEL_SCHEMA rows of every labelled loop, by loop id."""
    batches = list(_batches(store))
    return pa.concat_tables(batches) if batches else LABEL_SCHEMA.empty_table()


def _batches(store: LabelStore) -> Iterator[pa.Table]:
    """The events' JSON is decoded for the winner of a field alone, which is all that a column holds."""
    pending: list[tuple[str, dict[str, CurrentLabel]]] = []
    for loop_id, of_loop in groupby(store.stream(standing_events()), key=lambda row: row.loop_id):
        fields = {name: _current(list(rows)) for name, rows in groupby(of_loop, key=lambda row: row.field)}
        pending.append((loop_id, fields))
        if len(pending) >= _LOOPS_A_BATCH:
            yield _table(pending)
            pending = []
    if pending:
        yield _table(pending)


def _current(rows: Sequence[Any]) -> CurrentLabel:
    return current_label([LabelEvent(**{**row._mapping, "value": json.loads(row.value)}) for row in rows])


def _table(loops: Iterable[tuple[str, Mapping[str, CurrentLabel]]]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name in LABEL_SCHEMA.names}
    for loop_id, fields in loops:
        row = _row(loop_id, fields)
        for name, column in columns.items():
            column.append(row.get(name))
    return pa.table(columns, schema=LABEL_SCHEMA)


def _row(loop_id: str, fields: Mapping[str, CurrentLabel]) -> dict[str, Any]:
    row: dict[str, Any] = {"loop_id": loop_id, STATUS_COLUMN: loop_status(fields) if fields else None}
    row[NOTE_COLUMN] = "\n".join(dict.fromkeys(label.note for label in fields.values() if label.note)) or None
    for name, label in fields.items():
        value = label.value
        if value is None:
            continue
        if name == "genre":
            codes = sorted(value, key=lambda code: (-value[code], code))
            row[LABEL_PREFIX + name], row[GENRES_COLUMN] = codes[0] if codes else None, codes
        elif name in _NUMBERS:
            row[LABEL_PREFIX + name] = float(value)
        elif name in _SETS:
            row[LABEL_PREFIX + name] = [str(code) for code in value]
        elif name in _TEXTS:
            row[LABEL_PREFIX + name] = str(value)
    return row
