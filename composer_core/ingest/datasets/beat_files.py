"""The beats that a data set gives beside its MIDI files, and songs put on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path, PurePath

from composer_core.errors import RefusedFile
from composer_core.ingest.beats import BadBeats, put_on_beats
from composer_core.ingest.datasets.registry import ADAPTERS
from composer_core.ingest.song import Song
from composer_core.ingest.warnings import FileWarning
from composer_core.ingest.worker import read_regular


def set_with_beats(folder: Path) -> str | None:
    """The name of the data set in a folder, of those whose bars are told beside the files; None for all others."""
    if not folder.is_dir():
        return None
    return next((one.name for one in ADAPTERS.values() if one.beats is not None and one.detect(folder)), None)


def folders_of_set(paths: Iterable[str], dataset: str) -> dict[str, str]:
    """The data set by the folders in its layout that hold these files, as `on_its_beats` wants it.

    Folders rather than files: what a reader process is told has to fit on its command line.
    """
    found: dict[str, str] = {}
    for path in paths:
        if not any(is_below(path, folder) for folder in found):
            around = (folder for folder in PurePath(path).parents if ADAPTERS[dataset].detect(Path(folder)))
            found |= {str(folder): dataset for folder in islice(around, 1)}
    return found


def on_its_beats(song: Song, path: str, sets: Mapping[str, str]) -> tuple[Song, list[FileWarning]]:
    """A song put on the beats that lie beside its file, or as it is with a warning where they cannot be read.

    `sets` holds the names of data sets by the path that was asked for. A file below none of them, and one that its
    set gives no beats for, is left as it is without a word.
    """
    dataset = next((name for root, name in sets.items() if is_below(path, root)), None)
    beats_of = None if dataset is None else ADAPTERS[dataset].beats
    beside = None if beats_of is None else beats_of.beside(PurePath(path))
    if beats_of is None or beside is None:
        return song, []
    try:
        beats = beats_of.parse(read_regular(str(beside)))
    except RefusedFile:
        return song, [FileWarning("beats_missing", path, {"file": beside.name})]
    if isinstance(beats, BadBeats):
        return song, [FileWarning("beats_damaged", path, {"file": beside.name, "line": beats.line})]
    return put_on_beats(song, beats), []


def is_below(name: str, path: str) -> bool:
    """Whether a file is the one at `path`, or lies in that folder or archive."""
    return name == path or name.startswith((f"{path.rstrip('/')}/", f"{path}!"))
