"""Browsing the library: pages, counts, distributions and samples of the loops a Filter asks for.

Nothing here loads the library: every answer is a query over its columns, whose size is
that of what is shown.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound, require_range
from composer_core.metrics import METRICS
from composer_core.music.genre import FAMILIES
from composer_core.pipeline.filters import CHOICES, Filter, Range, parse_where
from composer_core.pipeline.library import SCORE_AXES
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.catalogue import POSITION
from composer_core.store.conditions import AnyOf, Between, Condition, Known, OneOf, Words
from composer_core.store.label_projection import GENRES_COLUMN, LABEL_PREFIX, NOTE_COLUMN, STATUS_COLUMN
from composer_core.store.loop_record import METRIC_PREFIX
from composer_core.store.query import EXCLUDED, NUMBER, TEXT, LibraryQuery
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LISTED",
    "SCORE_PREFIX",
    "UNLABELLED",
    "Facet",
    "Filter",
    "Histogram",
    "Page",
    "Projection",
    "Range",
    "Sample",
    "columns",
    "count",
    "facets",
    "histogram",
    "ids",
    "page",
    "projection",
    "rows",
    "scatter",
    "where",
]
EVERYTHING = Filter()
"""A filter that asks for nothing."""
SCORE_PREFIX = "scores."
UNLABELLED = "unlabelled"
MAX_PAGE = 10_000
LISTED = (
    *("loop_id", "source", "member", "track_name", "instrument", "program", "start_bar", "bars", "meter"),
    *("tempo_bpm", "n_notes", "swing_phase", "origin", "take_id", "duplicate_of", "created_at"),
    *("valence_estimate", "arousal_estimate", STATUS_COLUMN, "labels.emotion", "labels.genre", "labels.key_root"),
    *("labels.key_mode", "labels.technique", "labels.quality", *(SCORE_PREFIX + axis for axis in SCORE_AXES)),
)
"""Columns of a page unless others are asked for."""
_CHOICE_COLUMN = {
    "instrument": "instrument",
    "genre": GENRES_COLUMN,
    "emotion": LABEL_PREFIX + "emotion",
    "technique": LABEL_PREFIX + "technique",
    "key_root": LABEL_PREFIX + "key_root",
    "key_mode": LABEL_PREFIX + "key_mode",
    "meter": "meter",
    "swing": "swing_phase",
    "origin": "origin",
    "status": STATUS_COLUMN,
    "source": "source",
    "dataset": "dataset",
}
_SPLIT_COLUMN = {**_CHOICE_COLUMN, "genre": LABEL_PREFIX + "genre"}
"""Where one value a loop is wanted."""
_SEARCHED = ("source", "member", "track_name", "take_id", NOTE_COLUMN)
_FIT_SAMPLE = 20_000
"""Loops the axes of a projection are fitted on."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a table: the rows shown, and how many loops answer in all."""

    rows: pd.DataFrame
    total: int


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a field and how many loops have it; value None stands for none."""

    value: str | None
    n_loops: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Loops by bins of one column, edges included: `edges` has one entry more than there are bins.

    `counts` maps each value of the split field (None without a split) to its counts;
    `n_without` loops answer the filter but have no value.
    """

    column: str
    edges: NDArray[np.float64]
    counts: dict[str | None, NDArray[np.int64]]
    n_without: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Loops drawn evenly from those that answer: `rows` of them, `total` that could have been shown."""

    rows: pd.DataFrame
    total: int


@dataclass(frozen=True, slots=True)
class Projection:
    """Loops in the plane that keeps most of how their metrics differ (principal components).

    `rows` has loop_id, x, y (and the colour asked for); `explained` is the share of the
    variance along x and y, `x_metrics` and `y_metrics` the metrics that make the axes,
    strongest first, with their weight.
    """

    rows: pd.DataFrame
    total: int
    explained: tuple[float, float]
    x_metrics: tuple[tuple[str, float], ...]
    y_metrics: tuple[tuple[str, float], ...]


_queries: dict[Path, LibraryQuery] = {}
_queries_lock = threading.Lock()


def _query(workspace: Workspace) -> LibraryQuery:
    root = workspace.root.resolve()
    with _queries_lock:
        if root not in _queries:
            _queries[root] = LibraryQuery(Workspace(root), _expected_columns())
        return _queries[root]


def _expected_columns() -> dict[str, str]:
    numbers = [*(METRIC_PREFIX + name for name in METRICS), *(SCORE_PREFIX + axis for axis in SCORE_AXES)]
    return {**dict.fromkeys(numbers, NUMBER), "dataset": TEXT}


def columns(workspace: Workspace) -> dict[str, str]:
    """Every column by name with its kind: number, text, set, flag or time.

    Metrics and scores that no loop has yet are there too; they hold nothing.
    """
    known = _query(workspace).columns()
    return {name: kind for name, kind in known.items() if name != POSITION}


def number_columns(workspace: Workspace) -> tuple[str, ...]:
    """Columns that hold numbers: what a distribution can be drawn of."""
    return tuple(name for name, kind in columns(workspace).items() if kind == NUMBER)


def where(workspace: Workspace, text: str) -> Filter:
    """The Filter of a `--where` text (see filters); InvalidValue for an unknown column lists those there are."""
    return parse_where(text, number_columns(workspace))


def version(workspace: Workspace) -> str:
    """A short text that changes whenever any answer here may: loops added, labels given."""
    return _query(workspace).version()


def count(workspace: Workspace, filter: Filter = EVERYTHING) -> int:
    """How many loops answer."""
    return _query(workspace).count(_conditions(filter))


def page(
    workspace: Workspace,
    filter: Filter = EVERYTHING,
    sort: Sequence[tuple[str, bool]] = (),
    offset: int = 0,
    limit: int = 100,
    *,
    columns: Sequence[str] = LISTED,
) -> Page:
    """Rows `offset` to `offset + limit` of the loops that answer, and how many there are.

    `sort` holds (column, descending), the first the strongest; loops without a value come
    last, equals and an empty `sort` go by the newest. InvalidValue for unknown columns.
    """
    require_range("limit", limit, 1, MAX_PAGE)
    require_range("offset", offset, 0, math.inf)
    query, conditions = _query(workspace), _conditions(filter)
    found = query.select(columns, conditions, order=tuple(sort) or ((POSITION, True),), offset=offset, limit=limit)
    return Page(_frame(found), query.count(conditions))


def rows(workspace: Workspace, loop_ids: Sequence[str], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Rows of these loops in this order, all columns unless some are named; NotFound names a missing loop."""
    query = _query(workspace)
    names = list(columns) if columns is not None else [name for name in query.columns() if name != POSITION]
    wanted = list(dict.fromkeys(["loop_id", *names]))
    found = query.select(wanted, [OneOf("loop_id", tuple(loop_ids))], limit=max(len(loop_ids), 1))
    frame = _frame(found).set_index("loop_id", drop=False)
    for loop_id in loop_ids:
        if loop_id not in frame.index:
            raise NotFound("loop_missing", loop_id=loop_id, path=str(workspace.root))
    return frame.loc[list(loop_ids), names].reset_index(drop=True)


def ids(workspace: Workspace, filter: Filter = EVERYTHING, limit: int | None = None) -> list[str]:
    """Ids of the loops that answer, the newest first: what a bulk action is about."""
    found = _query(workspace).select(["loop_id"], _conditions(filter), limit=limit)
    names: list[str] = found.column("loop_id").to_pylist()
    return names


def facets(workspace: Workspace, filter: Filter, fields: Iterable[str]) -> dict[str, list[Facet]]:
    """Values of each field among the loops that answer, the most frequent first.

    Fields are the names of choices (filters.CHOICES) or columns. What the filter asks of
    a field itself is left aside for that field, so that its other values stay in sight.
    `genre` counts families.
    """
    query = _query(workspace)
    found = {}
    for field in fields:
        conditions = _conditions(filter.dropping(field))
        column = _CHOICE_COLUMN.get(field, field)
        counted = query.counts(column, conditions, family_mark=_family_mark(field))
        found[field] = [Facet(_facet_value(field, value), n) for value, n in counted]
    return found


def _family_mark(field: str | None) -> str:
    """Where codes of a field are cut to count families: genre codes at the sub-style."""
    return "-" if field == "genre" else ""


def _facet_value(field: str, value: Any) -> str | None:
    if value is None:
        return UNLABELLED if _CHOICE_COLUMN.get(field, field) == STATUS_COLUMN else None
    return str(value)


def histogram(
    workspace: Workspace, column: str, filter: Filter = EVERYTHING, bins: int = 40, split: str | None = None
) -> Histogram:
    """Distribution of a column of numbers over the loops that answer, split by a field if one is named."""
    require_range("bins", bins, 1, 1000)
    query, conditions = _query(workspace), _conditions(filter)
    edges = query.extent(column, conditions)
    total = query.count(conditions)
    if edges is None:
        return Histogram(column, np.empty(0), {}, total)
    low, high = edges if edges[1] > edges[0] else (edges[0] - 0.5, edges[0] + 0.5)
    by = _SPLIT_COLUMN.get(split, split) if split else ""
    counts: dict[str | None, NDArray[np.int64]] = {}
    for value, number, n_loops in query.histogram(column, (low, high), bins, conditions, by or "", _family_mark(split)):
        name = _facet_value(split, value) if split else None
        counts.setdefault(name, np.zeros(bins, np.int64))[number] += n_loops
    n_with = query.count([*conditions, Known(column)])
    return Histogram(column, np.linspace(low, high, bins + 1), counts, total - n_with)


def scatter(
    workspace: Workspace, x: str, y: str, filter: Filter = EVERYTHING, limit: int = 5000, colour: str | None = None
) -> Sample:
    """Loops with both values: loop_id, x, y (and the colour's column); the same sample for the same library."""
    require_range("limit", limit, 1, 100_000)
    query = _query(workspace)
    conditions = [*_conditions(filter), Known(x), Known(y)]
    by = [_SPLIT_COLUMN.get(colour, colour)] if colour else []
    names = list(dict.fromkeys(["loop_id", x, y, *by]))
    found = query.sample(names, conditions, limit)
    return Sample(_frame(found), query.count(conditions))


def projection(
    workspace: Workspace,
    filter: Filter = EVERYTHING,
    limit: int = 5000,
    colour: str | None = None,
    metrics: Sequence[str] | None = None,
) -> Projection:
    """Principal components of the standardised metrics, fitted on at most 20,000 of the loops that answer.

    A missing value counts as the mean. Metrics that never differ are left out. The signs
    are fixed so that the strongest metric of an axis grows along it.
    """
    query, conditions = _query(workspace), _conditions(filter)
    names = [METRIC_PREFIX + name for name in metrics or METRICS]
    names = [name for name in names if name in query.columns()]
    by = [_SPLIT_COLUMN.get(colour, colour)] if colour else []
    found = query.sample(["loop_id", *by, *names], conditions, max(limit, _FIT_SAMPLE))
    frame = _frame(found)
    values = frame[names].to_numpy(np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    used, place, explained, axes = _principal(values)
    shown = frame[["loop_id", *by]].assign(x=place[:, 0], y=place[:, 1]).iloc[:limit]
    made_of = [tuple((names[used[i]], float(axis[i])) for i in np.argsort(-np.abs(axis))[:5]) for axis in axes]
    return Projection(shown, query.count(conditions), explained, made_of[0], made_of[1])


def _principal(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], tuple[float, float], NDArray[np.float64]]:
    """(columns used, n x 2 places, shares of the variance, 2 x used axes)."""
    known = np.isfinite(values).sum(axis=0) > 1
    spread = np.zeros(values.shape[1])
    spread[known] = np.nanstd(values[:, known], axis=0)
    used = np.flatnonzero(spread > 0)
    if len(values) < 3 or len(used) < 2:
        return used, np.zeros((len(values), 2)), (0.0, 0.0), np.zeros((2, len(used)))
    chosen = values[:, used]
    standard = np.nan_to_num((chosen - np.nanmean(chosen, axis=0)) / spread[used])
    variance, vectors = np.linalg.eigh(standard.T @ standard / len(standard))
    axes = vectors[:, ::-1].T[:2]
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]
    shares = variance[::-1][:2] / variance.sum()
    return used, standard @ axes.T, (float(shares[0]), float(shares[1])), axes


def _conditions(filter: Filter) -> list[Condition]:
    found = [_choice(name, getattr(filter, field)) for name, field in CHOICES.items() if getattr(filter, field)]
    found += [_choice(name, (value,), negated=True) for name, value in filter.without]
    found += [Between(one.column, _finite(one.low), _finite(one.high)) for one in filter.ranges]
    if filter.below_total is not None:
        found.append(Between(SCORE_PREFIX + "total", None, math.nextafter(filter.below_total, -math.inf)))
    if filter.hide_duplicates:
        found.append(Known("duplicate_of", negated=True))
    if filter.hide_excluded:
        found.append(Known(EXCLUDED, negated=True))
    if filter.text.strip():
        found.append(Words(_SEARCHED, tuple(filter.text.split())))
    return found


def _choice(name: str, values: tuple[str, ...], negated: bool = False) -> Condition:
    if name == "genre":
        return AnyOf(GENRES_COLUMN, _with_styles(values), negated)
    if name == "technique":
        return AnyOf(_CHOICE_COLUMN[name], values, negated)
    given = tuple(None if name == "status" and value == UNLABELLED else value for value in values)
    return OneOf(_CHOICE_COLUMN[name], given, negated)


@cache
def _with_styles(values: tuple[str, ...]) -> tuple[str, ...]:
    """Genre codes, each family followed by its sub-styles."""
    codes = [code for value in values for code in (value, *_styles(value))]
    return tuple(dict.fromkeys(codes))


def _styles(family: str) -> list[str]:
    return [code for code in vocabularies().genres if family in FAMILIES and code.startswith(f"{family}-")]


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _frame(table: Any) -> pd.DataFrame:
    frame = table.to_pandas()
    if STATUS_COLUMN in frame.columns:
        frame[STATUS_COLUMN] = frame[STATUS_COLUMN].fillna(UNLABELLED)
    return frame
