"""Where loops lie: those inside an outline drawn on a scatter, and how a metric's values are spread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics import METRICS
from composer_core.pipeline.library.filters import EVERYTHING, Filter
from composer_core.pipeline.library.query import conditions_of, frame_of, library_query
from composer_core.store.loops.record import METRIC_PREFIX
from composer_core.store.loops.store import LoopStore
from composer_core.store.search.conditions import Between
from composer_core.workspace import Workspace

PERCENTILES = 101
"""From the 0th to the 100th."""
_SAMPLE = 4000
"""Loops the percentiles are read off: they are then within 1.6 percentage points (95 %)."""

_kept: dict[tuple[Path, str], tuple[str, dict[str, NDArray[np.float64]]]] = {}


def within(
    workspace: Workspace,
    x: str,
    y: str,
    corners: Sequence[tuple[float, float]],
    filter: Filter = EVERYTHING,
    limit: int | None = None,
) -> list[str]:
    """Ids of the loops that answer and lie inside the outline in the plane of two columns, at most `limit`.

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
