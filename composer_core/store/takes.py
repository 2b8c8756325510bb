"""Generated takes on disk: one JSON file each, with everything needed to play and vary it again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop, Notes
from composer_core.store.atomic import read_json, write_json


@dataclass(frozen=True, slots=True)
class Take:
    """One generated result.

    `grid` holds the notes on the straight 12-step grid with the performer's velocities. `offset_ms`
    (n_notes,) is the performer's micro-timing behind the swung grid, in the order of `grid.notes`.
    With condition, seed, index and both hashes the take can be generated again, byte for byte on the
    same machine. `notices` are codes of facts the person should know. `drawn` holds the fields of the
    condition that were not requested but filled in to suit the others, as a condition's JSON values.
    `own_swing_ms` belongs to an edited take, whose bars come from several performances: for every swing
    grid it holds the swing (n_notes,) of the performance that a note comes from. `played_seed` is the
    performer's seed. Edits keep it, so that new bars are played like the others (None in takes of
    earlier releases).
    """

    take_id: str
    condition: Condition
    seed: int
    index: int
    model: str
    model_hash: str
    grid: Loop
    offset_ms: NDArray[np.float64]
    seconds: float
    notices: tuple[str, ...] = ()
    created_at: float = 0.0
    performer_hash: str = ""
    candidates: int = 1
    parent: str = ""
    edit: str = ""
    ensemble: str = ""
    drawn: Mapping[str, object] = field(default_factory=dict)
    own_swing_ms: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    played_seed: int | None = None


def write_take(folder: Path, take: Take) -> None:
    """Store a take; storing it again changes only the time of its files."""
    data = {
        "take_id": take.take_id,
        "condition": take.condition.to_json(),
        "seed": take.seed,
        "index": take.index,
        "model": take.model,
        "model_hash": take.model_hash,
        "performer_hash": take.performer_hash,
        "program": take.grid.program,
        "notes": [list(row) for row in take.grid.notes.rows()],
        "offset_ms": [float(value) for value in take.offset_ms],
        "seconds": take.seconds,
        "notices": list(take.notices),
        "candidates": take.candidates,
        "parent": take.parent,
        "edit": take.edit,
        "ensemble": take.ensemble,
        "drawn": dict(take.drawn),
        "own_swing_ms": {str(grid): [float(ms) for ms in own] for grid, own in take.own_swing_ms.items()},
        "played_seed": take.played_seed,
        "created_at": take.created_at or time.time(),
    }
    write_json(folder / f"{take.take_id}.json", data)


def read_take(path: Path) -> Take:
    """Read a stored take; StoreError when the file is damaged."""
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    data: Any = read_json(path)
    try:
        return _take_of(data)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, InvalidValue) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error


def _take_of(data: dict[str, Any]) -> Take:
    condition = Condition.from_json(data["condition"])
    grid = Loop(
        condition.instrument,
        Notes.from_rows(tuple(row) for row in data["notes"]),
        condition.bars,
        condition.tempo_bpm,
        condition.meter,
        data["program"],
        source=f"take {data['take_id']}",
    )
    offset_ms = np.asarray(data["offset_ms"], dtype=np.float64)
    own_swing_ms = {int(name): np.asarray(own, np.float64) for name, own in data.get("own_swing_ms", {}).items()}
    if any(len(own) != len(grid.notes) for own in (offset_ms, *own_swing_ms.values())):
        raise ValueError("notes and offsets differ in number")
    named = {name: data[name] for name in ("take_id", "seed", "index", "model", "model_hash", "seconds", "created_at")}
    return Take(
        condition=condition,
        grid=grid,
        offset_ms=offset_ms,
        notices=tuple(data["notices"]),
        # Takes of earlier releases lack the fields from here on.
        performer_hash=str(data.get("performer_hash", "")),
        candidates=int(data.get("candidates", 1)),
        parent=str(data.get("parent", "")),
        edit=str(data.get("edit", "")),
        ensemble=str(data.get("ensemble", "")),
        drawn=dict(data.get("drawn", {})),
        own_swing_ms=own_swing_ms,
        played_seed=None if data.get("played_seed") is None else int(data["played_seed"]),
        **named,
    )


def take_paths(folder: Path) -> list[Path]:
    """The files of all stored takes, newest first."""
    return sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
