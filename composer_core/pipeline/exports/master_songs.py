"""The songs of a master data set: what data sets say of each source file, and one row for each with its loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from composer_core.music.grouping import groups_of, split_of
from composer_core.store.master import MasterColumn, row_digest
from composer_core.store.songs import SongStore
from composer_core.workspace import Workspace

PLAIN_FOLDER = "folder"
"""The adapter of files that belong to no data set."""
_SONG = (
    ("song_id", "text", "SHA-256 of the source file"),
    ("title", "text", "title its data set gives, else the file's name"),
    ("composer", "text", "composer its data set gives"),
    ("dataset", "text", "as in the table of loops"),
    ("licence", "text", "as in the table of loops, where its loops agree"),
    ("source", "text", "path of the source file"),
    ("instruments", "texts", "instrument families of its loops"),
    ("meters", "texts", "metres of its loops"),
    ("tempo_bpm", "number", "median of its loops, quarters a minute"),
    ("n_loops", "count", "loops cut from it"),
    ("n_bars", "count", "bars its loops cover, counted once an instrument"),
    ("group", "text", "as in the table of loops"),
    ("split", "text", "as in the table of loops"),
    ("digest", "text", "SHA-256 over the row"),
)
SONG_COLUMNS = tuple(MasterColumn(*column) for column in _SONG)


def songs_of(workspace: Workspace) -> dict[str, dict[str, str]]:
    """What data sets say of each source file. Of several, the first that says something counts, plain folders last."""
    rows = [{str(k): str(v) for k, v in row.items()} for row in SongStore(workspace).table().to_dict("records")]
    found: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: row["dataset"] == PLAIN_FOLDER):
        plain = row | {"dataset": ""} if row["dataset"] == PLAIN_FOLDER else row
        known = found.setdefault(row["source_digest"], {})
        known.update({name: value for name, value in plain.items() if value and not known.get(name)})
    return found


def groups_and_splits(
    rows: Sequence[Mapping[str, object]], songs: Mapping[str, Mapping[str, str]], near: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Loop -> (group, split). One source file, one content, one near-duplicate group or one group a data set names.

    Where the data set has a split of its own, that parts its groups (Groove MIDI's sessions) on
    purpose: joined with near-duplicates they would leave next to nothing to train on.
    """
    keys = []
    given: Sequence[Mapping[str, Any]] = rows
    for row in given:
        own = [("near", near[row["loop_id"]]), ("content", row["content_hash"])]
        named = None if _requested_split(row, songs) else songs.get(row["source_digest"], {}).get("source_group")
        keys.append([*own, *([("named", named)] if named else [])])
    numbers = groups_of(keys)
    members: dict[int, list[int]] = {}
    for index, number in enumerate(numbers):
        members.setdefault(number, []).append(index)
    found: dict[str, tuple[str, str]] = {}
    for indices in members.values():
        # Named by its smallest loop id, so that the order of import does not matter.
        name = min(given[index]["loop_id"] for index in indices)
        asked = [_requested_split(given[index], songs) for index in indices]
        split = split_of(name, [split for split in asked if split])
        found |= {given[index]["loop_id"]: (name, split) for index in indices}
    return found


def _requested_split(row: Mapping[str, Any], songs: Mapping[str, Mapping[str, str]]) -> str:
    return str(songs.get(row["source_digest"], {}).get("split") or "")


def song_rows(loops: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """One row a source file out of the rows of its loops, in their order."""
    by_song: dict[str, list[Mapping[str, Any]]] = {}
    given: Sequence[Mapping[str, Any]] = loops
    for row in given:
        by_song.setdefault(row["song_id"], []).append(row)
    made = []
    for song_id, rows in by_song.items():
        bars = {
            (row["instrument"], bar) for row in rows for bar in range(row["start_bar"], row["start_bar"] + row["bars"])
        }
        same = ("title", "composer", "dataset", "source", "group", "split")
        licences = {row["licence"] for row in rows}
        song: dict[str, Any] = {name: rows[0][name] for name in same}
        song |= {
            "licence": licences.pop() if len(licences) == 1 else None,
            "song_id": song_id,
            "instruments": sorted({row["instrument"] for row in rows}),
            "meters": sorted({row["meter"] for row in rows}),
            "tempo_bpm": float(np.median([row["tempo_bpm"] for row in rows])),
            "n_loops": len(rows),
            "n_bars": len(bars),
        }
        made.append(song | {"digest": row_digest(song)})
    return made
