"""POP909: `NNN/NNN.mid` with tracks MELODY, BRIDGE and PIANO, and text files of chords, keys and beats.

Keys and chords were found automatically on the recordings and hold from second to second,
so each loop gets the key it lies in. All versions of a song belong together.

The metres written in the files mean nothing (most say 1/4), so bars are taken from `beat_midi.txt`: the second of a
beat, and whether a bar of the simple metre (2/4 or 3/4) and of the compound one begins there. Where the simple bars
have two beats, the compound ones count, as a rule of four; where they have three, the simple ones do. `beat_audio.txt`
is not read: its seconds are the recording's, and it counts on to four over every shortened bar. Versions of a song have
no beats of their own.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.ingest.beats import BadBeats, Beats
from composer_core.ingest.datasets.adapter import Adapter, BeatFile, FileFacts, Issue, Label, Parsed, Reading, Row
from composer_core.ingest.datasets.index_tables import key_labels, number, read_key
from composer_core.ingest.texts import decode_table
from composer_core.music.timing import MAX_TEMPO_BPM, MIN_TEMPO_BPM, Meter

KEY_CONFIDENCE = 0.7
BEATS_FILE = "beat_midi.txt"
_LATEST_SEC = 36_000.0
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
        start, end = (number(word, 0.0, _LATEST_SEC) for word in [*words, "", ""][:2])
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


def _beats_file(midi: PurePath) -> PurePath | None:
    """The file with the beats of a song; None for a version of it."""
    return midi.with_name(BEATS_FILE) if re.fullmatch(r"\d{3}", midi.stem) and midi.stem == midi.parent.name else None


def read_beats(data: bytes) -> Beats | BadBeats:
    """The beats of a song and its bars, out of the bytes of `beat_midi.txt`."""
    seconds: list[float] = []
    marks: list[tuple[bool, bool]] = []
    lines = [(line, text.split()) for line, text in enumerate(decode_table(data).splitlines(), 1) if text.strip()]
    for line, words in lines:
        values = [number(word, 0.0, _LATEST_SEC) for word in words]
        if len(values) != 3 or None in values or not {values[1], values[2]} <= {0.0, 1.0}:
            return BadBeats(line)
        second = float(values[0] or 0.0)
        if seconds and not 60.0 / MAX_TEMPO_BPM <= second - seconds[-1] <= 60.0 / MIN_TEMPO_BPM:
            return BadBeats(line)
        seconds.append(second)
        marks.append((values[1] == 1.0, values[2] == 1.0))
    bars = _bars(*np.array(marks).T) if marks else None
    if bars is None or len(seconds) < 2:
        return BadBeats(lines[-1][0] if lines else 1)
    return Beats(np.array(seconds), *bars)


def _bars(simple: NDArray[np.bool_], compound: NDArray[np.bool_]) -> tuple[Meter, tuple[tuple[int, Meter], ...]] | None:
    """The usual metre, and the beat and metre of each bar line; None where no bar begins."""
    gaps = Counter(np.diff(np.flatnonzero(simple)).tolist())
    triple = bool(gaps) and gaps.most_common(1)[0][0] == 3
    usual = Meter(3, 4) if triple else Meter(4, 4)
    begins = np.flatnonzero(simple if triple else compound)
    if not len(begins):
        return None
    # Two marks on neighbouring beats are one bar line, the later one.
    begins = begins[np.append(np.diff(begins) > 1, True)]
    lengths = np.diff(begins).tolist()
    # From two usual bars on a bar line was missed; shorter ones are bars of their own.
    found = [usual if n == usual.numerator or n >= 2 * usual.numerator else Meter(n, 4) for n in lengths]
    return usual, tuple(zip(begins.tolist(), [*found, usual], strict=True))


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
    beats=BeatFile(_beats_file, read_beats),
    licence="MIT",
)
