"""The features of the key estimator: pitch classes, basses, chords and how these follow each other.

Every number belongs to a pitch class, or to an ordered pair of them. Therefore, rotating the
circle of twelve (`TURNS`) shows the notes from each root in turn, and the estimator can apply
the same weights twelve times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

SINGLE_BLOCKS = (
    "time", "root_of_time", "onsets", "bass", "top", "bar_bass", "first_bass", "last_bass", "first_top", "last_top",
    "first_beat", "last_beat", "strong_beats",
    "major_chords", "minor_chords", "first_major", "first_minor", "last_major", "last_minor",
)  # fmt: skip
"""Blocks of 12 numbers."""
PAIR_BLOCKS = ("bass_moves", "top_moves", "major_major", "major_minor", "minor_major", "minor_minor")
"""Blocks of 12 x 12: from the first pitch class (or chord root) to the second."""
N_FEATURES = 12 * len(SINGLE_BLOCKS) + 144 * len(PAIR_BLOCKS)
_CHORD_QUARTERS = 2
_AUDIBLE = 0.1
_FULL_SHARE, _BASS_BONUS = 0.5, 0.4
_TRIADS = np.zeros((24, 12))
for _root in range(12):
    for _mode, _third in enumerate((4, 3)):
        _TRIADS[12 * _mode + _root, [_root, (_root + _third) % 12, (_root + 7) % 12]] = 1.0


def _turns() -> IndexArray:
    step = np.arange(12)
    single = np.arange(len(SINGLE_BLOCKS))[:, None] * 12
    pair = 12 * len(SINGLE_BLOCKS) + np.arange(len(PAIR_BLOCKS))[:, None, None] * 144
    rows = []
    for root in range(12):
        seen = (step + root) % 12
        rows.append(np.concatenate(((single + seen).ravel(), (pair + seen[:, None] * 12 + seen).ravel())))
    return np.stack(rows)


TURNS = _turns()
"""Index of the features as seen from each root. Shape (12, N_FEATURES)."""


def key_features(
    onset_quarter: ArrayLike,
    duration_quarter: ArrayLike,
    pitch: ArrayLike,
    n_quarters: float,
    quarters_a_bar: float = 4.0,
) -> NDArray[np.float32]:
    """Features of notes sorted by onset, from the first bar line on; what sounds after `n_quarters` is cut off.

    Each block adds up to 1, that of the chord changes to at most 1, or to 0 where there is
    nothing. Shape (N_FEATURES,).
    """
    onset = np.maximum(np.asarray(onset_quarter, dtype=np.float64), 0.0)
    notes = np.asarray(pitch, dtype=np.int64)
    end = np.minimum(onset + np.maximum(np.asarray(duration_quarter, dtype=np.float64), 0.0), n_quarters)
    row = np.zeros(N_FEATURES)
    if not len(notes):
        return row.astype(np.float32)
    beats = _Beats(onset, end, notes, max(1, int(np.ceil(n_quarters))))
    bar = max(1, round(quarters_a_bar))
    single = row[: 12 * len(SINGLE_BLOCKS)].reshape(-1, 12)
    pairs = row[12 * len(SINGLE_BLOCKS) :].reshape(-1, 144)
    _fill_pitch_classes(single, beats, notes, bar)
    _fill_chords(single, pairs, beats)
    _fill_moves(pairs[0], beats.bass[beats.bass >= 0] % 12)
    _fill_moves(pairs[1], _top_line(onset, notes) % 12)
    return row.astype(np.float32)


class _Beats:
    """Notes cut at the quarters: time of each pitch class, lowest and highest pitch (-1 in silence)."""

    def __init__(self, onset: FloatArray, end: FloatArray, pitch: IndexArray, n_beats: int) -> None:
        first = np.minimum(np.floor(onset), n_beats - 1).astype(np.int64)
        count = np.maximum(np.minimum(np.ceil(end), n_beats).astype(np.int64) - first, 1)
        note = np.repeat(np.arange(len(onset)), count)
        beat = first[note] + np.arange(len(note)) - np.repeat(np.cumsum(count) - count, count)
        time = np.maximum(np.minimum(end[note], beat + 1) - np.maximum(onset[note], beat), 0.0)
        sounded = pitch[note]
        self.chroma = np.bincount(beat * 12 + sounded % 12, weights=time, minlength=12 * n_beats).reshape(n_beats, 12)
        heard = time > _AUDIBLE
        low, high = np.full(n_beats, 128), np.full(n_beats, -1)
        np.minimum.at(low, beat[heard], sounded[heard])
        np.maximum.at(high, beat[heard], sounded[heard])
        self.bass, self.top = np.where(low == 128, -1, low), high
        self.n_beats = n_beats


def _fill_pitch_classes(single: FloatArray, beats: _Beats, pitch: IndexArray, bar: int) -> None:
    """The blocks before the chords."""
    time = beats.chroma.sum(axis=0)
    bass, top = beats.bass[beats.bass >= 0], beats.top[beats.top >= 0]
    bar_bass = beats.bass[::bar]
    single[0] = _shares(time)
    single[1] = _shares(np.sqrt(time))
    single[2] = _shares(np.bincount(pitch % 12, minlength=12))
    single[3] = _shares(np.bincount(bass % 12, minlength=12))
    single[4] = _shares(np.bincount(top % 12, minlength=12))
    single[5] = _shares(np.bincount(bar_bass[bar_bass >= 0] % 12, minlength=12))
    if len(bass):
        single[6, bass[0] % 12] = single[7, bass[-1] % 12] = 1.0
        single[8, top[0] % 12] = single[9, top[-1] % 12] = 1.0
    sounding = np.flatnonzero(beats.chroma.any(axis=1))
    if len(sounding):
        single[10] = _shares(beats.chroma[sounding[0]])
        single[11] = _shares(beats.chroma[sounding[-1]])
    single[12] = _shares(beats.chroma[:: max(1, bar // 2)].sum(axis=0))


def _fill_chords(single: FloatArray, pairs: FloatArray, beats: _Beats) -> None:
    """Major and minor triads of each half bar, the first, the last, and their changes."""
    starts = np.arange(0, beats.n_beats, _CHORD_QUARTERS)
    chroma = np.add.reduceat(beats.chroma, starts, axis=0)
    longest = chroma.max(axis=1)
    present = np.minimum(1.0, chroma / np.maximum(_FULL_SHARE * longest, 1e-9)[:, None])
    score = present @ _TRIADS.T
    bass = beats.bass[starts]
    known = np.flatnonzero(bass >= 0)
    for mode in (0, 12):
        score[known, mode + bass[known] % 12] += _BASS_BONUS
    chord = score.argmax(axis=1)[longest > 0]
    if not len(chord):
        return
    single[13:15] = np.bincount(chord, minlength=24).reshape(2, 12) / len(chord)
    single[15 + chord[0] // 12, chord[0] % 12] = 1.0
    single[17 + chord[-1] // 12, chord[-1] % 12] = 1.0
    before, after = chord[:-1], chord[1:]
    changed = before != after
    before, after = before[changed], after[changed]
    if len(before):
        kind = 2 * (before // 12) + after // 12
        code = kind * 144 + before % 12 * 12 + after % 12
        pairs[2:] = np.bincount(code, minlength=4 * 144).reshape(4, 144) / len(code)


def _top_line(onset: FloatArray, pitch: IndexArray) -> IndexArray:
    """The highest note of each onset (notes less than a 12th of a quarter apart are one)."""
    first = np.flatnonzero(np.diff(onset, prepend=-1.0) > 1 / 12)
    return np.maximum.reduceat(pitch, first) if len(first) else pitch[:1]


def _fill_moves(block: FloatArray, classes: IndexArray) -> None:
    """Shares of the moves from one pitch class to another; repetitions are left out."""
    before, after = classes[:-1], classes[1:]
    changed = before != after
    if changed.any():
        block[:] = _shares(np.bincount(before[changed] * 12 + after[changed], minlength=144))


def _shares(weight: NDArray[np.float64] | NDArray[np.int64]) -> FloatArray:
    total = weight.sum()
    return np.asarray(weight / total if total > 0 else weight, dtype=np.float64)
