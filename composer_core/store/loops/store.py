"""The library on disk: immutable Parquet parts, each written whole or not at all.

A part is two files of the same name: its notes are written first, then its loops, and with
these it starts to count. Debris of a crash (notes without loops, temporary files) is removed by
the next `append`. Appending a loop id that is already stored changes nothing. A loop with the
same content as an earlier one (see `content`) is stored too, because it stands for another file;
its `duplicate_of` names the first such loop. Which parts count says `exchanges`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from composer_core.errors import NotFound, StoreError
from composer_core.music.loop import Loop, Notes
from composer_core.store.atomic import atomic_writer, locked
from composer_core.store.damage import note_damage, noted
from composer_core.store.loops.columns import completed, loop_of, loops_table, notes_table
from composer_core.store.loops.declarations import LOOP_SCHEMA, NOT_LISTED
from composer_core.store.loops.exchanges import counted_parts, numbers_used, part_name, whole_parts
from composer_core.store.loops.index import LoopIndex
from composer_core.store.loops.part_files import parts_present, read_part
from composer_core.store.loops.record import LoopRecord
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_NOTE_COLUMNS = ("onset_ticks", "duration_ticks", "pitch", "velocity")
_ROWS_A_GROUP = 32_768
_COMPRESSION = "zstd"


@dataclass(frozen=True, slots=True)
class Appended:
    """The result of an append: the ids added, how many of these are exact duplicates, the ids stored already, and the
    part that was written ("" when nothing was added)."""

    added: tuple[str, ...]
    n_exact: int
    known: tuple[str, ...]
    part: str = ""


class LoopStore:
    """The loops of one workspace. Any number of processes may read at once; appends wait for each other."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._index = LoopIndex(workspace.loop_index, self._read_ids)

    def append(self, records: Sequence[LoopRecord]) -> Appended:
        """Store the loops that are not stored yet as one part; StoreError when it cannot be written."""
        with self.locked():
            self._remove_debris()
            self._refresh_index()
            stored = self._index.locate(record.loop_id for record in records)
            fresh = {r.loop_id: r for r in records if r.loop_id not in stored}
            first = self._index.first_of_content(record.content_hash for record in fresh.values())
            duplicate_of: dict[str, str] = {}
            for record in fresh.values():
                original = first.setdefault(record.content_hash, record.loop_id)
                if original != record.loop_id:
                    duplicate_of[record.loop_id] = original
            part = ""
            if fresh:
                part = self._write(list(fresh.values()), duplicate_of)
                self._refresh_index()
        known = tuple(r.loop_id for r in records if fresh.get(r.loop_id) is not r)
        return Appended(tuple(fresh), len(duplicate_of), known, part)

    def table(self, columns: Sequence[str] | None = None, *, whole: bool = True) -> pd.DataFrame:
        """One row per loop, in the order they were added, with all columns or the given ones.

        StoreError names a damaged part, unless `whole` is False: then the loops of the other parts are given.
        """
        if whole:
            self._refuse_damage()
        rows = self._read(None if columns is None else list(columns))
        left_out = [] if columns is not None else [name for name in NOT_LISTED if name in rows.column_names]
        frame: pd.DataFrame = rows.drop_columns(left_out).to_pandas()
        return frame

    def load(self, loop_id: str) -> Loop:
        """Load one loop with its notes; NotFound when the library has no loop of this id."""
        return self.load_many([loop_id])[0]

    def load_many(self, loop_ids: Sequence[str]) -> list[Loop]:
        """Load loops with their notes, in the given order; NotFound names the first missing id."""
        found: dict[str, Loop] = {}
        for part, lines in self._locate(loop_ids).items():
            rows = read_part(part, LOOP_SCHEMA.names).take(lines).to_pylist()
            found.update(_load_rows(self._workspace.notes / part.name, rows))
        for loop_id in loop_ids:
            if loop_id not in found:
                self._refuse_damage()
                raise NotFound("loop_missing", loop_id=loop_id, path=str(self._workspace.root))
        return [found[loop_id] for loop_id in loop_ids]

    def _refuse_damage(self) -> None:
        """StoreError for the first part that is damaged: what is asked for may be in it."""
        missing = counted_parts(self._workspace) - whole_parts(self._workspace)
        for damage in noted(self._workspace.loops.parent) if missing else ():
            if damage.path.name in missing:
                raise StoreError("damaged_store", path=str(damage.path), reason=damage.reason)

    def _locate(self, loop_ids: Iterable[str]) -> dict[Path, list[int]]:
        """The row numbers of these loops by part; ids that the library does not have are left out."""
        if not self._parts():
            return {}
        self._refresh_index()
        rows: dict[Path, list[int]] = {}
        for name, line in sorted(self._index.locate(loop_ids).values()):
            rows.setdefault(self._workspace.loops / name, []).append(line)
        return rows

    def rows(self, loop_ids: Iterable[str], columns: Sequence[str]) -> dict[str, dict[str, object]]:
        """The rows of these loops by id; unknown loops are left out, and only the parts that hold the others are read.

        `columns` must include `loop_id`.
        """
        found: dict[str, dict[str, Any]] = {}
        for part, lines in self._locate(loop_ids).items():
            rows = completed(read_part(part, list(columns)), columns).take(lines).to_pylist()
            found.update({row["loop_id"]: row for row in rows})
        return found

    def rows_of_files(self, digests: set[str], columns: Sequence[str]) -> list[dict[str, object]]:
        """The rows of all loops cut from the files with these digests, in library order.

        `columns` must include `source_digest`.
        """
        if not self._parts():
            return []
        self._refresh_index()
        wanted = pa.array(sorted(digests), pa.string())
        found: list[dict[str, Any]] = []
        for name in self._index.parts_of_files(digests):
            table = completed(read_part(self._workspace.loops / name, list(columns)), columns)
            found += table.filter(pc.is_in(table.column("source_digest"), wanted)).to_pylist()
        return found

    def digest(self) -> str:
        """A short text that changes when the library changes."""
        names = "|".join(f"{part.name}:{part.stat().st_size}:{part.stat().st_mtime_ns}" for part in self._parts())
        return hashlib.sha256(names.encode()).hexdigest()[:16]

    def part_names(self) -> list[str]:
        """The names of the parts, in the order they were added."""
        return [part.name for part in self._parts()]

    def part_table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The loops of one part, with all columns or those of the given ones that it has."""
        return read_part(self._workspace.loops / name, None if columns is None else list(columns))

    def part_loops(self, name: str) -> dict[str, Loop]:
        """All loops of one part with their notes, by id. StoreError when the part is damaged."""
        rows = read_part(self._workspace.loops / name, LOOP_SCHEMA.names).to_pylist()
        return _load_rows(self._workspace.notes / name, rows) if rows else {}

    def replace_columns(self, name: str, columns: Mapping[str, pa.Array]) -> None:
        """Replace or add columns of the loops of one part; the part is replaced whole or not at all.

        The catalogue and the similarity data are dropped and will be rebuilt. StoreError when the
        part cannot be written.
        """
        with self.locked():
            path = self._workspace.loops / name
            table = read_part(path, None)
            for column, values in columns.items():
                place = table.schema.get_field_index(column)
                table = table.append_column(column, values) if place < 0 else table.set_column(place, column, values)
            write_part(path, table)
            for made in (self._workspace.catalogue, self._workspace.similarity):
                (made / "manifest.json").unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        return [self._workspace.loops / name for name in sorted(whole_parts(self._workspace))]

    def _read(self, columns: list[str] | None) -> pa.Table:
        # `loop_id` is always read, because a part read without any column would seem to have no rows.
        tables = [
            read_part(part, None if columns is None else list(dict.fromkeys([*columns, "loop_id"])))
            for part in self._parts()
        ]
        if not tables:
            return LOOP_SCHEMA.empty_table() if columns is None else LOOP_SCHEMA.empty_table().select(columns)
        rows = completed(pa.concat_tables(tables, promote_options="default"), columns or LOOP_SCHEMA.names)
        return rows if columns is None else rows.select([name for name in columns if name in rows.column_names])

    def _refresh_index(self) -> None:
        self._index.refresh([part.name for part in self._parts()])

    def _read_ids(self, name: str) -> tuple[list[str], list[str], list[str]]:
        rows = read_part(self._workspace.loops / name, ["loop_id", "content_hash", "source_digest"])
        ids, contents, digests = (rows.column(c).to_pylist() for c in ("loop_id", "content_hash", "source_digest"))
        return ids, contents, digests

    def _write(self, records: Sequence[LoopRecord], duplicate_of: dict[str, str]) -> str:
        number = max(numbers_used(self._workspace), default=0) + 1
        ids = hashlib.sha256("".join(record.loop_id for record in records).encode()).hexdigest()[:8]
        name = part_name(number, ids)
        write_part(self._workspace.notes / name, notes_table(records))
        write_part(self._workspace.loops / name, loops_table(records, duplicate_of, datetime.now(UTC)))
        return name

    def _remove_debris(self) -> None:
        # Damaged loops are no debris: their notes may still be whole.
        whole = parts_present(self._workspace.loops)
        for folder in (self._workspace.loops, self._workspace.notes):
            for path in folder.glob(".part-*"):
                path.unlink()
        for path in self._workspace.notes.glob("part-*.parquet"):
            if path.name not in whole:
                path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other process appends to, replaces or exchanges parts. Not to be nested."""
        self._workspace.create()
        with locked(self._workspace.library_lock):
            yield


def write_part(path: Path, table: pa.Table) -> None:
    """Write one of a part's two files whole or not at all; StoreError when it cannot be written."""
    with atomic_writer(path) as stream:
        pq.write_table(table, stream, compression=_COMPRESSION, row_group_size=_ROWS_A_GROUP)


def _load_rows(path: Path, rows: list[dict[str, Any]]) -> dict[str, Loop]:
    """Load the loops of some rows of one part; only the row groups that hold their notes are read."""
    spans = [(row["first_note"], row["first_note"] + row["n_notes"]) for row in rows]
    low, high = min(start for start, _ in spans), max(stop for _, stop in spans)
    first_group, last_group = low // _ROWS_A_GROUP, max(high - 1, low) // _ROWS_A_GROUP
    try:
        with pq.ParquetFile(path) as part:
            groups = list(range(first_group, min(last_group + 1, part.num_row_groups)))
            table = part.read_row_groups(groups, columns=list(_NOTE_COLUMNS))
    except (OSError, pa.ArrowException) as error:
        note_damage(path, str(error))
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
    columns = [table.column(name).to_numpy().astype(np.int32) for name in _NOTE_COLUMNS]
    before = first_group * _ROWS_A_GROUP
    return {
        row["loop_id"]: loop_of(row, Notes(*(column[start - before : stop - before] for column in columns)))
        for row, (start, stop) in zip(rows, spans, strict=True)
    }
