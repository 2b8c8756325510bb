"""Build Arrow arrays straight from numpy buffers and texts.

`pyarrow.array` would do the same but imports pandas on its first call, which costs an import
of files a quarter of a second for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(values: object, kind: pa.DataType) -> pa.Array:
    """An array of a fixed-width number type; NaN becomes null in floats."""
    column = np.ascontiguousarray(values, dtype=kind.to_pandas_dtype())
    missing = np.isnan(column) if column.dtype.kind == "f" else np.zeros(0, np.bool_)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    return pa.Array.from_buffers(kind, len(column), [valid, pa.py_buffer(column)])


def flags(values: object) -> pa.Array:
    """An array of booleans."""
    column = np.asarray(values, dtype=np.bool_)
    return pa.Array.from_buffers(pa.bool_(), len(column), [None, pa.py_buffer(np.packbits(column, bitorder="little"))])


def instants(microseconds: int, count: int) -> pa.Array:
    """The same UTC time, in microseconds since 1970, for every row."""
    column = np.full(count, microseconds, dtype=np.int64)
    return pa.Array.from_buffers(pa.timestamp("us", tz="UTC"), count, [None, pa.py_buffer(column)])


def texts(values: Sequence[str | None]) -> pa.Array:
    """An array of strings; None becomes null."""
    return _of_bytes(pa.string(), [None if value is None else value.encode() for value in values])


def blobs(values: Sequence[bytes]) -> pa.Array:
    """An array of bytes; those of no length become null."""
    return _of_bytes(pa.binary(), [value or None for value in values])


def _of_bytes(kind: pa.DataType, values: Sequence[bytes | None]) -> pa.Array:
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum([len(value or b"") for value in values], out=offsets[1:])
    valid = np.packbits(np.array([value is not None for value in values], np.bool_), bitorder="little")
    buffers = [pa.py_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(b"".join(value or b"" for value in values))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def coded(index: NDArray[np.number], names: Sequence[str]) -> pa.DictionaryArray:
    """Strings as int32 indices into their distinct names."""
    return pa.DictionaryArray.from_arrays(numbers(index, pa.int32()), texts(names))


def repeated(values: Sequence[str], counts: NDArray[np.int64]) -> pa.DictionaryArray:
    """Each string as often as its count says, stored once each."""
    code = {name: index for index, name in enumerate(dict.fromkeys(values))}
    return coded(np.repeat(np.array([code[value] for value in values], dtype=np.int32), counts), list(code))
