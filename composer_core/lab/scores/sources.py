"""The sources of human loops for the calibrations of both profiles, and which of them are held out for validation."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from composer_core.errors import require_choice
from composer_core.estimate.scores.axes import FLAT_MATERIAL, NOT_COUNTED, NOT_PLAYED
from composer_core.estimate.scores.profiles import LEFT_OUT_AXES, PERFORMED, PROFILES, PROGRAMMED
from composer_core.estimate.scores.training import TYPICALITY_SHARE
from composer_core.ingest.datasets.groove import INFO_FILE
from composer_core.music.loop import Loop
from composer_core.pipeline.library.loops import loops_for_training

_HELD_OUT_SHARE = 5
"""One file in this many is held out where a set has no split of its own, by the digest of its name."""
_MIN_NOTES = 8
_INDEX = "index.csv"
_MAX_FILES = 400
_SEQUENCED_VELOCITY_SHARE = 0.1
_SEQUENCED_LOOPS, _NOTATED_LOOPS = 1600, 800


@dataclass(frozen=True, slots=True)
class Source:
    """The data of one instrument: folders below the data folder, what to say of them, axes left out with why.

    `varied_velocity`: only parts whose velocity varies are taken, so that dynamics can be learnt.
    `max_loops`: of more, so many are drawn evenly (None: all), since long scores repeat themselves; for a programmed
    profile as many of each folder as possible, so that a large set does not stand for all writing.
    `plays_as`: the instrument of parts with program 0 where a folder's files leave the program unset.
    """

    instrument: str
    folders: tuple[str, ...]
    about: str
    missing: Mapping[str, str] = field(default_factory=dict)
    varied_velocity: bool = False
    max_loops: int | None = None
    profile: str = PERFORMED
    plays_as: Mapping[str, str] = field(default_factory=dict)

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
"""The sources of the performed profile by instrument; the others have no calibration."""
_GAME_TITLES = "Freedoom, Blasphemer (BSD-3) and Simutrans (Artistic 1) music"
_MUTOPIA = "Mutopia (public domain; CC BY, maintainers in its index)"
_PROGRAMMED_LOOPS = 2000


def _programmed(instrument: str, more: tuple[str, ...], titles: tuple[str, ...], plays_as: str = "") -> Source:
    """What is sequenced or notated for an instrument: the games and `more`."""
    about = "; ".join((_GAME_TITLES, *titles))
    return Source(
        instrument,
        (*_SEQUENCED, *more),
        f"{about}: sequenced or notated, so that timing and velocity do not count",
        dict.fromkeys(LEFT_OUT_AXES[PROGRAMMED], NOT_COUNTED),
        max_loops=_PROGRAMMED_LOOPS,
        profile=PROGRAMMED,
        plays_as=dict.fromkeys(more, plays_as) if plays_as else {},
    )


PROGRAMMED_SOURCES: dict[str, Source] = {
    "drums": _programmed("drums", ("mit/drum-machine-patterns",), ("drum-machine patterns (MIT)",)),
    "bass": _programmed("bass", (), ()),
    "guitar": _programmed("guitar", ("pd/mutopia-guitar", "cc-by/mutopia-guitar"), (_MUTOPIA,), "guitar"),
    "piano": _programmed(
        "piano",
        ("cc0/openscore-lieder", "pd/mutopia-piano", "cc-by/mutopia-piano"),
        ("OpenScore Lieder (CC0)", _MUTOPIA),
    ),
    "strings": _programmed(
        "strings",
        ("cc0/openscore-quartets", "pd/ryans-mammoth"),
        ("OpenScore String Quartets (CC0)", "Ryan's Mammoth Collection (public domain)"),
        "strings",
    ),
}
"""The sources of the programmed profile by instrument."""


def source_of(instrument: str, profile: str = PERFORMED) -> Source:
    """The source of an instrument's calibration. InvalidValue for an unknown profile or an instrument without one."""
    require_choice("profile", profile, PROFILES)
    sources = PROGRAMMED_SOURCES if profile == PROGRAMMED else SOURCES
    require_choice("instrument", instrument, tuple(sources))
    return sources[instrument]


def takes_of(data: Path, source: Source, *, held_out: bool) -> list[tuple[Loop, str]]:
    """Whole takes of a source with their groups: those to calibrate by, or those held out.

    Groove MIDI: its official split, grouped by drummer's session. Elsewhere one file in five is held
    out, grouped by file, or by piece where a set lists its pieces. `data` may also be the one folder itself.
    """
    found: list[tuple[Loop, str]] = []
    for name in source.folders:
        folder = data / name
        if not folder.is_dir() and len(source.folders) == 1 and (data / INFO_FILE).is_file():
            folder = data
        if folder.is_dir():
            found += _takes_of_folder(folder, name, source, held_out)
    return found


def folder_of(source: Source, group: str) -> str:
    """The folder of a source that a group of `takes_of` comes from; "" where groups are sessions."""
    return next((name for name in source.folders if group.startswith(f"{name}/")), "")


def _takes_of_folder(folder: Path, name: str, source: Source, held_out: bool) -> list[tuple[Loop, str]]:
    found = []
    files: set[str] = set()
    pieces = _pieces(folder) if source.profile == PROGRAMMED else {}
    for loop in _parts(folder, name, source):
        split = loop.extra.get("split")
        piece = pieces.get(loop.source, loop.source)
        is_held_out = split != "train" if split else _digest(piece) % _HELD_OUT_SHARE == 0
        if is_held_out != held_out or len(loop.notes) < _MIN_NOTES:
            continue
        if source.varied_velocity and len(np.unique(loop.notes.velocity)) < 3:
            continue
        if split is None and loop.source not in files:
            if len(files) >= _MAX_FILES:
                continue
            files.add(loop.source)
        group = str(loop.extra.get("session") or f"{name}/{piece}")
        # Two folders may hold files of one name; the performed calibrations never read two such folders.
        own = replace(loop, source=f"{name}/{loop.source}") if source.profile == PROGRAMMED else loop
        found.append((own, group))
    return found


def _parts(folder: Path, name: str, source: Source) -> list[Loop]:
    """The parts of the source's instrument in a folder."""
    stands_in = source.plays_as.get(name)
    if stands_in is None:
        return loops_for_training(folder, source.instrument)
    parts = loops_for_training(folder, None)
    named = [replace(loop, instrument=stands_in) if _is_unset(loop) else loop for loop in parts]
    return [loop for loop in named if loop.instrument == source.instrument]


def _is_unset(loop: Loop) -> bool:
    """True for a pitched part with program 0 that its name does not call something else."""
    return loop.instrument == "piano" and loop.program == 0


def _pieces(folder: Path) -> dict[str, str]:
    """Composer and title of each file, where a set lists them: several editions of a piece are one piece."""
    index = folder / _INDEX
    if not index.is_file():
        return {}
    with index.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        row["file"]: f"{row['composer']} {row['title']}".casefold()
        for row in rows
        if row.get("file") and row.get("composer") and row.get("title")
    }


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:4], "little")
