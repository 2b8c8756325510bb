"""Write rows of the library as CSV, JSON Lines or Parquet, piece by piece."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

FORMATS = ("csv", "jsonl", "parquet")
SET_MARK = ";"
"""Between the members of a set in a CSV cell."""
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def write_rows(stream: IO[bytes], pieces: Iterable[pa.Table], form: str, schema: pa.Schema) -> int:
    """Write every row in one of FORMATS; how many rows there were. `schema` serves when there is none.

    CSV is UTF-8 with a byte-order mark (spreadsheets need it for Japanese), empty cells for
    nothing, and an apostrophe before text that a spreadsheet would run as a formula. JSON
    Lines has null for nothing and ISO 8601 for times.
    """
    return _WRITERS[form](stream, pieces, schema)


def harmless_cell(value: object) -> object:
    """A text cell that begins with = + - @ (or a tab or return) with an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else value


def _write_csv(stream: IO[bytes], pieces: Iterable[pa.Table], schema: pa.Schema) -> int:
    import pandas as pd

    stream.write(b"\xef\xbb\xbf")
    n_rows = 0
    header = True
    for piece in pieces:
        frame = piece.to_pandas()
        for name in frame.columns:
            if not pd.api.types.is_numeric_dtype(frame[name]):
                frame[name] = [harmless_cell(_cell(value)) for value in frame[name]]
        stream.write(frame.to_csv(index=False, header=header).encode())
        header = False
        n_rows += len(frame)
    if header:
        stream.write((",".join(schema.names) + "\n").encode())
    return n_rows


def _cell(value: Any) -> Any:
    if hasattr(value, "tolist") and not isinstance(value, datetime):
        return SET_MARK.join(map(str, value.tolist()))
    return value.isoformat() if isinstance(value, datetime) and value == value else value


def _write_jsonl(stream: IO[bytes], pieces: Iterable[pa.Table], _schema: pa.Schema) -> int:
    n_rows = 0
    for piece in pieces:
        for row in piece.to_pylist():
            plain = {name: _plain(value) for name, value in row.items()}
            stream.write(json.dumps(plain, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        n_rows += piece.num_rows
    return n_rows


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value


def _write_parquet(stream: IO[bytes], pieces: Iterable[pa.Table], schema: pa.Schema) -> int:
    n_rows = 0
    writer = None
    for piece in pieces:
        if writer is None:
            schema = piece.schema
            writer = pq.ParquetWriter(stream, schema, compression="zstd")
        writer.write_table(piece.cast(schema))
        n_rows += piece.num_rows
    if writer is None:
        writer = pq.ParquetWriter(stream, schema, compression="zstd")
    writer.close()
    return n_rows


_WRITERS: dict[str, Callable[[IO[bytes], Iterable[pa.Table], pa.Schema], int]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
