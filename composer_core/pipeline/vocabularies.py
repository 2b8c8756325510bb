"""The vocabularies of labels, read once."""

from __future__ import annotations

from functools import cache

from composer_core.store.vocabularies import GenreName, TechniqueName, Vocabularies, load_vocabularies

__all__ = ["GenreName", "TechniqueName", "Vocabularies", "vocabularies"]


@cache
def vocabularies() -> Vocabularies:
    """The shipped moods, genres and techniques; StoreError when a file is damaged."""
    return load_vocabularies()
