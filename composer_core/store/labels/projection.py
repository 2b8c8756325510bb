"""Current labels as columns: one row per loop, built from the append-only events through the label store.

A search over a million loops cannot replay events; it reads these columns instead. They are
computed once (see `columns`) and then updated for the loops that have newer events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import func, select

from composer_core.store.labels.schema import EVENTS
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import CurrentLabel, loop_status

LABEL_PREFIX = "labels."
STATUS_COLUMN, NOTE_COLUMN = "label_status", "label_note"
GENRES_COLUMN = LABEL_PREFIX + "genres"
"""All genre codes of a loop, heaviest first; `labels.genre` is the heaviest alone."""
NUMBERS = ("emotion_valence", "emotion_arousal", "tempo_bpm", "quality")
SETS = ("technique",)
_TEXTS: tuple[str, ...] = ("emotion", "genre", "key_root", "key_mode", "meter", "tempo_bucket", "swing_phase", "feel")
_TEXTS += ("section", "intensity", "license", "caption_en", "caption_ja", "score_profile")
LABEL_SCHEMA = pa.schema(
    [
        ("loop_id", pa.string()),
        (STATUS_COLUMN, pa.string()),
        (NOTE_COLUMN, pa.string()),
        *((LABEL_PREFIX + name, pa.float64()) for name in NUMBERS),
        *((LABEL_PREFIX + name, pa.string()) for name in _TEXTS),
        *((LABEL_PREFIX + name, pa.list_(pa.string())) for name in SETS),
        (GENRES_COLUMN, pa.list_(pa.string())),
    ]
)
_IDS_A_QUERY = 500


def newest_event(store: LabelStore) -> int:
    """Id of the newest event, 0 when there is none."""
    newest: int | None = next(store.stream(select(func.max(EVENTS.c.id))))[0]
    return newest or 0


def loops_changed_since(store: LabelStore, event_id: int, limit: int | None) -> list[str]:
    """Loops with an event later than `event_id`, at most `limit` of them (None: all)."""
    query = select(EVENTS.c.loop_id).where(EVENTS.c.id > event_id).distinct().limit(limit)
    return [row[0] for row in store.stream(query)]


def labels_of(store: LabelStore, loop_ids: Sequence[str]) -> pa.Table:
    """LABEL_SCHEMA rows of these loops, in no order. A loop that has no label any more has a row of nulls."""
    labels: dict[str, dict[str, CurrentLabel]] = {}
    for start in range(0, len(loop_ids), _IDS_A_QUERY):
        labels |= store.view(loop_ids[start : start + _IDS_A_QUERY])
    return _table((loop_id, labels.get(loop_id, {})) for loop_id in dict.fromkeys(loop_ids))


def _table(loops: Iterable[tuple[str, Mapping[str, CurrentLabel]]]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name in LABEL_SCHEMA.names}
    for loop_id, fields in loops:
        row = _row(loop_id, fields)
        for name, column in columns.items():
            column.append(row.get(name))
    return pa.table(columns, schema=LABEL_SCHEMA)


def _row(loop_id: str, fields: Mapping[str, CurrentLabel]) -> dict[str, Any]:
    row: dict[str, Any] = {"loop_id": loop_id, STATUS_COLUMN: loop_status(fields) or None}
    row[NOTE_COLUMN] = "\n".join(dict.fromkeys(label.note for label in fields.values() if label.note)) or None
    for name, label in fields.items():
        value: Any = label.value
        if value is None:
            continue
        if name == "genre":
            codes = genre_codes(value)
            row[LABEL_PREFIX + name], row[GENRES_COLUMN] = codes[0] if codes else None, codes
        elif name in NUMBERS:
            row[LABEL_PREFIX + name] = float(value)
        elif name in SETS:
            row[LABEL_PREFIX + name] = [str(code) for code in value]
        elif name in _TEXTS:
            row[LABEL_PREFIX + name] = str(value)
    return row


def genre_codes(weights: Mapping[str, float]) -> list[str]:
    """Codes of a genre label, the heaviest first."""
    return sorted(weights, key=lambda code: (-weights[code], code))
