"""Dynamics: how loud the notes are, how much that varies, where the accents lie."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.metric import Metric
from composer_core.metrics.rhythm import entropy_bits

NAN = math.nan
VELOCITY_BIN = 8


def velocity_mean(a: Analysis) -> float:
    """Mean velocity. NaN without notes."""
    return float(a.velocity.sum()) / a.n_notes if a.n_notes else NAN


def velocity_sd(a: Analysis) -> float:
    """Standard deviation (over n) of the velocities. NaN without notes."""
    return float(a.velocity.std()) if a.n_notes else NAN


def velocity_range(a: Analysis) -> float:
    """Loudest minus softest velocity. NaN without notes."""
    return float(a.velocity.max() - a.velocity.min()) if a.n_notes else NAN


def accent_contrast(a: Analysis) -> float:
    """Mean velocity on the beats minus mean velocity elsewhere. NaN when either is empty."""
    count = np.count_nonzero(a.on_beat) if a.n_notes else 0
    if count in (0, a.n_notes):
        return NAN
    strong = float(a.velocity[a.on_beat].sum())
    return strong / count - (float(a.velocity.sum()) - strong) / (a.n_notes - count)


def velocity_entropy(a: Analysis) -> float:
    """Shannon entropy in bits of the velocities in 16 bins of 8 (0-7, 8-15, ...). NaN without notes."""
    if not a.n_notes:
        return NAN
    return entropy_bits(np.bincount(a.velocity.astype(np.int64) // VELOCITY_BIN))


METRICS: tuple[Metric, ...] = (
    Metric("velocity_mean", "dynamics", velocity_mean, "velocity", 1.0, 127.0, "MIDI 1.0",
           "Mean velocity", "平均ベロシティ",
           "How hard the notes are played on average.",
           "平均してどれだけ強く弾いているか。"),
    Metric("velocity_sd", "dynamics", velocity_sd, "velocity", 0.0, 63.0, "MIDI 1.0",
           "Velocity spread", "ベロシティの揺れ",
           "How much the loudness varies from note to note.",
           "音ごとの強弱のばらつき（標準偏差）。"),
    Metric("velocity_range", "dynamics", velocity_range, "velocity", 0.0, 126.0, "MIDI 1.0",
           "Velocity range", "強弱の幅",
           "The distance between the softest and the loudest note.",
           "いちばん弱い音と強い音の差。"),
    Metric("accent_contrast", "dynamics", accent_contrast, "velocity", -126.0, 126.0, "Lerdahl and Jackendoff 1983",
           "Accent contrast", "アクセントの対比",
           "How much louder the beats are than what lies between them.",
           "拍の頭がその間の音よりどれだけ強いか。"),
    Metric("velocity_entropy", "dynamics", velocity_entropy, "bits", 0.0, 4.0, "Shannon 1948",
           "Velocity variety", "強弱の多様さ",
           "How many different loudness levels are used, and how evenly.",
           "強弱の段階がどれだけ多様に使われているか。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
