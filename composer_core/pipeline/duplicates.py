"""Near-duplicates of the library: found, left out of training (reversibly) and kept on one side of a split."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from composer_core.errors import require_range
from composer_core.metrics.duplicates import blocking_keys, distance, signature
from composer_core.music.grouping import groups_of
from composer_core.music.loop import Loop
from composer_core.store.exclusions import Exclusion, ExclusionStore
from composer_core.store.loops import LoopStore
from composer_core.workspace import Workspace

NEAR_DUPLICATE = "near_duplicate"
AUTHOR = "dedupe"
THRESHOLD = 0.15
"""Largest share of notes without a partner; benchmarks/duplicates.py measures what it finds."""
_BATCH = 500
_MOST_IN_A_BLOCK = 200
"""A piece that more loops share is a commonplace: it says nothing about copies."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two near loops, the one added first as `first`; `reason` is same_notes or some_notes_differ."""

    first: str
    second: str
    distance: float
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """`groups` hold loop ids joined by pairs, in library order; `later` maps a loop to the kept one it repeats;
    `commonplaces` counts the pieces too common to compare by."""

    pairs: tuple[Pair, ...]
    groups: tuple[tuple[str, ...], ...]
    later: dict[str, str]
    commonplaces: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"pairs": [asdict(pair) for pair in self.pairs], "groups": [list(group) for group in self.groups],
                "later": self.later, "commonplaces": self.commonplaces}  # fmt: skip


def near_pairs(loops: Sequence[Loop], threshold: float = THRESHOLD) -> tuple[list[tuple[int, int, float]], int]:
    """(earlier, later, distance) of loops by their index, and how many pieces were too common to compare by.

    InvalidValue for a threshold outside 0 to 1.
    """
    require_range("threshold", threshold, 0.0, 1.0)
    signatures = [signature(loop) for loop in loops]
    blocks: dict[Hashable, list[int]] = {}
    for index, of in enumerate(signatures):
        for key in blocking_keys(of):
            blocks.setdefault(key, []).append(index)
    compared = {
        (a, b)
        for block in blocks.values()
        if len(block) <= _MOST_IN_A_BLOCK
        for place, a in enumerate(block)
        for b in block[place + 1 :]
    }
    measured = ((a, b, distance(signatures[a], signatures[b])) for a, b in sorted(compared))
    commonplaces = sum(len(block) > _MOST_IN_A_BLOCK for block in blocks.values())
    return [pair for pair in measured if pair[2] <= threshold], commonplaces


def find(workspace: Workspace, threshold: float = THRESHOLD) -> Found:
    """The near-duplicates of the library. StoreError when it is damaged, InvalidValue for the threshold."""
    store = LoopStore(workspace)
    ids = [str(loop_id) for loop_id in store.table(["loop_id"])["loop_id"]]
    loops = [loop for at in range(0, len(ids), _BATCH) for loop in store.load_many(ids[at : at + _BATCH])]
    near, commonplaces = near_pairs(loops, threshold)
    pairs = tuple(Pair(ids[a], ids[b], d, "some_notes_differ" if d else "same_notes") for a, b, d in near)
    by_number: dict[int, list[str]] = {}
    for loop_id, number in zip(ids, groups_of(_keys(ids, pairs)), strict=True):
        by_number.setdefault(number, []).append(loop_id)
    groups = tuple(tuple(group) for group in by_number.values() if len(group) > 1)
    return Found(pairs, groups, _later(ids, pairs), commonplaces)


def exclude_later(workspace: Workspace, found: Found) -> int:
    """Leave out each loop that repeats a kept one, unless it is left out or a person took it back; how many."""
    store = ExclusionStore(workspace)
    newest = {event.loop_id: event for event in store.events()}
    events = []
    for loop_id, original in found.later.items():
        last = newest.get(loop_id)
        if last is None or (not last.reason and last.author == AUTHOR):
            events.append(Exclusion(loop_id, NEAR_DUPLICATE, duplicate_of=original, author=AUTHOR))
    store.append(events)
    return len(events)


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
