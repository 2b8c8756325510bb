"""Find loops similar to another one, and loops unlike all others of their instrument.

The search is exact: the query is compared with every loop, by rhythm or by measurements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound, require_choice, require_range
from composer_core.metrics import FINGERPRINT_SIZE, Analysis, code_distances, fingerprint_codes, measure
from composer_core.music.loop import Loop
from composer_core.store.loops.store import LoopStore
from composer_core.store.search.similarity import Rows, SimilarityIndex, Spread
from composer_core.workspace import Workspace

COMPARED = (
    *("onset_density", "syncopation", "offbeat_rate", "ioi_entropy", "swing_ratio_8", "groove_consistency"),
    *("velocity_mean", "velocity_sd", "accent_contrast"),
    *("ghost_rate", "backbeat_rate", "kick_on_beat_rate", "hat_openness"),
    *("register", "pitch_range", "polyphony_rate", "step_rate", "bar_repetition"),
)
"""What is compared: rhythm, dynamics, the kit or the line, and how much repeats."""
BY_FINGERPRINT, BY_METRICS = WAYS = ("fingerprint", "metrics")
"""How loops are compared: by the rhythm's fingerprint, or by COMPARED."""
MOST = 1000
_FARTHEST = 3.0
"""Differences count up to so many standard deviations; a value only one loop has counts as one deviation."""
_BLOCK = 32_768
_indexes: dict[Path, SimilarityIndex] = {}
_lock = threading.Lock()
_MOST_DEVIATION = 10.0
_LEAST_LOOPS = 5


@dataclass(frozen=True, slots=True)
class Similar:
    """A loop and its distance, 0 (the same rhythm, the same measurements) to 1."""

    loop_id: str
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """How the metrics of an instrument are made comparable: which columns differ at all, their mean and deviation."""

    columns: tuple[int, ...]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


def similar(workspace: Workspace, loop_id: str, k: int = 20, by: str = BY_METRICS) -> list[Similar]:
    """The `k` loops of the same instrument nearest to one of the library, the nearest first, equals by their id.

    By fingerprint: `metrics.fingerprint_distance` in whole codes; loops without notes are near nothing.
    By metrics: the root mean square of the differences of COMPARED metrics in standard
    deviations of the instrument's loops, each at most 3, over 3. Every loop is compared: the
    answer is exact. NotFound for an unknown loop, InvalidValue for k outside 1 to 1000 or another way.
    """
    _check(k, by)
    for rows in rows_by_instrument(workspace).values():
        for part in rows:
            place = part.row_of(loop_id)
            if place >= 0:
                if by == BY_FINGERPRINT:
                    return _nearest(rows, _by_rhythm(np.array([code[place] for code in part.codes])), k, loop_id)
                return _nearest(rows, _by_values(rows, [float(value[place]) for value in part.values]), k, loop_id)
    raise NotFound("loop_missing", loop_id=loop_id, path=str(workspace.root))


def similar_to(
    workspace: Workspace,
    loop: Loop,
    k: int = 20,
    by: str = BY_METRICS,
    metrics: Mapping[str, float] | None = None,
) -> list[Similar]:
    """The `k` loops of the library nearest to any loop, such as a generated take; `metrics` are its own, if known."""
    _check(k, by)
    rows = rows_by_instrument(workspace).get(loop.instrument, [])
    if by == BY_FINGERPRINT:
        return _nearest(rows, _by_rhythm(fingerprint_codes(Analysis(loop))), k)
    known = measure(loop) if metrics is None else metrics
    return _nearest(rows, _by_values(rows, [known.get(name, np.nan) for name in COMPARED]), k)


def rows_by_instrument(workspace: Workspace) -> dict[str, list[Rows]]:
    """What is compared, by instrument, as the library is now; columns of values are those of COMPARED."""
    root = workspace.root.resolve()
    with _lock:
        if root not in _indexes:
            _indexes[root] = SimilarityIndex(Workspace(root), COMPARED, FINGERPRINT_SIZE, _codes_of)
        index = _indexes[root]
    return index.rows()


def standard_of(rows: Sequence[Rows]) -> Standard:
    """Mean and standard deviation of every metric that differs among these loops."""
    columns, means, deviations = [], [], []
    for column, spreads in enumerate(zip(*(part.spreads for part in rows), strict=True)):
        mean, deviation = _pooled(spreads)
        if deviation > 0:
            columns.append(column)
            means.append(mean)
            deviations.append(deviation)
    return Standard(tuple(columns), np.array(means, np.float32), np.array(deviations, np.float32))


def _pooled(spreads: Sequence[Spread]) -> tuple[float, float]:
    """Mean and standard deviation of values whose parts have these spreads; 0 deviation for what never differs."""
    count = sum(n for n, _, _ in spreads)
    if not count:
        return 0.0, 0.0
    mean = sum(n * own for n, own, _ in spreads) / count
    squares = sum(squares + n * (own - mean) ** 2 for n, own, squares in spreads)
    deviation = float(np.sqrt(squares / count))
    # What 32 bits cannot tell apart is the same.
    return mean, deviation if deviation > 1e-6 * abs(mean) else 0.0


def _codes_of(loops: Sequence[Loop]) -> NDArray[np.uint8]:
    return np.stack([fingerprint_codes(Analysis(loop)) for loop in loops])


def _check(k: int, by: str) -> None:
    require_range("k", k, 1, MOST)
    require_choice("by", by, WAYS)


def _by_rhythm(own: NDArray[np.uint8]) -> Callable[[Rows], NDArray[np.float32]]:
    return lambda part: code_distances(own, part.codes)


def _by_values(rows: Sequence[Rows], own: Sequence[float]) -> Callable[[Rows], NDArray[np.float32]]:
    standard = standard_of(rows)
    return lambda part: _value_distances(own, part, standard)


def _value_distances(own: Sequence[float], part: Rows, standard: Standard) -> NDArray[np.float32]:
    """Distance of every loop; all NaN when no metric differs, for then nothing is known."""
    found = np.full(len(part.loop_ids), np.nan, np.float32)
    if not standard.columns:
        return found
    farthest = np.full(_BLOCK, _FARTHEST, np.float32)
    for start in range(0, len(found), _BLOCK):
        total = np.zeros(len(found[start : start + _BLOCK]), np.float32)
        for column, deviation in zip(standard.columns, standard.deviation, strict=True):
            values = part.values[column][start : start + _BLOCK]
            value = np.float32(own[column])
            if np.isnan(value):
                total += ~np.isnan(values)
                continue
            apart = values - value
            apart /= deviation
            np.abs(apart, out=apart)
            unknown = np.isnan(apart)
            np.minimum(apart, farthest[: len(apart)], out=apart)
            np.copyto(apart, np.float32(1.0), where=unknown)
            apart *= apart
            total += apart
        found[start : start + _BLOCK] = np.sqrt(total / len(standard.columns)) / np.float32(_FARTHEST)
    return found


def _nearest(
    rows: Sequence[Rows], distances: Callable[[Rows], NDArray[np.float32]], k: int, without: str = ""
) -> list[Similar]:
    """The nearest of all rows: of each file's loops those not farther than its k-th, then the nearest of these."""
    found: list[tuple[float, str]] = []
    for part in rows:
        distance = distances(part)
        places = _within(distance, k + 1)
        loop_ids = part.loop_ids.take(places).to_pylist()
        found += zip(distance[places].tolist(), loop_ids, strict=True)
    found.sort()
    return [Similar(loop_id, distance) for distance, loop_id in found if loop_id != without][:k]


def _within(distance: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Rows of the `count` least distances and of all equal to the greatest of them; NaN counts as far."""
    if count < len(distance):
        # NaN sorts last, and nothing is at most NaN: a limit of NaN keeps what is known.
        limit = np.partition(distance, count - 1)[count - 1]
        if not np.isnan(limit):
            return np.flatnonzero(distance <= limit)
    return np.flatnonzero(~np.isnan(distance))


@dataclass(frozen=True, slots=True)
class Outlier:
    """How far a loop lies from the middle of its instrument: root mean square of the deviations of its metrics
    (each counted up to 10), and the metric that deviates most with its deviation, in standard deviations."""

    loop_id: str
    distance: float
    metric: str
    deviation: float


_known: dict[tuple[Path, int], tuple[str, tuple[Outlier, ...]]] = {}
"""What was found in a library, with the state of it."""


def outlyingness(workspace: Workspace, most: int = 2000) -> tuple[Outlier, ...]:
    """The loops that lie farthest from the mean of their instrument in COMPARED metrics, the farthest first.

    At most `most`; an instrument with fewer than five loops has no middle to be far from.
    Missing values do not count. Answered from memory while no loop changes.
    """
    key, state = (workspace.root, most), LoopStore(workspace).digest()
    known = _known.get(key)
    if known is None or known[0] != state:
        known = _known[key] = (state, _outlyingness(workspace, most))
    return known[1]


def _outlyingness(workspace: Workspace, most: int) -> tuple[Outlier, ...]:
    found: list[Outlier] = []
    for rows in rows_by_instrument(workspace).values():
        standard = standard_of(rows)
        if sum(len(part.loop_ids) for part in rows) >= _LEAST_LOOPS and standard.columns:
            for part in rows:
                found += _farthest(part, standard, most)
    return tuple(sorted(found, key=lambda one: (-one.distance, one.loop_id))[:most])


def _farthest(part: Rows, standard: Standard, most: int) -> Sequence[Outlier]:
    values = np.stack([part.values[column] for column in standard.columns], axis=1)
    apart = (values - standard.mean) / standard.deviation
    known = np.maximum(np.isfinite(apart).sum(axis=1), 1)
    apart = np.nan_to_num(np.clip(apart, -_MOST_DEVIATION, _MOST_DEVIATION))
    distance = np.sqrt((apart**2).sum(axis=1) / known)
    rows = np.argsort(-distance, kind="stable")[:most]
    strongest = np.abs(apart[rows]).argmax(axis=1)
    loop_ids = part.loop_ids.take(rows).to_pylist()
    return [
        Outlier(
            loop_id,
            float(distance[row]),
            COMPARED[standard.columns[column]],
            round(float(apart[row, column]), 2),
        )
        for loop_id, row, column in zip(loop_ids, rows, strongest, strict=True)
    ]
