"""By which reading stored loops were cut from their files, how they were asked for, and where the files are now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from composer_core.errors import StoreError
from composer_core.ingest.song import READING
from composer_core.pipeline.library.uploads import kept_uploads
from composer_core.store.atomic import read_json
from composer_core.store.loops.columns import completed
from composer_core.store.loops.content import loop_id as id_of
from composer_core.store.loops.exchanges import counted_parts
from composer_core.store.loops.part_files import parts_present, read_part
from composer_core.store.loops.record import IMPORTED, LoopRecord, storable
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

CUT_COLUMNS = ("loop_id", "source_digest", "source", "member", "origin", "start_bar", "bars", "created_at", "extra",
               "reading", "cut_bars", "drum_map_choice", "content_hash", "track_name", "program")  # fmt: skip
DECLARED = ("declared_key", "declared_meter")
"""What a loop's `extra` holds of what its file declares."""


@dataclass(frozen=True, slots=True)
class CutLoop:
    """Where a stored loop was cut from, and how: `part` counts the parts of its file, `reading` is 0 for loops of
    releases that did not number it, `cut_bars` 0 and `drum_map_choice` "" where it is not known what was asked for.
    `declared` is the JSON of what its file declares of key and metre."""

    loop_id: str
    source_digest: str
    source: str
    member: str
    origin: str
    part: int
    start_bar: int
    bars: int
    created_at: datetime
    reading: int
    cut_bars: int
    drum_map_choice: str
    content_hash: str
    track_name: str
    program: int
    declared: str

    @property
    def is_old(self) -> bool:
        """Whether an earlier reading than today's cut it from a file."""
        return self.origin == IMPORTED and self.reading < READING

    @property
    def shown(self) -> str:
        """Its file as a person knows it: the path, with the place in an archive."""
        return f"{self.source}!{self.member}" if self.member else self.source

    @property
    def place(self) -> str:
        """The id that an import gives to what lies at its place in the file."""
        return id_of(self.source_digest, self.part, self.start_bar, self.bars)


def cut_loops(rows: Iterable[Mapping[str, object]]) -> list[CutLoop]:
    """Stored rows of CUT_COLUMNS in this form."""
    return [_cut_loop(dict(row)) for row in rows]


def _cut_loop(row: dict[str, Any]) -> CutLoop:
    extra = json.loads(row.pop("extra") or "{}")
    absent = {"reading": 0, "cut_bars": 0, "drum_map_choice": ""}
    said: dict[str, Any] = {
        name: row[name] if row[name] is not None else absent.get(name) for name in CUT_COLUMNS if name in row
    }
    return CutLoop(**said, part=int(extra.get("part", 0)), declared=declared_text(extra))


def declared_text(extra: Mapping[str, object]) -> str:
    """What a loop's file declares, in one spelling, so that equal declarations are equal texts."""
    return json.dumps([extra.get(name) for name in DECLARED], sort_keys=True)


def old_parts(workspace: Workspace) -> list[str]:
    """Names of the parts that may hold loops of an earlier reading, by their footers alone."""
    return [name for name in LoopStore(workspace).part_names() if _may_be_old(workspace.loops / name)]


def loops_of_part(workspace: Workspace, name: str) -> list[CutLoop]:
    """The loops of a part."""
    table = completed(LoopStore(workspace).part_table(name, CUT_COLUMNS), CUT_COLUMNS)
    return cut_loops(table.to_pylist())


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file that an earlier reading cut: its content, where it was and, in an archive, under which name."""

    source_digest: str
    source: str
    member: str


def old_files(workspace: Workspace) -> tuple[int, dict[str, list[OldFile]]]:
    """How many loops are of an earlier reading, and their files by content; one may have been at several places."""
    n_loops = 0
    found: dict[str, list[OldFile]] = {}
    for name in old_parts(workspace):
        columns = ("source_digest", "source", "member", "origin", "reading")
        table = completed(LoopStore(workspace).part_table(name, columns), columns)
        numbered = pc.fill_null(table.column("reading"), 0)
        table = table.filter(pc.and_(pc.equal(table.column("origin"), IMPORTED), pc.less(numbered, READING)))
        n_loops += table.num_rows
        for row in table.select(columns[:3]).group_by(list(columns[:3])).aggregate([]).to_pylist():
            found.setdefault(row["source_digest"], []).append(OldFile(**row))
    return n_loops, found


def source_of(workspace: Workspace, files: Sequence[OldFile | CutLoop]) -> str | None:
    """Where a file can be read now, given as it is stored (of one digest); None where it is gone.

    The path it was imported from, or an upload of the same content. A path that was given without its beginning may be
    seen from where the workspace lies: what is found there is compared by its content before it counts.
    """
    paths = dict.fromkeys(one.source for one in files)
    beside = (str(workspace.root.parent / path) for path in paths)
    here = next((path for path in (*paths, *beside) if Path(path).exists()), None)
    if here is not None or files[0].member:
        return here
    uploads = kept_uploads(workspace, files[0].source_digest)
    return str(uploads[0]) if uploads else None


def cuts_of(loops: Iterable[CutLoop]) -> set[int]:
    """How many bars a loop were asked for when these loops were cut, each time; nothing where they do not tell.

    Loops of earlier releases tell it where one part of a file has two of the same length: what is left at its end is
    one loop at most.
    """
    imported = [loop for loop in loops if loop.origin == IMPORTED]
    counts = Counter((loop.source_digest, loop.part, loop.bars) for loop in imported if not loop.cut_bars)
    return {loop.cut_bars for loop in imported if loop.cut_bars} | {
        bars for (_, _, bars), count in counts.items() if count > 1
    }


def fresh_id(record: LoopRecord) -> str:
    """An id for an imported loop that no loop of an earlier reading has."""
    part = record.loop.extra["part"]
    assert isinstance(part, int)  # `cut` puts it there
    return id_of(record.source_digest, part, record.loop.start_bar, record.loop.bars, READING)


def set_aside_ids(workspace: Workspace, digests: Iterable[str]) -> set[str]:
    """Ids of the loops of some files that were taken out of the library and may be brought back."""
    wanted, found = pa.array(sorted(digests), pa.string()), set()
    for name in parts_present(workspace.loops) - counted_parts(workspace):
        table = read_part(workspace.loops / name, ["loop_id", "source_digest"])
        found |= set(table.filter(pc.is_in(table.column("source_digest"), wanted)).column("loop_id").to_pylist())
    return found


def would_change(loops: Sequence[CutLoop], records: Sequence[LoopRecord]) -> bool:
    """Whether a file's loops, of an earlier reading, come out otherwise today; `records` is what it gives when cut
    again. Nothing is said to change where it was cut to another length before."""
    cuts = cuts_of(loops)
    # A loop that none of the known cuts can have given is of another one, at least as long as itself.
    unexplained = [loop.bars for loop in loops if not loop.cut_bars and loop.bars > max(cuts, default=0)]
    if records and records[0].cut_bars not in cuts and not any(bars <= records[0].cut_bars for bars in unexplained):
        return False
    places = {loop.place: loop for loop in loops}
    for record in {record.loop_id: record for record in records}.values():
        known = places.pop(record.loop_id, None)
        if known is None or _facts(known) != _facts_now(record):
            return True
    return len(cuts) + bool(unexplained) == 1 and bool(places)


def _facts(loop: CutLoop) -> tuple[str, ...]:
    return loop.content_hash, loop.track_name, str(loop.program), loop.declared


def _facts_now(record: LoopRecord) -> tuple[str, ...]:
    loop = record.loop
    return record.content_hash, storable(loop.track_name), str(loop.program), declared_text(loop.extra)


def bars_of_part(workspace: Workspace, loops: Sequence[CutLoop]) -> int:
    """How many bars a loop were asked for when a part was imported: as its loops tell, else as the report of the import
    does, else the longest of the loops."""
    return max(cuts_of(loops), default=0) or _bars_in_history(workspace, loops) or max(loop.bars for loop in loops)


def _may_be_old(path: Path) -> bool:
    try:
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
    if "reading" not in metadata.schema.names:
        return True
    place = metadata.schema.names.index("reading")
    for group in range(metadata.num_row_groups):
        known = metadata.row_group(group).column(place).statistics
        if known is None or not known.has_min_max or known.null_count or known.min < READING:
            return True
    return False


def _bars_in_history(workspace: Workspace, loops: Sequence[CutLoop]) -> int:
    """The bars of the first import that ended after these loops were stored; 0 without one."""
    stored = min(loop.created_at for loop in loops)
    for path in sorted(workspace.imports.glob("import-*.json")):
        if datetime.strptime(path.name.split("-")[1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC) >= stored:
            entry: Any = read_json(path)
            return int(entry["bars"])
    return 0
