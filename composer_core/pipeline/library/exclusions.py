"""Leaving loops out of training and data sets, and taking them back: reasons are kept, nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence

from composer_core.store.exclusions import Exclusion, ExclusionStore
from composer_core.workspace import Workspace

BY_HAND = "by_hand"
"""The reason of an exclusion a person decided."""


def exclude(workspace: Workspace, loop_ids: Sequence[str], *, author: str = "", note: str = "") -> int:
    """Leave loops out by a person's decision; how many were not left out before. StoreError when it cannot be kept."""
    store = ExclusionStore(workspace)
    known = store.current()
    fresh = [loop_id for loop_id in dict.fromkeys(loop_ids) if loop_id not in known]
    store.append([Exclusion(loop_id, BY_HAND, author=author, note=note) for loop_id in fresh])
    return len(fresh)


def restore(workspace: Workspace, loop_ids: Sequence[str], *, author: str = "") -> int:
    """Take loops back, whatever they were left out for; how many had been."""
    store = ExclusionStore(workspace)
    known = store.current()
    back = [loop_id for loop_id in dict.fromkeys(loop_ids) if loop_id in known]
    store.append([Exclusion(loop_id, "", author=author) for loop_id in back])
    return len(back)
