"""Score loops by either profile: compute scores, explain them, and combine them under other weights.

An axis that does not apply to a loop has no score, and `missing` gives the reason: the instrument
has no calibration, its reference was never played (notation has no timing), the profile does not
count it, or the loop has too few notes to be judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, ModelError
from composer_core.estimate.scores.axes import (
    AXES,
    MIN_NOTES,
    NO_CALIBRATION,
    NOT_CALIBRATED,
    SCORE_NAMES,
    TOO_FEW_NOTES,
    TOTAL,
    Calibration,
    length_of,
)
from composer_core.estimate.scores.explain import Explanation
from composer_core.estimate.scores.explain import explain as explain_metrics
from composer_core.estimate.scores.files import shipped, shipped_folder
from composer_core.estimate.scores.profiles import PERFORMED, PROFILES, measured_profile
from composer_core.metrics import METRICS, measure
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.loop import Loop

NO_SCORES: dict[str, float] = dict.fromkeys(SCORE_NAMES, math.nan)
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of a loop by SCORE_NAMES (NaN where an axis does not apply), and the digest of the calibration."""

    scores: Mapping[str, float]
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A loop's own profile as it is measured, and its scores by each profile."""

    profile: str
    by_profile: Mapping[str, Scored]

    @property
    def own(self) -> Scored:
        """The scores by the loop's own profile."""
        return self.by_profile[self.profile]


@cache
def _calibration(instrument: str, profile: str = PERFORMED) -> Calibration | None:
    """The shipped calibration; ModelError when it reads metrics that no longer exist.

    Without this check a renamed metric would count as missing in every loop, and scores would change
    silently.
    """
    calibration = shipped(instrument, profile)
    gone = sorted(set(calibration.metrics) - set(METRICS)) if calibration is not None else []
    if gone:
        reason = f"it reads metrics there are none of: {', '.join(gone)}; run composer calibrate"
        path = shipped_folder(profile) / f"{instrument}.json"
        raise ModelError("damaged_model", path=str(path), reason=reason)
    return calibration


@dataclass(frozen=True, slots=True)
class Reference:
    """The place of a loop among human loops of its instrument and length: for each metric, the share of them below."""

    places: Mapping[str, float]
    bars: int


def among_humans(
    instrument: str, bars: int, metrics: Mapping[str, float], profile: str = PERFORMED
) -> Reference | None:
    """The places of a loop's metrics among the loops a profile is calibrated on; None without a calibration.

    `Reference.bars` is the calibrated length that the loop is compared with. Metrics that are undefined,
    or that the calibration does not read, have no place.
    """
    calibration = _calibration(instrument, profile)
    if calibration is None:
        return None
    length = length_of(bars)
    places = calibration.scales[length].percentile_ranks(calibration.rows([metrics])[0])
    known = zip(calibration.metrics, places.tolist(), strict=True)
    return Reference({name: place for name, place in known if not math.isnan(place)}, length)


def score(loops: Sequence[Loop], profile: str = PERFORMED) -> list[Scored]:
    """Measure and score loops by one profile."""
    return score_measured(loops, [measure(loop) for loop in loops], profile)


def score_measured(
    loops: Sequence[Loop], metrics: Sequence[Mapping[str, float]], profile: str = PERFORMED
) -> list[Scored]:
    """Score loops whose metrics are already measured by one profile."""
    return score_rows([(loop.instrument, loop.bars, len(loop.notes)) for loop in loops], metrics, profile)


def judge(loops: Sequence[Loop], metrics: Sequence[Mapping[str, float]]) -> list[Judged]:
    """Score loops whose metrics are already measured by every profile, and find each loop's own."""
    columns = [score_measured(loops, metrics, profile) for profile in PROFILES]
    return [
        Judged(measured_profile(loop), dict(zip(PROFILES, scored, strict=True)))
        for loop, *scored in zip(loops, *columns, strict=True)
    ]


def score_rows(
    facts: Sequence[tuple[str, int, int]], metrics: Sequence[Mapping[str, float]], profile: str = PERFORMED
) -> list[Scored]:
    """Score loops by their facts (instrument, bars, number of notes) and metrics, one instrument at a time."""
    found = [Scored(NO_SCORES)] * len(facts)
    by_instrument: dict[str, list[int]] = {}
    for index, (instrument, _, n_notes) in enumerate(facts):
        if n_notes >= MIN_NOTES:
            by_instrument.setdefault(instrument, []).append(index)
    for instrument, indices in by_instrument.items():
        calibration = _calibration(instrument, profile)
        if calibration is None:
            continue
        scores = calibration.score([metrics[index] for index in indices], [facts[index][1] for index in indices])
        for index, one in zip(indices, scores, strict=True):
            found[index] = Scored(one, calibration.digest)
    return found


def explain(loop: Loop, metrics: Mapping[str, float] | None = None, profile: str = PERFORMED) -> dict[str, Explanation]:
    """Explain each score of a loop by a profile; scores that do not apply are left out."""
    calibration = _calibration(loop.instrument, profile)
    if calibration is None or len(loop.notes) < MIN_NOTES:
        return {}
    return explain_metrics(calibration, metrics if metrics is not None else measure(loop), loop.bars)


def missing(instrument: str, n_notes: int, profile: str = PERFORMED) -> dict[str, str]:
    """The reason for each missing score of a loop, as a code of `estimate.scores`; empty when all scores apply.

    An axis that is younger than the calibration is NOT_CALIBRATED.
    """
    calibration = _calibration(instrument, profile)
    if calibration is None:
        return dict.fromkeys(SCORE_NAMES, NO_CALIBRATION)
    if n_notes < MIN_NOTES:
        return dict.fromkeys(SCORE_NAMES, TOO_FEW_NOTES)
    younger = [axis for axis in AXES if axis not in calibration.axes and axis not in calibration.missing]
    return {**calibration.missing, **dict.fromkeys(younger, NOT_CALIBRATED)}


def digests(profile: str = PERFORMED) -> dict[str, str]:
    """The digest of the shipped calibration of each instrument that has one for a profile."""
    loaded = {instrument: _calibration(instrument, profile) for instrument in INSTRUMENTS}
    return {instrument: one.digest for instrument, one in loaded.items() if one is not None}


def weighted_total(scores: Mapping[str, FloatArray], weights: Mapping[str, float] | None) -> FloatArray:
    """The total, or with weights the weighted mean of the axes that apply to each loop; NaN when none applies."""
    if weights is None:
        return np.asarray(scores[TOTAL], dtype=np.float64)
    axes = np.array([scores[axis] for axis in AXES], dtype=np.float64)
    weight = np.array([weights.get(axis, 0.0) for axis in AXES])[:, None] * ~np.isnan(axes)
    total = weight.sum(axis=0)
    mean = (np.nan_to_num(axes) * weight).sum(axis=0) / np.maximum(total, 1e-12)
    return np.where(total > 0, mean, np.nan)


def check_weights(weights: Mapping[str, float] | None) -> None:
    """Raise InvalidValue for an unknown axis, a weight outside 0 to 1, or weights that are all 0."""
    if weights is None:
        return
    for axis, weight in weights.items():
        if axis not in AXES:
            raise InvalidValue("unknown_choice", name="score weight", value=axis, choices=", ".join(AXES))
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 <= weight <= 1:
            raise InvalidValue(
                "value_out_of_range", name=f"score weight of {axis}", value=weight, low=0, high=1, unit=""
            )
    if not any(weights.values()):
        raise InvalidValue("bad_format", name="score weights", value=dict(weights), expected="one above 0")
