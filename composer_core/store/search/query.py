"""Query the library's columns by SQL over the catalogue's files (see `views`).

Column names are checked against the existing columns before they enter a query, and every
value is a bound parameter, so that no text of a user becomes SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from composer_core.errors import InvalidValue
from composer_core.store.names import NameStore
from composer_core.store.search.catalogue import POSITION
from composer_core.store.search.conditions import Between, Condition, Conditions, ContainsWords, Known, OneOf, quoted
from composer_core.store.search.derived import Derived
from composer_core.store.search.views import NUMBER, SET, TEXT, LibraryViews
from composer_core.workspace import Workspace

ColumnValue = str | float | bool | None
"""A value of a column, or one member of a set."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Least and greatest finite value of a column (None: there is none) among `n_loops` loops, `n_with` with one."""

    span: tuple[float, float] | None
    n_loops: int
    n_with: int


class LibraryQuery:
    """Answers for one workspace; any number of threads may ask at once.

    Every answer is of the library as it is at that moment. `expected` names columns, with
    their kind, that can be asked for even while no loop has them; `derived` those that are worked out from
    others. Raises StoreError when a
    file is damaged, InvalidValue for a column that is not there.
    """

    def __init__(
        self,
        workspace: Workspace,
        expected: Mapping[str, str] | None = None,
        derived: Mapping[str, Derived] | None = None,
    ) -> None:
        self._views = LibraryViews(workspace, expected or {}, derived or {})
        self._names = NameStore(workspace)

    def columns(self) -> dict[str, str]:
        """Kind of every column by name."""
        self._views.refresh()
        return dict(self._views.columns)

    def version(self) -> str:
        """Changes whenever an answer may."""
        return "|".join(map(str, (*self._views.refresh(), self._names.digest())))

    def is_behind(self) -> bool:
        """Whether the next answer has to wait for more than a moment; see `prepare`."""
        return self._views.is_behind()

    def prepare(self, told: Callable[[float], None]) -> None:
        """Do what the next answer would wait for; `told` is called with the share that is done, 0 to 1."""
        self._views.refresh(told)

    def count(self, conditions: Iterable[Condition] = ()) -> int:
        """How many loops answer all conditions."""
        text = self._where(conditions)
        query = f"SELECT count(*) FROM {self._views.source(text.columns)}{text.where}"
        return int(self._views.rows(query, text.values)[0][0])

    def select(
        self,
        columns: Sequence[str],
        conditions: Iterable[Condition] = (),
        *,
        order: Sequence[tuple[str, bool]] = ((POSITION, True),),
        offset: int = 0,
        limit: int | None = None,
    ) -> pa.Table:
        """The columns of the matching loops, ordered by (column, descending); loops without a value come last.

        Few rows are read in two steps: first which rows, then their columns, from files made for that.
        """
        self._views.known(columns)
        text = self._where(conditions)
        ranking = ", ".join(f"{quoted(name)} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in order)
        ranking += "" if any(name == POSITION for name, _ in order) else f", {quoted(POSITION)} DESC"
        used = {*text.columns, *self._views.known([name for name, _ in order])}
        if limit is None:
            names = ", ".join(quoted(name) for name in columns)
            source = self._views.source(used | set(columns))
            return self._views.table(f"SELECT {names} FROM {source}{text.where} ORDER BY {ranking}", text.values)
        key = quoted(POSITION)
        chosen = self._views.rows(
            f"SELECT {key} FROM {self._views.source(used)}{text.where} ORDER BY {ranking} LIMIT ? OFFSET ?",
            [*text.values, limit, offset],
        )
        return self._views.at([row[0] for row in chosen], columns)

    def rows_of(self, loop_ids: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """The columns of those of these loops that the library has, in no order."""
        self._views.refresh()
        self._views.known(columns)
        return self._views.at(self._views.positions_of(loop_ids), columns)

    def batches(
        self, columns: Sequence[str], conditions: Iterable[Condition] = (), n_rows: int = 20_000
    ) -> Iterator[pa.Table]:
        """The columns of the matching loops in the order they were added, a piece at a time."""
        self._views.known(columns)
        text = self._where(conditions)
        key, names = quoted(POSITION), ", ".join(quoted(name) for name in columns)
        query = f"SELECT {key} FROM {self._views.source(text.columns)}{text.where} ORDER BY {key}"
        places = self._views.table(query, text.values).column(0).to_numpy()
        for start in range(0, len(places), n_rows):
            piece = places[start : start + n_rows]
            some = self._where([*conditions, Between(POSITION, int(piece[0]), int(piece[-1]))])
            source = self._views.source(some.columns | set(columns))
            yield self._views.table(f"SELECT {names} FROM {source}{some.where} ORDER BY {key}", some.values)

    def counts(
        self, column: str, conditions: Iterable[Condition] = (), *, family_mark: str = "", limit: int = 1000
    ) -> list[tuple[ColumnValue, int]]:
        """(value, loops) of a column, the most frequent first; a loop counts once for each member of a set.

        With `family_mark` values are cut at it ("funk-shuffle" counts as "funk").
        """
        kind = self.columns_kind(column)
        text = self._where(conditions)
        source = self._views.source({*text.columns, column})
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
        return [(value, int(count)) for value, count in self._views.rows(query, [*parameters, limit])]

    def has_values(self, column: str) -> bool:
        """Whether any loop has a value of this column: a finite number, a text or set that is not empty."""
        name, kind = quoted(column), self.columns_kind(column)
        said = {NUMBER: f"isfinite({name})", SET: f"len({name}) > 0", TEXT: f"{name} <> ''"}
        query = f"SELECT 1 FROM {self._views.source({column})} WHERE {said.get(kind, f'{name} IS NOT NULL')} LIMIT 1"
        return bool(self._views.rows(query, []))

    def extent(self, column: str, conditions: Iterable[Condition] = ()) -> Extent:
        """Least and greatest finite value of the matching loops, how many they are and how many have a value."""
        self._number(column)
        text = self._where(conditions)
        name = quoted(column)
        finite = f"FILTER (isfinite({name}))"
        query = (
            f"SELECT min({name}) {finite}, max({name}) {finite}, count(*), count({name}) "
            f"FROM {self._views.source({*text.columns, column})}{text.where}"
        )
        low, high, n_loops, n_with = self._views.rows(query, text.values)[0]
        return Extent(None if low is None else (float(low), float(high)), int(n_loops), int(n_with))

    def histogram(
        self,
        column: str,
        edges: tuple[float, float],
        bins: int,
        conditions: Iterable[Condition] = (),
        split: str = "",
        family_mark: str = "",
    ) -> list[tuple[ColumnValue, int, int]]:
        """(split value, bin from 0, loops) between the edges, both included; split value None without `split`.

        With `family_mark` split values are cut at it.
        """
        self._number(column)
        low, high = edges
        self._views.known([split] if split else [])
        text = self._where([*conditions, Between(column, low, high)])
        source = self._views.source({*text.columns, column, *([split] if split else [])})
        width = (high - low) / bins or 1.0
        family = "split_part(part, ?, 1)" if family_mark else "part"
        query = (
            f"SELECT {family}, least(floor((value - ?) / ?), ?)::INTEGER AS bin, count(*) "
            f"FROM (SELECT {_split_value(split, self._views.columns)} AS part, {quoted(column)} AS value "
            f"FROM {source}{text.where}) GROUP BY ALL ORDER BY ALL"
        )
        family_values = [family_mark] if family_mark else []
        found = self._views.rows(query, [*family_values, low, width, bins - 1, *text.values])
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
        source = self._views.source({*text.columns, x[0], y[0]})
        query = (
            f"SELECT {places[0]} AS i, {places[1]} AS j, count(*) FROM {source}{text.where} GROUP BY ALL ORDER BY ALL"
        )
        return [(int(i), int(j), int(n)) for i, j, n in self._views.rows(query, [*scales, *text.values])]

    def quartiles(
        self, column: str, split: str, conditions: Iterable[Condition] = (), family_mark: str = ""
    ) -> list[tuple[ColumnValue, int, float, float, float]]:
        """(split value, loops, lower quartile, median, upper quartile) of a column of numbers by a field's values.

        A loop counts once for each member of a set. With `family_mark` split values are cut at it.
        """
        self._number(column)
        self._views.known([split])
        text = self._where([*conditions, Known(column), Known(split)])
        family = "split_part(part, ?, 1)" if family_mark else "part"
        quarters = ", ".join(f"quantile_cont(value, {share})" for share in (0.25, 0.5, 0.75))
        query = (
            f"SELECT part, count(*) AS n, {quarters} FROM (SELECT DISTINCT place, {family} AS part, value FROM "
            f"(SELECT {quoted(POSITION)} AS place, {_split_value(split, self._views.columns)} AS part, "
            f"{quoted(column)} AS value FROM {self._views.source({*text.columns, POSITION})}{text.where})) "
            "WHERE part IS NOT NULL AND isfinite(value) GROUP BY part ORDER BY n DESC, part"
        )
        found = self._views.rows(query, [*([family_mark] if family_mark else []), *text.values])
        return [(part, int(n), float(low), float(mid), float(high)) for part, n, low, mid, high in found]

    def sample(self, columns: Sequence[str], conditions: Iterable[Condition], limit: int) -> pa.Table:
        """At most `limit` of the matching loops, the same ones for the same library, spread evenly over it."""
        self._views.known(columns)
        text = self._where(conditions)
        key, source = quoted(POSITION), self._views.source(text.columns)
        drawn = f"SELECT {key} FROM {source}{text.where} ORDER BY hash({key}), {key} LIMIT ?"
        return self._views.at([row[0] for row in self._views.rows(drawn, [*text.values, limit])], columns)

    def schema(self, columns: Sequence[str]) -> pa.Schema:
        """Arrow types of columns as `select` and `batches` give them."""
        return self.select(columns, [OneOf("loop_id", ())]).schema

    def columns_kind(self, column: str) -> str:
        """Kind of one column."""
        self._views.refresh()
        self._views.known([column])
        return self._views.columns[column]

    def _number(self, column: str) -> None:
        if self.columns_kind(column) != NUMBER:
            numbers = ", ".join(name for name, kind in self._views.columns.items() if kind == NUMBER)
            raise InvalidValue("unknown_choice", name="column", value=column, choices=numbers)

    def _where(self, conditions: Iterable[Condition]) -> Conditions:
        self._views.refresh()
        text = Conditions()
        for condition in conditions:
            if isinstance(condition, ContainsWords):
                condition = replace(condition, files=tuple(map(self._names.with_word, condition.words)))  # noqa: PLW2901
            names = condition.named_columns if isinstance(condition, ContainsWords) else (condition.column,)
            text.columns.update(self._views.known(names))
            text.add(condition)
        return text


def _split_value(split: str, kinds: Mapping[str, str]) -> str:
    if not split:
        return "NULL"
    return _members(split) if kinds[split] == SET else f"{quoted(split)}::VARCHAR"


def _members(column: str) -> str:
    """One row per member of a set, one with nothing for a set that has none."""
    name = quoted(column)
    return f"unnest(CASE WHEN len({name}) > 0 THEN {name} ELSE [NULL] END)"
