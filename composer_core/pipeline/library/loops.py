"""The loops of the library: add takes, load loops and write them as MIDI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.ingest.cut import WHOLE_SONG
from composer_core.ingest.datasets.beat_files import set_with_beats
from composer_core.ingest.datasets.groove import read_info
from composer_core.ingest.pool import read_all
from composer_core.ingest.scan import find_files, relative_name
from composer_core.ingest.warnings import WARNINGS
from composer_core.metrics import METRICS
from composer_core.music.loop import Loop
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.library.measuring import READ_TASK, decode_loops, measure_loops
from composer_core.render.midi import loop_to_midi
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.loops.content import generated_id, source_digest
from composer_core.store.loops.record import GENERATED, IMPORTED, METRIC_PREFIX, LoopRecord, MeasuredLoop
from composer_core.store.loops.store import LoopStore
from composer_core.store.names import NameStore
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

LOOP_ID = "loop_id"
"""Key of `Loop.extra` in loops to train on: the id of a loop of the library."""
__all__ = ["LOOP_ID", "WARNINGS", "add_generated", "digest", "load_loop", "loops_for_training", "table"]


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


@guarded("add_loops")
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
    (and metre), on the beats that its data set gives beside it. `Loop.source` is the path relative
    to the folder; in the Groove MIDI Dataset, `Loop.extra` holds the facts that its info.csv gives
    about the take. Files that cannot be read are left out. From a workspace, these are the imported
    loops that duplicate no other loop and are not excluded, with their id in `Loop.extra` (LOOP_ID).
    The list may be empty; NotFound when the
    path does not exist.
    """
    if isinstance(data, Workspace):
        return _library_loops(data, instrument)
    info = read_info(data)
    files = find_files([str(data)]).files
    dataset = set_with_beats(data)
    beats = {} if dataset is None else {str(data): dataset}
    options = {"bars": WHOLE_SONG, "instrument": instrument, "measure": False, "beats": beats}
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
    ids: list[str] = chosen["loop_id"].tolist()
    return [
        replace(loop, extra={**loop.extra, LOOP_ID: loop_id})
        for loop_id, loop in zip(ids, store.load_many(ids), strict=True)
    ]


def loop_midi(workspace: Workspace, loop_id: str) -> bytes:
    """One loop as a standard MIDI file that ends exactly where the loop does; NotFound for an unknown loop."""
    return loop_to_midi(LoopStore(workspace).load(loop_id))


def other_names(workspace: Workspace, source_digest: str) -> list[tuple[str, str]]:
    """(path, name in an archive) of every further name under which a file was imported; StoreError when damaged."""
    return [(name.source, name.member) for name in NameStore(workspace).of(source_digest)]
