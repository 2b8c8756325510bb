"""Which note after a change is which note before it, where nothing but the notes is known."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence

from composer_core.ingest.written_notes import Row

Pair = tuple[int | None, Row]
"""The index of the note before, None for a note that is new, and the note after."""


def paired(before: Sequence[Row], after: Sequence[Row]) -> tuple[list[int], list[Pair], list[int]]:
    """Indices of the notes before that are still there, changed or new notes, and indices of those that are gone.

    Of the changed ones those that start together on the same pitch belong together. Where the pitches are the same
    ones as before, notes have moved in time: then the first of a pitch belongs to the first, the second to the second.
    Else those that start together do, and if as many are left as before, they are taken in their order. Groups of
    which one is larger pair nothing. What remains is new, or gone.
    """
    waiting: dict[Row, deque[int]] = defaultdict(deque)
    for at, row in enumerate(before):
        waiting[row].append(at)
    kept, added = [], []
    for row in after:
        if waiting[row]:
            kept.append(waiting[row].popleft())
        else:
            added.append(row)
    gone = sorted(at for group in waiting.values() for at in group)
    pairs: list[Pair] = []
    has_moved = Counter(before[at][2] for at in gone) == Counter(row[2] for row in added)
    for same in (_place, _pitch) if has_moved else (_place, _onset, _nothing, _pitch):
        found, gone, added = _matched(before, gone, added, same)
        pairs += found
    return kept, [*pairs, *((None, row) for row in added)], gone


def _place(row: Row) -> Hashable:
    return row[0], row[2]


def _onset(row: Row) -> Hashable:
    return row[0]


def _pitch(row: Row) -> Hashable:
    return row[2]


def _nothing(_row: Row) -> Hashable:
    return None


def _matched(
    before: Sequence[Row], gone: Iterable[int], added: Iterable[Row], same: Callable[[Row], Hashable]
) -> tuple[list[Pair], list[int], list[Row]]:
    """Pairs in order of time within groups of equally many; what is left of both."""
    old: dict[Hashable, list[int]] = defaultdict(list)
    new: dict[Hashable, list[Row]] = defaultdict(list)
    for at in gone:
        old[same(before[at])].append(at)
    for row in added:
        new[same(row)].append(row)
    pairs: list[Pair] = []
    left_old, left_new = [], []
    for key in {**old, **new}:
        ours, theirs = sorted(old[key], key=before.__getitem__), sorted(new[key])
        if len(ours) == len(theirs):
            pairs += zip(ours, theirs, strict=True)
        else:
            left_old += ours
            left_new += theirs
    return pairs, left_old, left_new
