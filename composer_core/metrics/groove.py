"""Groove: microtiming, how alike the bars are, the loop's rhythm as a fingerprint."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.metric import Metric
from composer_core.music.drums import ROLES, TIMEKEEPER_ROLES
from composer_core.music.loop import Loop

NAN = math.nan
FINGERPRINT_STEPS = 16
_BANDS = np.array([0, 1, 2, 2, 0, 1, 1, 2, 2, 1])
"""low, mid or high of each role in ROLES, hand percussion in the middle."""
_IOI_EDGES_QUARTER = (0.21, 0.29, 0.41, 0.58, 0.71, 0.87, 1.25, 1.75, 2.5)
"""Between 1/6, 1/4, 1/3, 1/2, 2/3, 3/4, 1, 3/2, 2 quarters and longer."""
FINGERPRINT_SIZE = 3 * FINGERPRINT_STEPS + len(_IOI_EDGES_QUARTER) + 1
_RHYTHM_SHARE = 0.75


def microtiming_mean_ms(a: Analysis) -> float:
    """Mean signed distance in ms to the swing-warped grid, positive late. NaN without notes."""
    return float(a.deviation_ms.sum()) / a.n_notes if a.n_notes else NAN


def microtiming_sd_ms(a: Analysis) -> float:
    """Standard deviation (over n) in ms of the distances to the swing-warped grid. NaN without notes."""
    return float(a.deviation_ms.std()) if a.n_notes else NAN


def microtiming_rms_ms(a: Analysis) -> float:
    """Root mean square in ms of the distances to the swing-warped grid. NaN without notes."""
    return math.sqrt(float(np.square(a.deviation_ms).sum()) / a.n_notes) if a.n_notes else NAN


def _role_mean(*roles: str) -> Callable[[Analysis], float]:
    indices = [ROLES.index(role) for role in roles]

    def read(a: Analysis) -> float:
        mask = a.role == indices[0]
        for index in indices[1:]:
            mask = mask | (a.role == index)
        count = np.count_nonzero(mask)
        return float(a.deviation_ms[mask].sum()) / count if count else NAN

    read.__doc__ = f"Mean signed distance in ms of {', '.join(roles)} to the swing-warped grid. NaN without them."
    return read


microtiming_kick_ms = _role_mean("kick")
microtiming_snare_ms = _role_mean("snare")
microtiming_hat_ms = _role_mean(*TIMEKEEPER_ROLES)


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


def rhythm_fingerprint(loop: Loop) -> NDArray[np.float32]:
    """The loop's rhythm as 58 numbers: see `fingerprint_of`."""
    return fingerprint_of(Analysis(loop))


def fingerprint_of(a: Analysis) -> NDArray[np.float32]:
    """16 steps a bar x (low, mid, high) probabilities of an onset, then shares of 10 gap lengths.

    Bars are folded onto each other, swing is taken out. Bands: kick and low tom, snare and
    other toms, cymbals and high tom; pitched loops by thirds of their own range. All zeros
    without notes. Shape (58,), values 0 to 1.
    """
    if not a.n_notes:
        return np.zeros(FINGERPRINT_SIZE, dtype=np.float32)
    step = np.minimum((a.slot_in_bar * FINGERPRINT_STEPS + a.slots_a_bar // 2) // a.slots_a_bar, FINGERPRINT_STEPS - 1)
    bar = a.slot // a.slots_a_bar
    fired = np.zeros((3, a.loop.bars, FINGERPRINT_STEPS), dtype=np.bool_)
    fired[_band(a), bar, step] = True
    edges = np.array(_IOI_EDGES_QUARTER) * 480 / a.step_tick
    gaps = np.bincount(np.searchsorted(edges, a.ioi_step), minlength=len(_IOI_EDGES_QUARTER) + 1)
    return np.concatenate((fired.mean(axis=1).ravel(), gaps / gaps.sum())).astype(np.float32)


def _band(a: Analysis) -> NDArray[np.int64]:
    if a.loop.is_drums:
        return _BANDS[a.role]
    low = int(a.pitch.min())
    span = max(1, int(a.pitch.max()) - low)
    return np.minimum((a.pitch - low) * 3 // span, 2).astype(np.int64)


def fingerprint_distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Distance in [0, 1] of two fingerprints: 0 alike, 1 nothing in common, NaN when one is empty.

    0.75 sum|p - q| / sum max(p, q) over the onset probabilities (weighted Jaccard) + 0.25
    times half the summed difference of the gap shares (total variation).
    """
    cut = 3 * FINGERPRINT_STEPS
    if not a[:cut].any() or not b[:cut].any():
        return NAN
    a, b = a.astype(np.float64), b.astype(np.float64)
    rhythm = np.abs(a[:cut] - b[:cut]).sum() / np.maximum(a[:cut], b[:cut]).sum()
    gaps = np.abs(a[cut:] - b[cut:]).sum() / 2
    return float(min(1.0, _RHYTHM_SHARE * rhythm + (1 - _RHYTHM_SHARE) * gaps))


_MS = (-2500.0, 2500.0)
"""An eighth of a quarter, doubled by heavy swing, at the slowest tempo a loop may have."""
_SOURCE = "Gillick et al. 2019 (signed offsets from the grid)"
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
    Metric("groove_consistency", "groove", groove_consistency, "share", 0.0, 1.0, "Wu and Yang 2020",
           "Groove consistency", "グルーヴの一貫性",
           "How alike the rhythms of neighbouring bars are: 1 when all bars are the same.",
           "隣り合う小節のリズムがどれだけ同じか。全小節が同じなら1。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
