"""Change from bar to bar in loudness, density and pattern; and the longest silence in the circle of bars."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.cells import following
from composer_core.metrics.metric import Metric

NAN = math.nan


def velocity_jump(a: Analysis) -> float:
    """Largest difference of the mean velocities of a bar with notes and the next one with notes.

    The first bar follows the last; 0 for one bar. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    bar = a.slot // a.slots_a_bar
    count = np.bincount(bar, minlength=a.loop.bars)
    mean = np.bincount(bar, weights=a.velocity, minlength=a.loop.bars)[count > 0] / count[count > 0]
    return float(np.abs(mean - np.append(mean[1:], mean[0])).max())


def strangest_bar(a: Analysis) -> float:
    """1 - the least share of common strokes (voice and place) of two neighbouring bars.

    Common over all strokes of either (Jaccard), the first bar after the last; bars without
    notes next to each other are alike. 0 when all bars are the same. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    played = a.cells.played
    own, common = played.sum(axis=(0, 2)), a.cells.recurs.sum(axis=(0, 2))
    either = own + following(own[None, :])[0] - common
    return 1.0 - float(np.where(either > 0, common / np.maximum(either, 1), 1.0).min())


_DESIGN = "definition of this project"
METRICS: tuple[Metric, ...] = (
    Metric("velocity_jump", "structure", velocity_jump, "velocity", 0.0, 126.0, _DESIGN,
           "Velocity jump", "強さの跳び",
           "The largest change of average loudness from one bar to the next.",
           "平均の強さが小節の変わり目でいちばん大きく変わる量。"),
    Metric("strangest_bar", "structure", strangest_bar, "share", 0.0, 1.0, "Jaccard 1901",
           "Strangest bar", "最も異質な小節",
           "How little the least alike of two neighbouring bars have in common.",
           "いちばん似ていない隣り合う小節が、どれだけ違うか。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
