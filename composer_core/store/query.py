"""Questions to the library's columns, answered by DuckDB over the catalogue's Parquet files.

The only place that knows DuckDB. Names of columns are checked against those that are there
before they enter a query, every value is a bound parameter, and the database may read
nothing but the catalogue, install nothing and fetch nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.errors import InvalidValue, StoreError
from composer_core.store.catalogue import EMPTY_SCHEMA, POSITION, Catalogue, Snapshot
from composer_core.store.label_projection import LABEL_SCHEMA
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

NUMBER, TEXT, SET, FLAG, TIME = "number", "text", "set", "flag", "time"
KINDS = (NUMBER, TEXT, SET, FLAG, TIME)
_MAX_THREADS = 4
_MEMORY = "1GB"
_LATER_COLUMNS = frozenset(name for name in LABEL_SCHEMA.names if name != "loop_id")
_SAFE_NAME_EXTRA = set("_.")


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column holds one of the values; None among them stands for nothing. `negated` turns it around."""

    column: str
    values: tuple[str | None, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """low <= column <= high; None leaves an end open. Loops without a value are out."""

    column: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The set in the column shares a member with the values."""

    column: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Every word occurs in one of the columns, whatever its case."""

    columns: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """The column has a value (or, `negated`, has none)."""

    column: str
    negated: bool = False


Condition = OneOf | Between | AnyOf | Words | Known


@dataclass(slots=True)
class _Text:
    """A query under way: its conditions as SQL with the parameters they bind, and the columns they name."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)

    @property
    def where(self) -> str:
        """The WHERE clause, empty without conditions."""
        return " WHERE " + " AND ".join(self.parts) if self.parts else ""


class LibraryQuery:
    """Answers for one workspace; any number of threads may ask at once.

    Every answer is of the library as it is at that moment. Raises StoreError when a file
    is damaged, InvalidValue for a column that is not there.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._catalogue = Catalogue(workspace)
        self._lock = threading.Lock()
        self._database = _open_database(workspace.catalogue)
        self._loaded: tuple[str, int] | None = None
        self._columns: dict[str, str] = {}

    def columns(self) -> dict[str, str]:
        """Kind of every column by name."""
        self._refresh()
        return dict(self._columns)

    def version(self) -> tuple[str, int]:
        """Changes whenever an answer may."""
        return self._refresh().version

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
        ranking = ", ".join(f"{_quoted(name)} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in order)
        ranking += "" if any(name == POSITION for name, _ in order) else f", {_quoted(POSITION)} DESC"
        used = {*text.columns, *self._known([name for name, _ in order])}
        if limit is None:
            names = ", ".join(_quoted(name) for name in columns)
            source = self._source(used | set(columns))
            return self._table(f"SELECT {names} FROM {source}{text.where} ORDER BY {ranking}", text.values)
        key = _quoted(POSITION)
        chosen = self._rows(
            f"SELECT {key} FROM {self._source(used)}{text.where} ORDER BY {ranking} LIMIT ? OFFSET ?",
            [*text.values, limit, offset],
        )
        return self._at([row[0] for row in chosen], columns)

    def _at(self, positions: list[int], columns: Sequence[str]) -> pa.Table:
        """Columns of the loops at these positions, in this order."""
        names = ", ".join(_quoted(name) for name in columns)
        key, marks = _quoted(POSITION), ", ".join("?" * len(positions))
        found = self._table(
            f"SELECT {key} AS place, {names} FROM {self._source(set(columns))} WHERE {key} IN ({marks or 'NULL'})",
            positions,
        )
        row_of = {place: row for row, place in enumerate(found.column("place").to_pylist())}
        return found.drop_columns("place").take([row_of[place] for place in positions])

    def counts(
        self, column: str, conditions: Iterable[Condition] = (), *, family_mark: str = "", limit: int = 1000
    ) -> list[tuple[Any, int]]:
        """(value, loops) of a column, the most frequent first; a loop counts once for each member of a set.

        With `family_mark` values are cut at it ("funk-shuffle" counts as "funk").
        """
        kind = self.columns_kind(column)
        text = self._where(conditions)
        source = self._source({*text.columns, column})
        value = f"unnest({_quoted(column)})" if kind == SET else _quoted(column)
        inner = f"SELECT DISTINCT {_quoted(POSITION)}, {value} AS value" if kind == SET else f"SELECT {value} AS value"
        parameters: list[Any] = list(text.values)
        if family_mark:
            inner = f"SELECT DISTINCT {_quoted(POSITION)}, split_part(value, ?, 1) AS value FROM ({inner}"
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
        name = _quoted(column)
        where = f"{text.where} AND isfinite({name})" if text.where else f" WHERE isfinite({name})"
        query = f"SELECT min({name}), max({name}) FROM {self._source({*text.columns, column})}{where}"
        low, high = self._rows(query, text.values)[0]
        return None if low is None else (float(low), float(high))

    def histogram(
        self, column: str, edges: tuple[float, float], bins: int, conditions: Iterable[Condition] = (), split: str = ""
    ) -> list[tuple[Any, int, int]]:
        """(split value, bin from 0, loops) between the edges, both included; split value None without `split`."""
        self._number(column)
        low, high = edges
        text = self._where(conditions)
        used = {*text.columns, column} | ({split} if split else set())
        self._known([split] if split else [])
        name, by = _quoted(column), _split_value(split, self._columns)
        width = (high - low) / bins or 1.0
        inside = f"{name} BETWEEN ? AND ?"
        where = f"{text.where} AND {inside}" if text.where else f" WHERE {inside}"
        query = (
            f"SELECT {by} AS part, least(floor(({name} - ?) / ?), ?)::INTEGER AS bin, count(*) "
            f"FROM {self._source(used)}{where} GROUP BY part, bin ORDER BY part, bin"
        )
        return [tuple(row) for row in self._rows(query, [low, width, bins - 1, *text.values, low, high])]

    def sample(self, columns: Sequence[str], conditions: Iterable[Condition], limit: int) -> pa.Table:
        """At most `limit` of the loops that answer, the same ones for the same library, spread evenly over it."""
        self._known(columns)
        text = self._where(conditions)
        names = ", ".join(_quoted(name) for name in columns)
        source = self._source({*text.columns, *columns, "loop_id"})
        query = f'SELECT {names} FROM {source}{text.where} ORDER BY hash("loop_id"), "loop_id" LIMIT ?'
        return self._table(query, [*text.values, limit])

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

    def _where(self, conditions: Iterable[Condition]) -> _Text:
        self._refresh()
        text = _Text()
        for condition in conditions:
            names = condition.columns if isinstance(condition, Words) else (condition.column,)
            text.columns.update(self._known(names))
            _add_condition(text, condition)
        return text

    def _source(self, used: set[str]) -> str:
        """The table to read; with later labels beside it only when a column needs them."""
        if not used & _LATER_COLUMNS or self._later_empty:
            return "loops"
        return "loops_with_later"

    def _refresh(self) -> Snapshot:
        snapshot = self._catalogue.snapshot()
        with self._lock:
            if self._loaded != snapshot.version:
                self._load(snapshot)
                self._loaded = snapshot.version
        return snapshot

    def _load(self, snapshot: Snapshot) -> None:
        schema = _merged_schema(snapshot.files)
        self._later_empty = snapshot.later.num_rows == 0
        self._columns = {name: _kind(schema.field(name).type) for name in schema.names if _safe(name)}
        cursor = self._database.cursor()
        names = ", ".join(_quoted(name) for name in self._columns)
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
        cursor.execute(f"CREATE OR REPLACE VIEW loops AS SELECT {names} FROM {source}")
        columns = ", ".join(_later_or_file(name) for name in self._columns)
        join = "loops LEFT JOIN later ON loops.loop_id = later.loop_id"
        cursor.execute(f"CREATE OR REPLACE VIEW loops_with_later AS SELECT {columns} FROM {join}")

    def _rows(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._run(query, values).fetchall()

    def _table(self, query: str, values: Sequence[Any]) -> pa.Table:
        return self._run(query, values).to_arrow_table()

    def _run(self, query: str, values: Sequence[Any]) -> duckdb.DuckDBPyConnection:
        try:
            return self._database.cursor().execute(query, list(values))
        except duckdb.Error as error:
            raise StoreError("damaged_store", path=str(self._workspace.catalogue), reason=str(error)) from error


def _open_database(folder: Path) -> duckdb.DuckDBPyConnection:
    import os

    threads = min(_MAX_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    settings: Mapping[str, Any] = {
        "threads": threads,
        "memory_limit": _MEMORY,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allowed_directories": [str(folder)],
        "preserve_insertion_order": False,
        "parquet_metadata_cache": True,
    }
    database = duckdb.connect(":memory:", config=dict(settings))
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def _merged_schema(files: Sequence[Path]) -> pa.Schema:
    try:
        return pa.unify_schemas([EMPTY_SCHEMA, *(pq.read_schema(path) for path in files)])
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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _later_or_file(name: str) -> str:
    quoted = _quoted(name)
    if name not in _LATER_COLUMNS:
        return f"loops.{quoted}"
    return f"CASE WHEN later.loop_id IS NULL THEN loops.{quoted} ELSE later.{quoted} END AS {quoted}"


def _split_value(split: str, kinds: Mapping[str, str]) -> str:
    if not split:
        return "NULL"
    return f"unnest({_quoted(split)})" if kinds[split] == SET else f"{_quoted(split)}::VARCHAR"


def _add_condition(text: _Text, condition: Condition) -> None:
    if isinstance(condition, OneOf):
        _add_one_of(text, condition)
    elif isinstance(condition, Between):
        for sign, bound in ((">=", condition.low), ("<=", condition.high)):
            if bound is not None:
                text.parts.append(f"{_quoted(condition.column)} {sign} ?")
                text.values.append(bound)
    elif isinstance(condition, AnyOf):
        shares = f"coalesce(list_has_any({_quoted(condition.column)}, ?::VARCHAR[]), false)"
        text.parts.append(f"NOT {shares}" if condition.negated else shares)
        text.values.append(list(condition.values))
    elif isinstance(condition, Words):
        for word in condition.words:
            places = [f"contains(lower(coalesce({_quoted(name)}, '')), lower(?))" for name in condition.columns]
            text.parts.append("(" + " OR ".join(places) + ")")
            text.values.extend([word] * len(places))
    else:
        text.parts.append(f"{_quoted(condition.column)} IS {'' if condition.negated else 'NOT '}NULL")


def _add_one_of(text: _Text, condition: OneOf) -> None:
    given = [value for value in condition.values if value is not None]
    name = _quoted(condition.column)
    parts = [f"{name} IN ({', '.join('?' * len(given))})"] if given else []
    if len(given) < len(condition.values):
        parts.append(f"{name} IS NULL")
    asked = f"coalesce({' OR '.join(parts) or 'false'}, false)"
    text.parts.append(f"NOT {asked}" if condition.negated else asked)
    text.values.extend(given)
