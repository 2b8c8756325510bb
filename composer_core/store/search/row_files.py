"""Arrow files of the catalogue's rows, uncompressed and memory-mapped, to fetch some rows by position.

Parquet is made for whole columns: to fetch fifty rows spread over a million it decodes all of them.
So beside each Parquet file of the catalogue lies an Arrow file with the same rows, from which a row costs
microseconds and nothing is copied at the start. Repeated texts are written once per file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from composer_core.errors import StoreError

PLACE = "place"
"""Column of `RowFiles.at` that counts the rows asked for from 0."""
ROWS_SUFFIX = ".arrow"
_UNIQUE = ("loop_id", "content_hash")


@dataclass(frozen=True, slots=True, eq=False)
class _Mapped:
    table: pa.Table
    positions: NDArray[np.int64]


class RowFiles:
    """The files of one catalogue. `position` names the column that orders rows; it ascends within a file."""

    def __init__(self, position: str) -> None:
        self._position = position
        self._mapped: dict[Path, _Mapped] = {}

    def use(self, paths: Sequence[Path]) -> None:
        """Read from these files from now on. StoreError when one is damaged."""
        self._mapped = {path: self._mapped.get(path) or self._map(path) for path in paths}

    def _map(self, path: Path) -> _Mapped:
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            return _Mapped(table, table.column(self._position).combine_chunks().to_numpy())
        except (OSError, KeyError, pa.ArrowException) as error:
            raise StoreError("damaged_store", path=str(path), reason=str(error)) from error

    def at(self, positions: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """The rows at these positions in no order, PLACE saying which is which.

        Columns that no such row has are left out.
        """
        wanted = np.asarray(positions, np.int64)
        pieces: list[pa.Table] = []
        for file in self._mapped.values():
            row = np.searchsorted(file.positions, wanted)
            known = np.flatnonzero(file.positions[np.minimum(row, len(file.positions) - 1)] == wanted)
            if len(known) or not pieces:
                names = [name for name in columns if name in file.table.column_names]
                piece = file.table.select(names).take(pa.array(row[known]))
                pieces.append(piece.append_column(PLACE, pa.array(known)))
        nothing = pa.table({PLACE: pa.array([], pa.int64())})
        return pa.concat_tables(pieces, promote_options="default") if pieces else nothing

    def positions_of(self, loop_ids: Sequence[str]) -> list[int]:
        """Positions of those loops that are here, in the order of the files."""
        wanted = pa.array(list(dict.fromkeys(loop_ids)), pa.string())
        found: list[int] = []
        for file in self._mapped.values():
            rows = pc.indices_nonzero(pc.is_in(file.table.column("loop_id"), value_set=wanted))
            found += file.positions[rows.to_numpy()].tolist()
        return found


def write_rows(stream: IO[bytes], table: pa.Table) -> None:
    """The rows of one file."""
    for index, spec in enumerate(table.schema):
        if pa.types.is_string(spec.type) and spec.name not in _UNIQUE:
            table = table.set_column(index, spec.name, table.column(index).combine_chunks().dictionary_encode())
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table.combine_chunks(), max_chunksize=max(table.num_rows, 1))
