"""Suno stems: a folder of audio files named by stem, with MIDI beside.

The MIDI file of a stem is called like its audio file, or after the stem. The audio is not
read; its name is kept so that the studio can say what belongs together. Stems of one
folder are one song.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from composer_core.ingest.datasets.adapter import (
    Adapter,
    FileFacts,
    Issue,
    Parsed,
    Reading,
    no_indexes,
    nothing_to_parse,
)

STEMS = (
    "drums", "percussion", "bass", "guitar", "keys", "keyboard", "piano", "strings", "synth", "brass", "woodwinds",
    "vocals", "backing vocals", "fx", "other",
)  # fmt: skip
_AUDIO = (".wav", ".mp3", ".flac", ".m4a", ".ogg", ".aif", ".aiff")
_STEM = re.compile(rf"(?:^|[^a-z])({'|'.join(sorted(STEMS, key=len, reverse=True))})(?:[^a-z]|$)", re.I)


def stem_of(name: str) -> str:
    """The stem a file is named by ("Song (Drums).wav" -> "drums"), or an empty text."""
    found = _STEM.findall(name.rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", " "))
    return found[-1].lower() if found else ""


def _audio(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.suffix.lower() in _AUDIO and stem_of(path.name)]


def _facts(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    reading = Reading()
    audio: dict[tuple[str, str], str] = {}
    for one in parsed:
        for row in one.rows:
            file = str(row["file"])
            audio[_folder(file), stem_of(file)] = file
    reading.n_rows = len(audio)
    used: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        stem = stem_of(file)
        key = (_folder(file), stem)
        if not stem or key not in audio:
            reading.unmatched.append(Issue(file, "no_row"))
            continue
        used[key].append(file)
        song = _folder(file).rsplit("/", 1)[-1] or "stems"
        extra = {"stem": stem, "audio": audio[key]}
        reading.by_file[file] = FileFacts(f"{song} ({stem})", group=_folder(file) or song, extra=extra)
    reading.unmatched += [
        Issue(name, "no_file", stem) for (folder, stem), name in audio.items() if (folder, stem) not in used
    ]
    return reading


def _folder(file: str) -> str:
    return file.rsplit("/", 1)[0] if "/" in file else ""


def list_audio(root: Path) -> Parsed:
    """The audio files below a folder, by name only."""
    names = [path.relative_to(root).as_posix() for path in _audio(root)]
    return Parsed(str(root), [{"file": name, "place": name} for name in names])


ADAPTER = Adapter(
    name="suno",
    title="Suno stems",
    source="https://help.suno.com/en/articles/6141441",
    tested_on="fixtures",
    detect=lambda root: len({stem_of(path.name) for path in _audio(root)}) >= 2,
    indexes=no_indexes,
    parse=nothing_to_parse,
    facts=_facts,
    listing=list_audio,
)
