"""What data sets say of source files: title, composer, split, group; one Parquet file a data set.

Rows are keyed by the SHA-256 of the source file, as loops name it in `source_digest`, so
they hold for every loop cut from it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import StoreError
from composer_core.store.atomic import atomic_writer
from composer_core.store.loop_record import storable
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

SONG_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in ("source_digest", "dataset", "file", "title", "composer", "split", "source_group", "extra")
    ]
)


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
        path = self._folder / f"{dataset}.parquet"
        known = {row["source_digest"]: row for row in _read(path).to_pylist()} if path.exists() else {}
        fresh = {row.source_digest: _as_dict(row) for row in rows}
        n_changed = sum(known.get(digest) != row for digest, row in fresh.items())
        if n_changed:
            table = pa.Table.from_pylist(list({**known, **fresh}.values()), schema=SONG_SCHEMA)
            with atomic_writer(path) as stream:
                pq.write_table(table, stream, compression="zstd")
        return n_changed

    def table(self) -> pd.DataFrame:
        """All rows of all data sets, one a file and data set."""
        tables = [_read(path) for path in sorted(self._folder.glob("*.parquet"))]
        return (pa.concat_tables(tables) if tables else SONG_SCHEMA.empty_table()).to_pandas()

    def of(self, source_digest: str) -> list[SongRow]:
        """What is said of one source file, data set by data set."""
        rows = []
        for path in sorted(self._folder.glob("*.parquet")):
            rows += _read(path, [("source_digest", "=", source_digest)]).to_pylist()
        return [SongRow(**row) for row in rows]


def _as_dict(row: SongRow) -> dict[str, str]:
    return {name: storable(str(getattr(row, name))) for name in SONG_SCHEMA.names}


def _read(path: Path, filters: list[tuple[str, str, str]] | None = None) -> pa.Table:
    try:
        return pq.read_table(path, schema=SONG_SCHEMA, filters=filters)
    except (OSError, pa.ArrowException) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error


def extra_json(extra: object) -> str:
    """A row's `extra` in one spelling, so that equal contents are equal texts."""
    return json.dumps(extra, ensure_ascii=False, sort_keys=True, default=str)
