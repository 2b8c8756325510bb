"""The training and test data of the estimators: files and their labels, read once per run.

A root folder may be a whole collection (holding `nc/emopia`, `cc-by/gmd`, ...) or a single data set.
A group must not lie on both sides of a split: a song, a session, a composer, a file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from composer_core.errors import RefusedFile
from composer_core.estimate.note_list import NoteList
from composer_core.ingest.datasets.groove import read_info
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song
from composer_core.music.affect import quadrant
from composer_core.music.loop import Loop
from composer_core.pipeline.library.song_notes import pitched_notes, whole_drums
from composer_core.pipeline.vocabularies import vocabularies

EMOPIA, GROOVE, PATTERNS, MMA = "nc/emopia", "cc-by/gmd", "mit/drum-machine-patterns", "gpl/mma-stdlib"
QUARTETS, LIEDER, FIDDLE = "cc0/openscore-quartets", "cc0/openscore-lieder", "pd/ryans-mammoth"
PROGRAM_SETS = ("bsd/freedoom", "bsd/blasphemer", "artistic/simutrans")
_MARKS = {GROOVE: "info.csv", EMOPIA: "label.csv"}
_EMOPIA_NAME = re.compile(r"Q([1-4])_(.+)_(\d+)\.midi?", re.I)
_XMIDI_NAME = re.compile(r"XMIDI_([a-z]+)_([a-z]+)_(\w+)\.midi?", re.I)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Pitched notes with a rated quadrant (1 to 4) of the affect plane, and the song they come from."""

    name: str
    group: str
    notes: NoteList
    quadrant: int


@dataclass(frozen=True, slots=True, eq=False)
class DrumTake:
    """A whole drum take with its genre code, drummer, session, and whether it is a beat (else a fill)."""

    loop: Loop
    style: str
    drummer: str
    session: str
    is_beat: bool


def find_set(root: Path, name: str) -> Path | None:
    """Where a data set lies under `root`: at its usual place, directly below, or `root` itself by its mark or name."""
    short = name.rsplit("/", 1)[-1]
    places = [root / name, root / short]
    if root.name == short or (name in _MARKS and (root / _MARKS[name]).is_file()):
        places.append(root)
    return next((place for place in places if place.is_dir()), None)


def read_file(path: Path) -> Song | None:
    """A MIDI file; None when it is refused."""
    try:
        return read_song(path.read_bytes(), path.name)
    except RefusedFile:
        return None


def emotion_clips(root: Path) -> list[Clip]:
    """Files named as EMOPIA's (Q1_SONG_0.mid) or XMIDI's (XMIDI_happy_rock_ID.mid) under `root`, in name order."""
    clips = []
    for path in sorted(root.rglob("*.mid*")):
        rated = _rated(path.name)
        song = read_file(path) if rated else None
        if rated and song is not None and song.n_notes:
            clips.append(Clip(path.name, rated[1], pitched_notes(song), rated[0]))
    return clips


def _rated(name: str) -> tuple[int, str] | None:
    """(quadrant, song) by a file's name; None when it is named otherwise."""
    emopia = _EMOPIA_NAME.fullmatch(name)
    if emopia:
        return int(emopia[1]), emopia[2]
    xmidi = _XMIDI_NAME.fullmatch(name)
    if xmidi is None or xmidi[1].lower() not in vocabularies().mood_sources["xmidi"]:
        return None
    mood = vocabularies().mood_of_source("xmidi", xmidi[1].lower())
    anchor = vocabularies().moods[mood]
    return quadrant(anchor.valence, anchor.arousal), xmidi[3]


@lru_cache(maxsize=2)
def drum_takes(folder: Path) -> tuple[DrumTake, ...]:
    """Groove MIDI's takes, whole (the longest stretch of one metre), with their facts."""
    found = []
    for name, facts in sorted(read_info(folder).items()):
        path = folder / name
        song = read_file(path) if path.is_file() and facts.get("style") else None
        loop = whole_drums(song) if song is not None else None
        if loop is not None:
            style = vocabularies().genre_of_source("gmd", str(facts["style"]))
            is_beat = facts.get("beat_type") == "beat"
            drummer, session = (str(facts.get(name, "")) for name in ("drummer", "session"))
            found.append(DrumTake(loop, style, drummer, session, is_beat))
    return tuple(found)


_PATTERN_FAMILIES = {
    "funk": "funk", "pop": "pop", "reggae": "reggae", "ska": "reggae", "rock": "rock", "twist": "rock",
    "afro-cuban": "latin", "afrocub": "latin", "bossa": "latin", "bossanova": "latin", "samba": "latin",
    "cha-cha": "latin", "chacha": "latin", "paso": "latin", "swing": "jazz", "jazz": "jazz", "charleston": "jazz",
    "march": "jazz", "rhythm&blues": "soul", "rnb": "soul", "disco": "electronic", "blues": "blues", "boogie": "blues",
    "shuffle": "blues",
}  # fmt: skip
"""Genre words of the drum machine patterns whose family is plain; the others are left out."""


def drum_patterns(folder: Path) -> list[tuple[Loop, str]]:
    """The one-bar drum machine patterns (no breaks, no endings) with their family."""
    found = []
    for row in read_table(folder / "index.tsv"):
        family = _PATTERN_FAMILIES.get(row["genre"].lower())
        song = read_file(folder / row["file"]) if family and row["role"].startswith("measure") else None
        loop = whole_drums(song) if song is not None else None
        if family and loop is not None:
            found.append((loop, family))
    return found


def read_table(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a tab-separated table."""
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream, delimiter="\t")
