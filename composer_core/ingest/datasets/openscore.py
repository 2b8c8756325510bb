"""OpenScore-derived sets: one .mid and one .tsv a piece, and `index.tsv`.

The piece's table has a row a note with its technique as notated (`part`, `onset_qn`,
`technique`); a loop carries a technique that at least a fifth of its notes in that part
have. Composer and title come from the path of the score. Metre is as notated; the key
signature leaves the mode open and gives no label. Parts of one composer's work belong together.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Issue, Label, Parsed, Reading, Row, there
from composer_core.ingest.datasets.index_tables import header_of, meter_labels, number, parse_table
from composer_core.ingest.datasets.notated import note_labels, note_rows

INDEX = "index.tsv"
_COLUMNS = ("file", "source", "parts", "timesig", "techniques")


def _parse(name: str, data: bytes) -> Parsed:
    if name.rsplit("/", 1)[-1] != INDEX:
        return note_rows(name, data)
    parsed = parse_table(name, data, ("file", "source"), "\t")
    return parsed


def _facts(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_notated(files, parsed, _facts_of)


def _facts_of(row: dict[str, Any], notes: list[Row]) -> FileFacts:
    person, *between, _ = [part for part in row["source"].split("/") if part] or [""]
    title = between[-1] if between else row["file"]
    labels = [Label("genre", "classical", 1.0, foreign=True), *meter_labels(row.get("timesig", ""), 0.9)]
    labels += note_labels(notes)
    fifths = number(row.get("key_fifths"), -7, 7)
    parts = [part for part in row.get("parts", "").split("|") if part]
    extra = {"parts": parts, "techniques": _counts(row.get("techniques", "")), "key_fifths": fifths}
    return FileFacts(_words(title), _person(person), group=_person(person) or title, labels=tuple(labels), extra=extra)


def join_notated(
    files: Sequence[str], parsed: Sequence[Parsed], facts_of: Callable[[Row, list[Row]], FileFacts]
) -> Reading:
    """Rows of an index joined with pieces by their stem, with the notes of each piece."""
    reading = Reading()
    notes: dict[str, list[Row]] = defaultdict(list)
    stems = {file.rsplit("/", 1)[-1].rsplit(".", 1)[0]: file for file in files}
    for one in parsed:
        reading.refused += one.refused
        if one.name.rsplit("/", 1)[-1] != INDEX:
            notes[one.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]] += one.rows
    for row in [row for one in parsed if one.name.rsplit("/", 1)[-1] == INDEX for row in one.rows]:
        named = str(row["file"])
        file = stems.get(named.rsplit("/", 1)[-1].removesuffix(".mid"))
        if file is None:
            reading.unmatched.append(Issue(str(row["place"]), "no_file", named))
        else:
            reading.by_file[file] = facts_of(row, notes[named])
        reading.n_rows += 1
    reading.unmatched += [Issue(file, "no_row") for file in files if file not in reading.by_file]
    return reading


def _words(text: str) -> str:
    return text.replace("_", " ").strip()


def _person(text: str) -> str:
    """`Bartók,_Béla` -> Béla Bartók."""
    family, comma, given = text.partition(",")
    return _words(f"{_words(given)} {_words(family)}") if comma else _words(text)


def _counts(text: str) -> dict[str, int]:
    try:
        counts = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(name): int(n) for name, n in counts.items()} if isinstance(counts, dict) else {}


def index_and_notes(root: Path) -> list[Path]:
    """`index.tsv` and the tables of the pieces."""
    return there(root / INDEX) + [path for path in sorted(root.glob("*.tsv")) if path.name != INDEX]


def _detect(root: Path) -> bool:
    header = header_of(root / INDEX, "\t")
    return all(column in header for column in _COLUMNS)


ADAPTER = Adapter(
    name="openscore",
    title="OpenScore (MIDI and TSV)",
    source="https://github.com/OpenScore",
    tested_on="real files",
    detect=_detect,
    indexes=index_and_notes,
    parse=_parse,
    facts=_facts,
    licence="CC0 1.0",
)
