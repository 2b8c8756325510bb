"""The fingerprint of a loop's rhythm: numbers that compare two loops independently of tempo and key."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics.analysis import Analysis
from composer_core.music.loop import Loop

NAN = math.nan
FINGERPRINT_STEPS = 16
_BANDS = np.array([0, 1, 2, 2, 0, 1, 1, 2, 2, 1])
"""low, mid or high of each role in ROLES, hand percussion in the middle."""
_IOI_EDGES_QUARTER = (0.21, 0.29, 0.41, 0.58, 0.71, 0.87, 1.25, 1.75, 2.5)
"""Between 1/6, 1/4, 1/3, 1/2, 2/3, 3/4, 1, 3/2, 2 quarters and longer."""
FINGERPRINT_SIZE = 3 * FINGERPRINT_STEPS + len(_IOI_EDGES_QUARTER) + 1
_RHYTHM_SHARE = 0.75
LEVELS = 240
"""Codes store a number as so many levels: exact for shares of 1 to 6, 8, 10 and 12 bars, else within 1/480."""
_BLOCK = 32_768
"""Loops compared at a time: their codes stay in the processor's cache."""


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
    return float(fingerprint_distances(a, b[np.newaxis])[0])


def fingerprint_distances(one: NDArray[np.float32], many: NDArray[np.float32]) -> NDArray[np.float64]:
    """`fingerprint_distance` of one fingerprint (58,) to each of many (n, 58); shape (n,)."""
    cut = 3 * FINGERPRINT_STEPS
    a, b = one.astype(np.float64), many.astype(np.float64)
    rhythm = np.abs(a[:cut] - b[:, :cut]).sum(axis=1)
    largest = np.maximum(a[:cut], b[:, :cut]).sum(axis=1)
    gaps = np.abs(a[cut:] - b[:, cut:]).sum(axis=1) / 2
    shares = rhythm / np.where(largest > 0, largest, 1.0)
    found = np.minimum(1.0, _RHYTHM_SHARE * shares + (1 - _RHYTHM_SHARE) * gaps)
    heard = b[:, :cut].any(axis=1) & bool(a[:cut].any())
    return np.where(heard, found, NAN)


def fingerprint_codes(a: Analysis) -> NDArray[np.uint8]:
    """`fingerprint_of` in whole numbers from 0 to LEVELS. Shape (58,)."""
    return np.rint(fingerprint_of(a) * LEVELS).astype(np.uint8)


def code_distances(own: NDArray[np.uint8], columns: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """`fingerprint_distance` of one loop's codes from those of n loops; NaN where one of the two is empty.

    `columns` hold each of the 58 codes of all loops, shape (n,). As |p - q| = 2 max(p, q) - p - q, sums of
    the greater code are enough; these are whole numbers, so that the answer does not depend on their order.
    """
    n_loops, cut = len(columns[0]), 3 * FINGERPRINT_STEPS
    found = np.empty(n_loops, np.float32)
    for start in range(0, n_loops, _BLOCK):
        block = [column[start : start + _BLOCK] for column in columns]
        rhythm, rhythm_max = _sums(own[:cut], block[:cut])
        gaps, gaps_max = _sums(own[cut:], block[cut:])
        own_rhythm, own_gaps = int(own[:cut].sum()), int(own[cut:].sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = np.float32(2.0) - (rhythm + np.float32(own_rhythm)) / rhythm_max
            total = np.float32(_RHYTHM_SHARE) * apart
            total += np.float32((1 - _RHYTHM_SHARE) / LEVELS) * (gaps_max - (gaps + np.float32(own_gaps)) / 2)
        np.minimum(total, np.float32(1.0), out=total)
        np.maximum(total, np.float32(0.0), out=total)
        total[rhythm == 0] = NAN
        found[start : start + _BLOCK] = total if own_rhythm else NAN
    return found


def _sums(
    own: NDArray[np.uint8], block: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of each loop: the sum of its codes, and that of the greater of its code and one's own."""
    size = len(block[0])
    greater, plain, greatest = np.empty(size, np.uint8), np.zeros(size, np.uint16), np.zeros(size, np.uint16)
    for code, column in zip(own, block, strict=True):
        # numpy compares two arrays ten times as fast as an array and a number.
        np.maximum(column, np.full(size, code, np.uint8), out=greater)
        greatest += greater
        plain += column
    return plain.astype(np.float32), greatest.astype(np.float32)
