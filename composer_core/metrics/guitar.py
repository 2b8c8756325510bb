"""Guitar: strums, power chords, and what a hand can hold on six strings."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from composer_core.metrics.analysis import Analysis
from composer_core.metrics.metric import Metric

NAN = math.nan
TUNING = (40, 45, 50, 55, 59, 64)
"""Standard tuning, low E to high e."""
_LAST_FRET, _HAND_FRETS = 22, 4
_STRUM_NOTES = 3
_ROOT_FIFTH = 0b1000_0001


def strum_spread_ms(a: Analysis) -> float:
    """Mean time in ms from the first to the last note of the chords of three notes or more. NaN without such."""
    size = a.voices.size if a.n_notes else np.empty(0)
    chords = size >= _STRUM_NOTES
    if not chords.any():
        return NAN
    return float(a.voices.spread_tick[chords].sum()) / np.count_nonzero(chords) * a.ms_a_tick


def down_stroke_rate(a: Analysis) -> float:
    """Of the spread chords of three notes or more, the share struck from low to high.

    Low to high: time and pitch of the notes have a positive covariance. NaN without spread chords.
    """
    if not a.n_notes:
        return NAN
    voices = a.voices
    late = voices.start - np.add.reduceat(voices.start, voices.first)[voices.onset] / voices.size[voices.onset]
    together = np.bincount(voices.onset, weights=late * voices.pitch)
    spread = (voices.size >= _STRUM_NOTES) & (np.abs(together) > 1e-6)
    count = np.count_nonzero(spread)
    return np.count_nonzero(spread & (together > 0)) / count if count else NAN


def power_chord_rate(a: Analysis) -> float:
    """Of the onsets of two notes or more, the share that hold only a root and its fifth, the root lowest.

    NaN without chords.
    """
    chords = a.voices.size > 1 if a.n_notes else np.empty(0, dtype=np.bool_)
    count = np.count_nonzero(chords)
    return np.count_nonzero(chords & (a.voices.shape == _ROOT_FIFTH)) / count if count else NAN


def fret_playable_rate(a: Analysis) -> float:
    """Share of the onsets a hand can hold on six strings in standard tuning within four frets, open strings free.

    Notes go to strings in the order of their pitches, one a string. NaN without notes.
    """
    if not a.n_notes:
        return NAN
    chords = a.voices.chords()
    return sum(map(fits_fretboard, chords)) / len(chords)


@lru_cache(maxsize=8192)
def fits_fretboard(chord: tuple[int, ...]) -> bool:
    """Can these sorted pitches be held at once?"""
    if len(chord) > len(TUNING) or chord[0] < TUNING[0] or chord[-1] > TUNING[-1] + _LAST_FRET:
        return False
    return any(_fits_at(chord, fret) for fret in range(1, _LAST_FRET - _HAND_FRETS + 2))


def _fits_at(chord: tuple[int, ...], fret: int) -> bool:
    """With the first finger at this fret: each note on the lowest string left that reaches it."""
    strings = iter(TUNING)
    return all(
        any(pitch == tuned or fret <= pitch - tuned < fret + _HAND_FRETS for tuned in strings) for pitch in chord
    )


def open_string_rate(a: Analysis) -> float:
    """Share of the notes that an open string in standard tuning gives. NaN without notes."""
    return np.count_nonzero(_IS_OPEN[a.pitch]) / a.n_notes if a.n_notes else NAN


_IS_OPEN = np.isin(np.arange(128), TUNING)


_DESIGN = "definition of this project"
_GUITAR = ("guitar",)
METRICS: tuple[Metric, ...] = (
    Metric("strum_spread_ms", "guitar", strum_spread_ms, "ms", 0.0, 2500.0, _DESIGN,
           "Strum spread", "ストロークの広がり",
           "How long a strum takes from its first string to its last.",
           "ストロークの最初の弦から最後の弦までの時間。", _GUITAR),
    Metric("down_stroke_rate", "guitar", down_stroke_rate, "share", 0.0, 1.0, _DESIGN,
           "Down strokes", "ダウンストロークの割合",
           "The share of strummed chords that run from low to high.",
           "低い弦から高い弦へ弾き下ろすコードの割合。", _GUITAR),
    Metric("power_chord_rate", "guitar", power_chord_rate, "share", 0.0, 1.0, _DESIGN,
           "Power chords", "パワーコードの割合",
           "The share of chords that are only root and fifth.",
           "ルートと5度だけのコードの割合。", _GUITAR),
    Metric("fret_playable_rate", "guitar", fret_playable_rate, "share", 0.0, 1.0, _DESIGN,
           "Fits the fretboard", "フレットで弾ける割合",
           "The share of onsets a hand can hold in standard tuning.",
           "標準チューニングで左手が押さえられる割合。", _GUITAR),
    Metric("open_string_rate", "guitar", open_string_rate, "share", 0.0, 1.0, _DESIGN, "Open strings", "開放弦の割合",
           "The share of notes that are open strings.",
           "開放弦の音の割合。", _GUITAR),
)  # fmt: skip
"""Rows of the table for this family, in the order they are shown."""
