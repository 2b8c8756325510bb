"""Chord lines drawn bar by bar as the data has them, so that a loop that was asked for none still has a plan.

Counts of what chord follows the last three bars' chords, in one mode, with each shorter
memory standing in where the longer was seldom met (Dirichlet back-off).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

MEMORY = 3
"""Bars looked back at."""
BACK_OFF = 2.0
"""How many times a context must be met before it counts as much as the shorter one."""
Line = tuple[int, ...]


class ChordLines:
    """What chord follows which, in major (0), minor (1) and any mode (-1); chords are codes above the tonic, 0 none."""

    def __init__(self, counts: Mapping[tuple[int, Line], Counter[int]]) -> None:
        self.counts = counts

    @classmethod
    def learn(cls, lines: Iterable[tuple[int, Sequence[int]]]) -> ChordLines:
        """From (mode, chords of a window's bars)."""
        counts: dict[tuple[int, Line], Counter[int]] = defaultdict(Counter)
        for mode, line in lines:
            # -1 stands before the first bar, so that beginnings are learnt too.
            padded = (*[-1] * MEMORY, *line)
            for place in range(MEMORY, len(padded)):
                for length in range(MEMORY + 1):
                    context = padded[place - length : place]
                    counts[mode, context][padded[place]] += 1
                    counts[-1, context][padded[place]] += 1
        return cls(dict(counts))

    def shares(self, mode: int, before: Sequence[int]) -> dict[int, float]:
        """The chance of each chord after some bars."""
        padded = (*[-1] * MEMORY, *before)
        found: dict[int, float] = {}
        for length in range(MEMORY + 1):
            counts = self.counts.get((mode, tuple(padded[len(padded) - length :])), Counter())
            total = counts.total() + (BACK_OFF if found else 0.0)
            if counts:
                chords = set(counts) | set(found)
                found = {c: (counts[c] + (BACK_OFF * found.get(c, 0.0) if found else 0.0)) / total for c in chords}
        return found

    def draw(self, mode: int, bars: int, rng: np.random.Generator) -> list[int]:
        """The chords of some bars."""
        line: list[int] = []
        for _ in range(bars):
            shares = self.shares(mode, line)
            chords = sorted(shares)
            weights = np.array([shares[chord] for chord in chords])
            line.append(int(rng.choice(chords, p=weights / weights.sum())))
        return line

    def to_json(self) -> list[list[object]]:
        """Plain values: mode, context, and pairs of chord and count."""
        return [[mode, list(context), sorted(counts.items())] for (mode, context), counts in self.counts.items()]

    @classmethod
    def from_json(cls, rows: Sequence[tuple[int, Sequence[int], Sequence[tuple[int, int]]]]) -> ChordLines:
        """Read what `to_json` wrote."""
        return cls({(mode, tuple(context)): Counter(dict(counts)) for mode, context, counts in rows})
