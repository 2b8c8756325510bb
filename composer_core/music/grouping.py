"""Groups that must stay together when data are split, and the part of the split each belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence

SPLITS = ("train", "validation", "test")
_TEST, _VALIDATION = 0, 1
_SHARES = 10
"""One group in ten is kept for the test, one for validation."""


def groups_of(keys: Sequence[Iterable[Hashable]]) -> list[int]:
    """Group number of each item: items that share any key, directly or through others, are one group.

    Numbers are those of the first item of a group.
    """
    parent = list(range(len(keys)))

    def root(item: int) -> int:
        """The first item of the group; the way there is halved for the next question."""
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    first: dict[Hashable, int] = {}
    for item, own in enumerate(keys):
        for key in own:
            one, other = root(item), root(first.setdefault(key, item))
            parent[max(one, other)] = min(one, other)
    return [root(item) for item in range(len(keys))]


def split_of(group: str, asked: Iterable[str] = ()) -> str:
    """Part of a group by the digest of its name; where data sets ask for parts, the strictest of them."""
    wanted = set(asked)
    for split in reversed(SPLITS):
        if split in wanted:
            return split
    number = int(hashlib.sha256(group.encode()).hexdigest(), 16) % _SHARES
    return {_TEST: "test", _VALIDATION: "validation"}.get(number, "train")
