"""Loops unlike the others of their instrument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composer_core.pipeline.library.similar import COMPARED, Standard, rows_by_instrument, standard_of
from composer_core.store.loops.store import LoopStore
from composer_core.store.search.similarity import Rows
from composer_core.workspace import Workspace

_MOST_DEVIATION = 10.0
_LEAST_LOOPS = 5


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
