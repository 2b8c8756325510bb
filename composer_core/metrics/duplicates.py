"""How far two loops are from being the same notes, whatever their tempo, key and velocities."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import role_index
from composer_core.music.loop import Loop

TOLERANCE_TICK = 40
"""Onsets this near are the same: a third of a 16th, half a 16th triplet."""
_CELL_TICK = 120
_FEWEST_NOTES = 3


@dataclass(frozen=True, slots=True)
class Signature:
    """What is compared. `kind` holds instrument, bars and bar length in ticks, which must be equal; `row` is the role
    of a drum note or the pitch of another, ascending, onsets in ticks ascending within a row."""

    kind: tuple[str, int, int]
    row: NDArray[np.int64]
    onset_tick: NDArray[np.int64]


def signature(loop: Loop) -> Signature:
    """The loop without tempo, velocities and durations; shape (n_notes,) each."""
    notes = loop.notes
    row = role_index(notes.pitch) if loop.is_drums else notes.pitch.astype(np.int64)
    onset = notes.onset_tick.astype(np.int64)
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
    if first.kind[0] == "drums":
        return {0}
    marks = [
        (int(rows[0]), int(rows[-1]), int(rows[len(rows) // 2]), int(np.bincount(rows).argmax()))
        for rows in (first.row, second.row)
    ]
    return {a - b for a, b in zip(*marks, strict=True)}


def _matched(first: Signature, second: Signature, shift: int) -> int:
    """Most pairs possible: in sorted rows, taking the earliest partner never costs a pair."""
    span = first.kind[1] * first.kind[2] * 4 + 4 * _CELL_TICK
    a = (first.row * span + first.onset_tick).tolist()
    b = ((second.row + shift) * span + second.onset_tick).tolist()
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


def blocking_keys(of: Signature) -> set[Hashable]:
    """Keys of which near loops share one: a note moved or dropped leaves the other pieces' keys as they were.

    Pieces are time windows (bars, or quarters of a short loop) and, for drums, roles by
    halves of the loop; each on two grids half a cell apart, so that rounding seldom parts copies.
    Empty for a loop without notes.
    """
    length = of.kind[1] * of.kind[2]
    n_windows = max(4, of.kind[1])
    window = np.clip(of.onset_tick * n_windows // length, 0, n_windows - 1)
    pieces = [("window", int(w), window == w) for w in range(n_windows)]
    if of.kind[0] == "drums":
        half = np.clip(of.onset_tick * 2 // length, 0, 1)
        pieces += [("role", int(r) * 2 + h, (of.row == r) & (half == h)) for r in np.unique(of.row) for h in (0, 1)]
    heard = [piece for piece in pieces if piece[2].sum() >= _FEWEST_NOTES] or [p for p in pieces if p[2].any()]
    return {
        (*of.kind, name, place, offset, _digest(of, mask, offset))
        for name, place, mask in heard
        for offset in (0, _CELL_TICK // 2)
    }


def _digest(of: Signature, mask: NDArray[np.bool_], offset: int) -> str:
    row = of.row[mask] - (0 if of.kind[0] == "drums" else of.row[mask].min())
    cell = (of.onset_tick[mask] + offset) // _CELL_TICK
    cells = np.unique(np.stack([row, cell], axis=1), axis=0)
    return hashlib.sha256(cells.tobytes()).hexdigest()[:16]
