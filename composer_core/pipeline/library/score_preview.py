"""How pass mark and weights split the library: what a change of settings would do, before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.pipeline.library.filters import EVERYTHING, Filter
from composer_core.pipeline.library.query import conditions_of, library_query
from composer_core.pipeline.scoring import AXES, TOTAL, check_weights, weighted_total
from composer_core.pipeline.settings import MAX_PASS_MARK, Settings
from composer_core.store.loops.record import SCORE_PREFIX
from composer_core.workspace import Workspace

FloatArray = NDArray[np.float64]
N_BINS = 20
"""Bins of five points."""


@dataclass(frozen=True, slots=True, eq=False)
class ScorePreview:
    """Totals of the loops that answer under some settings.

    `edges` (21,) and `counts` (20,) are the histogram from 0 to 100; `n_below` loops are under the pass
    mark and so in the retry queue, `n_passing` are not, `n_without` have no score.
    """

    pass_mark: float
    edges: FloatArray
    counts: NDArray[np.int64]
    n_below: int
    n_passing: int
    n_without: int


def preview_scores(
    workspace: Workspace,
    pass_mark: float,
    weights: Mapping[str, float] | None = None,
    filter: Filter = EVERYTHING,
) -> ScorePreview:
    """What the retry queue and the distribution of totals would be. InvalidValue for settings out of range."""
    require_range("pass_mark", pass_mark, 0.0, MAX_PASS_MARK)
    total = _totals(_scores(workspace, [], filter, weights), weights)
    known = total[~np.isnan(total)]
    counts, edges = np.histogram(known, N_BINS, (0.0, 100.0))
    n_below = int(np.count_nonzero(known < pass_mark))
    return ScorePreview(
        pass_mark, edges, counts.astype(np.int64), n_below, len(known) - n_below, len(total) - len(known)
    )


def totals(
    workspace: Workspace, weights: Mapping[str, float] | None = None, filter: Filter = EVERYTHING
) -> tuple[list[str], FloatArray]:
    """Ids of the loops that answer, and the total of each: the calibrated one, or by weights; NaN without a score."""
    found = _scores(workspace, ["loop_id"], filter, weights)
    names: list[str] = found.column("loop_id").to_pylist()
    return names, _totals(found, weights)


def _scores(workspace: Workspace, columns: Sequence[str], filter: Filter, weights: Mapping[str, float] | None) -> Any:
    used = (TOTAL,) if weights is None else AXES
    names = [*columns, *(SCORE_PREFIX + name for name in used)]
    return library_query(workspace).select(names, conditions_of(filter))


def _totals(found: Any, weights: Mapping[str, float] | None) -> FloatArray:
    check_weights(weights)
    scores = {
        name.removeprefix(SCORE_PREFIX): found.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
        for name in found.column_names
        if name.startswith(SCORE_PREFIX)
    }
    return weighted_total(scores, weights)


def retry_queue(workspace: Workspace, settings: Settings, filter: Filter = EVERYTHING) -> list[str]:
    """Ids of the loops below the pass mark of the settings, the worst first."""
    names, total = totals(workspace, settings.score_weights, filter)
    order = np.argsort(total, kind="stable")
    return [names[index] for index in order if total[index] < settings.pass_mark]
