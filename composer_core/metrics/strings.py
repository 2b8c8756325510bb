"""Strings: bow length, legato, double stops, tremolo and trills. Vibrato is not in the notes and not measured."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.grid import SIXTEENTH_TICK
from composer_core.metrics.metric import Metric

NAN = math.nan
_JOINED, _LONG_TICK = 0.95, 960
_FAST_TICK = SIXTEENTH_TICK * 1.1


def legato_rate(a: Analysis) -> float:
    """Share of the onsets held at least 95 % of the way to the next by their longest note. NaN without notes."""
    if not a.n_notes:
        return NAN
    held = np.maximum.reduceat(a.voices.duration, a.voices.first)
    return np.count_nonzero(held >= _JOINED * a.voices.gap_tick) / len(held)


def double_stop_rate(a: Analysis) -> float:
    """Share of the onsets with two notes or more: double stops, divided parts. NaN without notes."""
    return np.count_nonzero(a.voices.size > 1) / len(a.voices.size) if a.n_notes else NAN


def sustained_rate(a: Analysis) -> float:
    """Share of the notes of two quarters or more. NaN without notes."""
    return np.count_nonzero(a.duration >= _LONG_TICK) / a.n_notes if a.n_notes else NAN


def longest_note_sec(a: Analysis) -> float:
    """Longest duration in seconds at the loop's tempo: what one bow has to last. NaN without notes."""
    return float(a.duration.max()) * a.ms_a_tick / 1000.0 if a.n_notes else NAN


def tremolo_rate(a: Analysis) -> float:
    """Share of the moves of the line that repeat a pitch within a 16th: measured tremolo. NaN without notes."""
    if not a.n_notes:
        return NAN
    fast = a.voices.gap_tick <= _FAST_TICK
    return np.count_nonzero(fast & (a.voices.move_high == 0)) / len(fast)


def trill_rate(a: Analysis) -> float:
    """Share of the moves of the line by one or two semitones within a 16th that the next move takes back.

    NaN without notes.
    """
    if not a.n_notes:
        return NAN
    move = a.voices.move_high
    back = np.concatenate((move[1:], move[:1])) == -move
    near = (np.abs(move) >= 1) & (np.abs(move) <= 2)
    return np.count_nonzero(back & near & (a.voices.gap_tick <= _FAST_TICK)) / len(move)


_DESIGN = "definition of this project"
_STRINGS = ("strings",)
METRICS: tuple[Metric, ...] = (
    Metric("legato_rate", "strings", legato_rate, "share", 0.0, 1.0, _DESIGN, "Legato", "レガートの割合",
           "How many notes are held right up to the next.",
           "次の音まで途切れずつながる割合。", _STRINGS),
    Metric("double_stop_rate", "strings", double_stop_rate, "share", 0.0, 1.0, _DESIGN, "Double stops", "重音の割合",
           "How many onsets hold two notes or more.",
           "2音以上を同時に弾く割合（重音・分奏）。", _STRINGS),
    Metric("sustained_rate", "strings", sustained_rate, "share", 0.0, 1.0, _DESIGN,
           "Long notes", "ロングトーンの割合",
           "The share of notes that last two quarters or more.",
           "2分音符以上伸ばす音の割合。", _STRINGS),
    Metric("longest_note_sec", "strings", longest_note_sec, "seconds", 0.0, math.inf, _DESIGN,
           "Longest bow", "最長の弓",
           "How long one bow has to last.",
           "いちばん長い音の秒数（ひと弓の長さ）。", _STRINGS),
    Metric("tremolo_rate", "strings", tremolo_rate, "share", 0.0, 1.0, _DESIGN, "Tremolo", "トレモロの割合",
           "How often a pitch is repeated within a 16th.",
           "同じ音を16分音符以内で刻む割合。", _STRINGS),
    Metric("trill_rate", "strings", trill_rate, "share", 0.0, 1.0, _DESIGN, "Trills", "トリルの割合",
           "How often neighbouring pitches alternate within a 16th.",
           "隣の音と16分音符以内で交互に動く割合。", _STRINGS),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
