"""Choose the best of several candidates: how far each is from the request, and how well it scores.

Every requested field that a metric can measure counts. The misfits are scaled so that one unit of any field is
about equally bad: an octave of register, a doubling of density, half the range of valence. Fields that were not
given do not count, and an emotion that the model learnt from people's labels does not either: the estimator that would
measure it may hear it otherwise than they do. Between candidates that fit equally well the five-axis total decides.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.scores.axes import TOTAL
from composer_core.metrics import measure
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.drums import role_mask
from composer_core.music.key import Key
from composer_core.music.loop import Loop
from composer_core.pipeline.measured_fields import measured_fields, misfits
from composer_core.pipeline.scoring import score_measured

OUT_OF_KEY, OUT_OF_CHORD, APART = 4.0, 1.5, 1.0
"""The misfit of a loop with no note in its key, no note in its chords, or no bass note on a kick."""
TOGETHER_TICK = 60
"""A bass note and a kick at most a 32nd apart are heard as together."""
SCORE_POINTS = 40.0
"""So many points of the total weigh as much as one unit of misfit."""


def misfit(condition: Condition, loop: Loop, metrics: Mapping[str, float]) -> dict[str, float]:
    """How far a loop is from each requested field, 0 for a perfect fit; fields not given are absent."""
    found = misfits(condition, measured_fields(metrics, loop.instrument))
    if condition.key is not None:
        found["key"] = OUT_OF_KEY * (1.0 - in_scale_rate(loop, condition.key))
    if condition.chords:
        found["chords"] = OUT_OF_CHORD * (1.0 - in_chord_rate(loop, condition.chord_line))
    return found


def in_scale_rate(loop: Loop, key: Key) -> float:
    """Share of the notes that lie in a key's scale; 1 for drums and silence."""
    if loop.is_drums or not len(loop.notes):
        return 1.0
    return float(np.isin(loop.notes.pitch % 12, key.scale).mean())


def in_chord_rate(loop: Loop, line: Sequence[Chord | None]) -> float:
    """Share of the sounding time whose notes belong to the chord of their bar.

    1 for drums and silence; a bar without a chord counts as fitting.
    """
    if loop.is_drums or not len(loop.notes):
        return 1.0
    bar = np.clip(loop.notes.onset_tick // loop.meter.bar_tick, 0, loop.bars - 1)
    inside = np.ones(len(loop.notes))
    for number, chord in enumerate(line):
        if chord is not None:
            chosen = bar == number
            inside[chosen] = np.isin(loop.notes.pitch[chosen] % 12, chord.pitch_classes)
    weight = loop.notes.duration_tick.astype(np.float64)
    return float((inside * weight).sum() / weight.sum())


def alignment(bass: Loop, drums: Loop) -> float:
    """Share of the kicks with a bass onset at most a 32nd away, 0 to 1; NaN without kicks or bass notes."""
    kick = drums.notes.onset_tick[role_mask(drums.notes.pitch, "kick")]
    onsets = bass.notes.onset_tick
    if not len(kick) or not len(onsets):
        return math.nan
    return float((_nearest(kick, onsets, bass.length_tick) <= TOGETHER_TICK).mean())


def _nearest(places: NDArray[np.int32], onsets: NDArray[np.int32], length_tick: int) -> NDArray[np.int32]:
    """Ticks from each place to the nearest onset, across the seam of the loop too."""
    around = np.concatenate((onsets - length_tick, onsets, onsets + length_tick))
    distance: NDArray[np.int32] = np.abs(places[:, None] - around[None, :]).min(axis=1)
    return distance


def choose_best(
    condition: Condition, loops: Sequence[Loop], others: Sequence[Loop] = (), unjudged: Collection[str] = ()
) -> int:
    """Index of the best candidate; the first one of equals. `unjudged` are fields that do not count.

    `others` are the parts of an ensemble generated before: a bass is also judged by how well it meets their kick.
    """
    if len(loops) == 1:
        return 0
    drums = next((loop for loop in others if loop.is_drums), None)
    rows = [measure(loop) for loop in loops]
    costs = []
    for loop, metrics, total in zip(loops, rows, _totals(loops, rows), strict=True):
        cost = sum(cost for name, cost in misfit(condition, loop, metrics).items() if name not in unjudged)
        if loop.instrument == "bass" and drums is not None:
            met = alignment(loop, drums)
            cost += APART * (1.0 - met) if not math.isnan(met) else 0.0
        if not len(loop.notes):
            cost += 100.0  # silence has no misfit to measure, yet must lose against any candidate with notes
        costs.append(cost + (0.0 if total is None else max(0.0, 100.0 - total) / SCORE_POINTS))
    return int(np.argmin(costs))


def _totals(loops: Sequence[Loop], rows: Sequence[Mapping[str, float]]) -> list[float | None]:
    """The five-axis totals; None for an instrument without a calibration and for a loop of too few notes."""
    totals = [scored.scores[TOTAL] for scored in score_measured(loops, rows)]
    return [None if math.isnan(total) else total for total in totals]
