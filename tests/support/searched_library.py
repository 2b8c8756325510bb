"""A small library with known loops, metrics and labels, for tests of searching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.store.loops.content import content_hash
from composer_core.store.loops.record import LoopRecord
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace


def record(loop_id: str, **changes: Any) -> LoopRecord:
    """A loop of one kick a beat; `changes` are fields of Loop or LoopRecord."""
    fields = {name: changes.pop(name) for name in list(changes) if name in Loop.__dataclass_fields__}
    beat = int(loop_id, 36) % 7
    notes = Notes.from_rows([(tick, 60, 36, 100) for tick in range(0, 1920, 480)] + [(60 * beat + 30, 60, 42, 80)])
    loop = Loop(**{"instrument": "drums", "notes": notes, "bars": 1, "source": f"{loop_id}.mid"} | fields)
    values = {
        "loop": loop,
        "loop_id": loop_id,
        "source_digest": loop_id * 8,
        "content_hash": content_hash(loop),
        "metrics": {"syncopation": float(beat), "swing_ratio_8": float("nan")},
        "swing_phase": "straight",
        "valence_estimate": 0.0,
        "arousal_estimate": 0.5,
        "grid_onset_tick": np.maximum(loop.notes.onset_tick, 0),
        "is_ghost": np.zeros(len(loop.notes), np.bool_),
    }
    return LoopRecord(**{**values, **changes})


def add(workspace: Workspace, *records: LoopRecord) -> None:
    """Store loops as one part."""
    LoopStore(workspace.create()).append(records)


def label(workspace: Workspace, loop_id: str, values: Mapping[str, Any], rater: str = "ann", note: str = "") -> None:
    """Approve values as a rater."""
    entries = [Entry(loop_id, name, value, "approved") for name, value in values.items()]
    seen = {event.field: event.id for event in LabelStore(workspace.labels).history(loop_id)}
    LabelStore(workspace.labels).write(rater, "approve", loop_id, entries, seen, note)


def suggest(workspace: Workspace, loop_id: str, values: Mapping[str, Any]) -> None:
    """Suggest values as a model."""
    entries = [Entry(loop_id, name, value, "suggested", 0.5) for name, value in values.items()]
    LabelStore(workspace.labels).add("model:m@1", entries)


def small_library(workspace: Workspace) -> Workspace:
    """Five loops in two parts: a to c drums at 90, 100, 110 BPM, d bass in 6/8, e drums from a take; labels on a to d.

    Syncopation is 3, 4, 5, 6, 0 (the id's digit in base 36 modulo 7).
    """
    add(workspace, record("a", tempo_bpm=90.0), record("b", tempo_bpm=100.0, track_name="Brush Kit"))
    pitched = {"instrument": "bass", "meter": Meter(6, 8), "swing_phase": "triplet", "source": "=evil.mid"}
    key = {"key_root": 6, "key_mode": "dorian", "key_confidence": 0.5}
    add(
        workspace,
        record("c", tempo_bpm=110.0),
        record("d", **pitched, **key),
        record("e", origin="generated", take_id="t-1", source=""),
    )
    label(workspace, "a", {"genre": {"funk": 0.7, "jazz": 0.3}, "emotion": "happy"}, note="crisp hats")
    label(workspace, "b", {"genre": {"jazz-swing": 1.0}})
    suggest(workspace, "c", {"technique": ["fill", "ghost"], "emotion": "sad"})
    label(workspace, "d", {"key_root": "C#", "key_mode": "minor", "quality": 4})
    return workspace
