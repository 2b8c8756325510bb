"""Bass: how it states the harmony, how it moves, how short its notes are."""

from __future__ import annotations

import math

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.metric import Metric

NAN = math.nan
_ROOT_AND_FIFTH = (0, 7)
_SMALLEST_SHARE = 1e-9
DEAD_NOTE_TICK = 60
"""Notes up to a 32nd are heard as a thump rather than a pitch."""


def downbeat_root_rate(a: Analysis) -> float:
    """Of the bars that begin with a note, the share whose lowest first note is the pitch class that sounds longest.

    NaN without a note on any downbeat.
    """
    first = a.slot_in_bar == 0 if a.n_notes else np.zeros(0, dtype=np.bool_)
    if not first.any():
        return NAN
    lowest = np.full(a.loop.bars, 128)
    np.minimum.at(lowest, a.slot[first] // a.slots_a_bar, a.pitch[first])
    bars = np.flatnonzero(lowest < 128)
    chroma = a.harmony.bar_chroma[bars]
    own = chroma[np.arange(len(bars)), lowest[bars] % 12]
    return np.count_nonzero(own >= chroma.max(axis=1) - _SMALLEST_SHARE) / len(bars)


def root_fifth_rate(a: Analysis) -> float:
    """Share of the sounding time on root or fifth of the bar's chord (harmony.Harmony.chords). NaN without notes."""
    chroma = a.harmony.bar_chroma if a.n_notes else np.zeros((1, 12))
    total = float(chroma.sum())
    if total <= 0:
        return NAN
    root = np.maximum(a.harmony.chords.root, 0)
    bars = np.arange(len(chroma))
    return min(1.0, float(sum(chroma[bars, (root + step) % 12].sum() for step in _ROOT_AND_FIFTH)) / total)


def walking_rate(a: Analysis) -> float:
    """Share of the beats from which the line walks: a note there, the next one on the next beat, 1 to 4 semitones off.

    1 in a walking bass in quarters. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    move = np.abs(a.voices.move_low)
    beat_slots = a.meter.beat_tick / a.step_tick
    on_beat = a.line_slot % a.slots_a_bar * a.step_tick % a.meter.beat_tick == 0
    walks = on_beat & (a.line_gap == beat_slots) & (move >= 1) & (move <= 4)
    return min(1.0, np.count_nonzero(walks) * a.meter.beat_tick / a.length_tick)


def octave_jump_rate(a: Analysis) -> float:
    """Share of the moves of the line by one or more whole octaves, around the circle. NaN without notes."""
    if not a.n_notes:
        return NAN
    move = a.voices.move_low
    return np.count_nonzero((move != 0) & (move % 12 == 0)) / len(move)


def fifth_jump_rate(a: Analysis) -> float:
    """Share of the moves of the line by a fourth or fifth, around the circle. NaN without notes."""
    if not a.n_notes:
        return NAN
    move = np.abs(a.voices.move_low)
    return np.count_nonzero((move == 5) | (move == 7)) / len(move)


def semitone_approach_rate(a: Analysis) -> float:
    """Of the moves of the line to another pitch that land on a beat, the share by one semitone.

    NaN when none lands on a beat.
    """
    if not a.n_notes:
        return NAN
    slot = np.concatenate((a.line_slot[1:], a.line_slot[:1]))
    lands = (slot % a.slots_a_bar * a.step_tick % a.meter.beat_tick == 0) & (a.voices.move_low != 0)
    count = np.count_nonzero(lands)
    return np.count_nonzero(lands & (np.abs(a.voices.move_low) == 1)) / count if count else NAN


def dead_note_rate(a: Analysis) -> float:
    """Share of the notes no longer than a 32nd (60 ticks): thumps, dead and palm-muted notes. NaN without notes."""
    return np.count_nonzero(a.duration <= DEAD_NOTE_TICK) / a.n_notes if a.n_notes else NAN


_DESIGN = "definition of this project"
_BASS = ("bass",)
METRICS: tuple[Metric, ...] = (
    Metric("downbeat_root_rate", "bass", downbeat_root_rate, "share", 0.0, 1.0, _DESIGN,
           "Root on the downbeat", "小節頭のルート率",
           "How often the bar begins with the note that carries it.",
           "その小節の中心となる音で小節が始まる割合。", _BASS),
    Metric("root_fifth_rate", "bass", root_fifth_rate, "share", 0.0, 1.0, _DESIGN,
           "Root and fifth", "ルートと5度の割合",
           "How much of the line is root or fifth of the bar's chord.",
           "各小節のコードのルートと5度が占める割合。", _BASS),
    Metric("walking_rate", "bass", walking_rate, "share", 0.0, 1.0, _DESIGN, "Walking", "ウォーキングの割合",
           "The share of beats from which the line walks on by step or third.",
           "拍ごとに順次または3度で歩くように進む割合。", _BASS),
    Metric("octave_jump_rate", "bass", octave_jump_rate, "share", 0.0, 1.0, _DESIGN,
           "Octave jumps", "オクターブ跳躍の割合",
           "How often the line jumps by an octave.",
           "ラインがオクターブで跳ぶ割合。", _BASS),
    Metric("fifth_jump_rate", "bass", fifth_jump_rate, "share", 0.0, 1.0, _DESIGN,
           "Fourths and fifths", "4度・5度進行の割合",
           "How often the line moves by a fourth or fifth.",
           "ラインが4度または5度で動く割合。", _BASS),
    Metric("semitone_approach_rate", "bass", semitone_approach_rate, "share", 0.0, 1.0, _DESIGN,
           "Approach by semitone", "半音アプローチの割合",
           "How often a new note on the beat is reached by a semitone.",
           "拍の頭の音へ半音で入る割合。", _BASS),
    Metric("dead_note_rate", "bass", dead_note_rate, "share", 0.0, 1.0, _DESIGN,
           "Dead and muted notes", "デッド／ミュート音の割合",
           "The share of notes too short to ring: dead, slapped or palm-muted.",
           "響かせずに切る音（ゴースト、ミュート）の割合。", ("bass", "guitar")),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
