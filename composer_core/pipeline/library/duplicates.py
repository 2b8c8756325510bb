"""Leave loops out of training and data sets: near-duplicates across a split, and a person's choices.

Reasons are kept, nothing is deleted, and every exclusion can be taken back."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.metrics.duplicates import (
    Signature,
    blocking_keys,
    distance,
    distinct,
    least_distance,
    row_counts,
    signature,
)
from composer_core.music.grouping import groups_of
from composer_core.music.loop import Loop
from composer_core.pipeline.access.rights import guarded
from composer_core.store.exclusions import Exclusion, ExclusionStore
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

NEAR_DUPLICATE = "near_duplicate"
AUTHOR = "dedupe"
THRESHOLD = 0.072
"""Largest share of notes without a partner. benchmarks/duplicates.py chooses it: the smallest that finds 99 % of each
kind of copy of drums and of tunes, 1 / 14, measured on other files than those it was chosen on."""
_BATCH = 2000
_ROWS = 2_000_000
_MOST_IN_A_BLOCK = 200
"""A piece that more different loops share is a commonplace: it says nothing about copies."""
BY_HAND = "by_hand"
"""The reason of an exclusion a person decided."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two near loops, the one added first as `first`; `reason` is same_notes or some_notes_differ.

    Of loops with the same notes only the first is paired with each other one and with loops that differ.
    """

    first: str
    second: str
    distance: float
    reason: str


@dataclass(frozen=True, slots=True)
class DuplicateGroups:
    """`groups` hold loop ids joined by pairs, in library order; `later` maps a loop to the kept one it repeats;
    `commonplaces` counts the pieces too common to compare by."""

    pairs: tuple[Pair, ...]
    groups: tuple[tuple[str, ...], ...]
    later: dict[str, str]
    commonplaces: int

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {"pairs": [asdict(pair) for pair in self.pairs], "groups": [list(group) for group in self.groups],
                "later": self.later, "commonplaces": self.commonplaces}  # fmt: skip


def near_pairs(loops: Iterable[Loop], threshold: float = THRESHOLD) -> tuple[list[tuple[int, int, float]], int]:
    """(earlier, later, distance) of loops by their index, and how many pieces were too common to compare by.

    Loops with the same notes are as far from any other, so each is paired with the first of them
    only, and that one alone with loops that differ. Loops are taken one after the other and not kept.
    InvalidValue for a threshold outside 0 to 1.
    """
    require_range("threshold", threshold, 0.0, 1.0)
    pairs: list[tuple[int, int, float]] = []
    different: list[Signature] = []
    numbers: list[int] = []
    first: dict[bytes, int] = {}
    for index, loop in enumerate(loops):
        of = signature(loop)
        earlier = first.setdefault(of.digest(), index)
        if earlier == index:
            different.append(of)
            numbers.append(index)
        else:
            pairs.append((earlier, index, 0.0))
    compared, commonplaces = _candidates(different, threshold)
    for a, b in compared.tolist():
        far = distance(different[a], different[b])
        if far <= threshold:
            pairs.append((numbers[a], numbers[b], far))
    return sorted(pairs), commonplaces


def _candidates(signatures: Sequence[Signature], threshold: float) -> tuple[NDArray[np.int64], int]:
    """Pairs that share a key and may be near, shape (n_pairs, 2), ascending; and the number of commonplaces."""
    n_loops = len(signatures)
    found = [(blocking_keys(signatures[at : at + _BATCH]), at) for at in range(0, n_loops, _BATCH)]
    owner = np.concatenate([np.empty(0, np.int64), *(own + at for (own, _), at in found)])
    key = np.concatenate([np.empty(0, np.uint64), *(key for (_, key), _ in found)])
    order = np.argsort(key, kind="stable")  # within a block loops stay in order
    owner, key = owner[order], key[order]
    _, starts, sizes = np.unique(key, return_index=True, return_counts=True)
    place_in_block = np.arange(len(key)) - np.repeat(starts, sizes)
    behind = np.repeat(np.where(sizes <= _MOST_IN_A_BLOCK, sizes, 0), sizes) - place_in_block - 1
    rows = row_counts(signatures)
    pairs = np.empty(0, np.int64)
    waiting: list[NDArray[np.int64]] = []
    # Every pair of a block is some number of places apart: all pairs of all blocks, distance by distance.
    for lag in range(1, int(behind.max(initial=0)) + 1):
        place = np.flatnonzero(behind >= lag)
        one, other = owner[place], owner[place + lag]
        near = np.concatenate(
            [least_distance(rows, one[at : at + _ROWS], other[at : at + _ROWS]) for at in range(0, len(one), _ROWS)]
        )
        chosen = near <= threshold
        waiting.append(distinct(one[chosen] * n_loops + other[chosen]))
        if sum(map(len, waiting)) > _ROWS:
            pairs, waiting = distinct(np.concatenate([pairs, *waiting])), []
    pairs = distinct(np.concatenate([pairs, *waiting]))
    return np.stack(np.divmod(pairs, max(1, n_loops)), axis=1), int((sizes > _MOST_IN_A_BLOCK).sum())


def find(workspace: Workspace, threshold: float = THRESHOLD) -> DuplicateGroups:
    """The near-duplicates of the library. StoreError when it is damaged, InvalidValue for the threshold."""
    store = LoopStore(workspace)
    ids = [str(loop_id) for loop_id in store.table(["loop_id"])["loop_id"]]
    loops = (loop for at in range(0, len(ids), _BATCH) for loop in store.load_many(ids[at : at + _BATCH]))
    near, commonplaces = near_pairs(loops, threshold)
    pairs = tuple(Pair(ids[a], ids[b], d, "some_notes_differ" if d else "same_notes") for a, b, d in near)
    by_number: dict[int, list[str]] = {}
    for loop_id, number in zip(ids, groups_of(_keys(ids, pairs)), strict=True):
        by_number.setdefault(number, []).append(loop_id)
    groups = tuple(tuple(group) for group in by_number.values() if len(group) > 1)
    _log.info("near-duplicates among %d loops: %d pairs in %d groups", len(ids), len(pairs), len(groups))
    return DuplicateGroups(pairs, groups, _later(ids, pairs), commonplaces)


@guarded("exclude")
def exclude_later(workspace: Workspace, found: DuplicateGroups) -> int:
    """Leave out each loop that repeats a kept one, unless it is left out or a person took it back; how many."""
    store = ExclusionStore(workspace)
    newest = {event.loop_id: event for event in store.events()}
    events = []
    for loop_id, original in found.later.items():
        last = newest.get(loop_id)
        if last is None or (not last.reason and last.author == AUTHOR):
            events.append(Exclusion(loop_id, NEAR_DUPLICATE, duplicate_of=original, author=AUTHOR))
    store.append(events)
    _log.info("%d near-duplicates left out", len(events))
    return len(events)


@guarded("restore")
def undo(workspace: Workspace) -> int:
    """Take back every loop that is left out as a near-duplicate; how many were."""
    store = ExclusionStore(workspace)
    back = [loop_id for loop_id, event in store.current().items() if event.reason == NEAR_DUPLICATE]
    store.append([Exclusion(loop_id, "", author=AUTHOR) for loop_id in back])
    return len(back)


def split_groups(workspace: Workspace, threshold: float = THRESHOLD) -> dict[str, str]:
    """Loop -> group that no split may part: source file joined with near-duplicates, named by its smallest loop id."""
    table = LoopStore(workspace).table(["loop_id", "source_digest"])
    ids = [str(loop_id) for loop_id in table["loop_id"]]
    keys = _keys(ids, find(workspace, threshold).pairs)
    for of, digest in zip(keys, table["source_digest"], strict=True):
        of.append(("song", str(digest)))
    members: dict[int, list[str]] = {}
    for loop_id, number in zip(ids, groups_of(keys), strict=True):
        members.setdefault(number, []).append(loop_id)
    return {loop_id: min(group) for group in members.values() for loop_id in group}


def _keys(ids: Sequence[str], pairs: Sequence[Pair]) -> list[list[tuple[str, str]]]:
    """Keys of each loop; loops that share one belong together."""
    keys = {loop_id: [("loop", loop_id)] for loop_id in ids}
    for pair in pairs:
        keys[pair.second].append(("loop", pair.first))
    return [keys[loop_id] for loop_id in ids]


def _later(ids: Sequence[str], pairs: Sequence[Pair]) -> dict[str, str]:
    """Every loop near one that is kept, so that a chain of small changes does not lose its far end."""
    near: dict[str, list[tuple[float, str]]] = {}
    for pair in pairs:
        near.setdefault(pair.second, []).append((pair.distance, pair.first))
    later: dict[str, str] = {}
    for loop_id in ids:
        kept = [entry for entry in near.get(loop_id, []) if entry[1] not in later]
        if kept:
            later[loop_id] = min(kept)[1]
    return later


@guarded("exclude")
def exclude(workspace: Workspace, loop_ids: Sequence[str], *, author: str = "", note: str = "") -> int:
    """Leave loops out by a person's decision; how many were not left out before. StoreError when it cannot be kept."""
    store = ExclusionStore(workspace)
    known = store.current()
    fresh = [loop_id for loop_id in dict.fromkeys(loop_ids) if loop_id not in known]
    store.append([Exclusion(loop_id, BY_HAND, author=author, note=note) for loop_id in fresh])
    _log.info("%d loops left out by hand", len(fresh))
    return len(fresh)


@guarded("restore")
def restore(workspace: Workspace, loop_ids: Sequence[str], *, author: str = "") -> int:
    """Take loops back, whatever they were left out for; how many had been."""
    store = ExclusionStore(workspace)
    known = store.current()
    back = [loop_id for loop_id in dict.fromkeys(loop_ids) if loop_id in known]
    store.append([Exclusion(loop_id, "", author=author) for loop_id in back])
    _log.info("%d loops taken back", len(back))
    return len(back)
