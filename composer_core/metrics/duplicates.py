"""How far two loops are from being the same notes, ignoring tempo, key and velocities."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import ROLES, role_index
from composer_core.music.loop import Loop

TOLERANCE_TICK = 40
"""Onsets this near are the same: a third of a 16th, half a 16th triplet."""
_CELL_TICK = 120
_FEWEST_NOTES = 3
_PLACES, _ROLE_PLACE = 1 << 20, 1 << 19
"""Numbers of the pieces of a loop: time windows below, roles from _ROLE_PLACE on."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What is compared. `kind` holds instrument, bars and bar length in ticks, which must be equal; `row` is the role
    of a drum note or the pitch of another, ascending, onsets in ticks ascending within a row."""

    kind: tuple[str, int, int]
    row: NDArray[np.int16]
    onset_tick: NDArray[np.int32]

    @property
    def is_drums(self) -> bool:
        """Whether rows are roles, which no transposition moves."""
        return self.kind[0] == "drums"

    def digest(self) -> bytes:
        """Equal for loops with the same notes in any transposition; such loops are at distance 0 of each other and
        equally far from any third."""
        lowest = 0 if self.is_drums or not len(self.row) else self.row.min()
        content = (self.row - lowest).tobytes() + self.onset_tick.tobytes()
        return hashlib.blake2b(content, digest_size=16, key=repr(self.kind).encode()[:64]).digest()


def signature(loop: Loop) -> Signature:
    """The loop without tempo, velocities and durations; shape (n_notes,) each."""
    notes = loop.notes
    row = role_index(notes.pitch, loop.drum_map).astype(np.int16) if loop.is_drums else notes.pitch.astype(np.int16)
    onset = notes.onset_tick.astype(np.int32)
    order = np.lexsort((onset, row))
    return Signature((loop.instrument, loop.bars, loop.meter.bar_tick), row[order], onset[order])


def distance(first: Signature, second: Signature) -> float:
    """Share of notes without a partner, 1 - 2 m / (n1 + n2), under the transposition that matches most.

    m pairs notes of one row at most TOLERANCE_TICK apart, each note once. 1 for loops of
    another instrument, length or metre, 0 for two loops without notes.
    """
    if first.kind != second.kind:
        return 1.0
    total = len(first.row) + len(second.row)
    if not total:
        return 0.0
    if not len(first.row) or not len(second.row):
        return 1.0
    matched = max(_matched(first, second, shift) for shift in _shifts(first, second))
    return 1.0 - 2.0 * matched / total


def _shifts(first: Signature, second: Signature) -> set[int]:
    """Transpositions worth trying: by lowest, highest, median and commonest pitch; none for drums."""
    if first.is_drums:
        return {0}
    marks = [
        (int(rows[0]), int(rows[-1]), int(rows[len(rows) // 2]), int(np.bincount(rows).argmax()))
        for rows in (first.row, second.row)
    ]
    return {a - b for a, b in zip(*marks, strict=True)}


def _matched(first: Signature, second: Signature, shift: int) -> int:
    """Most pairs possible: in sorted rows, taking the earliest partner never costs a pair."""
    span = first.kind[1] * first.kind[2] * 4 + 4 * _CELL_TICK
    a = (first.row.astype(np.int64) * span + first.onset_tick).tolist()
    b = ((second.row.astype(np.int64) + shift) * span + second.onset_tick).tolist()
    i = j = n_matched = 0
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= TOLERANCE_TICK:
            n_matched += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return n_matched


def least_distance(rows: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the distance of pairs of loops of one kind cannot fall below, shape (n_pairs,).

    `rows` holds a row of `row_counts` a loop, `first` and `second` the loops' indices: no more
    notes can pair up than both have in a row.
    """
    one, other = rows[first], rows[second]
    total = one.sum(axis=1) + other.sum(axis=1)
    apart: NDArray[np.float64] = 1.0 - 2.0 * np.minimum(one, other).sum(axis=1) / np.maximum(total, 1)
    return apart


def row_counts(signatures: Sequence[Signature]) -> NDArray[np.int64]:
    """Notes of each loop by role, shape (n_loops, n_roles); those of pitched loops, which transpose, in one column."""
    counts = np.zeros((len(signatures), len(ROLES) + 1), np.int64)
    for index, of in enumerate(signatures):
        if of.is_drums:
            counts[index] += np.bincount(of.row, minlength=counts.shape[1])
        else:
            counts[index, 0] = len(of.row)
    return counts


def blocking_keys(signatures: Sequence[Signature]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Keys of which near loops share one: a note moved or dropped leaves the other pieces' keys as they were.

    Gives (loop, key), both of shape (n_keys,): the index of a loop, ascending, and the digest of
    one of its pieces. Pieces are time windows (bars, or quarters of a short loop) and, for drums,
    roles by halves of the loop; each on two grids half a cell apart, so that rounding seldom parts
    copies. A loop without notes has none.
    """
    sizes = np.array([len(of.row) for of in signatures], dtype=np.int64)
    if not sizes.sum():
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    loop = np.repeat(np.arange(len(signatures)), sizes)
    row = np.concatenate([of.row for of in signatures]).astype(np.int64)
    onset = np.concatenate([of.onset_tick for of in signatures]).astype(np.int64)
    is_drums = np.array([of.is_drums for of in signatures])[loop]
    length = np.array([of.kind[1] * of.kind[2] for of in signatures], dtype=np.int64)[loop]
    n_windows = np.array([max(4, of.kind[1]) for of in signatures], dtype=np.int64)[loop]
    window = np.clip(onset * n_windows // length, 0, n_windows - 1)
    role = _ROLE_PLACE + row * 2 + np.clip(onset * 2 // length, 0, 1)
    note = np.concatenate([np.arange(len(loop)), np.flatnonzero(is_drums)])
    place = np.concatenate([window, role[is_drums]])
    pieces, of_piece, counts = np.unique(loop[note] * _PLACES + place, return_inverse=True, return_counts=True)
    order = np.argsort(of_piece, kind="stable")
    note, starts = note[order], np.cumsum(counts) - counts
    lowest = np.where(is_drums[note[starts]], 0, np.minimum.reduceat(row[note], starts))
    step = row[note] - np.repeat(lowest, counts)
    of_piece = np.repeat(np.arange(len(pieces)), counts)
    kinds = np.array([_mixed_kind(of.kind) for of in signatures], dtype=np.uint64)[pieces // _PLACES]
    heard = _heard(pieces // _PLACES, counts, len(signatures))
    keys = []
    for offset in (0, _CELL_TICK // 2):
        cell = (onset[note] + offset) // _CELL_TICK + 1  # early notes lie in cell 0
        cells = distinct((of_piece << 40) + (step << 32) + np.maximum(cell, 0))
        first = np.searchsorted(cells >> 40, np.arange(len(pieces)))
        content = np.add.reduceat(_mixed((cells & ((1 << 40) - 1)).astype(np.uint64)), first)
        name = kinds + _mixed((pieces % _PLACES).astype(np.uint64) * np.uint64(2) + np.uint64(offset > 0))
        keys.append(_mixed(content ^ name)[heard])
    owners = (pieces // _PLACES)[heard]
    both = np.concatenate([owners, owners])
    order = np.argsort(both, kind="stable")
    return both[order], np.concatenate(keys)[order]


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each value once, ascending: what np.unique gives, by sorting, which is faster here than its hash table."""
    ordered = np.sort(values)
    first_of_each: NDArray[np.int64] = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
    return first_of_each


def _heard(owner: NDArray[np.int64], counts: NDArray[np.int64], n_loops: int) -> NDArray[np.bool_]:
    """Pieces with enough notes to say something; all pieces of a loop that has no such piece."""
    heard = counts >= _FEWEST_NOTES
    return heard | ~(np.bincount(owner[heard], minlength=n_loops) > 0)[owner]


def _mixed_kind(kind: tuple[str, int, int]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(kind).encode(), digest_size=8).digest(), "little")


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scattered over 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood 2014); sums wrap."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
