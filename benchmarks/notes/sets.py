"""Which data sets the experiments read, as the product reads them, and Mutopia beside them.

Mutopia's engravers write each staff as a part and leave programs unset, so the staves of one
player are put together here, and pieces that exist in several editions share one side of the split.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.pipeline.training.permitted_sets import PERMITTED_SETS, permitted_loops
from composer_core.pipeline.training.sources import DEV_SHARE

MISREAD = re.compile(r"48-Techno-movement|d_e4m[18]\b", re.I)
"""Files whose drums and programs are known to be read as other instruments."""
MUTOPIA = {
    "guitar": ("pd/mutopia-guitar", "cc-by/mutopia-guitar"),
    "piano": ("pd/mutopia-piano", "cc-by/mutopia-piano"),
}
SETS = {
    "drums": ("cc-by/gmd",),
    "bass": ("bsd/freedoom", "bsd/blasphemer", "artistic/simutrans"),
    "guitar": ("bsd/freedoom", "bsd/blasphemer", "artistic/simutrans"),
    "piano": ("bsd/freedoom", "bsd/blasphemer", "artistic/simutrans", "cc0/openscore-lieder"),
    "strings": ("cc0/openscore-quartets",),
}
"""Permitted sets each instrument is learnt from here; Mutopia comes beside them."""
_KEYBOARDS = range(8)
_GUITARS = (0, *range(24, 32))
_NOT_GUITAR = re.compile(r"flute|voice|violin|viola|cello|sopran|alto|tenor|harp|oboe|recorder|piano|voz|canto", re.I)
_ONE_PLAYER = re.compile(r"^(classical guitar|guitar|lute|vihuela|piano|harpsichord|clavichord|keyboard)$", re.I)


def loops_of_instrument(root: Path, instrument: str) -> list[Loop]:
    """All parts of the songs an instrument is learnt from; other parts come along for keys and chords."""
    known = {chosen.folder for chosen in PERMITTED_SETS}
    wanted = [folder for folder in SETS[instrument] if folder in known]
    loops = [loop for loop in permitted_loops(root, instrument, only=wanted) if not MISREAD.search(loop.source)]
    for folder in MUTOPIA.get(instrument, ()):
        loops += mutopia_loops(root, folder, instrument)
    return loops


def song_of(source: str) -> str:
    """The song a source belongs to: Mutopia's composer and title, else the file."""
    return source.split("#", 1)[0]


def part_of_song(song: str, split: str | None) -> str:
    """Train, dev or validation: the set's own split, else by the digest of the song's name."""
    digest = int(hashlib.sha256(song.encode()).hexdigest(), 16)
    if split in ("validation", "test") or (split is None and digest % 10 == 0):
        return "validation"
    return "dev" if digest // 10 % DEV_SHARE == 0 else "train"


def mutopia_loops(root: Path, folder: str, instrument: str) -> list[Loop]:
    """The parts of one Mutopia folder; sources read "mutopia/COMPOSER/TITLE#FILE" so that editions group."""
    with (root / folder / "index.csv").open(encoding="utf-8", newline="") as stream:
        index = {row["file"]: row for row in csv.DictReader(stream)}
    by_stretch: dict[tuple[str, int, str], list[Loop]] = defaultdict(list)
    for loop in loops_for_training(root / folder, None, jobs=1):
        by_stretch[loop.source, loop.start_bar, str(loop.meter)].append(loop)
    found = []
    for (file, _, _), parts in by_stretch.items():
        row = index.get(file, {})
        title = re.sub(r"\W+", "-", row.get("title", file).lower()).strip("-")
        source = f"mutopia/{row.get('composer', '')}/{title}#{file}"
        players = _players(parts, row.get("instrument") or "", instrument)
        genre = {"classical": 1.0}
        found += [replace(part, source=source, extra={**part.extra, "genre": genre}) for part in players]
    return found


def _players(parts: Sequence[Loop], written_for: str, instrument: str) -> list[Loop]:
    """The parts as players: staves of one keyboard or one guitar together, what others play as 'other'."""
    programs = _KEYBOARDS if instrument == "piano" else _GUITARS
    own, others = [], []
    for part in parts:
        mine = part.program in programs and not part.is_drums
        if instrument == "guitar" and _NOT_GUITAR.search(part.track_name):
            mine = False
        (own if mine else others).append(part)
    first_words = written_for.split(",")[0].strip()
    alone = bool(_ONE_PLAYER.match(first_words))
    if instrument == "guitar" and not re.search(r"guitar|lute|vihuela", written_for, re.I):
        others, own = [*others, *own], []
    if instrument == "piano" and not re.search(r"piano|harpsichord|clavichord|keyboard", written_for, re.I):
        alone = True
    if alone and len(own) > 1:
        own = [_together(own)]
    return [replace(part, instrument=instrument) for part in own] + [
        replace(part, instrument="other") for part in others
    ]


def _together(parts: Sequence[Loop]) -> Loop:
    """One part with the notes of all; of the same note struck twice the longer stays."""
    columns = [np.concatenate(arrays) for arrays in zip(*(part.notes.columns() for part in parts), strict=True)]
    onset, length, pitch, velocity = columns
    order = np.lexsort((-length, pitch, onset))
    key = onset[order].astype(np.int64) * 128 + pitch[order]
    kept = order[np.concatenate(([True], key[1:] != key[:-1]))] if len(order) else order
    notes = Notes.of(onset[kept], length[kept], pitch[kept], velocity[kept])
    return parts[0].with_notes(notes, bars=max(part.bars for part in parts))
