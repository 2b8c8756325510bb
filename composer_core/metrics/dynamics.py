"""Dynamics: how loud the notes are, how much that varies, where the accents lie."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from composer_core.metrics.analysis import Analysis, of_piece
from composer_core.metrics.metric import Metric
from composer_core.metrics.spread import entropy_bits, explained_share, memory

NAN = math.nan
VELOCITY_BIN = 8
_DESIGN = "definition of this project"
_DRUMS = ("drums",)


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


def velocity_step(a: Analysis) -> float:
    """Mean absolute difference of velocity from each used slot's loudest note to the next's, around the circle.

    NaN without notes.
    """
    if not a.n_notes:
        return NAN
    loudest = a.slot_velocity
    return float(np.abs(np.concatenate((loudest[1:], loudest[:1])) - loudest).sum()) / len(loudest)


def velocity_memory(a: Analysis) -> float:
    """Correlation of each used slot's loudest velocity with the next one's, around the circle.

    -1 strict alternation, 0 no relation, near 1 slow swells. NaN without notes and when all are equal.
    """
    return memory(a.slot_velocity) if a.n_notes else NAN


def velocity_pattern(a: Analysis) -> float:
    """Share of the variance of velocity that the place in the bar explains (slot and, on drums, piece of the kit).

    1: every bar has the same accents (one bar alone always), 0: accents are random. NaN
    without notes and when all are equal.
    """
    return explained_share(a.velocity, a.place) if a.n_notes else NAN


def velocity_of_pieces(a: Analysis) -> float:
    """Share of the variance of velocity that the piece of the kit explains: 0 all alike, 1 one level a piece.

    NaN without notes and when all are equal.
    """
    return explained_share(a.velocity, a.piece) if a.n_notes else NAN


def _of_piece(piece: str, roles: str, spread: bool) -> Callable[[Analysis], float]:
    return of_piece(lambda a: a.piece_velocity, piece, spread, f"the velocity of {roles}")


velocity_kick = _of_piece("kick", "the kick", False)
velocity_snare = _of_piece("snare", "the snare, ghost notes included", False)
velocity_hat = _of_piece("hat", "hats and ride", False)
velocity_kick_sd = _of_piece("kick", "the kick", True)
velocity_snare_sd = _of_piece("snare", "the snare, ghost notes included", True)
velocity_hat_sd = _of_piece("hat", "hats and ride", True)


def velocity_arc(a: Analysis) -> float:
    """Mean velocity of the second half minus that of the first, over the bars until the loop repeats itself.

    The middle bar of an odd number is left out. Positive: it grows. 0 when one bar repeats;
    NaN without notes and when a half is empty.
    """
    if not a.n_notes:
        return NAN
    half = a.period_bars // 2
    if half == 0:
        return 0.0
    bar = a.slot // a.slots_a_bar % a.period_bars
    first, second = bar < half, bar >= a.period_bars - half
    counts = np.count_nonzero(first), np.count_nonzero(second)
    if 0 in counts:
        return NAN
    return float(a.velocity[second].sum()) / counts[1] - float(a.velocity[first].sum()) / counts[0]


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
    Metric("velocity_step", "dynamics", velocity_step, "velocity", 0.0, 126.0, "MIDI 1.0",
           "Velocity steps", "隣の音との強弱差",
           "How much the loudness changes from one note to the next.",
           "1音ごとの強さの変化の大きさ。"),
    Metric("velocity_memory", "dynamics", velocity_memory, "", -1.0, 1.0, "Hennig et al. 2011",
           "Velocity memory", "強弱の連続性",
           "Whether loud follows loud (+) or loud and soft alternate (-).",
           "強い音に強い音が続くか（＋）、強弱が交互か（−）。"),
    Metric("velocity_pattern", "dynamics", velocity_pattern, "share", 0.0, 1.0, _DESIGN,
           "Accent pattern", "アクセントの再現性",
           "How far the loudness follows the place in the bar instead of chance.",
           "強弱が偶然でなく小節内の位置で決まっている割合。"),
    Metric("velocity_of_pieces", "dynamics", velocity_of_pieces, "share", 0.0, 1.0, _DESIGN,
           "Levels of the pieces", "楽器ごとの強弱差",
           "How far each piece of the kit keeps its own loudness.",
           "キットの楽器ごとに強さが決まっている割合。", _DRUMS),
    Metric("velocity_kick", "dynamics", velocity_kick, "velocity", 1.0, 127.0, "MIDI 1.0",
           "Kick velocity", "キックの強さ",
           "How hard the kick is played on average.",
           "キックの平均ベロシティ。", _DRUMS),
    Metric("velocity_snare", "dynamics", velocity_snare, "velocity", 1.0, 127.0, "MIDI 1.0",
           "Snare velocity", "スネアの強さ",
           "How hard the snare is played on average, ghost notes included.",
           "スネアの平均ベロシティ（ゴーストノートを含む）。", _DRUMS),
    Metric("velocity_hat", "dynamics", velocity_hat, "velocity", 1.0, 127.0, "MIDI 1.0",
           "Hat and ride velocity", "ハット・ライドの強さ",
           "How hard hats and ride are played on average.",
           "ハイハットとライドの平均ベロシティ。", _DRUMS),
    Metric("velocity_kick_sd", "dynamics", velocity_kick_sd, "velocity", 0.0, 63.0, "MIDI 1.0",
           "Kick velocity spread", "キックの強弱の幅",
           "How much the loudness of the kick varies.",
           "キックの強弱のばらつき（標準偏差）。", _DRUMS),
    Metric("velocity_snare_sd", "dynamics", velocity_snare_sd, "velocity", 0.0, 63.0, "MIDI 1.0",
           "Snare velocity spread", "スネアの強弱の幅",
           "How much the loudness of the snare varies, ghost notes included.",
           "スネアの強弱のばらつき（標準偏差、ゴーストノートを含む）。", _DRUMS),
    Metric("velocity_hat_sd", "dynamics", velocity_hat_sd, "velocity", 0.0, 63.0, "MIDI 1.0",
           "Hat and ride velocity spread", "ハット・ライドの強弱の幅",
           "How much the loudness of hats and ride varies.",
           "ハイハットとライドの強弱のばらつき（標準偏差）。", _DRUMS),
    Metric("velocity_arc", "dynamics", velocity_arc, "velocity", -126.0, 126.0, _DESIGN,
           "Dynamic arc", "強弱の起伏",
           "How much louder the second half of the loop is than the first.",
           "ループの後半が前半よりどれだけ強いか。"),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
