"""POP909: `NNN/NNN.mid` with tracks MELODY, BRIDGE and PIANO, and text files of chords, keys and beats.

Keys and chords were found automatically on the recordings and hold from second to second,
so each loop gets the key it lies in. All versions of a song belong together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Issue, Label, Parsed, Reading, Row
from composer_core.ingest.datasets.index_tables import key_labels, number, read_key
from composer_core.ingest.texts import decode_table

KEY_CONFIDENCE = 0.7
_SONG = re.compile(r"(?:^|/)(\d{3})(?:/|\.mid$|-)")
_FILES = ("key_audio.txt", "chord_midi.txt")


def _indexes(root: Path) -> list[Path]:
    return [path for path in sorted(root.glob("[0-9]*/*.txt")) if path.name in _FILES]


def _parse(name: str, data: bytes) -> Parsed:
    parsed = Parsed(name)
    folder, base = name.replace("\\", "/").split("/")[-2:]
    for line, text in enumerate(decode_table(data).splitlines(), 1):
        place = f"{folder}/{base} line {line}"
        words = text.split()
        if not words:
            continue
        start, end = (number(word, 0.0, 36_000.0) for word in [*words, "", ""][:2])
        if len(words) != 3 or start is None or end is None or end <= start:
            parsed.refused.append(Issue(place, "bad_row", text[:60]))
        else:
            row = {"song": folder, "of": base, "start_sec": start, "end_sec": end, "value": words[2]}
            parsed.rows.append({**row, "place": place})
    return parsed


def _facts(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    reading = Reading()
    rows: dict[str, list[Row]] = defaultdict(list)
    for one in parsed:
        reading.refused += one.refused
        reading.n_rows += len(one.rows) + len(one.refused)
        for row in one.rows:
            if row["of"] == "key_audio.txt" and read_key(str(row["value"])) is None:
                reading.refused.append(Issue(str(row["place"]), "bad_row", str(row["value"])))
            else:
                rows[str(row["song"])].append(row)
    songs: set[str] = set()
    for file in files:
        match = _SONG.search(file)
        if match is None or match[1] not in rows:
            reading.unmatched.append(Issue(file, "no_row"))
        else:
            songs.add(match[1])
            reading.by_file[file] = _facts_of(match[1], rows[match[1]])
    reading.unmatched += [Issue(f"{song}/", "no_file", f"{song}.mid") for song in sorted(set(rows) - songs)]
    return reading


def _facts_of(song: str, rows: list[dict[str, Any]]) -> FileFacts:
    labels: list[Label] = [Label("genre", "pop", 1.0, foreign=True)]
    for row in rows:
        if row["of"] == "key_audio.txt":
            labels += key_labels(row["value"], KEY_CONFIDENCE, span_sec=(row["start_sec"], row["end_sec"]))
    chords = [[row["start_sec"], row["end_sec"], row["value"]] for row in rows if row["of"] == "chord_midi.txt"]
    return FileFacts(f"POP909 {song}", group=song, labels=tuple(labels), extra={"chords": chords})


def _detect(root: Path) -> bool:
    return any(path.parent.joinpath("chord_midi.txt").is_file() for path in root.glob("[0-9][0-9][0-9]/[0-9]*.mid"))


ADAPTER = Adapter(
    name="pop909",
    title="POP909",
    source="https://github.com/music-x-lab/POP909-Dataset",
    tested_on="real files",
    detect=_detect,
    indexes=_indexes,
    parse=_parse,
    facts=_facts,
    licence="MIT",
)
