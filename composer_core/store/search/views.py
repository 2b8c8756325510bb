"""The library's files as DuckDB views: open them, keep them up to date, query them.

This is the only module that knows DuckDB. The database may read nothing but the catalogue, install
nothing and fetch nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import InvalidValue, StoreError
from composer_core.music.key import ROOT_NAMES
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.labels.projection import LABEL_SCHEMA
from composer_core.store.search.catalogue import EMPTY_SCHEMA, POSITION, Catalogue, Snapshot
from composer_core.store.search.conditions import quoted
from composer_core.store.search.derived import Derived
from composer_core.store.search.row_files import PLACE, ROWS_SUFFIX, RowFiles
from composer_core.workspace import Workspace

NUMBER, TEXT, SET, FLAG, TIME = "number", "text", "set", "flag", "time"
KINDS = (NUMBER, TEXT, SET, FLAG, TIME)
_SQL_TYPE = {NUMBER: "DOUBLE", TEXT: "VARCHAR", SET: "VARCHAR[]", FLAG: "BOOLEAN", TIME: "TIMESTAMPTZ"}
Version = tuple[str, int, str]
Found = TypeVar("Found")
_MAX_THREADS = 4
_MEMORY = "1GB"
_FILED = "filed"
"""The view of the catalogue's files alone."""
EXCLUDED = "excluded"
"""Column with the reason why a loop was excluded; empty for loops that are not."""
MEASURED_ROOT = "measured_root"
"""Column with the name of `key_root`, the tonic estimated from the notes; empty where there is none."""
_ROOT_SQL = "CASE " + " ".join(f"WHEN key_root = {i} THEN '{name}'" for i, name in enumerate(ROOT_NAMES)) + " END"
_LATER_COLUMNS = frozenset(name for name in LABEL_SCHEMA.names if name != "loop_id")
_SAFE_NAME_EXTRA = set("_.")


class LibraryViews:
    """The views of one workspace; any number of threads may ask at once.

    `expected` names columns, with their kind, that can be asked for even while no loop has
    them; `derived` those that are worked out from others. Raises StoreError when a file is damaged.
    """

    def __init__(self, workspace: Workspace, expected: Mapping[str, str], derived: Mapping[str, Derived]) -> None:
        self._workspace = workspace
        self._expected = dict(expected)
        self._derived = dict(derived)
        self._catalogue = Catalogue(workspace)
        self._exclusions = ExclusionStore(workspace)
        self._rows = RowFiles(POSITION)
        self._lock = threading.Lock()
        self._database = _open_database(workspace.catalogue)
        self._loaded: Version | None = None
        self._later_empty = True
        self._columns: dict[str, str] = {}

    @property
    def columns(self) -> dict[str, str]:
        """Kind of every column by name, as of the last `refresh`."""
        if not self._columns:
            self.refresh()
        return self._columns

    def known(self, columns: Sequence[str]) -> Sequence[str]:
        """The columns as given; InvalidValue names one that is not there."""
        for name in columns:
            if name not in self.columns:
                raise InvalidValue("unknown_option", name=name, where="columns", choices=", ".join(self.columns))
        return columns

    def source(self, used: set[str]) -> str:
        """The view to read; with later labels or exclusions beside the files only when a column needs them."""
        later = bool(self._with_parts(used) & _LATER_COLUMNS) and not self._later_empty
        return _view_name(later, EXCLUDED in used)

    def _with_parts(self, used: Iterable[str]) -> set[str]:
        """The columns, and those that the derived ones among them are made of."""
        return {*used, *(part for name in used if name in self._derived for part in self._derived[name].parts)}

    def positions_of(self, loop_ids: Sequence[str]) -> list[int]:
        """Positions of those loops that the library has, as of the last `refresh`."""
        return self._rows.positions_of(loop_ids)

    def at(self, positions: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Columns of the loops at these positions, in this order."""
        used = self._with_parts(columns)
        later, excluded = bool(_LATER_COLUMNS & used) and not self._later_empty, EXCLUDED in columns
        made = [name for name in columns if name in self._derived]
        read = [name for name in dict.fromkeys(["loop_id", *columns, *sorted(used)]) if name not in (EXCLUDED, *made)]
        fetched = [*read, "key_root"] if MEASURED_ROOT in read else read
        picked = self._rows.at(positions, list(dict.fromkeys(fetched)))
        present = set(picked.column_names)
        base = [_expression(name, present, self._columns[name]) for name in read]
        names, source = _joined(read, later, excluded)
        worked_out = "".join(f", {self._derived[name].sql} AS {quoted(name)}" for name in made)
        shown = ", ".join(quoted(name) for name in columns)
        cursor = self._database.cursor()
        cursor.register("picked", picked)
        query = (
            f"WITH loops AS (SELECT {PLACE}, {', '.join(base)} FROM picked) "
            f"SELECT {shown} FROM (SELECT *{worked_out} FROM (SELECT {PLACE}, {names} FROM {source})) ORDER BY {PLACE}"
        )
        try:
            return cursor.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise StoreError("damaged_store", path=str(self._workspace.catalogue), reason=str(error)) from error

    def is_behind(self) -> bool:
        """Whether the next `refresh` will take more than a moment."""
        return self._catalogue.is_behind()

    def refresh(self, told: Callable[[float], None] | None = None) -> Version:
        """Read the library as it is now; returns its `version`. `told` is called with the share done, 0 to 1."""
        snapshot = self._catalogue.snapshot(told)
        try:
            return self._loaded_as(snapshot)
        except StoreError as error:
            if error.code != "damaged_store" or not str(error.values["path"]).startswith(
                str(self._workspace.catalogue)
            ):
                raise
            # A file that looked whole is damaged inside: all are made anew, once.
            self._catalogue.forget()
            return self._loaded_as(self._catalogue.snapshot(told))

    def _loaded_as(self, snapshot: Snapshot) -> Version:
        version = (*snapshot.version, self._exclusions.digest())
        with self._lock:
            if self._loaded != version:
                self._load(snapshot)
                self._loaded = version
        return version

    def _load(self, snapshot: Snapshot) -> None:
        schemas = _schemas(snapshot.files)
        schema = _merged(schemas)
        self._later_empty = snapshot.later.num_rows == 0
        stored = {name: _kind(schema.field(name).type) for name in schema.names if _safe(name)}
        # Files of an earlier release lack the columns that came later.
        known = {spec.name: _kind(spec.type) for spec in EMPTY_SCHEMA} | dict(self._expected)
        absent = {name: kind for name, kind in known.items() if name not in stored}
        cursor = self._database.cursor()
        if schemas:
            source = _parquet_source(schemas, list(stored))
        else:
            cursor.register("nothing", schema.empty_table())
            cursor.execute("CREATE OR REPLACE TABLE no_loops AS SELECT * FROM nothing")
            source = "no_loops"
        cursor.register("arrived", snapshot.later)
        cursor.execute("CREATE OR REPLACE TABLE later AS SELECT * FROM arrived")
        cursor.register("left_out", self._exclusions.reasons())
        cursor.execute("CREATE OR REPLACE TABLE exclusions AS SELECT * FROM left_out")
        kinds = {**stored, **absent, MEASURED_ROOT: TEXT}
        names = [_expression(name, set(stored), kind) for name, kind in kinds.items()]
        worked_out = "".join(f", {one.sql} AS {quoted(name)}" for name, one in self._derived.items())
        cursor.execute(f"CREATE OR REPLACE VIEW {_FILED} AS SELECT {', '.join(names)} FROM {source}")
        for later, excluded in ((False, False), (True, False), (False, True), (True, True)):
            seen, beside = _joined(list(kinds), later, excluded)
            cursor.execute(
                f"CREATE OR REPLACE VIEW {_view_name(later, excluded)} AS "
                f"SELECT *{worked_out} FROM (SELECT {seen} FROM {beside.replace('loops', _FILED + ' AS loops', 1)})"
            )
        self._rows.use([path.with_suffix(ROWS_SUFFIX) for path in snapshot.files])
        self._columns = {**kinds, **{name: one.kind for name, one in self._derived.items()}, EXCLUDED: TEXT}

    def rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        rows: list[tuple[Any, ...]] = self._run(query, values, lambda found: found.fetchall())
        return rows

    def table(self, query: str, values: Sequence[object]) -> pa.Table:
        """Columns of a query."""
        return self._run(query, values, lambda found: found.to_arrow_table())

    def _run(self, query: str, values: Sequence[object], read: Callable[[duckdb.DuckDBPyRelation], Found]) -> Found:
        try:
            return read(self._database.cursor().sql(query, params=list(values)))
        except duckdb.OutOfMemoryException as error:
            raise StoreError("damaged_store", path=str(self._workspace.catalogue), reason=str(error)) from error
        except duckdb.IOException:
            # A file was replaced by another process between the look at the manifest and now.
            self._loaded = None
            self.refresh()
        except duckdb.Error:
            # A file is damaged inside; it can be made again from the loops.
            self._catalogue.forget()
            self._loaded = None
            self.refresh()
        try:
            return read(self._database.cursor().sql(query, params=list(values)))
        except duckdb.Error as error:
            raise StoreError("damaged_store", path=str(self._workspace.catalogue), reason=str(error)) from error


def _open_database(folder: Path) -> duckdb.DuckDBPyConnection:
    threads = min(_MAX_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    settings: Mapping[str, Any] = {
        "threads": threads,
        "memory_limit": _MEMORY,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "preserve_insertion_order": False,
    }
    database = duckdb.connect(":memory:", config=dict(settings))
    database.execute("SET parquet_metadata_cache = true")
    database.execute("SET allowed_directories = ?", [[str(folder)]])
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def _schemas(files: Sequence[Path]) -> dict[Path, pa.Schema]:
    try:
        return {path: pq.read_schema(path) for path in files}
    except (OSError, pa.ArrowException) as error:
        raise StoreError("damaged_store", path=str(files[0].parent), reason=str(error)) from error


def _merged(schemas: Mapping[Path, pa.Schema]) -> pa.Schema:
    try:
        return pa.unify_schemas(list(schemas.values())) if schemas else EMPTY_SCHEMA
    except pa.ArrowException as error:
        raise StoreError("damaged_store", path=str(next(iter(schemas)).parent), reason=str(error)) from error


def _parquet_source(schemas: Mapping[Path, pa.Schema], columns: Sequence[str]) -> str:
    """The files together, NULL standing for columns that some lack.

    DuckDB could find these out by itself, with every query anew: 40 ms of processor time for eight files.
    """
    alike: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for path, schema in schemas.items():
        alike.setdefault(tuple((spec.name, str(spec.type)) for spec in schema), []).append(path)
    sources = []
    for specs, paths in alike.items():
        there = {name for name, _ in specs}
        names = [quoted(name) if name in there else f"NULL AS {quoted(name)}" for name in columns]
        # Paths are the catalogue's own; quotes are doubled all the same.
        files = ", ".join("'{}'".format(str(path).replace("'", "''")) for path in paths)
        sources.append(f"SELECT {', '.join(names)} FROM read_parquet([{files}])")
    return f"({' UNION ALL '.join(sources)})"


def _kind(arrow: pa.DataType) -> str:
    if pa.types.is_boolean(arrow):
        return FLAG
    if pa.types.is_integer(arrow) or pa.types.is_floating(arrow):
        return NUMBER
    if pa.types.is_timestamp(arrow):
        return TIME
    return SET if pa.types.is_list(arrow) else TEXT


def _safe(name: str) -> bool:
    return all(character.isalnum() or character in _SAFE_NAME_EXTRA for character in name)


def _view_name(later: bool, excluded: bool) -> str:
    return "loops" + "_later" * later + "_excluded" * excluded


def _expression(name: str, stored: Set[str], kind: str) -> str:
    """A column of the files, by its name; empty where they do not have it."""
    there = ("key_root" if name == MEASURED_ROOT else name) in stored
    empty = f"NULL::{_SQL_TYPE[kind]}"
    return f"{(_ROOT_SQL if name == MEASURED_ROOT else quoted(name)) if there else empty} AS {quoted(name)}"


def _joined(columns: Sequence[str], later: bool, excluded: bool) -> tuple[str, str]:
    """What to select of `loops` and what stands beside it, and from where."""
    names = [_later_or_file(name, later) for name in columns]
    source = "loops"
    if later:
        source += " LEFT JOIN later ON loops.loop_id = later.loop_id"
    if excluded:
        names.append(f"exclusions.reason AS {quoted(EXCLUDED)}")
        source += " LEFT JOIN exclusions ON loops.loop_id = exclusions.loop_id"
    return ", ".join(names), source


def _later_or_file(name: str, later: bool) -> str:
    column = quoted(name)
    if not later or name not in _LATER_COLUMNS:
        return f"loops.{column}"
    return f"CASE WHEN later.loop_id IS NULL THEN loops.{column} ELSE later.{column} END AS {column}"
