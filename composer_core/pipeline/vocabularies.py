"""The vocabularies of labels: the shipped ones, with the entries a workspace adds to them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from composer_core.store.vocabularies import Name as Name  # the studio imports both from here
from composer_core.store.vocabularies import Vocabularies as Vocabularies
from composer_core.store.vocabularies import load_vocabularies
from composer_core.workspace import ASSETS, Workspace


def vocabularies(workspace: Workspace | None = None) -> Vocabularies:
    """The shipped moods, genres, techniques and tags, with the workspace's own if one is given.

    Read once, and again when a file of the workspace changes. StoreError when a file is damaged.
    """
    own = None if workspace is None else workspace.vocabularies
    if own is None or not own.is_dir():
        return _load(None, ())
    return _load(
        own, tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(own.iterdir()))
    )


@cache
def _load(own: Path | None, _state: tuple[tuple[str, int, int], ...]) -> Vocabularies:
    return load_vocabularies(ASSETS, own)
