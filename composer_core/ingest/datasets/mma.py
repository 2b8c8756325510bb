"""MMA loops: accompaniments rendered from known chords, with `index.tsv`.

Style, key, mode and chords went in when they were rendered, so they are certain. Loops of
one style belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Label, Parsed, Reading, join_rows, there
from composer_core.ingest.datasets.index_tables import has_table, key_labels, parse_table

INDEX = "index.tsv"


def _parse(name: str, data: bytes) -> Parsed:
    return parse_table(name, data, ("file", "style", "key", "mode"), "\t")


def _facts(row: dict[str, Any]) -> FileFacts:
    # The key column spells minor keys as chords ("Gbm").
    labels = key_labels(row["key"].removesuffix("m") + ":" + row["mode"], 1.0)
    extra = {name: row[name] for name in ("groove", "description", "chords") if row.get(name)}
    title = row["file"].rsplit(".", 1)[0].replace("__", " ")
    genre = Label("genre", row["style"], 0.9, foreign=True)
    return FileFacts(title, group=row["style"], labels=(genre, *labels), extra=extra)


def _join(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_rows(files, parsed, lambda row: str(row["file"]), _facts)


ADAPTER = Adapter(
    name="mma",
    title="MMA loops",
    source="https://www.mellowood.ca/mma/",
    tested_on="real files",
    detect=has_table(INDEX, ("file", "style", "groove", "key", "mode", "chords"), "\t"),
    indexes=lambda root: there(root / INDEX),
    parse=_parse,
    facts=_join,
    licence="GPL 2.0",
)
