"""Measure what a composer copies: bars, two-bar pairs and runs of notes that occur in its training takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from composer_core.lab.composer.held_out import WINDOW_BARS, BarTokens, HeldOutParts
from composer_core.music.timing import COMMON_TIME, TICKS_PER_STEP
from composer_core.tokens.vocab import is_note

REFERENCE_CHUNK = 8192
STEPS_APART = 500
"""The longest gap, in steps, that tells two notes of a line apart."""


def memorisation(held_out: HeldOutParts, systems: Mapping[str, Sequence[Sequence[BarTokens]]]) -> dict[str, object]:
    """By system: share of bars and of two-bar pairs seen in training, nearest training bar, longest copied runs.

    `systems` are loops as bars with the tonic on C: generated ones beside held-out human ones.
    """
    lengths = [take.played.meter.bar_tick // TICKS_PER_STEP for take in held_out.takes["train"]]
    train = [[tuple(bar[1:]) for bar in take.bars_on_c] for take in held_out.takes["train"]]
    runs = [_runs(train, length) for length in range(1, WINDOW_BARS + 1)]
    seen, pairs = {run[0] for run in runs[0]}, runs[1]
    reference = sorted(bar for bar in seen if bar)
    line = "\0".join(_note_line(bars, steps) for bars, steps in zip(train, lengths, strict=True))
    return {
        name: {
            "n_bars": sum(1 for bars in loops for bar in bars if bar),
            "bars_seen_rate": _share([bar in seen for bars in loops for bar in bars if bar]),
            "pairs_seen_rate": _share([p in pairs for bars in loops for p in itertools.pairwise(bars) if p[0]]),
            "nearest_distance_median": _nearest(loops, reference),
            "longest_copied_bars": max((_longest_copy(bars, runs) for bars in loops), default=0),
            "longest_copied_notes": max((_longest_run(bars, line) for bars in loops), default=0),
        }
        for name, loops in systems.items()
    }


def _share(flags: Sequence[bool]) -> float | None:
    return float(np.mean(flags)) if flags else None


def _runs(takes: Sequence[Sequence[BarTokens]], length: int) -> set[tuple[BarTokens, ...]]:
    """Every `length` bars that stand in this order in one take."""
    return {tuple(bars[i : i + length]) for bars in takes for i in range(len(bars) - length + 1)}


def _longest_copy(bars: Sequence[BarTokens], runs: Sequence[set[tuple[BarTokens, ...]]]) -> int:
    """Most consecutive bars of a loop that stand in this order in one training take, not all of them silent."""
    for length in range(min(len(bars), len(runs)), 0, -1):
        own = (tuple(bars[i : i + length]) for i in range(len(bars) - length + 1))
        if any(run in runs[length - 1] and any(run) for run in own):
            return length
    return 0


def _note_line(bars: Sequence[BarTokens], bar_steps: int) -> str:
    """One character a note, out of its pitch and the steps since the onset before it.

    In bars longer than `bar_steps` the steps are negative where the next bar begins.
    """
    found, last = [], 0
    for number, bar in enumerate(bars):
        for step, pitch in _cells(bar):
            onset = number * bar_steps + step
            found.append(chr((STEPS_APART + min(onset - last, STEPS_APART)) * 128 + pitch))
            last = onset
    return "".join(found)


def _longest_run(bars: Sequence[BarTokens], line: str) -> int:
    """Most consecutive notes of a loop, with their rhythm (its bars taken for 4/4), that stand in one training take."""
    own, longest = _note_line(bars, COMMON_TIME.bar_tick // TICKS_PER_STEP)[1:], 0
    for start in range(len(own)):
        while start + longest < len(own) and own[start : start + longest + 1] in line:
            longest += 1
    return longest


def _cells(bar: BarTokens) -> list[tuple[int, int]]:
    """(step, pitch) of each note of a bar."""
    found, step = [], 0
    for token in bar:
        kind, _, value = token.partition("_")
        if kind == "Position":
            step = int(value)
        elif is_note(token):
            found.append((step, int(value)))
    return found


def _nearest(loops: Sequence[Sequence[BarTokens]], reference: Sequence[BarTokens]) -> float | None:
    """Median over loops of the mean Jaccard distance of their bars' notes to the nearest training bar."""
    bars = [bar for loop in loops for bar in loop if bar]
    columns = {cell: i for i, cell in enumerate(sorted({cell for bar in bars for cell in _cells(bar)}))}
    own, sizes = _bar_matrix(bars, columns)
    best = np.zeros(len(bars))
    for start in range(0, len(reference), REFERENCE_CHUNK):
        other, other_sizes = _bar_matrix(reference[start : start + REFERENCE_CHUNK], columns)
        shared = own @ other.T
        best = np.maximum(best, (shared / (sizes[:, None] + other_sizes - shared)).max(axis=1))
    distances, position = [], 0
    for loop in loops:
        n_filled = sum(1 for bar in loop if bar)
        if n_filled:
            distances.append(float(1.0 - best[position : position + n_filled].mean()))
        position += n_filled
    return float(np.median(distances)) if distances else None


def _bar_matrix(
    bars: Sequence[BarTokens], columns: Mapping[tuple[int, int], int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of 0 and 1 over the named cells, one row per bar, and how many notes each bar has in all."""
    matrix, sizes = np.zeros((len(bars), len(columns)), np.float32), np.zeros(len(bars), np.float32)
    for row, bar in enumerate(bars):
        cells = _cells(bar)
        sizes[row] = len(cells)
        matrix[row, [columns[cell] for cell in cells if cell in columns]] = 1.0
    return matrix, sizes
