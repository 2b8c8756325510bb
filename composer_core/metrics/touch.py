"""Dynamics as a habit: whether accents fall where they belong, and whether they return bar after bar."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.cells import correlation, following
from composer_core.metrics.drums import on_backbeat
from composer_core.metrics.grid import metrical_weights
from composer_core.metrics.metric import Metric
from composer_core.music.drums import ROLES

NAN = math.nan
_SNARE = ROLES.index("snare")
_EPSILON = 1e-9


def velocity_mode_share(a: Analysis) -> float:
    """Share of the notes that have the commonest velocity; 1 when all are alike. NaN without notes."""
    if not a.n_notes:
        return NAN
    return float(np.bincount(a.velocity.astype(np.int64)).max()) / a.n_notes


def velocity_skew(a: Analysis) -> float:
    """Third standardised moment of the velocities, cut to -5 to 5: negative with a few soft notes.

    NaN without notes or when all are alike.
    """
    if not a.n_notes:
        return NAN
    centred = a.velocity - a.velocity.sum() / a.n_notes
    variance = float(centred @ centred) / a.n_notes
    if variance <= _EPSILON:
        return NAN
    skew = float((centred * centred) @ centred) / a.n_notes / float(variance**1.5)
    return min(5.0, max(-5.0, skew))


def velocity_repetition(a: Analysis) -> float:
    """Correlation of velocities, less their voice's mean, with those of the same voice and place a bar later.

    The first bar follows the last. NaN without such pairs or variance.
    """
    if not a.n_notes:
        return NAN
    cells = a.cells
    return correlation(cells.velocity_centred[cells.recurs], following(cells.velocity_centred)[cells.recurs])


def velocity_bar_change(a: Analysis) -> float:
    """Mean absolute difference of velocity between a note and the same voice and place a bar later.

    NaN without such a pair.
    """
    return a.cells.bar_change(a.cells.velocity) if a.n_notes else NAN


def accent_fit(a: Analysis) -> float:
    """Correlation of velocity, less its voice's mean, with the metrical weight of the slot.

    Weights are those of grid.metrical_weights: 1 when the strongest places are loudest, -1
    the other way round. NaN without notes or variance.
    """
    if not a.n_notes:
        return NAN
    cells = a.cells
    weights = np.broadcast_to(metrical_weights(a.meter, a.step_tick).astype(np.float64), cells.played.shape)
    return correlation(cells.velocity_centred[cells.played], weights[cells.played])


def backbeat_contrast(a: Analysis) -> float:
    """Mean velocity of the snare on backbeats minus elsewhere. NaN when either is empty."""
    snare = a.role == _SNARE
    back = snare & on_backbeat(a) if a.n_notes else snare
    n_back, n_snare = np.count_nonzero(back), np.count_nonzero(snare)
    if n_back in (0, n_snare):
        return NAN
    loud = float(a.velocity[back].sum())
    return loud / n_back - (float(a.velocity[snare].sum()) - loud) / (n_snare - n_back)


_DESIGN = "definition of this project"
_DRUMS = ("drums",)
METRICS: tuple[Metric, ...] = (
    Metric("velocity_mode_share", "dynamics", velocity_mode_share, "share", 0.0, 1.0, _DESIGN,
           "Commonest velocity", "最頻ベロシティの割合",
           "The share of notes that have one and the same velocity.",
           "いちばん多いベロシティ値が占める割合。"),
    Metric("velocity_skew", "dynamics", velocity_skew, "", -5.0, 5.0, "Pearson 1895",
           "Velocity skew", "強弱の偏り",
           "Whether a few notes are much softer (-) or much louder (+) than the rest.",
           "一部の音だけが弱い（−）か強い（＋）か。"),
    Metric("velocity_repetition", "dynamics", velocity_repetition, "", -1.0, 1.0, _DESIGN,
           "Accents come back", "アクセントの反復",
           "How alike the accents of neighbouring bars are.",
           "隣り合う小節でアクセントの付け方がどれだけ同じか。"),
    Metric("velocity_bar_change", "dynamics", velocity_bar_change, "velocity", 0.0, 126.0, _DESIGN,
           "Velocity change a bar", "小節間の強弱差",
           "How much the loudness of a stroke differs from the same stroke a bar later.",
           "同じ位置の音の強さが次の小節でどれだけ変わるか。"),
    Metric("accent_fit", "dynamics", accent_fit, "", -1.0, 1.0, "Lerdahl and Jackendoff 1983",
           "Accents on strong places", "強拍とアクセントの一致",
           "Whether the strong places of the bar are the loud ones (+) or the soft ones (-).",
           "拍節の強い位置ほど強く弾いている（＋）か、逆（−）か。"),
    Metric("backbeat_contrast", "dynamics", backbeat_contrast, "velocity", -126.0, 126.0, _DESIGN,
           "Backbeat accent", "バックビートの強さ",
           "How much louder the snare is on the backbeats than elsewhere.",
           "バックビートのスネアがほかのスネアよりどれだけ強いか。", _DRUMS),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
