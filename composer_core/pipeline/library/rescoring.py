"""Scoring the library again after a change of calibration, part by part; a stop loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from composer_core.estimate.scores.files import shipped
from composer_core.metrics import METRICS
from composer_core.pipeline.library.measuring import measure_loops, metric_names
from composer_core.pipeline.scoring import SCORE_NAMES, digests, score_rows
from composer_core.store.loops.record import METRIC_PREFIX, SCORE_PREFIX
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

Progress = Callable[[int, int], None]
_FACTS = ("loop_id", "instrument", "bars", "n_notes", "score_digest")


def rescore(workspace: Workspace, *, everything: bool = False, progress: Progress = lambda *_: None) -> dict[str, int]:
    """Score the loops whose calibration is not the shipped one (`everything`: all of them).

    Loops that lack a metric the calibration reads are measured again. Gives the counts `loops`,
    `rescored` and `measured`. Safe to stop and to run again.
    """
    store = LoopStore(workspace)
    names = store.part_names()
    counts = {"loops": 0, "rescored": 0, "measured": 0}
    current = digests()
    for number, name in enumerate(names):
        table = store.part_table(name)
        counts["loops"] += table.num_rows
        facts = {column: table.column(column).to_pylist() for column in _FACTS if column in table.column_names}
        stale = [
            index
            for index, instrument in enumerate(facts["instrument"])
            if everything
            or (facts.get("score_digest") or [None] * table.num_rows)[index] != current.get(instrument, "")
        ]
        if stale:
            counts["measured"] += _rescore_part(store, name, table, facts)
            counts["rescored"] += len(stale)
        progress(number + 1, len(names))
    return counts


def _rescore_part(store: LoopStore, name: str, table: pa.Table, facts: Mapping[str, Sequence[Any]]) -> int:
    """Replace the scores of one part; how many loops had to be measured for it."""
    columns: dict[str, pa.Array] = {}
    n_measured = 0
    lacking = _lacking(table, set(facts["instrument"]))
    if lacking:
        rows = [one.metrics for one in measure_loops(store.load_many(facts["loop_id"]))]
        n_measured = len(rows)
        for metric in METRICS:
            values = np.array([row.get(metric, np.nan) for row in rows], dtype=np.float64)
            columns[METRIC_PREFIX + metric] = pa.array(values)
    else:
        known = [metric for metric in METRICS if METRIC_PREFIX + metric in table.column_names]
        stored = [table.column(METRIC_PREFIX + metric).to_numpy() for metric in known]
        rows = [dict(zip(known, row, strict=True)) for row in np.column_stack(stored).tolist()]
    scored = score_rows(list(zip(facts["instrument"], facts["bars"], facts["n_notes"], strict=True)), rows)
    for axis in SCORE_NAMES:
        columns[SCORE_PREFIX + axis] = pa.array(np.array([one.scores[axis] for one in scored], dtype=np.float64))
    columns["score_digest"] = pa.array([one.digest for one in scored], pa.string())
    store.replace_columns(name, columns)
    return n_measured


def _lacking(table: pa.Table, instruments: set[str]) -> list[str]:
    """Metrics that the calibrations of these instruments read and the part does not have."""
    needed: set[str] = set()
    for instrument in instruments:
        calibration = shipped(instrument)
        if calibration is not None:
            needed |= set(calibration.metrics) & set(metric_names(instrument))
    return [metric for metric in needed if METRIC_PREFIX + metric not in table.column_names]
