"""Distributions of the library: histograms, scatters, the loops inside an outline, the plane of its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.metrics import METRICS
from composer_core.pipeline.library.filters import EVERYTHING, Filter
from composer_core.pipeline.library.query import (
    SPLIT_COLUMN,
    conditions_of,
    family_mark,
    frame_of,
    library_query,
    value_name,
)
from composer_core.store.loops.record import METRIC_PREFIX
from composer_core.store.loops.store import LoopStore
from composer_core.store.search.conditions import Between, Known
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_FIT_SAMPLE = 5_000
"""Loops the axes of a projection are fitted on."""
PERCENTILES = 101
"""From the 0th to the 100th."""
_SAMPLE = 4000
"""Loops the percentiles are read off: they are then within 1.6 percentage points (95 %)."""
_kept: dict[tuple[Path, str], tuple[str, dict[str, NDArray[np.float64]]]] = {}


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


def histogram(
    workspace: Workspace,
    column: str,
    filter: Filter = EVERYTHING,
    bins: int = 40,
    split: str | None = None,
    span: tuple[float, float] | None = None,
) -> Histogram:
    """Distribution of a column of numbers over the matching loops, split by a field if one is named.

    The bins fill `span`, else the span of the values there are.
    """
    require_range("bins", bins, 1, 1000)
    query, conditions = library_query(workspace), conditions_of(filter)
    extent = query.extent(column, conditions)
    edges = span or extent.span
    if edges is None:
        return Histogram(column, np.empty(0), {}, extent.n_loops)
    low, high = edges if edges[1] > edges[0] else (edges[0] - 0.5, edges[0] + 0.5)
    by = SPLIT_COLUMN.get(split, split) if split else ""
    counts: dict[str | None, NDArray[np.int64]] = {}
    for value, number, n_loops in query.histogram(column, (low, high), bins, conditions, by or "", family_mark(split)):
        name = value_name(split, value) if split else None
        counts.setdefault(name, np.zeros(bins, np.int64))[number] += n_loops
    return Histogram(column, np.linspace(low, high, bins + 1), counts, extent.n_loops - extent.n_with)


def scatter(
    workspace: Workspace, x: str, y: str, filter: Filter = EVERYTHING, limit: int = 5000, colour: str | None = None
) -> Sample:
    """Loops with both values: loop_id, x, y (and the colour's column); the same sample for the same library."""
    require_range("limit", limit, 1, 100_000)
    query = library_query(workspace)
    conditions = [*conditions_of(filter), Known(x), Known(y)]
    by = [SPLIT_COLUMN.get(colour, colour)] if colour else []
    names = list(dict.fromkeys(["loop_id", x, y, *by]))
    found = query.sample(names, conditions, limit)
    return Sample(frame_of(found), query.count(conditions))


def projection(
    workspace: Workspace,
    filter: Filter = EVERYTHING,
    limit: int = 5000,
    colour: str | None = None,
    metrics: Sequence[str] | None = None,
) -> Projection:
    """Principal components of the standardised metrics, fitted on at most 5,000 of the matching loops.

    A missing value counts as the mean. Metrics that never differ are left out. The signs
    are fixed so that the strongest metric of an axis grows along it.
    """
    query, conditions = library_query(workspace), conditions_of(filter)
    names = [METRIC_PREFIX + name for name in metrics or METRICS]
    known = query.columns()
    names = [name for name in names if name in known]
    by = [SPLIT_COLUMN.get(colour, colour)] if colour else []
    found = query.sample(["loop_id", *by, *names], conditions, max(limit, _FIT_SAMPLE))
    frame = frame_of(found)
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


def within(
    workspace: Workspace,
    x: str,
    y: str,
    corners: Sequence[tuple[float, float]],
    filter: Filter = EVERYTHING,
    limit: int | None = None,
) -> list[str]:
    """Ids of the matching loops that lie inside the outline in the plane of two columns, at most `limit`.

    All loops count, not only those of a sample that was drawn. An outline of fewer than three corners holds none.
    """
    if len(corners) < 3:
        return []
    outline = np.asarray(corners, np.float64)
    low, high = outline.min(axis=0), outline.max(axis=0)
    box = [Between(x, float(low[0]), float(high[0])), Between(y, float(low[1]), float(high[1]))]
    names = list(dict.fromkeys(["loop_id", x, y]))
    found = frame_of(library_query(workspace).select(names, [*conditions_of(filter), *box]))
    inside = _inside(found[x].to_numpy(np.float64), found[y].to_numpy(np.float64), outline)
    return [str(loop_id) for loop_id in found["loop_id"][inside][:limit]]


def percentiles(workspace: Workspace, instrument: str) -> dict[str, NDArray[np.float64]]:
    """The 0th to the 100th percentile of each metric over a sample of an instrument's loops.

    Kept until loops are added or measured anew; labels change nothing here.
    """
    key, digest = (workspace.root.resolve(), instrument), LoopStore(workspace).digest()
    held = _kept.get(key)
    if held is None or held[0] != digest:
        held = (digest, _percentiles(workspace, instrument))
        _kept[key] = held
    return dict(held[1])


def _percentiles(workspace: Workspace, instrument: str) -> dict[str, NDArray[np.float64]]:
    query = library_query(workspace)
    known = query.columns()
    names = [name for name in METRICS if METRIC_PREFIX + name in known]
    found = query.sample([METRIC_PREFIX + name for name in names], conditions_of(Filter((instrument,))), _SAMPLE)
    spread = {}
    for name, column in zip(names, found.columns, strict=True):
        values = column.to_numpy().astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            spread[name] = np.percentile(values, np.linspace(0, 100, PERCENTILES))
    return spread


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points lie inside a closed outline: a ray to the right crosses it an odd number of times."""
    inside = np.zeros(len(x), bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        spans = (y0 > y) != (y1 > y)
        inside ^= spans & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
