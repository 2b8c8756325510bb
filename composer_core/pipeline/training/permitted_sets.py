"""The data sets that may train shipped weights, and the facts each gives about its loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from composer_core.errors import NotFound
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.loop import Loop
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.pipeline.training.labelled import with_labels
from composer_core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class PermittedSet:
    """A data set by its folder below the root of all sets.

    `genre` is that of every loop ({}: the set's own words, where it has them), `instruments`
    what is taken from it; `plays_as` the instrument of its parts where the files name none.
    """

    folder: str
    title: str
    licence: str
    genre: dict[str, float] = field(default_factory=dict)
    instruments: tuple[str, ...] = GENERATED_INSTRUMENTS
    plays_as: str = ""


PERMITTED_SETS = (
    PermittedSet("cc-by/gmd", "Groove MIDI Dataset 1.0 (Gillick et al. 2019)", "CC BY 4.0", {}, ("drums",)),
    PermittedSet("bsd/freedoom", "Freedoom music", "BSD-3-Clause", {"game": 1.0}),
    PermittedSet("bsd/blasphemer", "Blasphemer music", "BSD-3-Clause", {"game": 1.0}),
    PermittedSet("artistic/simutrans", "Simutrans music", "Artistic 1.0", {"game": 1.0}),
    PermittedSet("cc0/openscore-lieder", "OpenScore Lieder Corpus", "CC0", {"classical": 1.0}, ("piano",)),
    PermittedSet("cc0/openscore-quartets", "OpenScore String Quartets", "CC0", {"classical": 1.0}, ("strings",)),
    PermittedSet(
        "pd/ryans-mammoth", "Ryan's Mammoth Collection", "public domain", {"folk": 1.0}, ("strings",), "strings"
    ),
)


def permitted_loops(
    root: Path, instrument: str | None, say: Callable[[str], None] = lambda _: None, only: Sequence[str] = ()
) -> list[Loop]:
    """All parts of the sets an instrument (None: all) is learnt from; `Loop.source` begins with the set's folder.

    `only` names the sets' folders (empty: all).

    Parts of other instruments come along: keys and chords are found on whole songs. NotFound
    names the first set that is not below `root`.
    """
    loops: list[Loop] = []
    for chosen in PERMITTED_SETS:
        if (instrument or chosen.instruments[0]) not in chosen.instruments or (only and chosen.folder not in only):
            continue
        folder = root / chosen.folder
        if not folder.is_dir():
            raise NotFound("path_missing", path=str(folder))
        found = [_as_stated(loop, chosen) for loop in loops_for_training(folder, None, jobs=1)]
        say(f"{chosen.folder}: {len(found)} parts")
        loops += found
    return loops


def is_root(data: Path) -> bool:
    """True for a folder that holds permitted sets under their own folders."""
    return any((data / chosen.folder).is_dir() for chosen in PERMITTED_SETS)


def loops_of(data: Path | Workspace, instrument: str | None, say: Callable[[str], None] = lambda _: None) -> list[Loop]:
    """All parts to train or evaluate on: of the permitted sets below a root, of any other folder, of a library.

    Loops of a library carry what their labels say (see `labelled`).
    """
    if isinstance(data, Workspace):
        return with_labels(data, loops_for_training(data, None), say)
    if data.is_dir() and is_root(data):
        return permitted_loops(data, instrument, say)
    return loops_for_training(data, None)


def _as_stated(loop: Loop, chosen: PermittedSet) -> Loop:
    """The loop with its set in its source, its genre, and its instrument; 'other' where the set is not for it."""
    instrument = chosen.plays_as or loop.instrument
    if instrument not in chosen.instruments:
        instrument = "drums" if loop.is_drums else "other"
    extra = {**loop.extra, **({"genre": chosen.genre} if chosen.genre else {})}
    return replace(loop, source=f"{chosen.folder}/{loop.source}", instrument=instrument, extra=extra)
