"""Groove: microtiming, and how similar the bars are."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from composer_core.metrics.analysis import Analysis, of_piece
from composer_core.metrics.metric import Metric
from composer_core.metrics.spread import explained_share, memory

NAN = math.nan


def microtiming_mean_ms(a: Analysis) -> float:
    """Mean signed distance in ms to the swing-warped grid, positive late. NaN without notes."""
    return float(a.deviation_ms.sum()) / a.n_notes if a.n_notes else NAN


def microtiming_sd_ms(a: Analysis) -> float:
    """Standard deviation (over n) in ms of the distances to the swing-warped grid. NaN without notes."""
    return float(a.deviation_ms.std()) if a.n_notes else NAN


def microtiming_rms_ms(a: Analysis) -> float:
    """Root mean square in ms of the distances to the swing-warped grid. NaN without notes."""
    return math.sqrt(float(np.square(a.deviation_ms).sum()) / a.n_notes) if a.n_notes else NAN


def _of_piece(piece: str, roles: str, spread: bool) -> Callable[[Analysis], float]:
    what = f"the signed distances in ms of {roles} to the swing-warped grid"
    return of_piece(lambda a: a.piece_timing_ms, piece, spread, what)


microtiming_kick_ms = _of_piece("kick", "the kick", False)
microtiming_snare_ms = _of_piece("snare", "the snare", False)
microtiming_hat_ms = _of_piece("hat", "hats and ride", False)
microtiming_kick_sd_ms = _of_piece("kick", "the kick", True)
microtiming_snare_sd_ms = _of_piece("snare", "the snare", True)
microtiming_hat_sd_ms = _of_piece("hat", "hats and ride", True)


def microtiming_drift_ms(a: Analysis) -> float:
    """Standard deviation (over the bars with notes) in ms of the bars' mean distances to the swing-warped grid.

    How far the playing as a whole pulls ahead and drops back. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    bar = a.slot // a.slots_a_bar
    count = np.bincount(bar, minlength=a.loop.bars)
    mean = np.bincount(bar, weights=a.deviation_ms, minlength=a.loop.bars)[count > 0] / count[count > 0]
    return float(mean.std())


def microtiming_memory(a: Analysis) -> float:
    """Correlation of each slot's mean distance to the swing-warped grid with the next used slot's, around the circle.

    Human timing drifts; added jitter knows no neighbour (Hennig et al. 2011). -1 to 1. NaN
    without notes and without any deviation.
    """
    return memory(a.slot_deviation_tick) if a.n_notes else NAN


def microtiming_pattern(a: Analysis) -> float:
    """Share of the variance of the distances to the swing-warped grid that the place in the bar explains.

    Place: slot of the bar and, on drums, piece of the kit (kick, snare, hats and ride, toms,
    crash). 1: every bar has the same feel (one bar alone always), 0: deviations are random.
    NaN without notes and without any deviation.
    """
    return explained_share(a.deviation_tick, a.place) if a.n_notes else NAN


def layer_spread_ms(a: Analysis) -> float:
    """Mean time in ms from the first to the last of the notes that share a grid slot.

    A human hand is within some 10 ms, a strum within 50. NaN where no slot holds two notes.
    """
    count = np.bincount(a.slot, minlength=a.n_slots) if a.n_notes else np.zeros(1)
    layered = count > 1
    if not layered.any():
        return NAN
    last, first = np.full(a.n_slots, -np.inf), np.full(a.n_slots, np.inf)
    np.maximum.at(last, a.slot, a.deviation_ms)
    np.minimum.at(first, a.slot, a.deviation_ms)
    return float((last[layered] - first[layered]).sum()) / np.count_nonzero(layered)


def groove_consistency(a: Analysis) -> float:
    """1 - mean share of slots in which neighbouring bars' onset patterns differ.

    The first bar follows the last; one bar follows itself. Two identical bars give exactly
    1. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    bars = a.pattern.reshape(a.loop.bars, a.slots_a_bar)
    following = np.concatenate((bars[1:], bars[:1]))
    return 1.0 - np.count_nonzero(bars ^ following) / a.n_slots


_MS = (-2500.0, 2500.0)
"""An eighth of a quarter, doubled by heavy swing, at the slowest tempo a loop may have."""
_SOURCE = "Gillick et al. 2019 (signed offsets from the grid)"
_DESIGN = "definition of this project"
_DRUMS = ("drums",)
METRICS: tuple[Metric, ...] = (
    Metric("microtiming_mean_ms", "groove", microtiming_mean_ms, "ms", *_MS, _SOURCE,
           "Microtiming mean", "タイミングのずれ（平均）",
           "How late (+) or early (-) the notes are on average against the swung grid.",
           "スウィングを含むグリッドから平均でどれだけ後ノリ（＋）か前ノリ（−）か。"),
    Metric("microtiming_sd_ms", "groove", microtiming_sd_ms, "ms", 0.0, _MS[1], _SOURCE,
           "Microtiming spread", "タイミングの揺れ",
           "How much the notes scatter around their average place.",
           "平均的な位置からの揺れの大きさ（標準偏差）。"),
    Metric("microtiming_rms_ms", "groove", microtiming_rms_ms, "ms", 0.0, _MS[1], _SOURCE,
           "Microtiming size", "タイミングのずれ（RMS）",
           "How far the notes are from the swung grid, early or late.",
           "前後を問わない、グリッドからのずれの大きさ（二乗平均平方根）。"),
    Metric("microtiming_kick_ms", "groove", microtiming_kick_ms, "ms", *_MS, _SOURCE,
           "Kick microtiming", "キックのずれ",
           "How late (+) or early (-) the kick is on average.",
           "キックが平均でどれだけ後ノリ（＋）か前ノリ（−）か。", _DRUMS),
    Metric("microtiming_snare_ms", "groove", microtiming_snare_ms, "ms", *_MS, _SOURCE,
           "Snare microtiming", "スネアのずれ",
           "How late (+) or early (-) the snare is on average.",
           "スネアが平均でどれだけ後ノリ（＋）か前ノリ（−）か。", _DRUMS),
    Metric("microtiming_hat_ms", "groove", microtiming_hat_ms, "ms", *_MS, _SOURCE,
           "Hat and ride microtiming", "ハット・ライドのずれ",
           "How late (+) or early (-) hats and ride are on average.",
           "ハイハットとライドが平均でどれだけ後ノリ（＋）か前ノリ（−）か。", _DRUMS),
    Metric("microtiming_kick_sd_ms", "groove", microtiming_kick_sd_ms, "ms", 0.0, _MS[1], _SOURCE,
           "Kick timing spread", "キックの揺れ",
           "How much the kick scatters around its own average place.",
           "キックのタイミングの揺れ（標準偏差）。", _DRUMS),
    Metric("microtiming_snare_sd_ms", "groove", microtiming_snare_sd_ms, "ms", 0.0, _MS[1], _SOURCE,
           "Snare timing spread", "スネアの揺れ",
           "How much the snare scatters around its own average place.",
           "スネアのタイミングの揺れ（標準偏差）。", _DRUMS),
    Metric("microtiming_hat_sd_ms", "groove", microtiming_hat_sd_ms, "ms", 0.0, _MS[1], _SOURCE,
           "Hat and ride timing spread", "ハット・ライドの揺れ",
           "How much hats and ride scatter around their own average place.",
           "ハイハットとライドのタイミングの揺れ（標準偏差）。", _DRUMS),
    Metric("microtiming_drift_ms", "groove", microtiming_drift_ms, "ms", 0.0, _MS[1], _DESIGN,
           "Drift", "小節ごとのテンポの揺れ",
           "How much whole bars lie ahead of or behind each other.",
           "小節単位で前ノリ・後ノリがどれだけ変わるか。"),
    Metric("microtiming_memory", "groove", microtiming_memory, "", -1.0, 1.0, "Hennig et al. 2011",
           "Timing memory", "タイミングの連続性",
           "Whether the deviation of one onset goes on in the next, as it does in human playing.",
           "音のずれが次の音へ引き継がれる度合い。人の演奏では高く、乱数では0に近い。"),
    Metric("microtiming_pattern", "groove", microtiming_pattern, "share", 0.0, 1.0, _DESIGN,
           "Timing pattern", "ノリの再現性",
           "How far deviations follow the place in the bar instead of chance.",
           "ずれが偶然でなく小節内の位置で決まっている割合。"),
    Metric("layer_spread_ms", "groove", layer_spread_ms, "ms", 0.0, _MS[1], _DESIGN,
           "Spread of layered notes", "同時音の散らばり",
           "How far apart in time notes meant together are struck.",
           "同時に鳴るはずの音どうしの時間差。"),
    Metric("groove_consistency", "groove", groove_consistency, "share", 0.0, 1.0, "Wu and Yang 2020",
           "Groove consistency", "グルーヴの一貫性",
           "How alike the rhythms of neighbouring bars are: 1 when all bars are the same.",
           "隣り合う小節のリズムがどれだけ同じか。全小節が同じなら1。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
