"""Loops like another one: exact search by the distance of standardised measurements."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.metrics import METRICS, measure
from composer_core.music.loop import Loop
from composer_core.pipeline.filters import Filter
from composer_core.pipeline.library_query import conditions_of, library_query
from composer_core.store.conditions import OneOf
from composer_core.store.loop_record import METRIC_PREFIX
from composer_core.workspace import Workspace

COMPARED = (
    *("onset_density", "syncopation", "offbeat_rate", "ioi_entropy", "swing_ratio_8", "groove_consistency"),
    *("velocity_mean", "velocity_sd", "accent_contrast"),
    *("ghost_rate", "backbeat_rate", "kick_on_beat_rate", "hat_openness"),
    *("register", "pitch_range", "polyphony_rate", "step_rate", "bar_repetition"),
)
"""What is compared: rhythm, dynamics, the kit or the line, and how much repeats."""
_FARTHEST = 3.0
"""Differences count up to so many standard deviations; a value only one loop has counts as one deviation."""
_KEPT = 3
_MOST_DEVIATION = 10.0
_LEAST_LOOPS = 5


@dataclass(frozen=True, slots=True)
class Similar:
    """A loop and its distance, 0 (the same measurements) to 1."""

    loop_id: str
    distance: float


@dataclass(frozen=True, slots=True)
class Outlier:
    """How far a loop lies from the middle of its instrument: root mean square of the deviations of its metrics
    (each counted up to 10), and the metric that deviates most with its deviation, in standard deviations."""

    loop_id: str
    distance: float
    metric: str
    deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """The loops of one instrument: ids, standardised values (n, m), and how a value is standardised."""

    version: str
    loop_ids: NDArray[np.str_]
    values: NDArray[np.float32]
    names: tuple[str, ...]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]


_spaces: dict[tuple[Path, str], _Space] = {}
_lock = threading.Lock()


def similar(workspace: Workspace, loop_id: str, k: int = 20) -> list[Similar]:
    """The `k` loops of the same instrument nearest to one of the library, the nearest first.

    The distance is the root mean square of the differences of COMPARED metrics in standard
    deviations of the library, each at most 3, over 3. The search is exact. Empty for an unknown loop.
    """
    found = library_query(workspace).select(["instrument"], [OneOf("loop_id", (loop_id,))], limit=1)
    if not found.num_rows:
        return []
    space = _space(workspace, found.column("instrument")[0].as_py())
    place = np.flatnonzero(space.loop_ids == loop_id)
    return _nearest(space, space.values[place[0]], k, loop_id) if len(place) else []


def similar_to(
    workspace: Workspace, loop: Loop, k: int = 20, metrics: Mapping[str, float] | None = None
) -> list[Similar]:
    """The `k` loops of the library nearest to any loop, such as a generated take."""
    space = _space(workspace, loop.instrument)
    known = measure(loop) if metrics is None else metrics
    row = np.array([known.get(name, np.nan) for name in space.names], np.float64)
    return _nearest(space, ((row - space.mean) / space.spread).astype(np.float32), k, "")


def outlyingness(workspace: Workspace, most: int = 2000) -> list[Outlier]:
    """The loops that lie farthest from the mean of their instrument in COMPARED metrics, the farthest first.

    At most `most`; an instrument with fewer than five loops has no middle to be far from.
    Missing values do not count.
    """
    found: list[Outlier] = []
    for instrument, n_loops in library_query(workspace).counts("instrument"):
        if n_loops >= _LEAST_LOOPS:
            found += _farthest(_space(workspace, str(instrument)), most)
    return sorted(found, key=lambda one: (-one.distance, one.loop_id))[:most]


def _farthest(space: _Space, most: int) -> list[Outlier]:
    if not len(space.names):
        return []
    apart = np.nan_to_num(np.clip(space.values, -_MOST_DEVIATION, _MOST_DEVIATION))
    known = np.maximum(np.isfinite(space.values).sum(axis=1), 1)
    distance = np.sqrt((apart**2).sum(axis=1) / known)
    rows = np.lexsort((space.loop_ids, -distance))[:most]
    strongest = np.abs(apart[rows]).argmax(axis=1)
    return [
        Outlier(
            str(space.loop_ids[row]), float(distance[row]), space.names[metric], round(float(apart[row, metric]), 2)
        )
        for row, metric in zip(rows, strongest, strict=True)
    ]


def _nearest(space: _Space, row: NDArray[np.float32], k: int, without: str) -> list[Similar]:
    require_range("k", k, 1, 1000)
    if not len(space.loop_ids) or not len(space.names):
        return []
    total = np.zeros(len(space.loop_ids), np.float32)
    for column, value in zip(space.values.T, row, strict=True):
        apart = np.minimum(np.abs(column - value), np.float32(_FARTHEST))
        unknown = np.isnan(apart)
        apart[unknown] = 1.0
        if np.isnan(value):
            apart[np.isnan(column)] = 0.0
        total += apart * apart
    distance = np.sqrt(total / len(space.names)) / _FARTHEST
    count = min(k + 1, len(distance))
    chosen = np.argpartition(distance, count - 1)[:count]
    chosen = chosen[np.lexsort((space.loop_ids[chosen], distance[chosen]))]
    return [Similar(str(space.loop_ids[i]), float(distance[i])) for i in chosen if space.loop_ids[i] != without][:k]


def _space(workspace: Workspace, instrument: str) -> _Space:
    """The loops of an instrument, read again when the library has changed; the last few are kept."""
    query = library_query(workspace)
    key, version = (workspace.root.resolve(), instrument), query.version()
    with _lock:
        held = _spaces.pop(key, None)
        if held is None or held.version != version:
            held = _read(workspace, instrument, version)
        _spaces[key] = held
        while len(_spaces) > _KEPT:
            del _spaces[next(iter(_spaces))]
        return held


def _read(workspace: Workspace, instrument: str, version: str) -> _Space:
    query = library_query(workspace)
    known = query.columns()
    wanted = [n for n in COMPARED if n in METRICS and METRICS[n].applies_to(instrument) and METRIC_PREFIX + n in known]
    columns = ["loop_id", *(METRIC_PREFIX + name for name in wanted)]
    table = query.select(columns, conditions_of(Filter((instrument,))))
    names, kept, mean, spread = [], [], [], []
    for name in wanted:
        values = table.column(METRIC_PREFIX + name).to_numpy().astype(np.float64)
        finite = values[np.isfinite(values)]
        deviation = float(finite.std()) if len(finite) else 0.0
        if deviation > 0:
            names.append(name)
            mean.append(float(finite.mean()))
            spread.append(deviation)
            kept.append(((np.where(np.isfinite(values), values, np.nan) - mean[-1]) / deviation).astype(np.float32))
    values = np.stack(kept, axis=1) if kept else np.zeros((table.num_rows, 0), np.float32)
    ids = np.array(table.column("loop_id").to_pylist(), dtype=np.str_)
    return _Space(version, ids, np.asfortranarray(values), tuple(names), np.array(mean), np.array(spread))
