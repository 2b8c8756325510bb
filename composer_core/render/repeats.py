"""Notes of one pitch that would overlap: one key of an instrument sounds one note at a time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

NoteRow = tuple[int, int, int, int]
"""(onset_tick, duration_tick, pitch, velocity)."""


def separate_repeats(rows: Iterable[NoteRow]) -> list[NoteRow]:
    """Shorten each note to the next onset of its pitch; sorted by pitch, then onset.

    Notes of one pitch that start together become one, the loudest and longest of them.
    """
    result: list[NoteRow] = []
    ordered = sorted(rows, key=lambda row: (row[2], row[0]))
    for _, group in groupby(ordered, key=lambda row: (row[2], row[0])):
        together = list(group)
        onset, _, pitch, _ = together[0]
        if result and result[-1][2] == pitch:
            start, duration, _, velocity = result[-1]
            result[-1] = (start, min(duration, onset - start), pitch, velocity)
        result.append((onset, max(row[1] for row in together), pitch, max(row[3] for row in together)))
    return result
