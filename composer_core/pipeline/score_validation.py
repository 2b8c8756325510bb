"""How well scores tell playing from damage, on takes that no calibration has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound, require_choice
from composer_core.estimate.score_files import SHIPPED, load
from composer_core.estimate.scores import MIN_NOTES, TOTAL, Calibration
from composer_core.pipeline.calibration import usable_kinds
from composer_core.pipeline.score_examples import Played, damaged_loop, measure_rows, n_strengths, nominal_level
from composer_core.pipeline.score_sources import SOURCES, takes_of
from composer_core.pipeline.takes import window_of

FloatArray = NDArray[np.float64]
VALIDATION_BARS = 4
_LOOPS_A_TAKE, _GRADED_STRIDE = 8, 4


def validate_scores(
    data: Path, instrument: str, folder: Path = SHIPPED, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """AUC over held-out takes of each kind of damage, by the total and by the kind's own axis; monotony; cross-effects.

    Takes are means of their 4-bar loops (at most 8, evenly spread). `spearman` is over the five
    strengths' mean scores of every fourth loop; `other_axes` the change in points of the axes a
    kind does not belong to. NotFound without held-out takes or without a calibration.
    """
    require_choice("instrument", instrument, tuple(SOURCES))
    source, calibration = SOURCES[instrument], load(folder, instrument)
    if calibration is None:
        raise NotFound("path_missing", path=str(folder / f"{instrument}.json"))
    played = _windows(takes_of(data, source, held_out=True))
    if not played:
        raise NotFound("no_notes", path=str(data), instrument=instrument, purpose="validate scores by")
    takes = np.unique([one.take for one in played], return_inverse=True)[1]
    human = _scores(calibration, played, range(len(played)), None, 0)
    rows = {}
    for kind, axes in usable_kinds(source).items():
        progress(kind)
        rows[kind] = _row(calibration, played, takes, human, kind, axes)
    return {
        "calibration": calibration.digest,
        "takes": int(takes.max()) + 1,
        "loops": len(played),
        "passed": float(np.mean(human[TOTAL] >= 70.0)),
        "kinds": rows,
    }


def _windows(takes: Sequence[tuple[Any, str]]) -> list[Played]:
    found = []
    for take, group in takes:
        starts = list(range(0, take.bars - VALIDATION_BARS + 1, VALIDATION_BARS))
        for start in starts[:: max(1, -(-len(starts) // _LOOPS_A_TAKE))]:
            loop = window_of(take, start, VALIDATION_BARS)
            if len(loop.notes) >= MIN_NOTES:
                found.append(Played(loop, take.source, group))
    return found


def _scores(
    calibration: Calibration, played: Sequence[Played], chosen: Sequence[int], kind: str | None, level: int
) -> dict[str, FloatArray]:
    loops = [played[i].loop if kind is None else damaged_loop(played, i, kind, level) for i in chosen]
    rows = measure_rows(loops, calibration.metrics)
    bars = np.full(len(rows), VALIDATION_BARS)
    scored = calibration.mapped(calibration.raw(rows, bars), bars)
    return {name: np.array([row[name] for row in scored]) for name in scored[0]}


def _row(
    calibration: Calibration,
    played: Sequence[Played],
    takes: NDArray[np.int64],
    human: Mapping[str, FloatArray],
    kind: str,
    axes: tuple[str, ...],
) -> dict[str, Any]:
    everyone, some = range(len(played)), range(0, len(played), _GRADED_STRIDE)
    damaged = _scores(calibration, played, everyone, kind, nominal_level(kind))
    graded = [_scores(calibration, played, some, kind, level)[axes[0]].mean() for level in range(n_strengths(kind))]
    others = {axis: float((damaged[axis] - human[axis]).mean()) for axis in calibration.axes if axis not in axes}
    return {
        "auc_total": auc(_by_take(human[TOTAL], takes), _by_take(damaged[TOTAL], takes)),
        "auc_axis": auc(_by_take(human[axes[0]], takes), _by_take(damaged[axes[0]], takes)),
        "axis": axes[0],
        "graded": [round(float(value), 1) for value in graded],
        "spearman": spearman(np.array(graded)),
        "other_axes": {axis: round(change, 1) for axis, change in others.items()},
    }


def _by_take(values: FloatArray, takes: NDArray[np.int64]) -> FloatArray:
    return np.bincount(takes, weights=values) / np.bincount(takes)


def auc(high: FloatArray, low: FloatArray) -> float:
    """Chance that one of `high` is above one of `low`; ties count half."""
    above = (high[:, None] > low[None, :]).mean() + (high[:, None] == low[None, :]).mean() / 2
    return float(above)


def spearman(values: FloatArray) -> float:
    """Rank correlation of values with their positions."""
    ranks = values.argsort().argsort().astype(np.float64)
    return float(np.corrcoef(np.arange(len(values)), ranks)[0, 1])
