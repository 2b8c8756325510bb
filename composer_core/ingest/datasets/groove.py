"""Groove MIDI Dataset: what `info.csv` says about each take.

Genre (`family/sub`), tempo and metre were set when the take was played, so they are certain;
`beat_type` fill is a technique of the drums. Takes of one session belong together.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from composer_core.ingest.datasets.adapter import (
    Adapter,
    FileFacts,
    Issue,
    Label,
    Parsed,
    Reading,
    join_rows,
    there,
)
from composer_core.ingest.datasets.index_tables import has_table, meter_labels, number, parse_table, tempo_labels

INFO_FILE = "info.csv"
_NUMBERS = ("bpm",)
_TEXTS = ("drummer", "session", "id", "style", "beat_type", "time_signature", "split")


def read_info(folder: Path) -> dict[str, dict[str, object]]:
    """Facts of each take by its path relative to the folder: style, bpm, beat_type, split, drummer, session...

    Empty when the folder holds no `info.csv` with a `midi_filename` column.
    """
    path = folder / INFO_FILE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {row["midi_filename"]: _texts_of(row) for row in rows if row.get("midi_filename")}


def _texts_of(row: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {name: row[name] for name in _TEXTS if row.get(name)}
    for name in _NUMBERS:
        value = number(row.get(name))
        if value is not None:
            facts[name] = value
    return facts


def _parse(name: str, data: bytes) -> Parsed:
    return parse_table(name, data, ("midi_filename", "style"))


def _facts(row: dict[str, Any]) -> FileFacts | Issue:
    labels = [Label("genre", row["style"], 1.0, foreign=True)]
    labels += tempo_labels(row.get("bpm"), 1.0) + meter_labels(row.get("time_signature", ""), 1.0)
    if row.get("beat_type") == "fill":
        labels.append(Label("technique", ["fill"], 1.0))
    return FileFacts(
        title=row["midi_filename"].rsplit("/", 1)[-1].rsplit(".", 1)[0],
        split=row.get("split", ""),
        group=row.get("session") or row.get("drummer", ""),
        labels=tuple(labels),
        extra=_texts_of(row),
    )


def _join(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_rows(files, parsed, lambda row: str(row["midi_filename"]), _facts)


ADAPTER = Adapter(
    name="gmd",
    title="Groove MIDI Dataset",
    source="https://magenta.tensorflow.org/datasets/groove",
    tested_on="real files",
    detect=has_table(INFO_FILE, ("drummer", "style", "beat_type", "midi_filename")),
    indexes=lambda root: there(root / INFO_FILE),
    parse=_parse,
    facts=_join,
    licence="CC BY 4.0",
)
