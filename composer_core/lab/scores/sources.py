"""The sources of human loops for calibrations, and which of them are held out for validation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from composer_core.estimate.scores.axes import FLAT_MATERIAL, NOT_PLAYED
from composer_core.estimate.scores.training import TYPICALITY_SHARE
from composer_core.ingest.datasets.groove import INFO_FILE
from composer_core.music.loop import Loop
from composer_core.pipeline.library.loops import loops_for_training

_HELD_OUT_SHARE = 5
"""One file in this many is held out where a set has no split of its own, by the digest of its name."""
_MIN_NOTES = 8
_MAX_FILES = 400
_SEQUENCED_VELOCITY_SHARE = 0.1
_SEQUENCED_LOOPS, _NOTATED_LOOPS = 1600, 800


@dataclass(frozen=True, slots=True)
class Source:
    """The data of one instrument: folders below the data folder, what to say of them, axes left out with why.

    `varied_velocity`: only parts whose velocity varies are taken, so that dynamics can be learnt.
    `max_loops`: of more, so many are drawn evenly (None: all), since long scores repeat themselves.
    """

    instrument: str
    folders: tuple[str, ...]
    about: str
    missing: Mapping[str, str] = field(default_factory=dict)
    varied_velocity: bool = False
    max_loops: int | None = None

    @property
    def typicality_share(self) -> dict[str, float]:
        """Share of the distance in each axis. Sequenced parts are flat for long: flat is as typical there as played."""
        return {**TYPICALITY_SHARE, **({"velocity": _SEQUENCED_VELOCITY_SHARE} if self.varied_velocity else {})}


_SEQUENCED = ("bsd/freedoom", "bsd/blasphemer", "artistic/simutrans")
_GAMES = "Freedoom, Blasphemer (BSD-3) and Simutrans (Artistic 1) music, parts with varying velocity"
_NO_TIMING = {"timing": NOT_PLAYED}
_NOTATED = {"timing": NOT_PLAYED, "velocity": FLAT_MATERIAL}
SOURCES: dict[str, Source] = {
    "drums": Source("drums", ("cc-by/gmd",), "Groove MIDI Dataset 1.0 (CC BY 4.0), takes of the training split"),
    "bass": Source("bass", _SEQUENCED, f"{_GAMES}; sequenced, so no timing", _NO_TIMING, True, _SEQUENCED_LOOPS),
    "guitar": Source("guitar", _SEQUENCED, f"{_GAMES}; sequenced, so no timing", _NO_TIMING, True, _SEQUENCED_LOOPS),
    "piano": Source(
        "piano",
        (*_SEQUENCED, "cc0/openscore-lieder"),
        "Freedoom, Blasphemer (BSD-3), Simutrans (Artistic 1) and OpenScore Lieder (CC0); sequenced and notated, "
        "so neither timing nor dynamics",
        _NOTATED,
        max_loops=_NOTATED_LOOPS,
    ),
    "strings": Source(
        "strings",
        (*_SEQUENCED, "cc0/openscore-quartets", "pd/ryans-mammoth"),
        "Freedoom, Blasphemer (BSD-3), Simutrans (Artistic 1), OpenScore String Quartets (CC0) and Ryan's "
        "Mammoth Collection (public domain); sequenced and notated, so neither timing nor dynamics",
        _NOTATED,
        max_loops=_NOTATED_LOOPS,
    ),
}
"""By instrument; the others have no calibration."""


def takes_of(data: Path, source: Source, *, held_out: bool) -> list[tuple[Loop, str]]:
    """Whole takes of a source with their groups: those to calibrate by, or those held out.

    Groove MIDI: its official split, grouped by drummer's session. Elsewhere one file in five is held
    out, grouped by file. `data` may also be the one folder itself.
    """
    found: list[tuple[Loop, str]] = []
    for name in source.folders:
        folder = data / name
        if not folder.is_dir() and len(source.folders) == 1 and (data / INFO_FILE).is_file():
            folder = data
        if folder.is_dir():
            found += _takes_of_folder(folder, name, source, held_out)
    return found


def _takes_of_folder(folder: Path, name: str, source: Source, held_out: bool) -> list[tuple[Loop, str]]:
    found = []
    files: set[str] = set()
    for loop in loops_for_training(folder, source.instrument):
        split = loop.extra.get("split")
        is_held_out = split != "train" if split else _digest(loop.source) % _HELD_OUT_SHARE == 0
        if is_held_out != held_out or len(loop.notes) < _MIN_NOTES:
            continue
        if source.varied_velocity and len(np.unique(loop.notes.velocity)) < 3:
            continue
        if split is None and loop.source not in files:
            if len(files) >= _MAX_FILES:
                continue
            files.add(loop.source)
        found.append((loop, str(loop.extra.get("session") or f"{name}/{loop.source}")))
    return found


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:4], "little")
