"""The little tonality the emotion estimate needs: register, major against minor, articulation."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.grid import CLUSTER_TICK
from composer_core.metrics.metric import Metric
from composer_core.metrics.swing import median

NAN = math.nan
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""Probe-tone profiles (Krumhansl and Kessler 1982), tonic first."""


def _rotations(profile: np.ndarray) -> np.ndarray:
    centred = (profile - profile.mean()) / profile.std() / len(profile)
    return np.stack([np.roll(centred, root) for root in range(12)])


_MAJOR_KEYS, _MINOR_KEYS = _rotations(_MAJOR), _rotations(_MINOR)
_MIN_PITCH_CLASSES = 3


def register(a: Analysis) -> float:
    """Mean pitch (MIDI note number), notes weighted alike. NaN without notes."""
    return float(a.pitch.sum()) / a.n_notes if a.n_notes else NAN


def mode_lean(a: Analysis) -> float:
    """Best correlation with a major key minus best with a minor key; positive is major.

    Durations summed over the twelve pitch classes against the profiles of all 24 keys
    (Krumhansl and Schmuckler). NaN with fewer than three pitch classes.
    """
    weight = np.bincount(a.pitch % 12, weights=a.duration, minlength=12)
    if np.count_nonzero(weight) < _MIN_PITCH_CLASSES or weight.std() == 0:
        return NAN
    shape = (weight - weight.mean()) / weight.std()
    return float((_MAJOR_KEYS @ shape).max() - (_MINOR_KEYS @ shape).max())


def articulation(a: Analysis) -> float:
    """Median of duration / gap to the next distinct onset: near 0 staccato, 1 legato, at most 4.

    The gap after the last onset reaches to the first. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    later = np.concatenate((a.onset, a.onset + a.length_tick, a.onset[:1] + 2 * a.length_tick))
    ahead = later[np.searchsorted(later, a.position + CLUSTER_TICK)]
    gap = np.maximum(ahead - a.position, 1.0)
    return min(4.0, median(a.duration / gap))


_PITCHED = ("bass", "guitar", "piano", "strings", "other")
METRICS: tuple[Metric, ...] = (
    Metric("register", "tonality", register, "MIDI note", 0.0, 127.0, "MIDI 1.0", "Register", "音域",
           "How high the notes lie on average.",
           "音の平均の高さ。", _PITCHED),
    Metric("mode_lean", "tonality", mode_lean, "", -2.0, 2.0, "Krumhansl and Kessler 1982",
           "Major or minor", "長調・短調の傾き",
           "Whether the pitches fit a major key (+) better or a minor one (-).",
           "長調（＋）と短調（−）のどちらに近いか。", _PITCHED),
    Metric("articulation", "tonality", articulation, "share of the gap", 0.0, 4.0, "Gabrielsson and Lindström 2010",
           "Articulation", "アーティキュレーション",
           "How much of the time to the next note is held: small staccato, 1 legato.",
           "次の音までどれだけ伸ばすか。小さいほどスタッカート、1でレガート。", _PITCHED),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
