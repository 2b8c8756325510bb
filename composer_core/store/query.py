"""Questions to the library's columns, answered by DuckDB over the catalogue's Parquet files.

The only place that knows DuckDB. Names of columns are checked against those that are there
before they enter a query, every value is a bound parameter, and the database may read
nothing but the catalogue, install nothing and fetch nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import InvalidValue, StoreError
from composer_core.store.catalogue import EMPTY_SCHEMA, POSITION, Catalogue, Snapshot
from composer_core.store.conditions import Between, Condition, Conditions, Known, OneOf, Words, quoted
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.label_projection import LABEL_SCHEMA
from composer_core.workspace import Workspace

NUMBER, TEXT, SET, FLAG, TIME = "number", "text", "set", "flag", "time"
KINDS = (NUMBER, TEXT, SET, FLAG, TIME)
_SQL_TYPE = {NUMBER: "DOUBLE", TEXT: "VARCHAR", SET: "VARCHAR[]", FLAG: "BOOLEAN", TIME: "TIMESTAMPTZ"}
Version = tuple[str, int, str]
_MAX_THREADS = 4
_MEMORY = "1GB"
EXCLUDED = "excluded"
"""Column with the reason why a loop was excluded; empty for loops that are not."""
_LATER_COLUMNS = frozenset(name for name in LABEL_SCHEMA.names if name != "loop_id")
_SAFE_NAME_EXTRA = set("_.")


class LibraryQuery:
    """Answers for one workspace; any number of threads may ask at once.

    Every answer is of the library as it is at that moment. `expected` names columns, with
    their kind, that can be asked for even while no loop has them. Raises StoreError when a
    file is damaged, InvalidValue for a column that is not there.
    """

    def __init__(self, workspace: Workspace, expected: Mapping[str, str] | None = None) -> None:
        self._workspace = workspace
        self._expected = dict(expected or {})
        self._catalogue = Catalogue(workspace)
        self._exclusions = ExclusionStore(workspace)
        self._lock = threading.Lock()
        self._database = _open_database(workspace.catalogue)
        self._loaded: Version | None = None
        self._later_empty = True
        self._columns: dict[str, str] = {}

    def columns(self) -> dict[str, str]:
        """Kind of every column by name."""
        self._refresh()
        return dict(self._columns)

    def version(self) -> str:
        """Changes whenever an answer may."""
        return "|".join(map(str, self._refresh()))

    def count(self, conditions: Iterable[Condition] = ()) -> int:
        """How many loops answer all conditions."""
        text = self._where(conditions)
        return int(self._rows(f"SELECT count(*) FROM {self._source(text.columns)}{text.where}", text.values)[0][0])

    def select(
        self,
        columns: Sequence[str],
        conditions: Iterable[Condition] = (),
        *,
        order: Sequence[tuple[str, bool]] = ((POSITION, True),),
        offset: int = 0,
        limit: int | None = None,
    ) -> pa.Table:
        """The columns of the loops that answer, ordered by (column, descending); loops without a value come last.

        A part of few rows is read in two steps: first which rows, then their columns.
        """
        self._known(columns)
        text = self._where(conditions)
        ranking = ", ".join(f"{quoted(name)} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in order)
        ranking += "" if any(name == POSITION for name, _ in order) else f", {quoted(POSITION)} DESC"
        used = {*text.columns, *self._known([name for name, _ in order])}
        if limit is None:
            names = ", ".join(quoted(name) for name in columns)
            source = self._source(used | set(columns))
            return self._table(f"SELECT {names} FROM {source}{text.where} ORDER BY {ranking}", text.values)
        key = quoted(POSITION)
        chosen = self._rows(
            f"SELECT {key} FROM {self._source(used)}{text.where} ORDER BY {ranking} LIMIT ? OFFSET ?",
            [*text.values, limit, offset],
        )
        return self._at([row[0] for row in chosen], columns)

    def batches(
        self, columns: Sequence[str], conditions: Iterable[Condition] = (), n_rows: int = 20_000
    ) -> Iterator[pa.Table]:
        """The columns of the loops that answer in the order they were added, a piece at a time."""
        self._known(columns)
        text = self._where(conditions)
        key, names = quoted(POSITION), ", ".join(quoted(name) for name in columns)
        query = f"SELECT {key} FROM {self._source(text.columns)}{text.where} ORDER BY {key}"
        places = self._table(query, text.values).column(0).to_numpy()
        for start in range(0, len(places), n_rows):
            piece = places[start : start + n_rows]
            some = self._where([*conditions, Between(POSITION, int(piece[0]), int(piece[-1]))])
            source = self._source(some.columns | set(columns))
            yield self._table(f"SELECT {names} FROM {source}{some.where} ORDER BY {key}", some.values)

    def _at(self, positions: list[int], columns: Sequence[str]) -> pa.Table:
        """Columns of the loops at these positions, in this order."""
        names = ", ".join(quoted(name) for name in columns)
        key, marks = quoted(POSITION), ", ".join("?" * len(positions))
        found = self._table(
            f"SELECT {key} AS place, {names} FROM {self._source(set(columns))} WHERE {key} IN ({marks or 'NULL'})",
            positions,
        )
        row_of = {place: row for row, place in enumerate(found.column("place").to_pylist())}
        return found.drop_columns("place").take(pa.array([row_of[place] for place in positions], pa.int64()))

    def counts(
        self, column: str, conditions: Iterable[Condition] = (), *, family_mark: str = "", limit: int = 1000
    ) -> list[tuple[Any, int]]:
        """(value, loops) of a column, the most frequent first; a loop counts once for each member of a set.

        With `family_mark` values are cut at it ("funk-shuffle" counts as "funk").
        """
        kind = self.columns_kind(column)
        text = self._where(conditions)
        source = self._source({*text.columns, column})
        value = _members(column) if kind == SET else quoted(column)
        inner = f"SELECT DISTINCT {quoted(POSITION)}, {value} AS value" if kind == SET else f"SELECT {value} AS value"
        parameters: list[Any] = list(text.values)
        if family_mark:
            inner = f"SELECT DISTINCT {quoted(POSITION)}, split_part(value, ?, 1) AS value FROM ({inner}"
            parameters.insert(0, family_mark)
        close = ")" if family_mark else ""
        query = (
            f"SELECT value, count(*) AS n FROM ({inner} FROM {source}{text.where}{close}) "
            "GROUP BY value ORDER BY n DESC, value LIMIT ?"
        )
        return [(value, int(count)) for value, count in self._rows(query, [*parameters, limit])]

    def extent(self, column: str, conditions: Iterable[Condition] = ()) -> tuple[float, float] | None:
        """Least and greatest finite value; None when there is none."""
        self._number(column)
        text = self._where(conditions)
        name = quoted(column)
        where = f"{text.where} AND isfinite({name})" if text.where else f" WHERE isfinite({name})"
        query = f"SELECT min({name}), max({name}) FROM {self._source({*text.columns, column})}{where}"
        low, high = self._rows(query, text.values)[0]
        return None if low is None else (float(low), float(high))

    def histogram(
        self,
        column: str,
        edges: tuple[float, float],
        bins: int,
        conditions: Iterable[Condition] = (),
        split: str = "",
        family_mark: str = "",
    ) -> list[tuple[Any, int, int]]:
        """(split value, bin from 0, loops) between the edges, both included; split value None without `split`.

        With `family_mark` split values are cut at it.
        """
        self._number(column)
        low, high = edges
        self._known([split] if split else [])
        text = self._where([*conditions, Between(column, low, high)])
        source = self._source({*text.columns, column, *([split] if split else [])})
        width = (high - low) / bins or 1.0
        family = "split_part(part, ?, 1)" if family_mark else "part"
        query = (
            f"SELECT {family}, least(floor((value - ?) / ?), ?)::INTEGER AS bin, count(*) "
            f"FROM (SELECT {_split_value(split, self._columns)} AS part, {quoted(column)} AS value "
            f"FROM {source}{text.where}) GROUP BY ALL ORDER BY ALL"
        )
        family_values = [family_mark] if family_mark else []
        found = self._rows(query, [*family_values, low, width, bins - 1, *text.values])
        return [(part, int(number), int(n_loops)) for part, number, n_loops in found]

    def density(
        self, x: tuple[str, float, float], y: tuple[str, float, float], bins: int, conditions: Iterable[Condition] = ()
    ) -> list[tuple[int, int, int]]:
        """(bin of x, bin of y, loops) on a square of bins; `x` and `y` are (column, low, high), ends included."""
        for column, _, _ in (x, y):
            self._number(column)
        text = self._where([*conditions, Between(*x), Between(*y)])
        places = [f"least(floor(({quoted(column)} - ?) / ?), ?)::INTEGER" for column, _, _ in (x, y)]
        scales = [value for _, low, high in (x, y) for value in (low, (high - low) / bins, bins - 1)]
        query = (
            f"SELECT {places[0]} AS i, {places[1]} AS j, count(*) FROM {self._source({*text.columns, x[0], y[0]})}"
            f"{text.where} GROUP BY ALL ORDER BY ALL"
        )
        return [(int(i), int(j), int(n)) for i, j, n in self._rows(query, [*scales, *text.values])]

    def quartiles(
        self, column: str, split: str, conditions: Iterable[Condition] = (), family_mark: str = ""
    ) -> list[tuple[Any, int, float, float, float]]:
        """(split value, loops, lower quartile, median, upper quartile) of a column of numbers by a field's values.

        A loop counts once for each member of a set. With `family_mark` split values are cut at it.
        """
        self._number(column)
        self._known([split])
        text = self._where([*conditions, Known(column), Known(split)])
        family = "split_part(part, ?, 1)" if family_mark else "part"
        quarters = ", ".join(f"quantile_cont(value, {share})" for share in (0.25, 0.5, 0.75))
        query = (
            f"SELECT part, count(*) AS n, {quarters} FROM (SELECT DISTINCT place, {family} AS part, value FROM "
            f"(SELECT {quoted(POSITION)} AS place, {_split_value(split, self._columns)} AS part, "
            f"{quoted(column)} AS value FROM {self._source({*text.columns, POSITION})}{text.where})) "
            "WHERE part IS NOT NULL AND isfinite(value) GROUP BY part ORDER BY n DESC, part"
        )
        found = self._rows(query, [*([family_mark] if family_mark else []), *text.values])
        return [(part, int(n), float(low), float(mid), float(high)) for part, n, low, mid, high in found]

    def sample(self, columns: Sequence[str], conditions: Iterable[Condition], limit: int) -> pa.Table:
        """At most `limit` of the loops that answer, the same ones for the same library, spread evenly over it."""
        self._known(columns)
        text = self._where(conditions)
        names = ", ".join(quoted(name) for name in columns)
        source = self._source({*text.columns, *columns, "loop_id"})
        query = f'SELECT {names} FROM {source}{text.where} ORDER BY hash("loop_id"), "loop_id" LIMIT ?'
        return self._table(query, [*text.values, limit])

    def schema(self, columns: Sequence[str]) -> pa.Schema:
        """Arrow types of columns as `select` and `batches` give them."""
        return self.select(columns, [OneOf("loop_id", ())], limit=1).schema

    def columns_kind(self, column: str) -> str:
        """Kind of one column."""
        self._refresh()
        self._known([column])
        return self._columns[column]

    def _number(self, column: str) -> None:
        if self.columns_kind(column) != NUMBER:
            numbers = ", ".join(name for name, kind in self._columns.items() if kind == NUMBER)
            raise InvalidValue("unknown_choice", name="column", value=column, choices=numbers)

    def _known(self, columns: Sequence[str]) -> Sequence[str]:
        if not self._columns:
            self._refresh()
        for name in columns:
            if name not in self._columns:
                raise InvalidValue("unknown_option", name=name, where="columns", choices=", ".join(self._columns))
        return columns

    def _where(self, conditions: Iterable[Condition]) -> Conditions:
        self._refresh()
        text = Conditions()
        for condition in conditions:
            names = condition.columns if isinstance(condition, Words) else (condition.column,)
            text.columns.update(self._known(names))
            text.add(condition)
        return text

    def _source(self, used: set[str]) -> str:
        """The view to read; with later labels or exclusions beside the files only when a column needs them."""
        later = bool(used & _LATER_COLUMNS) and not self._later_empty
        return _view_name(later, EXCLUDED in used)

    def _refresh(self) -> Version:
        snapshot = self._catalogue.snapshot()
        version = (*snapshot.version, self._exclusions.digest())
        with self._lock:
            if self._loaded != version:
                self._load(snapshot)
                self._loaded = version
        return version

    def _load(self, snapshot: Snapshot) -> None:
        schema = _merged_schema(snapshot.files)
        self._later_empty = snapshot.later.num_rows == 0
        stored = {name: _kind(schema.field(name).type) for name in schema.names if _safe(name)}
        # Files of an earlier release lack the columns that came later.
        known = {spec.name: _kind(spec.type) for spec in EMPTY_SCHEMA} | dict(self._expected)
        absent = {name: kind for name, kind in known.items() if name not in stored}
        cursor = self._database.cursor()
        if snapshot.files:
            # Paths are the catalogue's own; quotes are doubled all the same.
            files = ", ".join("'{}'".format(str(path).replace("'", "''")) for path in snapshot.files)
            source = f"read_parquet([{files}], union_by_name = true)"
        else:
            cursor.register("nothing", schema.empty_table())
            cursor.execute("CREATE OR REPLACE TABLE no_loops AS SELECT * FROM nothing")
            source = "no_loops"
        cursor.register("arrived", snapshot.later)
        cursor.execute("CREATE OR REPLACE TABLE later AS SELECT * FROM arrived")
        cursor.register("left_out", self._exclusions.reasons())
        cursor.execute("CREATE OR REPLACE TABLE exclusions AS SELECT * FROM left_out")
        names = [quoted(name) for name in stored]
        names += [f"NULL::{_SQL_TYPE[kind]} AS {quoted(name)}" for name, kind in absent.items()]
        cursor.execute(f"CREATE OR REPLACE VIEW {_view_name(False, False)} AS SELECT {', '.join(names)} FROM {source}")
        for later, excluded in ((True, False), (False, True), (True, True)):
            _create_view(cursor, [*stored, *absent], later, excluded)
        self._columns = {**stored, **absent, EXCLUDED: TEXT}

    def _rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._run(query, values, lambda found: found.fetchall())

    def _table(self, query: str, values: Sequence[Any]) -> pa.Table:
        return self._run(query, values, lambda found: found.to_arrow_table())

    def _run(self, query: str, values: Sequence[Any], read: Callable[[duckdb.DuckDBPyRelation], Any]) -> Any:
        try:
            return read(self._database.cursor().sql(query, params=list(values)))
        except duckdb.IOException:
            # A file was replaced by another process between the look at the manifest and now.
            self._loaded = None
            self._refresh()
        except duckdb.Error as error:
            raise StoreError("damaged_store", path=str(self._workspace.catalogue), reason=str(error)) from error
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


def _merged_schema(files: Sequence[Path]) -> pa.Schema:
    try:
        return pa.unify_schemas([pq.read_schema(path) for path in files]) if files else EMPTY_SCHEMA
    except (OSError, pa.ArrowException) as error:
        place = str(files[0].parent) if files else ""
        raise StoreError("damaged_store", path=place, reason=str(error)) from error


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


def _create_view(cursor: duckdb.DuckDBPyConnection, columns: Sequence[str], later: bool, excluded: bool) -> None:
    names = [_later_or_file(name, later) for name in columns]
    source = "loops"
    if later:
        source += " LEFT JOIN later ON loops.loop_id = later.loop_id"
    if excluded:
        names.append(f"exclusions.reason AS {quoted(EXCLUDED)}")
        source += " LEFT JOIN exclusions ON loops.loop_id = exclusions.loop_id"
    cursor.execute(f"CREATE OR REPLACE VIEW {_view_name(later, excluded)} AS SELECT {', '.join(names)} FROM {source}")


def _later_or_file(name: str, later: bool) -> str:
    column = quoted(name)
    if not later or name not in _LATER_COLUMNS:
        return f"loops.{column}"
    return f"CASE WHEN later.loop_id IS NULL THEN loops.{column} ELSE later.{column} END AS {column}"


def _split_value(split: str, kinds: Mapping[str, str]) -> str:
    if not split:
        return "NULL"
    return _members(split) if kinds[split] == SET else f"{quoted(split)}::VARCHAR"


def _members(column: str) -> str:
    """One row a member of a set, one with nothing for a set that has none."""
    name = quoted(column)
    return f"unnest(CASE WHEN len({name}) > 0 THEN {name} ELSE [NULL] END)"
