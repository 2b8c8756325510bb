"""ComMU: short sequences by composers, with a metadata table; a row's `id` is the name of its MIDI file.

Key, metre, tempo and genre were asked of the composer, so they are certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Label, Parsed, Reading, join_rows
from composer_core.ingest.datasets.index_tables import header_of, key_labels, meter_labels, parse_table, tempo_labels

_COLUMNS = ("audio_key", "chord_progressions", "num_measures", "track_role", "inst", "id")
_KEPT = (
    "chord_progressions",
    "pitch_range",
    "num_measures",
    "track_role",
    "inst",
    "sample_rhythm",
    "min_velocity",
    "max_velocity",
)
_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}


def _indexes(root: Path) -> list[Path]:
    tables = [path for pattern in ("*.csv", "*/*.csv") for path in sorted(root.glob(pattern))]
    return [path for path in tables if all(column in header_of(path) for column in _COLUMNS)]


def _parse(name: str, data: bytes) -> Parsed:
    return parse_table(name, data, ("id", "audio_key"))


def _facts(row: dict[str, Any]) -> FileFacts:
    labels = [*key_labels(row["audio_key"], 1.0), *tempo_labels(row.get("bpm"), 1.0)]
    labels += meter_labels(row.get("time_signature", ""), 1.0)
    if row.get("genre"):
        labels.append(Label("genre", row["genre"], 1.0, foreign=True))
    extra = {name: row[name] for name in _KEPT if row.get(name)}
    split = _SPLITS.get(row.get("split_data", "").lower(), "")
    return FileFacts(row["id"], split=split, group=row["id"], labels=tuple(labels), extra=extra)


def _file_of(row: dict[str, Any]) -> str:
    return row["id"] if row["id"].lower().endswith(".mid") else f"{row['id']}.mid"


def _join(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_rows(files, parsed, _file_of, _facts)


ADAPTER = Adapter(
    name="commu",
    title="ComMU",
    source="https://github.com/POZAlabs/ComMU-code",
    tested_on="fixtures",
    detect=lambda root: bool(_indexes(root)),
    indexes=_indexes,
    parse=_parse,
    facts=_join,
)
