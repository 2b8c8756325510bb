"""Browse the library: pages, counts, distributions and samples of the loops that match a Filter.

Nothing here loads the whole library: every function queries its columns, and the size of an
answer is the size of what is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from composer_core.errors import NotFound, require_choice, require_range
from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.pipeline.library.filters import EVERYTHING, Filter, parse_where
from composer_core.pipeline.library.query import (
    CHOICE_COLUMN,
    JUDGED_PREFIX,
    JUDGED_PROFILE,
    SPLIT_COLUMN,
    conditions_of,
    family_mark,
    frame_of,
    library_query,
    value_name,
)
from composer_core.store.atomic import atomic_writer
from composer_core.store.labels.projection import STATUS_COLUMN
from composer_core.store.loops.declarations import LOOP_COLUMNS
from composer_core.store.loops.export import FORMATS, write_rows
from composer_core.store.loops.record import SCORE_PREFIX
from composer_core.store.search.catalogue import POSITION
from composer_core.store.search.views import NUMBER
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FORMATS",
    "LISTED",
    "PLOTTED",
    "Facet",
    "Page",
    "column_of",
    "columns",
    "count",
    "export",
    "export_file",
    "facets",
    "has_values",
    "ids",
    "is_behind",
    "number_columns",
    "page",
    "prepare",
    "rows",
    "span",
    "version",
    "where",
]
MAX_PAGE = 10_000
LISTED = (
    *(column.name for column in LOOP_COLUMNS if column.shown),
    *(STATUS_COLUMN, "labels.emotion", "labels.genre", "labels.key_root"),
    *("labels.key_mode", "labels.technique", "labels.quality", *(SCORE_PREFIX + axis for axis in SCORE_NAMES)),
    *(JUDGED_PROFILE, *(JUDGED_PREFIX + axis for axis in SCORE_NAMES)),
)
"""The default columns of a page."""
PLOTTED = tuple(column.name for column in LOOP_COLUMNS if column.plotted)
"""The columns that a chart offers besides metrics and scores."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a table: the rows shown, and the number of all matching loops."""

    rows: pd.DataFrame
    total: int


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a field and the number of loops that have it; the value None stands for 'no value'."""

    value: str | None
    n_loops: int


def columns(workspace: Workspace) -> dict[str, str]:
    """Every column by name with its kind: number, text, set, flag or time.

    Metrics and scores that no loop has yet are listed too; their columns are empty.
    """
    known = library_query(workspace).columns()
    return {name: kind for name, kind in known.items() if name != POSITION}


def number_columns(workspace: Workspace) -> tuple[str, ...]:
    """The columns that hold numbers, and so have a distribution."""
    return tuple(name for name, kind in columns(workspace).items() if kind == NUMBER)


def where(workspace: Workspace, text: str) -> Filter:
    """Parse a `--where` text into a Filter (see `filters`); InvalidValue for an unknown column lists the known ones."""
    return parse_where(text, number_columns(workspace))


def version(workspace: Workspace) -> str:
    """A short text that changes whenever an answer of this module may change: loops added, labels given."""
    return library_query(workspace).version()


def is_behind(workspace: Workspace) -> bool:
    """True when the next query has to wait until many loops or labels are prepared for search; see `prepare`."""
    return library_query(workspace).is_behind()


def prepare(workspace: Workspace, told: Callable[[float], None]) -> None:
    """Prepare the library for search; else the next query does so. `told` is called with the share done, 0 to 1."""
    library_query(workspace).prepare(told)


def column_of(field: str) -> str:
    """The column that holds a single value per loop for a field; samples use its name."""
    return SPLIT_COLUMN.get(field, field)


def count(workspace: Workspace, filter: Filter = EVERYTHING) -> int:
    """The number of matching loops."""
    return library_query(workspace).count(conditions_of(filter))


def page(
    workspace: Workspace,
    filter: Filter = EVERYTHING,
    sort: Sequence[tuple[str, bool]] = (),
    offset: int = 0,
    limit: int = 100,
    *,
    columns: Sequence[str] = LISTED,
) -> Page:
    """Rows `offset` to `offset + limit` of the matching loops, and the number of all of them.

    `sort` holds pairs (column, descending), the most important first. Loops without a value
    come last. Equal loops, and all loops if `sort` is empty, are ordered from the newest.
    InvalidValue for unknown columns.
    """
    require_range("limit", limit, 1, MAX_PAGE)
    require_range("offset", offset, 0, math.inf)
    query, conditions = library_query(workspace), conditions_of(filter)
    found = query.select(columns, conditions, order=tuple(sort) or ((POSITION, True),), offset=offset, limit=limit)
    return Page(frame_of(found), query.count(conditions))


def rows(workspace: Workspace, loop_ids: Sequence[str], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of these loops in this order, with all columns unless some are named; NotFound names a missing loop."""
    query = library_query(workspace)
    names = list(columns) if columns is not None else [name for name in query.columns() if name != POSITION]
    wanted = list(dict.fromkeys(["loop_id", *names]))
    frame = frame_of(query.rows_of(loop_ids, wanted)).set_index("loop_id", drop=False)
    for loop_id in loop_ids:
        if loop_id not in frame.index:
            raise NotFound("loop_missing", loop_id=loop_id, path=str(workspace.root))
    return frame.loc[list(loop_ids), names].reset_index(drop=True)


def ids(workspace: Workspace, filter: Filter = EVERYTHING, limit: int | None = None) -> list[str]:
    """Ids of the matching loops, the newest first: the loops that a bulk action applies to."""
    found = library_query(workspace).select(["loop_id"], conditions_of(filter), limit=limit)
    names: list[str] = found.column("loop_id").to_pylist()
    return names


def export(
    workspace: Workspace,
    stream: IO[bytes],
    form: str,
    filter: Filter = EVERYTHING,
    columns: Sequence[str] | None = None,
) -> int:
    """Write the matching loops as csv, jsonl or parquet, oldest first and in pieces; returns their number.

    All columns are written unless some are named. InvalidValue for another form or an unknown column.
    """
    require_choice("format", form, FORMATS)
    query = library_query(workspace)
    names = [name for name in query.columns() if name != POSITION] if columns is None else list(columns)
    schema = query.schema(names)
    return write_rows(stream, query.batches(names, conditions_of(filter)), form, schema)


def export_file(
    workspace: Workspace, path: Path, form: str, filter: Filter = EVERYTHING, columns: Sequence[str] | None = None
) -> int:
    """Write an `export` into a file, whole or not at all; StoreError when it cannot be written."""
    require_choice("format", form, FORMATS)
    with atomic_writer(path) as stream:
        return export(workspace, stream, form, filter, columns)


def has_values(workspace: Workspace, field: str) -> bool:
    """True when any loop has a value in a field (the name of a choice, or a column)."""
    return library_query(workspace).has_values(CHOICE_COLUMN.get(field, field))


def span(workspace: Workspace, column: str) -> tuple[float, float] | None:
    """The smallest and largest value of a numeric column in the whole library; None when no loop has one."""
    return library_query(workspace).extent(column).span


def facets(workspace: Workspace, filter: Filter, fields: Iterable[str]) -> dict[str, list[Facet]]:
    """The values of each field among the matching loops, the most frequent first.

    Fields are the names of choices (filters.CHOICES) or columns. The filter's own choice of a
    field is ignored while that field is counted, so that its other values stay in sight.
    `genre` counts families.
    """
    query = library_query(workspace)
    found = {}
    for field in fields:
        conditions = conditions_of(filter.dropping(field))
        column = CHOICE_COLUMN.get(field, field)
        counted = query.counts(column, conditions, family_mark=family_mark(field))
        found[field] = [Facet(value_name(field, value), n) for value, n in counted]
    return found
