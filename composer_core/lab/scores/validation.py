"""Measure how well scores tell playing from damage that was left out of training, on takes no calibration has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound
from composer_core.estimate.scores.axes import AXES, MIN_NOTES, TOTAL, Calibration
from composer_core.estimate.scores.files import load, shipped, shipped_folder
from composer_core.estimate.scores.maps import PASS_MARK
from composer_core.estimate.scores.profiles import LEFT_OUT_AXES, PERFORMED
from composer_core.estimate.scores.training import Examples, Plan, fit
from composer_core.lab.scores.calibration import sampled, usable_kinds
from composer_core.lab.scores.examples import (
    CROSS_WEIGHTS,
    PASSED_WEIGHTS,
    Played,
    axis_metrics,
    damaged_loop,
    examples_of,
    kind_axes,
    measure_rows,
    n_strengths,
    nominal_level,
    strength_weights,
    windows_of_takes,
)
from composer_core.lab.scores.sources import Source, folder_of, source_of, takes_of
from composer_core.lab.scores.steps import Steps, array_digest, loops_digest
from composer_core.music.loop import Loop
from composer_core.pipeline.training.sources import window_of
from composer_core.rules.damage import DAMAGES

IndexArray = NDArray[np.int64]
_MAX_DAMAGED, _N_FOLDS = 1500, 2
"""Less damage and fewer folds than a calibration's, so that one fit a kind stays affordable."""
_N_DRAWS = 1000
FloatArray = NDArray[np.float64]
Progress = Callable[[str], None]
VALIDATION_BARS = 4
_LOOPS_A_TAKE, _GRADED_STRIDE, _MAX_TAKES = 8, 4, 150


def training_examples(
    takes: Sequence[tuple[Loop, str]],
    metrics: Sequence[str],
    kinds: Sequence[str],
    source: Source | None = None,
    steps: Steps | None = None,
) -> Examples:
    """All loops that a calibration is fitted by, half as many of them damaged: measured once for all fits.

    Of a source of the programmed profile only as many as it is calibrated by.
    """
    played = windows_of_takes(takes)
    chosen = played if source is None or source.profile == PERFORMED else sampled(played, source)
    return examples_of(chosen, metrics, list(kinds), max_damaged=_MAX_DAMAGED, steps=steps)


def fitted_without(
    examples: Examples, source: Source, kinds: Mapping[str, tuple[str, ...]], kind: str | None
) -> Calibration:
    """A calibration that has not seen one kind of damage (None: that has seen all of them)."""
    axes = [axis for axis in AXES if axis not in source.missing]
    seen = examples if kind is None else examples.without_kind(kind)
    # What is measured now may be more than the calibration that is judged was made of.
    known = set(examples.metrics)
    measured = axis_metrics(source.instrument, axes, source.profile)
    read = {axis: tuple(name for name in names if name in known) for axis, names in measured.items()}
    plan = Plan(
        source.instrument, read, kinds, source.missing, _N_FOLDS,
        strength_weights(kinds), PASSED_WEIGHTS, CROSS_WEIGHTS, source.typicality_share,
    )  # fmt: skip
    return fit(seen, plan, {})[0]


def left_out_row(
    calibration: Calibration, human: FloatArray, damaged: FloatArray, bars: IndexArray, axis: str
) -> dict[str, FloatArray]:
    """Totals and scores of the kind's own axis of human rows and of the same loops damaged, by names `human_total`."""
    found = {}
    for name, rows in (("human", human), ("damaged", damaged)):
        scored = calibration.score_rows(rows, bars)
        for score in (TOTAL, axis):
            found[f"{name}_{score}"] = np.array([row[score] for row in scored])
    return found


def auc(high: FloatArray, low: FloatArray) -> float:
    """Chance that one of `high` is above one of `low`; ties count half."""
    above = (high[:, None] > low[None, :]).mean() + (high[:, None] == low[None, :]).mean() / 2
    return float(above)


def by_take(values: FloatArray, takes: IndexArray) -> FloatArray:
    """The mean of each take's loops."""
    return np.asarray(np.bincount(takes, weights=values) / np.bincount(takes))


def auc_interval(high: FloatArray, low: FloatArray, group: IndexArray, seed: int = 0) -> tuple[float, float]:
    """The middle 95 % of the AUC when whole groups (a drummer's sessions, files) are drawn again with repeats.

    `high` and `low` hold one value per take, `group` the group of each. With one group nothing varies.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(group == name) for name in np.unique(group)]
    above = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    drawn = np.empty(_N_DRAWS)
    for index in range(_N_DRAWS):
        chosen = np.concatenate([members[number] for number in rng.integers(0, len(members), len(members))])
        count = np.bincount(chosen, minlength=len(high)).astype(np.float64)
        drawn[index] = count @ above @ count / count.sum() ** 2
    low_edge, high_edge = np.percentile(drawn, (2.5, 97.5))
    return round(float(low_edge), 3), round(float(high_edge), 3)


@dataclass(frozen=True, slots=True, eq=False)
class _HeldOut:
    """Loops nobody calibrated by, with the take and the group of each loop, and their metrics."""

    played: Sequence[Played]
    takes: NDArray[np.int64]
    groups_of_takes: NDArray[np.int64]
    human: FloatArray
    steps: Steps

    def measured(self, calibration: Calibration, kind: str, level: int, stride: int = 1) -> FloatArray:
        """Metrics of every `stride`-th loop damaged."""

        def make() -> FloatArray:
            """Damage and measure."""
            loops = [damaged_loop(self.played, index, kind, level) for index in range(0, len(self.played), stride)]
            return measure_rows(loops, calibration.metrics)

        loops_are = loops_digest([one.loop for one in self.played])
        return self.steps.rows(("held out", kind, level, stride, loops_are, *calibration.metrics), make)


def validate_scores(
    data: Path,
    instrument: str,
    folder: Path | None = None,
    progress: Progress = lambda _: None,
    *,
    left_out: bool = False,
    profile: str = PERFORMED,
    steps: Steps | None = None,
) -> dict[str, object]:
    """AUC over held-out takes of each kind of damage, by the total and by the kind's own axis; monotony; cross-effects.

    Takes are means of their 4-bar loops (at most 8, evenly spread; of more than 150 takes
    every other, third ...); intervals draw whole groups again.
    `spearman` is over the five strengths' mean scores of every fourth loop; `other_axes` the change in
    points of the axes a kind does not belong to. With `left_out` a model is fitted for each kind that has seen
    nothing of it, and judged by it. Where a profile leaves axes out, `not_counted` tells how far damage of these
    moves the total, and `sets` where the human loops of each data set lie, also by the performed profile. `folder` is
    that of the calibrations (None: the shipped ones). NotFound without held-out takes or without a calibration.
    """
    source, place = source_of(instrument, profile), folder or shipped_folder(profile)
    calibration = load(place, instrument)
    if calibration is None:
        raise NotFound("path_missing", path=str(place / f"{instrument}.json"))
    kept = steps or Steps()
    held_out = _held_out(data, source, calibration, kept)
    human = _scores(calibration, held_out.human)
    rows: dict[str, Any] = {}
    damaged: dict[str, FloatArray] = {}
    for kind, axes in usable_kinds(source).items():
        damaged[kind] = held_out.measured(calibration, kind, nominal_level(kind))
        rows[kind] = _row(calibration, held_out, human, damaged[kind], kind, axes)
        progress(f"{kind} {rows[kind]['auc_total']:.3f}")
    found = {
        "calibration": calibration.digest,
        "takes": int(held_out.takes.max()) + 1,
        "groups": len(np.unique(held_out.groups_of_takes)),
        "loops": len(held_out.played),
        "passed": float(np.mean(human[TOTAL] >= PASS_MARK)),
        "percentiles": {name: _percentiles(values) for name, values in human.items()},
        "kinds": rows,
    }
    if LEFT_OUT_AXES[profile]:
        found["not_counted"] = _not_counted(calibration, held_out, human[TOTAL])
        found["sets"] = _sets(source, held_out, human[TOTAL])
    if left_out:
        found["left_out"] = _left_out(data, source, calibration, held_out, damaged, progress)
    return found


def _not_counted(calibration: Calibration, held_out: _HeldOut, human: FloatArray) -> dict[str, dict[str, float]]:
    """By kinds of damage that touch timing or velocity alone: how far they move the total, and its AUC over loops."""
    left_out, rows = set(calibration.missing), {}
    for kind, axes in kind_axes(calibration.instrument).items():
        if set(axes) <= left_out and not DAMAGES[kind].widens:
            total = _scores(calibration, held_out.measured(calibration, kind, nominal_level(kind)))[TOTAL]
            rows[kind] = {"moved": float((total - human).mean()), "auc_total": auc(human, total)}
    return rows


def _sets(source: Source, held_out: _HeldOut, human: FloatArray) -> dict[str, dict[str, Any]]:
    """Where the held-out human loops of each data set lie by this profile, and their median by the performed one."""
    performed = shipped(source.instrument)
    by_performed = np.full(len(human), np.nan)
    if performed is not None:
        rows = measure_rows([one.loop for one in held_out.played], performed.metrics)
        by_performed = _scores(performed, rows)[TOTAL]
    folders = np.array([folder_of(source, one.group) for one in held_out.played])
    found: dict[str, dict[str, Any]] = {}
    for name in source.folders:
        chosen = folders == name
        if chosen.any():
            found[name] = {
                "loops": int(np.count_nonzero(chosen)),
                "percentiles": _percentiles(human[chosen]),
                "passed": float(np.mean(human[chosen] >= PASS_MARK)),
                "median_as_performed": round(float(np.nanmedian(by_performed[chosen])), 1),
            }
    return found


def _held_out(data: Path, source: Source, calibration: Calibration, steps: Steps) -> _HeldOut:
    whole = takes_of(data, source, held_out=True)
    played = _windows(whole[:: max(1, -(-len(whole) // _MAX_TAKES))])
    if not played:
        raise NotFound("no_notes", path=str(data), instrument=source.instrument, purpose="validate scores by")
    _, first, takes = np.unique([one.take for one in played], return_index=True, return_inverse=True)
    groups = np.unique([played[index].group for index in first], return_inverse=True)[1]
    loops = [one.loop for one in played]
    rows = steps.rows(
        ("held out", loops_digest(loops), *calibration.metrics), lambda: measure_rows(loops, calibration.metrics)
    )
    return _HeldOut(played, takes, groups, rows, steps)


def _percentiles(values: FloatArray) -> list[float]:
    """5th, 25th and 50th percentile; those of the loops calibrated by are 40, 70 and 85."""
    if np.isnan(values).all():
        return []
    return [round(float(value), 1) for value in np.nanpercentile(values, (5, 25, 50))]


def _windows(takes: Sequence[tuple[Loop, str]]) -> list[Played]:
    found = []
    for take, group in takes:
        starts = list(range(0, take.bars - VALIDATION_BARS + 1, VALIDATION_BARS))
        for start in starts[:: max(1, -(-len(starts) // _LOOPS_A_TAKE))]:
            loop = window_of(take, start, VALIDATION_BARS)
            if len(loop.notes) >= MIN_NOTES:
                found.append(Played(loop, take.source, group))
    return found


def _scores(calibration: Calibration, rows: FloatArray) -> dict[str, FloatArray]:
    bars = np.full(len(rows), VALIDATION_BARS)
    scored = calibration.score_rows(rows, bars)
    return {name: np.array([row[name] for row in scored]) for name in scored[0]}


def _row(
    calibration: Calibration,
    held_out: _HeldOut,
    human: Mapping[str, FloatArray],
    measured: FloatArray,
    kind: str,
    axes: tuple[str, ...],
) -> dict[str, Any]:
    damaged, takes, axis = _scores(calibration, measured), held_out.takes, axes[0]
    graded = [
        _scores(calibration, held_out.measured(calibration, kind, level, _GRADED_STRIDE))[axis].mean()
        for level in range(n_strengths(kind))
    ]
    others = {other: float((damaged[other] - human[other]).mean()) for other in calibration.axes if other not in axes}
    totals = by_take(human[TOTAL], takes), by_take(damaged[TOTAL], takes)
    return {
        "auc_total": auc(*totals),
        "interval": auc_interval(*totals, held_out.groups_of_takes),
        "auc_axis": auc(by_take(human[axis], takes), by_take(damaged[axis], takes)),
        "axis": axis,
        "graded": [round(float(value), 1) for value in graded],
        "spearman": spearman(np.array(graded)),
        "other_axes": {other: round(change, 1) for other, change in others.items()},
    }


def _left_out(
    data: Path,
    source: Source,
    calibration: Calibration,
    held_out: _HeldOut,
    damaged: Mapping[str, FloatArray],
    progress: Progress,
) -> dict[str, Any]:
    """By kind (but for those that only widen training): AUC of the total and its axis, by a model that never saw it."""
    kinds = usable_kinds(source)
    progress("measuring the loops to train by")
    takes = takes_of(data, source, held_out=False)
    examples = training_examples(takes, calibration.metrics, list(kinds), source, held_out.steps)
    made_of = (calibration.metrics, array_digest(examples.human, examples.damaged, held_out.human))
    bars = np.full(len(held_out.played), VALIDATION_BARS)
    rows = {}
    for kind, axes in kinds.items():
        if DAMAGES[kind].widens:
            continue

        def judged(kind: str = kind, axis: str = axes[0]) -> FloatArray:
            """Scores by a model that has not seen the kind: human loops and damaged ones, each by total and axis."""
            fitted = fitted_without(examples, source, kinds, kind)
            row = left_out_row(fitted, held_out.human, damaged[kind], bars, axis)
            return np.array(list(row.values()))

        scored = held_out.steps.rows(("left out", kind, *made_of, array_digest(damaged[kind])), judged)
        names = [f"{side}_{score}" for side in ("human", "damaged") for score in (TOTAL, axes[0])]
        values = {name: by_take(column, held_out.takes) for name, column in zip(names, scored, strict=True)}
        totals = values[f"human_{TOTAL}"], values[f"damaged_{TOTAL}"]
        rows[kind] = {
            "auc_total": auc(*totals),
            "interval": auc_interval(*totals, held_out.groups_of_takes),
            "auc_axis": auc(values[f"human_{axes[0]}"], values[f"damaged_{axes[0]}"]),
        }
        progress(f"without {kind}: {rows[kind]['auc_total']:.3f} {rows[kind]['auc_axis']:.3f}")
    return {"loops": len(examples.human), "kinds": rows}


def spearman(values: FloatArray) -> float:
    """Rank correlation of values with their positions."""
    ranks = values.argsort().argsort().astype(np.float64)
    return float(np.corrcoef(np.arange(len(values)), ranks)[0, 1])
