"""VGMIDI: valence and arousal (-1 or 1) of video game pieces in `vgmidi_labelled.csv`.

Annotators gave signs only: they become valence +-0.5 and arousal 0.75 or 0.25. Pieces of one
series belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Issue, Label, Parsed, Reading, join_rows
from composer_core.ingest.datasets.index_tables import header_of, number, parse_table

INDEX = "vgmidi_labelled.csv"
CONFIDENCE = 0.6
_COLUMNS = ("series", "game", "piece", "midi", "valence", "arousal")


def _index(root: Path) -> list[Path]:
    return [path for pattern in (INDEX, f"*/{INDEX}") for path in sorted(root.glob(pattern)) if path.is_file()][:1]


def _parse(name: str, data: bytes) -> Parsed:
    return parse_table(name, data, ("midi", "valence", "arousal"))


def _facts(row: dict[str, Any]) -> FileFacts | Issue:
    valence, arousal = number(row["valence"], -1, 1), number(row["arousal"], -1, 1)
    if not valence or not arousal:
        return Issue(row["place"], "bad_row", "valence" if not valence else "arousal")
    labels = (
        Label("emotion_valence", valence / 2, CONFIDENCE),
        Label("emotion_arousal", (arousal / 2 + 1) / 2, CONFIDENCE),
        Label("genre", "game", 1.0, foreign=True),
    )
    title = row.get("piece") or row["midi"].rsplit("/", 1)[-1]
    extra = {name: row[name] for name in ("series", "console", "game") if row.get(name)}
    return FileFacts(title, group=row.get("series") or row.get("game", ""), labels=labels, extra=extra)


def _join(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_rows(files, parsed, lambda row: str(row["midi"]), _facts)


ADAPTER = Adapter(
    name="vgmidi",
    title="VGMIDI",
    source="https://github.com/lucasnfe/vgmidi",
    tested_on="fixtures",
    detect=lambda root: any(all(c in header_of(path) for c in _COLUMNS) for path in _index(root)),
    indexes=_index,
    parse=_parse,
    facts=_join,
)
