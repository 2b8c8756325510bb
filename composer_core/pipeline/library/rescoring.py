"""Preview or apply what a change of settings or calibration does to the library's scores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.estimate.scores.axes import AXES, MIN_NOTES, SCORE_NAMES, TOTAL
from composer_core.estimate.scores.files import shipped
from composer_core.estimate.scores.profiles import PERFORMED, PROFILES, PROGRAMMED, measured_profiles
from composer_core.metrics import METRICS
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.library.filters import EVERYTHING, Filter
from composer_core.pipeline.library.measuring import measure_loops, metric_names
from composer_core.pipeline.library.query import JUDGED_PREFIX, conditions_of, library_query
from composer_core.pipeline.scoring import check_weights, digests, score_rows, weighted_total
from composer_core.pipeline.settings import MAX_PASS_MARK, Settings
from composer_core.store.loops.columns import completed
from composer_core.store.loops.record import METRIC_PREFIX, PROGRAMMED_PREFIX, SCORE_PREFIX
from composer_core.store.loops.store import LoopStore
from composer_core.store.search.conditions import Between, Condition, Known, OneOf
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
_DIGESTS = {PERFORMED: "score_digest", PROGRAMMED: "programmed_digest"}
_FACTS = ("loop_id", "instrument", "bars", "n_notes", "score_profile", *_DIGESTS.values())
FloatArray = NDArray[np.float64]
N_BINS = 20
"""Bins of five points."""


@guarded("settings")
@guarded("rescore")
def rescore(workspace: Workspace, *, everything: bool = False, progress: Progress = lambda *_: None) -> dict[str, int]:
    """Score the loops that are not scored by the shipped calibrations of both profiles (`everything`: all of them).

    Loops without a profile get theirs. Loops that lack a metric the calibrations read are measured again. Gives the
    counts `loops`, `rescored` and `measured`. Safe to stop and to run again.
    """
    store = LoopStore(workspace)
    names = store.part_names()
    counts = {"loops": 0, "rescored": 0, "measured": 0}
    current = {profile: digests(profile) for profile in PROFILES}
    for number, name in enumerate(names):
        table = store.part_table(name)
        counts["loops"] += table.num_rows
        facts = {column: completed(table, [column]).column(column).to_pylist() for column in _FACTS}
        n_stale = table.num_rows if everything else sum(_is_stale(facts, index, current) for index in range(len(table)))
        if n_stale:
            counts["measured"] += _rescore_part(store, name, table, facts, everything)
            counts["rescored"] += n_stale
        progress(number + 1, len(names))
    _log.info("rescored %d of %d loops, %d measured again", counts["rescored"], counts["loops"], counts["measured"])
    return counts


def n_to_rescore(workspace: Workspace) -> int:
    """How many loops `rescore` would score again: those of other calibrations, and those without a profile."""
    query = library_query(workspace)
    n_fresh = 0
    current = [digests(profile) for profile in PROFILES]
    for instrument, _ in query.counts("instrument"):
        own: list[Condition] = [OneOf("instrument", (instrument if instrument is None else str(instrument),))]
        own.append(Known("score_profile"))
        scored: list[Condition] = [
            OneOf(column, (found[str(instrument)],))
            for column, found in zip(_DIGESTS.values(), current, strict=True)
            if str(instrument) in found
        ]
        n_fresh += query.count([*own, Between("n_notes", None, MIN_NOTES - 1)])
        n_fresh += query.count([*own, *scored, Between("n_notes", MIN_NOTES)])
    return query.count() - n_fresh


def _is_stale(facts: Mapping[str, Sequence[Any]], index: int, current: Mapping[str, Mapping[str, str]]) -> bool:
    """True for a loop without a profile, and for one whose scores are not of the shipped calibrations."""
    if facts["score_profile"][index] is None:
        return True
    if facts["n_notes"][index] < MIN_NOTES:
        return False
    instrument = facts["instrument"][index]
    return any((facts[column][index] or "") != current[name].get(instrument, "") for name, column in _DIGESTS.items())


def _rescore_part(
    store: LoopStore, name: str, table: pa.Table, facts: Mapping[str, Sequence[Any]], everything: bool
) -> int:
    """Replace profile and scores of one part; how many loops had to be measured for it."""
    columns: dict[str, pa.Array] = {}
    lacking = _lacking(table, set(facts["instrument"]))
    profiles: Sequence[str] = facts["score_profile"]
    rows: list[Mapping[str, float]]
    loops = store.load_many(facts["loop_id"]) if lacking or everything or None in profiles else []
    if loops:
        profiles = measured_profiles(loops)
    if lacking:
        rows = [one.metrics for one in measure_loops(loops)]
        for metric in METRICS:
            values = np.array([row.get(metric, np.nan) for row in rows], dtype=np.float64)
            columns[METRIC_PREFIX + metric] = pa.array(values)
    else:
        known = [metric for metric in METRICS if METRIC_PREFIX + metric in table.column_names]
        stored = [table.column(METRIC_PREFIX + metric).to_numpy() for metric in known]
        rows = [dict(zip(known, row, strict=True)) for row in np.column_stack(stored).tolist()]
    places = list(zip(facts["instrument"], facts["bars"], facts["n_notes"], strict=True))
    for profile, prefix in ((PERFORMED, SCORE_PREFIX), (PROGRAMMED, PROGRAMMED_PREFIX)):
        scored = score_rows(places, rows, profile)
        for axis in SCORE_NAMES:
            columns[prefix + axis] = pa.array(np.array([one.scores[axis] for one in scored], dtype=np.float64))
        columns[_DIGESTS[profile]] = pa.array([one.digest for one in scored], pa.string())
    columns["score_profile"] = pa.array(profiles, pa.string())
    store.replace_columns(name, columns)
    return len(rows) if lacking else 0


def _lacking(table: pa.Table, instruments: set[str]) -> list[str]:
    """Metrics that the calibrations of these instruments read and the part does not have."""
    needed: set[str] = set()
    for instrument in instruments:
        for profile in PROFILES:
            calibration = shipped(instrument, profile)
            if calibration is not None:
                needed |= set(calibration.metrics) & set(metric_names(instrument))
    return [metric for metric in needed if METRIC_PREFIX + metric not in table.column_names]


@dataclass(frozen=True, slots=True, eq=False)
class ScorePreview:
    """Totals of the matching loops, each by its own profile, under some settings.

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
    """Ids of the matching loops, and the total of each by its own profile: the calibrated one, or by weights.

    NaN without a score.
    """
    found = _scores(workspace, ["loop_id"], filter, weights)
    names: list[str] = found.column("loop_id").to_pylist()
    return names, _totals(found, weights)


def _scores(workspace: Workspace, columns: Sequence[str], filter: Filter, weights: Mapping[str, float] | None) -> Any:
    used = (TOTAL,) if weights is None else AXES
    names = [*columns, *(JUDGED_PREFIX + name for name in used)]
    return library_query(workspace).select(names, conditions_of(filter))


def _totals(found: Any, weights: Mapping[str, float] | None) -> FloatArray:
    check_weights(weights)
    scores = {
        name.removeprefix(JUDGED_PREFIX): found.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
        for name in found.column_names
        if name.startswith(JUDGED_PREFIX)
    }
    return weighted_total(scores, weights)


def retry_queue(workspace: Workspace, settings: Settings, filter: Filter = EVERYTHING) -> list[str]:
    """Ids of the loops below the pass mark of the settings by their own profile, the worst first."""
    names, total = totals(workspace, settings.score_weights, filter)
    order = np.argsort(total, kind="stable")
    return [names[index] for index in order if total[index] < settings.pass_mark]
