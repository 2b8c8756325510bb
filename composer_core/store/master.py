"""The master data set on disk: two tables as JSON lines and Parquet, with a manifest that vouches for them.

`master_dataset` has one row per loop, `master_songs` one per source file. `master.json` names
the version of the schema, every column with its type and meaning, what the set was made of
and with, and a digest of all that; `read_master` checks everything.
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

SCHEMA_VERSION = 2
LOOPS, SONGS, MANIFEST = "master_dataset", "master_songs", "master.json"
_TYPES = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_(), "json": pa.string()}
_PYTHON = {"text": str, "number": (int, float), "count": int, "flag": bool, "json": (dict, list)}


@dataclass(frozen=True, slots=True)
class MasterColumn:
    """A column: `kind` is text, number, count, flag or json (an object or a list; a text in Parquet)."""

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


def write_master(
    folder: Path, loops: MasterTable, songs: MasterTable, made_with: Mapping[str, object]
) -> dict[str, object]:
    """Write both tables twice and the manifest last; returns the manifest. Rows must carry their `digest`."""
    manifest: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "made_with": dict(made_with), "tables": {}}
    for name, table in ((LOOPS, loops), (SONGS, songs)):
        _check(table, folder / name)
        _write_table(folder, name, table)
        columns = [{"name": c.name, "kind": c.kind, "meaning": c.meaning} for c in table.columns]
        manifest["tables"][name] = {"rows": len(table.rows), "digest": _content(table), "columns": columns}
    manifest["digest"] = _verified(manifest)
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_master(folder: Path) -> Master:
    """Read and check a master data set.

    Raises NotFound, or StoreError damaged_store naming the file and what is wrong: another
    schema version, a column missing or of another kind, a row or the whole that is not what
    its digest says, Parquet and JSON lines that differ.
    """
    if not (folder / MANIFEST).is_file():
        raise NotFound("path_missing", path=str(folder / MANIFEST))
    manifest: Any = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema_version") != SCHEMA_VERSION:
        found = manifest.get("schema_version") if isinstance(manifest, dict) else None
        raise _damaged(folder / MANIFEST, f"its schema is number {found}, this release reads {SCHEMA_VERSION}")
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
    arrays = {}
    for column in table.columns:
        values = [row[column.name] for row in table.rows]
        if column.kind == "json":
            values = [None if value is None else json_line(value).decode() for value in values]
        arrays[column.name] = pa.array(values, _TYPES[column.kind])
    return pa.table(arrays)


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
            wrong = isinstance(value, bool) and column.kind != "flag"
            if value is not None and (wrong or not isinstance(value, _PYTHON[column.kind])):  # type: ignore[arg-type]
                raise _damaged(path, f"row {number}: {column.name} is {value!r}, which is no {column.kind}")
        if row["digest"] != row_digest(row):
            raise _damaged(path, f"row {number} is not what its digest says")


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
