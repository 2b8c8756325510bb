"""The data for finding similar loops: codes of each loop's rhythm and some of its metrics, in one column each.

The files are immutable Arrow files, mapped into memory. Each covers some parts of the library and is
written whole or not at all; a manifest says which ones count. New parts become new files and small files
are merged, so that a large library is never rewritten for a few loops. Everything is built from the parts
and may be deleted at any time: files that are missing or damaged are rebuilt.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from composer_core.errors import StoreError
from composer_core.music.loop import Loop
from composer_core.store.atomic import atomic_writer, locked, read_json, write_json
from composer_core.store.loops.exchanges import whole_parts
from composer_core.store.loops.part_files import FULL_ROWS, even_groups, read_part
from composer_core.store.loops.record import METRIC_PREFIX
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

_FORMAT = 1
_LOOPS_A_BATCH = 500
_CODE = "code_"
Spread = tuple[int, float, float]
"""Of the finite values of a column: how many, their mean, the sum of squared distances from it."""
MakeCodes = Callable[[Sequence[Loop]], NDArray[np.uint8]]
"""Codes of loops whose part was written without them, shape (n_loops, n_codes)."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The loops of one instrument in one file; every array has one entry per loop and lies in the mapped file.

    `codes` are the columns of the rhythm, `values` those of the metrics (NaN where undefined)
    with their `spreads`.
    """

    loop_ids: pa.Array
    codes: tuple[NDArray[np.uint8], ...]
    values: tuple[NDArray[np.float32], ...]
    spreads: tuple[Spread, ...]

    def row_of(self, loop_id: str) -> int:
        """The loop's row, -1 when it is not here."""
        return int(pc.index(self.loop_ids, loop_id).as_py())


@dataclass(frozen=True, slots=True)
class _File:
    """One file: its name, the parts whose loops it holds, how many loops those are."""

    name: str
    parts: tuple[str, ...]
    n_loops: int


class SimilarityIndex:
    """The files of one workspace; any number of threads and processes may use them at once.

    `metrics` are kept, and `make_codes` gives the `n_codes` codes of loops that were stored
    without. Raises StoreError when the library is damaged or the files cannot be written.
    """

    def __init__(self, workspace: Workspace, metrics: Sequence[str], n_codes: int, make_codes: MakeCodes) -> None:
        self._workspace = workspace
        self._folder = workspace.similarity
        self._metrics = tuple(metrics)
        self._n_codes = n_codes
        self._make_codes = make_codes
        self._lock = threading.Lock()
        self._held: tuple[tuple[_File, ...], dict[str, list[Rows]]] = ((), {})
        self._listed: tuple[tuple[int, ...], list[_File]] = ((), [])

    def rows(self) -> dict[str, list[Rows]]:
        """The loops by instrument as the library is now; the same object as long as it does not change."""
        with self._lock:
            try:
                return self._current_rows()
            except (OSError, pa.ArrowException):
                # A file was replaced by another process between the look at the manifest and now, or is damaged.
                self._listed = ((), [])
                return self._current_rows()

    def _current_rows(self) -> dict[str, list[Rows]]:
        files = self._current_files()
        if files != self._held[0]:
            self._held = (files, self._map(files))
        return self._held[1]

    def _map(self, files: Iterable[_File]) -> dict[str, list[Rows]]:
        found: dict[str, list[Rows]] = {}
        for file in files:
            for instrument, rows in self._rows_of(_mapped(self._folder / file.name)).items():
                found.setdefault(instrument, []).append(rows)
        return found

    def _current_files(self) -> tuple[_File, ...]:
        parts = whole_parts(self._workspace)
        files = self._manifest()
        if {part for file in files for part in file.parts} == parts:
            return tuple(files)
        with locked(self._folder / "lock"):
            # Another process may have done it while this one waited.
            files = [file for file in self._manifest() if set(file.parts) <= parts]
            files = self._extended(files, parts)
            self._keep(files)
        n_loops = sum(file.n_loops for file in files)
        _log.info("index of similar loops brought up to date: %d loops in %d files", n_loops, len(files))
        return tuple(files)

    def _extended(self, files: list[_File], parts: set[str]) -> list[_File]:
        """With the parts no file holds yet, small files being merged into ones at least twice as large."""
        missing = sorted(parts - {part for file in files for part in file.parts})
        for group in even_groups(self._workspace.loops, missing):
            names, tables = list(group), [self._read(part) for part in group]
            n_loops = sum(table.num_rows for table in tables)
            while files and files[-1].n_loops < FULL_ROWS and files[-1].n_loops < 2 * n_loops:
                small = files.pop()
                names, tables = [*small.parts, *names], [_mapped(self._folder / small.name), *tables]
                n_loops += small.n_loops
            files.append(self._write(tuple(names), pa.concat_tables(tables)))
        return files

    def _read(self, part: str) -> pa.Table:
        """A part's loops with their codes and metrics."""
        table = read_part(self._workspace.loops / part, ["loop_id", "instrument", "fingerprint", *self._columns()])
        codes = self._codes_of(table)
        columns = {"loop_id": table.column("loop_id"), "instrument": table.column("instrument")}
        columns |= {f"{_CODE}{i}": pa.array(np.ascontiguousarray(codes[:, i])) for i in range(self._n_codes)}
        for name in self._columns():
            known = name in table.column_names
            values = table.column(name).to_numpy() if known else np.full(table.num_rows, np.nan)
            # NaN stays NaN: a null would be a second buffer to look at.
            columns[name] = pa.array(values.astype(np.float32), from_pandas=False)
        return pa.table(columns)

    def _columns(self) -> list[str]:
        return [METRIC_PREFIX + name for name in self._metrics]

    def _codes_of(self, table: pa.Table) -> NDArray[np.uint8]:
        known = "fingerprint" in table.column_names
        stored: list[bytes | None] = table.column("fingerprint").to_pylist() if known else [None] * table.num_rows
        codes = np.zeros((table.num_rows, self._n_codes), np.uint8)
        whole = np.array([text is not None and len(text) == self._n_codes for text in stored], np.bool_)
        if whole.any():
            together = b"".join(text for text, ok in zip(stored, whole, strict=True) if ok and text is not None)
            codes[whole] = np.frombuffer(together, np.uint8).reshape(-1, self._n_codes)
        lacking = np.flatnonzero(~whole)
        for start in range(0, len(lacking), _LOOPS_A_BATCH):
            places = lacking[start : start + _LOOPS_A_BATCH]
            loop_ids = table.column("loop_id").take(pa.array(places)).to_pylist()
            codes[places] = self._make_codes(LoopStore(self._workspace).load_many(loop_ids))
        return codes

    def _write(self, parts: tuple[str, ...], table: pa.Table) -> _File:
        """One file, the loops of an instrument side by side."""
        table = table.take(pc.sort_indices(table.column("instrument"))).combine_chunks()
        spans, start = {}, 0
        for instrument, count in _counted(table.column("instrument")):
            values = (table.column(name).slice(start, count).to_numpy() for name in self._columns())
            spans[instrument] = [start, count, [_spread(column) for column in values]]
            start += count
        table = table.replace_schema_metadata({"spans": json.dumps(spans)})
        name = f"similar-{parts[0].split('-')[1]}-{secrets.token_hex(4)}.arrow"
        with atomic_writer(self._folder / name) as stream, pa.ipc.new_file(stream, table.schema) as writer:
            writer.write_table(table, max_chunksize=max(table.num_rows, 1))
        return _File(name, parts, table.num_rows)

    def _rows_of(self, table: pa.Table) -> dict[str, Rows]:
        codes = [table.column(f"{_CODE}{i}").chunk(0).to_numpy() for i in range(self._n_codes)]
        values = [table.column(name).chunk(0).to_numpy() for name in self._columns()]
        found = {}
        for instrument, (start, count, spreads) in json.loads(table.schema.metadata[b"spans"]).items():
            span = slice(start, start + count)
            found[instrument] = Rows(
                table.column("loop_id").chunk(0).slice(start, count),
                tuple(column[span] for column in codes),
                tuple(column[span] for column in values),
                tuple((int(n), float(mean), float(squares)) for n, mean, squares in spreads),
            )
        return found

    def _manifest(self) -> list[_File]:
        """The files that count, read again when the manifest has changed."""
        path = self._folder / "manifest.json"
        if not path.exists():
            return []
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._listed[0]:
            self._listed = (stamp, self._read_manifest(path))
        return list(self._listed[1])

    def _read_manifest(self, path: Path) -> list[_File]:
        try:
            content: Any = read_json(path)
            if (content["format"], content["metrics"], content["codes"]) != self._form():
                return []
            files = [_File(row["name"], tuple(row["parts"]), row["n_loops"]) for row in content["files"]]
            for file in files:
                _mapped(self._folder / file.name)
            return files
        except (StoreError, OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            # It can be made again from the loops: nothing is lost but a minute.
            return []

    def _form(self) -> tuple[int, list[str], int]:
        return _FORMAT, list(self._metrics), self._n_codes

    def _keep(self, files: Sequence[_File]) -> None:
        rows = [{"name": file.name, "parts": list(file.parts), "n_loops": file.n_loops} for file in files]
        version, metrics, n_codes = self._form()
        content = {"format": version, "metrics": metrics, "codes": n_codes, "files": rows}
        write_json(self._folder / "manifest.json", content)
        kept = {"manifest.json", "lock", *(file.name for file in files)}
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)


def _mapped(path: Path) -> pa.Table:
    """A file's columns, mapped into memory and not copied. OSError or ArrowException unless it is whole."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _counted(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    """Each value of a sorted column with its count."""
    found = [(row["values"], row["counts"]) for row in column.value_counts().to_pylist()]
    return sorted(found)


def _spread(values: NDArray[np.float32]) -> Spread:
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return 0, 0.0, 0.0
    mean = float(finite.mean())
    return len(finite), mean, float(np.square(finite - mean).sum())
