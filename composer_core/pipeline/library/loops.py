"""The loops of the library: measure files, add takes, load loops and write them as MIDI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.errors import require_choice
from composer_core.ingest.cut import WHOLE_SONG
from composer_core.ingest.datasets.groove import read_info
from composer_core.ingest.pool import read_all
from composer_core.ingest.scan import find_files, relative_name
from composer_core.ingest.warnings import WARNINGS
from composer_core.metrics import METRICS, chords_of
from composer_core.music.key import ROOT_NAMES
from composer_core.music.loop import BARS_CHOICES, Loop
from composer_core.pipeline.library.measuring import (
    READ_TASK,
    decode_loops,
    decode_records,
    finite_or_none,
    measure_loops,
)
from composer_core.pipeline.scoring import explain, missing
from composer_core.render.midi import loop_to_midi
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.loops.content import generated_id, source_digest
from composer_core.store.loops.record import GENERATED, IMPORTED, METRIC_PREFIX, LoopRecord, MeasuredLoop
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WARNINGS", "add_generated", "digest", "load_loop", "loops_for_training", "measure_files", "table"]


def measure_files(paths: Sequence[str], bars: int = 4, *, jobs: int | None = None) -> dict[str, object]:
    """Measure MIDI files without storing anything.

    Returns {"files": [{"path" as given, "error": None or {code, message}, "loops": [...]}]} in the
    order of `paths`. With `bars` 0 each part is measured whole; InvalidValue for an unsupported number.
    """
    require_choice("bars", bars, (WHOLE_SONG, *BARS_CHOICES))
    options = {"bars": bars, "instrument": None, "measure": True}
    files = []
    for report in read_all([(path, "midi") for path in paths], READ_TASK, options, jobs=jobs):
        outcome = report.outcomes[0]
        entry: dict[str, Any] = {"path": paths[report.job_id], "error": None, "loops": []}
        if outcome.refusal is not None:
            entry["error"] = {"code": outcome.refusal.code, "message": str(outcome.refusal)}
        else:
            records = decode_records(outcome.name, "", outcome.facts, outcome.payload)
            entry["loops"] = [_measured_json(record) for record in records]
        files.append(entry)
    return {"files": files}


def _measured_json(record: LoopRecord) -> dict[str, Any]:
    loop = record.loop
    return {
        "instrument": loop.instrument,
        "start_bar": loop.start_bar,
        "bars": loop.bars,
        "tempo_bpm": loop.tempo_bpm,
        "meter": str(loop.meter),
        "n_notes": len(loop.notes),
        "key": key_json(record),
        "metrics": {name: finite_or_none(value) for name, value in record.metrics.items()},
        "scores": {name: finite_or_none(value) for name, value in record.scores.items()},
        "explanation": _explanation_json(record),
    }


def key_json(record: LoopRecord) -> dict[str, object] | None:
    """The estimated key, and the chord of each bar by name ("N" for silence); None without a key."""
    if record.key_root < 0:
        return None
    return {
        "root": ROOT_NAMES[record.key_root],
        "mode": record.key_mode,
        "confidence": record.key_confidence,
        "chords": chords_of(record.loop),
    }


def _explanation_json(record: LoopRecord) -> dict[str, Any]:
    """For each score the points that each metric adds or takes away, worst first, or why there is no score."""
    found: dict[str, Any] = {
        name: {"missing": reason} for name, reason in missing(record.loop.instrument, len(record.loop.notes)).items()
    }
    for name, one in explain(record.loop, record.metrics).items():
        points = [{"metric": metric, "points": round(value, 2)} for metric, value in one.points if abs(value) >= 0.05]
        found[name] = {"average": round(one.reference, 1), "points": points}
        if one.worst_axis:
            found[name]["worst_axis"] = one.worst_axis
    return found


def table(workspace: Workspace) -> pd.DataFrame:
    """One row per loop, with a column `metrics.<name>` for every metric; NaN where undefined."""
    frame = LoopStore(workspace).table()
    missing = [METRIC_PREFIX + name for name in METRICS if METRIC_PREFIX + name not in frame.columns]
    return frame.reindex(columns=[*frame.columns, *missing], fill_value=np.nan) if missing else frame


def load_loop(workspace: Workspace, loop_id: str) -> Loop:
    """Load one loop with its notes; NotFound when it is not in the library."""
    return LoopStore(workspace).load(loop_id)


def digest(workspace: Workspace) -> str:
    """A short text that changes when the library changes."""
    return LoopStore(workspace).digest()


def add_generated(workspace: Workspace, loops: Sequence[tuple[Loop, str]]) -> list[str]:
    """Measure and store generated loops, each with the id of its take; returns their loop ids.

    A take is stored once: adding it again returns the same id and changes nothing.
    """
    measured = measure_loops([loop for loop, _ in loops])
    records = [_generated_record(one, take_id) for one, (_, take_id) in zip(measured, loops, strict=True)]
    LoopStore(workspace).append(records)
    return [record.loop_id for record in records]


def _generated_record(one: MeasuredLoop, take_id: str) -> LoopRecord:
    content = b"".join(column.tobytes() for column in one.loop.notes.columns())
    return LoopRecord.of(
        one, loop_id=generated_id(take_id), source_digest=source_digest(content), origin=GENERATED, take_id=take_id
    )


def loops_for_training(data: Path | Workspace, instrument: str | None, *, jobs: int | None = None) -> list[Loop]:
    """The loops of one instrument (None: of all instruments) to train on.

    From a folder or file, every MIDI file and archive member is read whole, as one loop per part
    (and metre). `Loop.source` is the path relative to the folder; in the Groove MIDI Dataset,
    `Loop.extra` holds the facts that its info.csv gives about the take. Files that cannot be read
    are left out. From a workspace, these are the imported loops that duplicate no other loop and
    are not excluded. The list may be empty; NotFound when the path does not exist.
    """
    if isinstance(data, Workspace):
        return _library_loops(data, instrument)
    info = read_info(data)
    files = find_files([str(data)]).files
    options = {"bars": WHOLE_SONG, "instrument": instrument, "measure": False}
    loops = []
    for report in read_all(files, READ_TASK, options, jobs=jobs):
        for outcome in report.outcomes:
            if outcome.refusal is None:
                name = relative_name(outcome.name, data) if data.is_dir() else Path(outcome.name).name
                decoded = decode_loops(name, outcome.facts, outcome.payload)
                loops += [_with_facts(loop, info.get(name, {})) for loop in decoded]
    return loops


def _with_facts(loop: Loop, facts: Mapping[str, Any]) -> Loop:
    return replace(loop, extra={**loop.extra, **facts}) if facts else loop


def _library_loops(workspace: Workspace, instrument: str | None) -> list[Loop]:
    store = LoopStore(workspace)
    rows = store.table(["loop_id", "instrument", "origin", "duplicate_of"])
    left_out = ExclusionStore(workspace).current()
    chosen = rows[(rows["origin"] == IMPORTED) & rows["duplicate_of"].isna() & ~rows["loop_id"].isin(left_out)]
    if instrument is not None:
        chosen = chosen[chosen["instrument"] == instrument]
    return store.load_many(chosen["loop_id"].tolist())


def loop_midi(workspace: Workspace, loop_id: str) -> bytes:
    """One loop as a standard MIDI file that ends exactly where the loop does; NotFound for an unknown loop."""
    return loop_to_midi(LoopStore(workspace).load(loop_id))
