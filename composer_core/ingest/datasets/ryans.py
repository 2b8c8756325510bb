"""Ryan's Mammoth Collection: fiddle tunes as .mid and .tsv, with `index.tsv`.

Key with mode, metre and rhythm are printed in the book; the mode of a modal tune is the
editors' reading. All of it is folk, for fiddle.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Label, Parsed, Reading, Row
from composer_core.ingest.datasets.index_tables import has_table, key_labels, meter_labels, parse_table
from composer_core.ingest.datasets.notated import note_labels, note_rows
from composer_core.ingest.datasets.openscore import INDEX, index_and_notes, join_notated

KEY_CONFIDENCE = 0.9


def _parse(name: str, data: bytes) -> Parsed:
    if name.rsplit("/", 1)[-1] != INDEX:
        return note_rows(name, data)
    return parse_table(name, data, ("file", "title"), "\t")


def _facts_of(row: dict[str, Any], notes: list[Row]) -> FileFacts:
    labels = [Label("genre", "folk", 1.0, foreign=True), *key_labels(row.get("key", ""), KEY_CONFIDENCE)]
    labels += [*meter_labels(row.get("meter", ""), KEY_CONFIDENCE), *note_labels(notes)]
    extra = {"rhythm": row.get("rhythm", "")}
    return FileFacts(row["title"], "traditional", group=row["file"], labels=tuple(labels), extra=extra)


def _facts(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_notated(files, parsed, _facts_of)


def _indexes(root: Path) -> list[Path]:
    return index_and_notes(root)


ADAPTER = Adapter(
    name="ryans",
    title="Ryan's Mammoth Collection",
    source="https://github.com/cuthbertLab/music21",
    tested_on="real files",
    detect=has_table(INDEX, ("file", "title", "rhythm", "key", "meter"), "\t"),
    indexes=_indexes,
    parse=_parse,
    facts=_facts,
    licence="public domain",
)
