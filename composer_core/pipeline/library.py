"""The library: importing files into loops, measuring files, reading loops back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from composer_core.errors import NotFound, RefusedFile
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.datasets.groove import read_info
from composer_core.ingest.midi import read_song
from composer_core.ingest.scan import find_files, relative_name
from composer_core.music.loop import Loop


def loops_for_training(data: Path, instrument: str) -> list[Loop]:
    """Every MIDI file under a folder read whole: one loop an instrument's part (and metre).

    `Loop.source` is the file's path relative to the folder; `Loop.extra` holds the part's
    channel and number and, where the folder is the Groove MIDI Dataset, what its info.csv
    says of the take. Files that cannot be read are left out. Raises NotFound when nothing remains.
    """
    info = read_info(data)
    loops = []
    for path, kind in find_files([str(data)]).files:
        if kind != "midi":
            continue
        name = relative_name(path, data) if data.is_dir() else data.name
        try:
            song = read_song(Path(path).read_bytes(), name)
        except RefusedFile:
            continue
        for loop in cut(song, WHOLE_SONG):
            if loop.instrument == instrument:
                loops.append(replace(loop, extra={**loop.extra, **info.get(name, {})}))
    if not loops:
        raise NotFound("no_notes", path=str(data), instrument=instrument, purpose="train on")
    return loops
