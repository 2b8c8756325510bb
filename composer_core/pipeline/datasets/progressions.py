"""Chord progressions from data sets, with their moods. They are kept in the workspace and never shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from composer_core.errors import StoreError
from composer_core.music.chords import Chord
from composer_core.music.key import Key
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import read_json, write_json
from composer_core.workspace import Workspace

_KEYS = {"mode", "numerals", "moods", "tags", "source"}


@dataclass(frozen=True, slots=True)
class Progression:
    """Chords of equal length as numerals in a mode (major, minor, modal), with the mood codes and the
    data set's own words for them."""

    mode: str
    numerals: tuple[str, ...]
    moods: tuple[str, ...]
    tags: tuple[str, ...]
    source: str

    def chords(self, root: int = 0) -> tuple[Chord, ...]:
        """The chords on a tonic (0 = C)."""
        key = Key(root, "minor" if self.mode == "minor" else "major")
        return tuple(Chord.from_roman(numeral, key) for numeral in self.numerals)


def progressions(workspace: Workspace, mood: str | None = None) -> list[Progression]:
    """All progressions learnt here, or those with a mood's code; empty before any was imported."""
    if not workspace.progressions.exists():
        return []
    rows = _stored(workspace)
    found = [
        Progression(row["mode"], tuple(row["numerals"]), tuple(row["moods"]), tuple(row["tags"]), row["source"])
        for row in rows
    ]
    return [one for one in found if mood is None or mood in one.moods]


def keep_progressions(workspace: Workspace, source: str, rows: Sequence[Mapping[str, object]]) -> int:
    """Add progressions that are not there yet; how many. Each row has mode, numerals and moods (words)."""
    known = _stored(workspace) if rows and workspace.progressions.exists() else []
    there = {(row["source"], row["mode"], *row["numerals"], *row["tags"]) for row in known}
    fresh = []
    given: Sequence[Mapping[str, Any]] = rows
    for row in given:
        key = (source, row["mode"], *row["numerals"], *row["moods"])
        if key not in there:
            there.add(key)
            fresh.append({**row, "tags": list(row["moods"]), "moods": _codes(source, row["moods"]), "source": source})
    if fresh:
        write_json(workspace.progressions, known + fresh)
    return len(fresh)


def _stored(workspace: Workspace) -> list[dict[str, Any]]:
    stored: Any = read_json(workspace.progressions)
    if not isinstance(stored, list) or not all(isinstance(row, dict) and row.keys() >= _KEYS for row in stored):
        raise StoreError("damaged_store", path=str(workspace.progressions), reason="no list of progressions")
    return cast(list[dict[str, Any]], stored)


def _codes(source: str, words: Sequence[str]) -> list[str]:
    known = vocabularies().mood_sources.get(source, {})
    codes = (known.get(word) or vocabularies().mood_of_word(word) for word in words)
    return list(dict.fromkeys(code for code in codes if code))
