"""Drum-machine patterns: one bar a file, with genre and role in `index.tsv`.

The book's chapters name the genre; a break or ending is a fill. Measures and break of one
pattern (`200_Rock1`) belong together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Label, Parsed, Reading, join_rows, there
from composer_core.ingest.datasets.index_tables import has_table, meter_labels, parse_table

INDEX = "index.tsv"
_ROLE = re.compile(r"(measure[ab]?|break|ending)\d*$", re.I)


def _parse(name: str, data: bytes) -> Parsed:
    return parse_table(name, data, ("file", "genre", "role"), "\t")


def _facts(row: dict[str, Any]) -> FileFacts:
    labels = [Label("genre", row["genre"], 0.9, foreign=True), *meter_labels(row.get("signature", ""), 1.0)]
    if row["role"] in ("break", "ending"):
        labels.append(Label("technique", ["fill"], 0.8))
    title = row["file"].rsplit(".", 1)[0]
    extra = {name: row[name] for name in ("book", "role", "steps", "hits") if row.get(name)}
    return FileFacts(title, group=_ROLE.sub("", title), labels=tuple(labels), extra=extra)


def _join(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_rows(files, parsed, lambda row: str(row["file"]), _facts)


ADAPTER = Adapter(
    name="drum-machine-patterns",
    title="Drum-machine patterns",
    source="https://github.com/montoyamoraga/drum-machine-patterns",
    tested_on="real files",
    detect=has_table(INDEX, ("file", "book", "genre", "role", "steps"), "\t"),
    indexes=lambda root: there(root / INDEX),
    parse=_parse,
    facts=_join,
    licence="MIT",
)
