"""Groove MIDI Dataset: what `info.csv` says about each take."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

INFO_FILE = "info.csv"
_NUMBERS = ("bpm",)
_TEXTS = ("drummer", "session", "id", "style", "beat_type", "time_signature", "split")


def read_info(folder: Path) -> dict[str, dict[str, Any]]:
    """Facts of each take by its path relative to the folder: style, bpm, beat_type, split, drummer, session...

    Empty when the folder holds no `info.csv` with a `midi_filename` column.
    """
    path = folder / INFO_FILE
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {row["midi_filename"]: _facts(row) for row in rows if row.get("midi_filename")}


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {name: row[name] for name in _TEXTS if row.get(name)}
    for name in _NUMBERS:
        try:
            facts[name] = float(row[name])
        except (KeyError, TypeError, ValueError):
            continue
    return facts
