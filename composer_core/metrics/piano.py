"""Piano: two hands, block chords and broken ones, octaves, reach."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.metric import Metric

NAN = math.nan
_BLOCK_NOTES = 3
_BROKEN_LEAP = 3
_HAND_REACH, _HAND_NOTES = 14, 5
"""A ninth, five fingers."""


def block_chord_rate(a: Analysis) -> float:
    """Share of the onsets with three notes or more struck together. NaN without notes."""
    return np.count_nonzero(a.voices.size >= _BLOCK_NOTES) / len(a.voices.size) if a.n_notes else NAN


def arpeggio_rate(a: Analysis) -> float:
    """Share of the onsets that are single notes, followed by a single note a third or more away, within a chord's beat.

    The move is 3 to 12 semitones and takes at most an 8th: a broken chord. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    single = a.voices.size == 1
    single = single & np.concatenate((single[1:], single[:1]))
    move = np.abs(a.voices.move_high)
    broken = single & (move >= _BROKEN_LEAP) & (move <= 12) & (a.line_gap * a.step_tick <= 240)
    return np.count_nonzero(broken) / len(broken)


def octave_rate(a: Analysis) -> float:
    """Of the onsets of two different pitches or more, the share that double a pitch class. NaN without chords."""
    if not a.n_notes:
        return NAN
    chords = a.voices.chords()
    several = [chord for chord in chords if len(chord) > 1]
    return (
        sum(len({pitch % 12 for pitch in chord}) < len(chord) for chord in several) / len(several) if several else NAN
    )


def hand_distance(a: Analysis) -> float:
    """Mean pitch of the right hand minus that of the left, in semitones (Analysis.left_hand tells them apart).

    NaN without notes and where one hand does it all.
    """
    left = a.left_hand
    return float(a.pitch[~left].mean() - a.pitch[left].mean()) if left.any() else NAN


def left_hand_share(a: Analysis) -> float:
    """Share of the notes in the left hand (Analysis.left_hand), 0 where one hand does it all. NaN without notes."""
    return np.count_nonzero(a.left_hand) / a.n_notes if a.n_notes else NAN


def left_hand_density(a: Analysis) -> float:
    """Grid slots a quarter in which the left hand strikes. NaN without notes and without a left hand."""
    return len(np.unique(a.slot[a.left_hand])) * 480 / a.length_tick if a.left_hand.any() else NAN


def hands_together_rate(a: Analysis) -> float:
    """Share of the less busy hand's slots in which the other strikes too. NaN without notes and with one hand."""
    left = a.left_hand
    if not left.any():
        return NAN
    slots_left, slots_right = np.unique(a.slot[left]), np.unique(a.slot[~left])
    shared = len(np.intersect1d(slots_left, slots_right, assume_unique=True))
    return shared / min(len(slots_left), len(slots_right))


def left_hand_consistency(a: Analysis) -> float:
    """groove_consistency of the left hand alone: 1 when its rhythm is the same in every bar.

    NaN without notes and without a left hand.
    """
    if not a.left_hand.any():
        return NAN
    flags = np.zeros(a.n_slots, dtype=np.bool_)
    flags[a.slot[a.left_hand]] = True
    return 1.0 - np.count_nonzero(flags ^ np.roll(flags, -a.slots_a_bar)) / a.n_slots


def hand_playable_rate(a: Analysis) -> float:
    """Share of the onsets that two hands can strike, five notes within a ninth each. NaN without notes."""
    if not a.n_notes:
        return NAN
    chords = a.voices.chords()
    return sum(map(fits_hands, chords)) / len(chords)


@lru_cache(maxsize=8192)
def fits_hands(chord: tuple[int, ...]) -> bool:
    """Can two hands strike these sorted pitches? The left takes all it reaches from the lowest on."""
    n_left = 1
    while n_left < min(len(chord), _HAND_NOTES) and chord[n_left] - chord[0] <= _HAND_REACH:
        n_left += 1
    right = chord[n_left:]
    return len(right) <= _HAND_NOTES and (not right or right[-1] - right[0] <= _HAND_REACH)


_DESIGN = "definition of this project"
_PIANO = ("piano",)
_CHORDAL = ("guitar", "piano")
METRICS: tuple[Metric, ...] = (
    Metric("block_chord_rate", "piano", block_chord_rate, "share", 0.0, 1.0, _DESIGN,
           "Block chords", "ブロックコードの割合",
           "How many onsets are chords of three notes or more.",
           "3音以上を同時に弾く割合。", _CHORDAL),
    Metric("arpeggio_rate", "piano", arpeggio_rate, "share", 0.0, 1.0, _DESIGN, "Broken chords", "アルペジオの割合",
           "How many notes run on to another chord tone, as in an arpeggio.",
           "分散和音のように和音を1音ずつ弾く割合。", _CHORDAL),
    Metric("octave_rate", "piano", octave_rate, "share", 0.0, 1.0, _DESIGN, "Octave doubling", "オクターブ重ねの割合",
           "How many chords double a note at the octave.",
           "オクターブで音を重ねた和音の割合。", _PIANO),
    Metric("hand_distance", "piano", hand_distance, "semitones", 0.0, 127.0, _DESIGN,
           "Distance of the hands", "両手の隔たり",
           "How far apart the two hands play.",
           "左手と右手の音域の隔たり。", _PIANO),
    Metric("left_hand_share", "piano", left_hand_share, "share", 0.0, 1.0, _DESIGN,
           "Share of the left hand", "左手の割合",
           "The share of notes in the left hand.",
           "左手が弾く音の割合。", _PIANO),
    Metric("left_hand_density", "piano", left_hand_density, "onsets a quarter", 0.0, 12.0, _DESIGN,
           "Density of the left hand", "左手の密度",
           "How often the left hand strikes in a quarter.",
           "4分音符あたりに左手が弾く回数。", _PIANO),
    Metric("hands_together_rate", "piano", hands_together_rate, "share", 0.0, 1.0, _DESIGN,
           "Hands together", "両手同時の割合",
           "How often both hands strike at once.",
           "両手が同時に弾く割合。", _PIANO),
    Metric("left_hand_consistency", "piano", left_hand_consistency, "share", 0.0, 1.0, _DESIGN,
           "Left-hand pattern", "左手パターンの一貫性",
           "How steadily the left hand keeps its rhythm.",
           "左手のリズムがどれだけ一定か。", _PIANO),
    Metric("hand_playable_rate", "piano", hand_playable_rate, "share", 0.0, 1.0, _DESIGN,
           "Fits the hands", "両手で弾ける割合",
           "The share of onsets that two hands can reach.",
           "両手で届く和音の割合。", _PIANO),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
