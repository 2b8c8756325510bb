"""The Parquet parts of the library as files: read, count, and gather them into groups of about one size."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import StoreError
from composer_core.store.damage import PARQUET, is_noted, looks_whole, note_damage, noted_any

_CHECK_AGAIN_SEC = 1.0
"""A file can be damaged without its folder changing."""
_checked: dict[Path, tuple[frozenset[str], float, frozenset[str]]] = {}
"""By folder of loops: the parts it held, when they were looked at, which of them are damaged."""
FULL_ROWS = 131_072
"""A file with so many loops is never merged with others."""


def read_part(path: Path, columns: Sequence[str] | None) -> pa.Table:
    """A part's rows: all columns, or those asked for that it has. StoreError when it is damaged."""
    try:
        with pq.ParquetFile(path) as part:
            known = [name for name in columns if name in part.schema_arrow.names] if columns is not None else None
            return part.read(known)
    except (OSError, pa.ArrowException) as error:
        note_damage(path, str(error))
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error


def parts_present(folder: Path) -> set[str]:
    """Names of all parts in a folder, also of those that do not count; none when it is not there."""
    try:
        # Every question about the library looks: objects of paths cost ten times as much.
        return {name for name in os.listdir(folder) if name.startswith("part-") and name.endswith(".parquet")}
    except FileNotFoundError:
        return set()


def damaged_parts(loops: Path, names: Set[str]) -> Set[str]:
    """Those of these parts whose loops or notes are damaged, as far as the beginnings and ends of the files tell, or as
    they were met; they are noted."""
    listed, checked_at, damaged = _checked.get(loops, (frozenset(), 0.0, frozenset()))
    if listed != names or time.monotonic() - checked_at > _CHECK_AGAIN_SEC:
        damaged = frozenset(name for name in names if not _is_whole(loops, name))
        _checked[loops] = (frozenset(names), time.monotonic(), damaged)
    if noted_any(loops.parent):
        damaged |= {name for name in names if any(is_noted(path) for path in _pair(loops, name))}
    return damaged


def _pair(loops: Path, name: str) -> tuple[Path, Path]:
    return loops / name, loops.parent / "notes" / name


def _is_whole(loops: Path, name: str) -> bool:
    """Whether both files of a part look whole; one that does not is noted."""
    whole = True
    for path in _pair(loops, name):
        if not looks_whole(path, PARQUET):
            note_damage(path, "no whole Parquet file" if path.exists() else "the file is missing")
            whole = False
    return whole


def count_rows(paths: Iterable[Path]) -> int:
    """How many rows parts hold together. StoreError when one is damaged."""
    return sum(_rows_of(path) for path in paths)


def even_groups(folder: Path, parts: Sequence[str]) -> list[tuple[str, ...]]:
    """Names of parts in order, gathered until a group is full."""
    groups: list[tuple[str, ...]] = []
    group: list[str] = []
    n_rows = 0
    for part in parts:
        group.append(part)
        n_rows += _rows_of(folder / part)
        if n_rows >= FULL_ROWS:
            groups.append(tuple(group))
            group, n_rows = [], 0
    return [*groups, tuple(group)] if group else groups


def _rows_of(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        note_damage(path, str(error))
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
