"""Facts from data sets about source files (title, composer, split, group), as Parquet parts per data set.

Rows are keyed by the SHA-256 of the source file, which loops hold in `source_digest`, so that
they apply to every loop cut from it; the newest row of a file counts. Changes are written as a
further part, so that they cost the same in a large library; now and then the parts are gathered
into one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import StoreError
from composer_core.store.atomic import atomic_writer, locked
from composer_core.store.damage import readable
from composer_core.store.loops.record import storable
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

SONG_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in ("source_digest", "dataset", "file", "title", "composer", "split", "source_group", "extra")
    ]
)

_MANY_PARTS = 64
"""When a data set has so many parts, they are gathered into one."""


@dataclass(frozen=True, slots=True)
class SongRow:
    """One source file as a data set describes it; `extra` is JSON, `source_group` what a split must not part."""

    source_digest: str
    dataset: str
    file: str
    title: str = ""
    composer: str = ""
    split: str = ""
    source_group: str = ""
    extra: str = "{}"


class SongStore:
    """The song rows of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.songs

    def write(self, dataset: str, rows: Sequence[SongRow]) -> int:
        """Add or replace the rows of a data set; how many are not as they were. Nothing is written for 0."""
        fresh = {row.source_digest: _as_dict(row) for row in rows}
        if not fresh:
            # Arrow has no type for a filter by an empty list, and would call the parts damaged.
            return 0
        with locked(self._folder / "lock"):
            parts = self._parts(dataset)
            known = {row["source_digest"]: row for part in parts for row in _read(part, fresh).to_pylist()}
            changed = [row for digest, row in fresh.items() if known.get(digest) != row]
            if changed:
                if len(parts) >= _MANY_PARTS:
                    parts = self._gather(parts)
                number = 1 + (int(parts[-1].name.split(".")[1]) if parts and len(parts[-1].suffixes) == 2 else 0)
                _write(self._folder / f"{dataset}.{number:06d}.parquet", pa.Table.from_pylist(changed, SONG_SCHEMA))
        return len(changed)

    def table(self) -> pd.DataFrame:
        """All rows of all data sets, one a file and data set."""
        tables = [_read(path) for path in self._parts()]
        found = (pa.concat_tables(tables) if tables else SONG_SCHEMA.empty_table()).to_pandas()
        rows: pd.DataFrame = found.drop_duplicates(["dataset", "source_digest"], keep="last").reset_index(drop=True)
        return rows

    def of(self, source_digest: str) -> list[SongRow]:
        """What is said of one source file, data set by data set; a damaged part is noted and left out."""
        parts = readable(self._parts(), lambda path: _read(path, [source_digest]).to_pylist())
        rows = (row for part in parts for row in part)
        return [SongRow(**row) for row in {row["dataset"]: row for row in rows}.values()]

    def _parts(self, dataset: str = "") -> list[Path]:
        """The parts of a data set, or of all, oldest first; the first of an early library has no number."""
        paths = [path for path in self._folder.glob("*.parquet") if path.name.split(".")[0] == dataset or not dataset]
        return sorted(paths, key=lambda path: (len(path.suffixes), path.name))

    def _gather(self, parts: list[Path]) -> list[Path]:
        """One part of many. It takes the last one's place, so that a crash leaves rows twice, never none."""
        rows = {row["source_digest"]: row for part in parts for row in _read(part).to_pylist()}
        _write(parts[-1], pa.Table.from_pylist(list(rows.values()), SONG_SCHEMA))
        for part in parts[:-1]:
            part.unlink()
        return parts[-1:]


def _as_dict(row: SongRow) -> dict[str, str]:
    return {name: storable(str(getattr(row, name))) for name in SONG_SCHEMA.names}


def _write(path: Path, table: pa.Table) -> None:
    with atomic_writer(path) as stream:
        pq.write_table(table, stream, compression="zstd")


def _read(path: Path, digests: Iterable[str] | None = None) -> pa.Table:
    """The rows of a part: all, or those of files with these digests."""
    try:
        filters = None if digests is None else [("source_digest", "in", list(digests))]
        return pq.read_table(path, schema=SONG_SCHEMA, filters=filters)
    except (OSError, pa.ArrowException) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error


def extra_json(extra: object) -> str:
    """A row's `extra` in one spelling, so that equal contents are equal texts."""
    return json.dumps(extra, ensure_ascii=False, sort_keys=True, default=str)
