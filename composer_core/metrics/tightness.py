"""Groove as a habit: whether the players' offsets agree in a stroke, along the bar, and bar after bar."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.cells import correlation, following
from composer_core.metrics.metric import Metric

NAN = math.nan
_ON_GRID_TICK = 1.5
_MIN_VOICE_SHARE = 0.1


def microtiming_bar_change_ms(a: Analysis) -> float:
    """Mean absolute difference in ms of the offset of a stroke and of the same voice and place a bar later.

    The first bar follows the last. NaN without such a pair.
    """
    return a.cells.bar_change(a.cells.deviation_ms) if a.n_notes else NAN


def microtiming_repetition(a: Analysis) -> float:
    """Correlation of offsets, less their voice's mean, with those of the same voice and place a bar later.

    NaN without such pairs or variance.
    """
    if not a.n_notes:
        return NAN
    cells = a.cells
    return correlation(cells.deviation_centred_ms[cells.recurs], following(cells.deviation_centred_ms)[cells.recurs])


def voice_lag_ms(a: Analysis) -> float:
    """Largest distance in ms between the mean offsets of two voices that play a tenth of the notes or more.

    NaN without notes; 0 with one such voice.
    """
    if not a.n_notes:
        return NAN
    count = np.bincount(a.voice)
    heard = count >= max(1.0, _MIN_VOICE_SHARE * a.n_notes)
    if not heard.any():
        return 0.0
    mean = np.bincount(a.voice, weights=a.deviation_ms)[heard] / count[heard]
    return float(mean.max() - mean.min())


def on_grid_rate(a: Analysis) -> float:
    """Share of the notes within 1.5 ticks (at 480 a quarter) of the swing-warped grid. NaN without notes."""
    if not a.n_notes:
        return NAN
    return np.count_nonzero(np.abs(a.deviation_ms) <= _ON_GRID_TICK * a.ms_a_tick + 1e-9) / a.n_notes


_DESIGN = "definition of this project"
_MS = 2500.0
METRICS: tuple[Metric, ...] = (
    Metric("microtiming_bar_change_ms", "groove", microtiming_bar_change_ms, "ms", 0.0, 2 * _MS, _DESIGN,
           "Timing change a bar", "小節間のタイミング差",
           "How much the timing of a stroke differs from the same stroke a bar later.",
           "同じ位置の音のタイミングが次の小節でどれだけ変わるか。"),
    Metric("microtiming_repetition", "groove", microtiming_repetition, "", -1.0, 1.0, _DESIGN,
           "Timing comes back", "タイミングの再現性",
           "How alike the pushes and drags of neighbouring bars are.",
           "前ノリ・後ノリの付き方が隣り合う小節でどれだけ同じか。"),
    Metric("voice_lag_ms", "groove", voice_lag_ms, "ms", 0.0, 2 * _MS, _DESIGN,
           "Lag between voices", "声部間のずれ",
           "How far the latest voice is behind the earliest on average.",
           "平均でいちばん遅い声部といちばん早い声部の差。"),
    Metric("on_grid_rate", "groove", on_grid_rate, "share", 0.0, 1.0, _DESIGN,
           "Exactly on the grid", "グリッドちょうどの割合",
           "The share of notes that lie exactly on the grid, as a machine plays.",
           "機械のようにグリッドちょうどに乗っている音の割合。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
