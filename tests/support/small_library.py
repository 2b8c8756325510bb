"""A small real library for tests of labels and pages: four files written as MIDI and imported."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np

from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.loops import table
from composer_core.render.midi import loop_to_midi
from composer_core.rules.damage import damage
from composer_core.workspace import Workspace

KICK, SNARE, HAT = 36, 38, 42
FILES = ("rock=beat.mid", "=shuffle.mid", "七拍子<b>.mid", "bass *line*.mid")
N_LOOPS = 5
"""The eight-bar rock file gives two loops of four bars, every other file one."""


def rock(bars: int = 8, tempo_bpm: float = 120.0) -> Loop:
    """Hats in 8ths, kick on 1 and 3, snare on 2 and 4; the second half is louder and has more kicks."""
    rows = []
    for bar in range(bars):
        start = bar * 1920
        rows += [(start + eighth * 240, 60, HAT, 60 + 10 * (eighth % 2)) for eighth in range(8)]
        kicks = (0, 960) if bar < bars // 2 else (0, 720, 960)
        rows += [(start + tick, 60, KICK, 100) for tick in kicks]
        rows += [(start + tick, 60, SNARE, 105 if bar < bars // 2 else 120) for tick in (480, 1440)]
    return Loop("drums", Notes.from_rows(rows), bars, tempo_bpm)


def loose_rock(bars: int = 4) -> Loop:
    """The same as people might play it badly: 40 ms of jitter, no two velocities in a row alike."""
    loop = damage(rock(bars), "jitter", 40.0, seed=3)
    velocity = loop.notes.velocity - np.arange(len(loop.notes)) % 9
    return loop.with_notes(loop.notes.with_columns(velocity=velocity))


def shuffle() -> Loop:
    """Triplet-swung 8ths on the hat: the off-beat lies 320 ticks after the beat."""
    rows = [(beat * 480 + late, 60, HAT, 80) for beat in range(16) for late in (0, 320)]
    rows += [(beat * 480, 60, SNARE if beat % 2 else KICK, 100) for beat in range(16)]
    return Loop("drums", Notes.from_rows(rows), 4, 92.0)


def seven() -> Loop:
    """Straight 8ths in 7/8."""
    rows = [(eighth * 240, 60, HAT, 70) for eighth in range(28)] + [(bar * 1680, 60, KICK, 110) for bar in range(4)]
    return Loop("drums", Notes.from_rows(rows), 4, 150.0, Meter(7, 8))


def bass() -> Loop:
    """Quarters on C2 and G2."""
    rows = [(beat * 480, 400, 36 + 7 * (beat % 2), 90) for beat in range(16)]
    return Loop("bass", Notes.from_rows(rows), 4, 100.0, program=33)


def make_library(root: Path) -> Workspace:
    """Write FILES below `root`/files, import them into `root`/workspace and return it."""
    folder = root / "files"
    folder.mkdir(parents=True)
    for name, loop in zip(FILES, (rock(), shuffle(), seven(), bass()), strict=True):
        (folder / name).write_bytes(loop_to_midi(loop))
    workspace = Workspace(root / "workspace").create()
    report = ingest([str(folder)], workspace, jobs=1)
    assert (report.files_accepted, report.loops_added) == (len(FILES), N_LOOPS), report
    return workspace


def ids(workspace: Workspace) -> list[str]:
    """The loops of a workspace as the library lists them."""
    return list(table(workspace)["loop_id"])


def write_grooves(folder: Path, files: int = 3) -> Path:
    """Eight bars of eighths, kick on one and snare on two, a little louder in each file."""
    folder.mkdir()
    for index in range(files):
        beat = [(step * 240, 60, HAT, 80 + index) for step in range(64)]
        beat += [(bar * 1920, 60, KICK, 100) for bar in range(8)] + [
            (bar * 1920 + 480, 60, SNARE, 95) for bar in range(8)
        ]
        (folder / f"beat{index}.mid").write_bytes(loop_to_midi(Loop("drums", Notes.from_rows(beat), bars=8)))
    return folder


MISREAD = Path(__file__).resolve().parents[1] / "saved" / "misread.tar.xz"
"""A workspace of an earlier release with its files, which that release cut wrongly (see tests/saved/README.md)."""


def unpack_misread(folder: Path) -> Workspace:
    """Unpack MISREAD; its paths are relative to the folder `folder`/misread, from which its sources can be read."""
    with tarfile.open(MISREAD) as tar:
        tar.extractall(folder, filter="data")
    return Workspace(Path("workspace"))
