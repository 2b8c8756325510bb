"""The library in the form a search reads: a few large Parquet files, one row per loop with its current labels.

Everything here is built from the loops' parts and the label events and may be deleted at
any time. A file holds whole parts of the library. Small files are merged as the library
grows, so that each loop is copied a few times at most. Beside each file lies another one with
the same rows, to fetch some by position (see `row_files`). `manifest.json`, written last, says
which files count; the next change removes the files it does not name. Labels given after a
file was written are kept beside it (`Snapshot.later`) until there are so many of them that the
files with such loops are rewritten.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from composer_core.errors import StoreError
from composer_core.store.atomic import atomic_writer, locked, read_json, write_json
from composer_core.store.damage import ARROW, PARQUET, is_noted, looks_whole, note_damage
from composer_core.store.labels.columns import all_labels, labels_since
from composer_core.store.labels.projection import (
    LABEL_SCHEMA,
    labels_of,
    loops_changed_since,
    newest_event,
)
from composer_core.store.labels.schema import label_location
from composer_core.store.labels.store import LabelStore
from composer_core.store.loops.arrow_arrays import numbers
from composer_core.store.loops.declarations import LOOP_SCHEMA, NOT_LISTED
from composer_core.store.loops.exchanges import whole_parts
from composer_core.store.loops.part_files import FULL_ROWS, count_rows, even_groups, read_part
from composer_core.store.search.row_files import ROWS_SUFFIX, write_rows
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

POSITION = "position"
"""Column that orders loops as they were added: number of the part and row in it, in one integer."""
MAX_LATER = 20_000
"""The most loops that may have labels beside the files, before the files are rewritten."""
_ROWS_A_GROUP = 16_384
_PAGE_BYTES = 64 * 1024
_FORMAT = 3
_MOMENT_BYTES, _MOMENT_EVENTS = 16 << 20, 8 * MAX_LATER
"""Less than this (some 20,000 loops) is brought up to date before anybody waits for it."""
_LABELS_SHARE = 0.5
"""How much of making the files goes to their labels, about."""
_WRITERS = 2
Told = Callable[[float], None]
T = TypeVar("T")
_LABEL_COLUMNS = [name for name in LABEL_SCHEMA.names if name != "loop_id"]


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """One file: its name, the parts whose loops it holds, how many loops those are."""

    name: str
    parts: tuple[str, ...]
    n_loops: int

    @property
    def names(self) -> tuple[str, str]:
        """Its own and that of the file with the same rows to fetch."""
        return self.name, str(Path(self.name).with_suffix(ROWS_SUFFIX))


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What a search reads: the files, and labels that came later.

    `later` has LABEL_SCHEMA rows that stand for those in the files. Two snapshots with one
    `version` have the same files and the same `later`.
    """

    files: tuple[Path, ...]
    n_loops: int
    later: pa.Table
    version: tuple[str, int]


class Catalogue:
    """The catalogue of one workspace; safe for several threads and processes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder = workspace.catalogue
        self._lock = threading.Lock()
        self._later: dict[str, dict[str, Any]] = {}
        self._later_of = ("", 0)
        self._snapshot: Snapshot | None = None
        self._store: LabelStore | None = None

    def snapshot(self, told: Told | None = None) -> Snapshot:
        """The library as it is now; brings the files up to date first. StoreError when they cannot be written.

        `told` is called with how much of that is done, as a share from 0 to 1.
        """
        with self._lock:
            store = self._labels()
            try:
                return self._with_labels(store, told or _ignore)
            except StoreError as error:
                if store is None or error.code != "damaged_store" or error.values["path"] != store.place:
                    raise
                self._unreadable_labels(str(error.values["reason"]))
                return self._with_labels(None, told or _ignore)

    def _with_labels(self, store: LabelStore | None, told: Told) -> Snapshot:
        """The library with the labels of `store`; None: with those the files hold, for nothing newer can be read."""
        newest = newest_event(store) if store else self._manifest()[1]
        files, base = self._current_files(store, newest, told)
        return self._with_later(store, files, base, newest)

    def is_behind(self) -> bool:
        """Whether bringing the files up to date will take more than a moment."""
        files, base = self._manifest()
        missing = whole_parts(self._workspace) - {part for file in files for part in file.parts}
        n_events = self._newest(base) - base if files else 0
        n_bytes = sum((self._workspace.loops / name).stat().st_size for name in missing)
        return n_bytes > _MOMENT_BYTES or n_events > _MOMENT_EVENTS

    def _labels(self) -> LabelStore | None:
        location = label_location(self._workspace)
        if isinstance(location, Path) and (not location.exists() or not location.stat().st_size):
            self._store = None  # opening it would make an empty one
        elif self._store is None and not (isinstance(location, Path) and is_noted(location)):
            try:
                self._store = LabelStore(location)
            except StoreError as error:
                if error.code != "damaged_store":
                    raise
                self._unreadable_labels(str(error.values["reason"]))
        return self._store

    def _unreadable_labels(self, reason: str) -> None:
        location = label_location(self._workspace)
        self._store = None
        if isinstance(location, Path):
            note_damage(location, reason)

    def _newest(self, base: int) -> int:
        """The newest event, as far as the labels can be read."""
        store = self._labels()
        try:
            return newest_event(store) if store else base
        except StoreError as error:
            if error.code != "damaged_store":
                raise
            self._unreadable_labels(str(error.values["reason"]))
            return base

    def _current_files(self, store: LabelStore | None, newest: int, told: Told) -> tuple[list[CatalogueFile], int]:
        parts = whole_parts(self._workspace)
        files, base = self._manifest()
        held = {part for file in files for part in file.parts}
        if parts == held and not self._too_many_later(store, base, newest):
            return files, base
        started = time.monotonic()
        with locked(self._folder / "lock"):
            # Another process may have done it while this one waited.
            files, base = self._manifest()
            if not files or newest < base:
                files, base = self._made(store, parts, told), newest
            elif store is not None and self._too_many_later(store, base, newest):
                files, base = self._relabelled(store, files, base, told), newest
            files = self._extended([file for file in files if set(file.parts) <= parts], parts, store)
            self._keep(files, base)
        n_loops, seconds = sum(file.n_loops for file in files), time.monotonic() - started
        _log.info("catalogue brought up to date in %.1f s: %d loops in %d files", seconds, n_loops, len(files))
        return files, base

    def _too_many_later(self, store: LabelStore | None, base: int, newest: int) -> bool:
        if store is None or newest <= base + MAX_LATER:
            return newest < base
        return len(loops_changed_since(store, base, MAX_LATER + 1)) > MAX_LATER

    def _made(self, store: LabelStore | None, parts: set[str], told: Told) -> list[CatalogueFile]:
        """All files, with every label there is."""
        labels = all_labels(store, lambda share: told(_LABELS_SHARE * share)) if store else LABEL_SCHEMA.empty_table()
        groups = even_groups(self._workspace.loops, sorted(parts))
        return _written(lambda group: self._write(group, labels), groups, told)

    def _relabelled(
        self, store: LabelStore, files: Sequence[CatalogueFile], base: int, told: Told
    ) -> list[CatalogueFile]:
        """The files with labels later than the event `base`; one of whose loops none has any stays as it is."""
        labels = labels_since(store, base, sum(file.n_loops for file in files))
        told(_LABELS_SHARE)
        return _written(lambda file: self._relabel(file, labels), files, told)

    def _relabel(self, file: CatalogueFile, labels: pa.Table) -> CatalogueFile:
        loops = read_part(self._folder / file.name, None)
        rows = pc.index_in(loops.column("loop_id"), value_set=labels.column("loop_id").combine_chunks())
        if rows.null_count == len(rows):
            return file
        # What was there and what came later laid end to end: one or the other for each loop.
        places = np.arange(loops.num_rows)
        newer = rows.fill_null(-1).to_numpy()
        chosen = pa.array(np.where(newer >= 0, loops.num_rows + newer, places))
        for index, name in enumerate(loops.column_names):
            if name in _LABEL_COLUMNS:
                both = pa.chunked_array([*loops.column(name).chunks, *labels.column(name).chunks])
                loops = loops.set_column(index, name, both.combine_chunks().take(chosen))
        return self._written_out(file.parts, loops)

    def _extended(self, files: list[CatalogueFile], parts: set[str], store: LabelStore | None) -> list[CatalogueFile]:
        """With the parts no file holds yet, small files being merged into ones at least twice as large."""
        missing = sorted(parts - {part for file in files for part in file.parts})
        for group in even_groups(self._workspace.loops, missing):
            n_loops = count_rows(self._workspace.loops / part for part in group)
            merged = list(group)
            while files and files[-1].n_loops < FULL_ROWS and files[-1].n_loops < 2 * n_loops:
                small = files.pop()
                n_loops += small.n_loops
                merged = [*small.parts, *merged]
            files.append(self._write(tuple(merged), self._labels_of(store, merged)))
        return files

    def _labels_of(self, store: LabelStore | None, parts: Iterable[str]) -> pa.Table:
        if store is None:
            return LABEL_SCHEMA.empty_table()
        ids = [name for part in parts for name in read_part(self._workspace.loops / part, ["loop_id"])[0].to_pylist()]
        return labels_of(store, ids)

    def _write(self, parts: tuple[str, ...], labels: pa.Table) -> CatalogueFile:
        loops = pa.concat_tables([_searched(self._workspace.loops / part) for part in parts], promote_options="default")
        rows = pc.index_in(loops.column("loop_id"), value_set=labels.column("loop_id").combine_chunks())
        for name in _LABEL_COLUMNS:
            loops = loops.append_column(name, labels.column(name).take(rows))
        return self._written_out(parts, loops)

    def _written_out(self, parts: tuple[str, ...], loops: pa.Table) -> CatalogueFile:
        name = f"loops-{parts[0].split('-')[1]}-{secrets.token_hex(4)}.parquet"
        with atomic_writer(self._folder / name) as stream:
            # A dictionary of numbers that hardly repeat costs time and room.
            texts = [spec.name for spec in loops.schema if pa.types.is_string(spec.type)]
            pq.write_table(loops, stream, compression="zstd", use_dictionary=texts,
                           row_group_size=_ROWS_A_GROUP, data_page_size=_PAGE_BYTES)  # fmt: skip
        file = CatalogueFile(name, parts, loops.num_rows)
        with atomic_writer(self._folder / file.names[1]) as stream:
            write_rows(stream, loops)
        return file

    def _with_later(self, store: LabelStore | None, files: Sequence[CatalogueFile], base: int, newest: int) -> Snapshot:
        names = "|".join(file.name for file in files)
        known, seen = self._later_of
        if (names, newest) == (known, seen) and self._snapshot is not None:
            return self._snapshot
        if known != names:
            self._later, seen = {}, base
        if store is not None and newest > seen:
            changed = labels_of(store, loops_changed_since(store, seen, 2 * MAX_LATER))
            self._later.update({row["loop_id"]: row for row in changed.to_pylist()})
        self._later_of = (names, newest)
        later = pa.Table.from_pylist(list(self._later.values()), schema=LABEL_SCHEMA)
        paths = tuple(self._folder / file.name for file in files)
        self._snapshot = Snapshot(paths, sum(file.n_loops for file in files), later, self._later_of)
        return self._snapshot

    def _manifest(self) -> tuple[list[CatalogueFile], int]:
        path = self._folder / "manifest.json"
        if not path.exists():
            return [], 0
        try:
            content: Any = read_json(path)
            if content["format"] != _FORMAT:
                return [], 0
            files = [CatalogueFile(row["name"], tuple(row["parts"]), row["n_loops"]) for row in content["files"]]
            paths = [(self._folder / name, kind) for file in files for name, kind in _kinds(file)]
            present = all(looks_whole(path, kind) for path, kind in paths)
            return (files, int(content["event"])) if present else ([], 0)
        except (StoreError, KeyError, TypeError, ValueError):
            # It can be made again from the loops: nothing is lost but a minute.
            return [], 0

    def forget(self) -> None:
        """Have the files made anew with the next look: one of them turned out to be damaged."""
        with locked(self._folder / "lock"):
            (self._folder / "manifest.json").unlink(missing_ok=True)

    def _keep(self, files: Sequence[CatalogueFile], base: int) -> None:
        rows = [{"name": file.name, "parts": list(file.parts), "n_loops": file.n_loops} for file in files]
        write_json(self._folder / "manifest.json", {"format": _FORMAT, "event": base, "files": rows})
        kept = {"manifest.json", "lock", *(name for file in files for name in file.names)}
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)


def _kinds(file: CatalogueFile) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    return (file.names[0], PARQUET), (file.names[1], ARROW)


def _written(write: Callable[[T], CatalogueFile], of: Sequence[T], told: Told) -> list[CatalogueFile]:
    """A file of each, some at a time: compressing gives way to other threads."""
    written: list[CatalogueFile] = []
    with ThreadPoolExecutor(_WRITERS) as writers:
        for file in writers.map(write, of):
            written.append(file)
            told(_LABELS_SHARE + (1 - _LABELS_SHARE) * len(written) / len(of))
    return written


def _ignore(_share: float) -> None:
    """Nobody listens."""


def _searched(path: Path) -> pa.Table:
    """The columns of a part that can be searched, with the place of each row in the library."""
    table = read_part(path, None)
    table = table.drop_columns([name for name in NOT_LISTED if name in table.column_names])
    first = int(path.name.split("-")[1]) << 32
    return table.append_column(POSITION, numbers(np.arange(first, first + table.num_rows), pa.int64()))


EMPTY_SCHEMA = pa.schema(
    [
        *(spec for spec in LOOP_SCHEMA if spec.name not in NOT_LISTED),
        (POSITION, pa.int64()),
        *(spec for spec in LABEL_SCHEMA if spec.name != "loop_id"),
    ]
)
"""Columns of a file whatever was measured."""
