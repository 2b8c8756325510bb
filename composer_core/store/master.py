"""The master data set on disk: two tables as JSON lines and Parquet, with a manifest that vouches for them.

`master_dataset` has one row per loop, `master_songs` one per source file. `master.json` names
the version of the schema, every column with its type and meaning, what the set was made of
and with, and a digest of all that; `read_master` checks everything. Columns that no row has a value
in are not written; the manifest names them.

Lists and weights are lists and maps in Parquet. Schemas up to number 2 had them there as texts of JSON; such a set
is still read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import NotFound, StoreError
from composer_core.store.atomic import atomic_writer, read_json, write_json

SCHEMA_VERSION = 3
READABLE = (2, SCHEMA_VERSION)
"""Schemas that are read. Number 3 has lists and maps in Parquet, and no columns without a value."""
LOOPS, SONGS, MANIFEST = "master_dataset", "master_songs", "master.json"
_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
    "texts": pa.list_(pa.string()),
    "numbers": pa.list_(pa.float64()),
    "weights": pa.map_(pa.string(), pa.float64()),
    "json": pa.string(),
}
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "count": int,
    "flag": bool,
    "texts": list,
    "numbers": list,
    "weights": dict,
    "json": (dict, list),
}
_INSIDE: dict[str, type | tuple[type, ...]] = {"texts": str, "numbers": (int, float), "weights": (int, float)}
"""What the values inside of lists and weights are."""


@dataclass(frozen=True, slots=True)
class MasterColumn:
    """A column: `kind` is text, number, count, flag, texts or numbers (lists), weights (numbers by text, a map in
    Parquet), or in sets of schema 2 json (an object or a list; a text in Parquet)."""

    name: str
    kind: str
    meaning: str


@dataclass(frozen=True, slots=True)
class MasterTable:
    """Rows with the columns they have, in this order; a value that is not known is None."""

    columns: tuple[MasterColumn, ...]
    rows: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Master:
    """A master data set as read: both tables and the manifest."""

    loops: MasterTable
    songs: MasterTable
    manifest: dict[str, object]


def kind_of(arrow: pa.DataType) -> str:
    """Kind of a column that holds what a column of the library with this type holds."""
    if pa.types.is_boolean(arrow):
        return "flag"
    if pa.types.is_integer(arrow):
        return "count"
    return "number" if pa.types.is_floating(arrow) else "text"


def row_digest(row: Mapping[str, object]) -> str:
    """SHA-256 over a row's values without its own digest, as hex."""
    content = {name: value for name, value in row.items() if name != "digest"}
    return hashlib.sha256(json_line(content)).hexdigest()


def without_empty_columns(table: MasterTable) -> tuple[MasterTable, tuple[MasterColumn, ...]]:
    """The table without the columns that no row has a value in, and these columns; a table without rows keeps all.

    Rows get a new `digest`.
    """
    empty = tuple(c for c in table.columns if table.rows and all(row[c.name] is None for row in table.rows))
    if not empty:
        return table, ()
    gone = {column.name for column in empty}
    rows = [{name: value for name, value in row.items() if name not in gone} for row in table.rows]
    rows = [row | {"digest": row_digest(row)} for row in rows]
    return MasterTable(tuple(c for c in table.columns if c.name not in gone), rows), empty


def write_master(
    folder: Path, loops: MasterTable, songs: MasterTable, made_with: Mapping[str, object]
) -> dict[str, object]:
    """Write both tables twice and the manifest last; returns the manifest. Rows must carry their `digest`.

    Columns without any value are left out, and named in the manifest as `empty_columns` of their table.
    """
    manifest: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "made_with": dict(made_with), "tables": {}}
    for name, whole in ((LOOPS, loops), (SONGS, songs)):
        _check(whole, folder / name)
        table, empty = without_empty_columns(whole)
        _write_table(folder, name, table)
        facts = {"rows": len(table.rows), "digest": _content(table), "columns": _described(table.columns)}
        manifest["tables"][name] = facts | {"empty_columns": _described(empty)}
    manifest["digest"] = _verified(manifest)
    write_json(folder / MANIFEST, manifest)
    return manifest


def _described(columns: Sequence[MasterColumn]) -> list[dict[str, str]]:
    return [{"name": column.name, "kind": column.kind, "meaning": column.meaning} for column in columns]


def read_master(folder: Path) -> Master:
    """Read and check a master data set.

    Raises NotFound, or StoreError damaged_store naming the file and what is wrong: another
    schema version, a column missing or of another kind, a row or the whole that is not what
    its digest says, Parquet and JSON lines that differ.
    """
    if not (folder / MANIFEST).is_file():
        raise NotFound("path_missing", path=str(folder / MANIFEST))
    manifest: Any = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema_version") not in READABLE:
        found = manifest.get("schema_version") if isinstance(manifest, dict) else None
        known = " and ".join(map(str, READABLE))
        raise _damaged(folder / MANIFEST, f"its schema is number {found}, this release reads {known}")
    try:
        if manifest["digest"] != _verified(manifest):
            raise _damaged(folder / MANIFEST, "it is not what its digest says")
        tables = {name: _read_table(folder, name, manifest["tables"][name]) for name in (LOOPS, SONGS)}
    except (KeyError, TypeError) as error:
        raise _damaged(folder / MANIFEST, f"{error} is missing") from error
    return Master(tables[LOOPS], tables[SONGS], manifest)


def _write_table(folder: Path, name: str, table: MasterTable) -> None:
    write_lines(folder / f"{name}.jsonl", table.rows)
    with atomic_writer(folder / f"{name}.parquet") as stream:
        pq.write_table(_arrow(table), stream, compression="zstd")


def _arrow(table: MasterTable) -> pa.Table:
    """The table as Parquet holds it; what a column means is in the metadata of its field."""
    arrays, fields = [], []
    for column in table.columns:
        values = [row[column.name] for row in table.rows]
        arrays.append(pa.array([_held(value, column.kind) for value in values], _TYPES[column.kind]))
        fields.append(pa.field(column.name, _TYPES[column.kind], metadata={"meaning": column.meaning}))
    return pa.table(arrays, schema=pa.schema(fields))


def _held(value: Any, kind: str) -> Any:
    if value is None or kind not in ("json", "weights"):
        return value
    return json_line(value).decode() if kind == "json" else sorted(value.items())


def _read_table(folder: Path, name: str, facts: Mapping[str, Any]) -> MasterTable:
    path = folder / f"{name}.jsonl"
    columns = tuple(MasterColumn(c["name"], c["kind"], c["meaning"]) for c in facts["columns"])
    try:
        lines = path.read_bytes().splitlines()
        table = MasterTable(columns, [json.loads(line) for line in lines])
        _check(table, path)
        parquet = pq.read_table(folder / f"{name}.parquet")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(path, str(error)) from error
    if len(table.rows) != facts["rows"] or _content(table) != facts["digest"]:
        raise _damaged(path, "it is not what the manifest says")
    if not parquet.equals(_arrow(table)):
        raise _damaged(folder / f"{name}.parquet", "it differs from the JSON lines")
    return table


def _check(table: MasterTable, path: Path) -> None:
    """Every row holds exactly the columns, each of its kind, and is what its digest says."""
    names = {column.name for column in table.columns}
    for number, row in enumerate(table.rows, 1):
        if set(row) != names:
            odd = ", ".join(sorted(set(row) ^ names))
            raise _damaged(path, f"row {number} lacks or adds {odd}")
        for column in table.columns:
            value = row[column.name]
            if value is not None and not _is_of_kind(value, column.kind):
                raise _damaged(path, f"row {number}: {column.name} is {value!r}, which is no {column.kind}")
        if row["digest"] != row_digest(row):
            raise _damaged(path, f"row {number} is not what its digest says")


def _is_of_kind(value: Any, kind: str) -> bool:
    if (isinstance(value, bool) and kind != "flag") or not isinstance(value, _PYTHON[kind]):
        return False
    if kind not in _INSIDE:
        return True
    whole: Any = value
    held = whole.values() if kind == "weights" else whole
    return all(isinstance(one, _INSIDE[kind]) and not isinstance(one, bool) for one in held)


def _content(table: MasterTable) -> str:
    return hashlib.sha256("".join(str(row["digest"]) for row in table.rows).encode()).hexdigest()


def _verified(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json_line({key: value for key, value in manifest.items() if key != "digest"})).hexdigest()


def json_line(value: object) -> bytes:
    """A value as one line of JSON, keys sorted, UTF-8: equal values give equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False).encode("utf-8")


def _damaged(path: Path, reason: str) -> StoreError:
    return StoreError("damaged_store", path=str(path), reason=reason)


def write_lines(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write JSON lines atomically."""
    with atomic_writer(path) as stream:
        for row in rows:
            stream.write(json_line(row) + b"\n")
