"""MetaScore-like tables: CSV or JSON lines with genre, composer, key, metre, complexity, tags and caption by path.

Users of a score site gave these, each for the whole piece. Tags become moods where the
vocabulary knows them; a caption is kept in the language it is written in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Label, Parsed, Reading, join_rows
from composer_core.ingest.datasets.index_tables import (
    header_of,
    key_labels,
    meter_labels,
    parse_json_lines,
    parse_table,
    tempo_labels,
)
from composer_core.ingest.tables import BadRow, read_object

PATH_COLUMNS = ("path", "file", "midi", "midi_path", "filename", "file_name")
_TELLING = {"genre", "composer", "key", "complexity", "tags", "caption", "metre", "meter", "time_signature"}
CONFIDENCE = 0.8
_JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")


def _candidates(root: Path) -> list[Path]:
    return [path for path in sorted(root.glob("*")) if path.suffix.lower() in (".csv", ".tsv", ".jsonl")]


def _columns(path: Path) -> set[str]:
    if path.suffix.lower() != ".jsonl":
        return set(header_of(path, "\t" if path.suffix.lower() == ".tsv" else ","))
    with path.open("rb") as stream:
        row = read_object(stream.readline(65_536).decode("utf-8", errors="replace"))
    return set() if isinstance(row, BadRow) else set(row)


def _indexes(root: Path) -> list[Path]:
    found = []
    for path in _candidates(root):
        columns = _columns(path)
        if columns & set(PATH_COLUMNS) and len(columns & _TELLING) >= 2:
            found.append(path)
    return found


def _parse(name: str, data: bytes) -> Parsed:
    if name.lower().endswith(".jsonl"):
        return parse_json_lines(name, data, ())
    return parse_table(name, data, (), "\t" if name.lower().endswith(".tsv") else ",")


def _file_of(row: dict[str, Any]) -> str:
    return next((str(row[column]) for column in PATH_COLUMNS if row.get(column)), "")


def _facts(row: dict[str, Any]) -> FileFacts:
    labels: list[Label] = []
    labels += [Label("genre", word, CONFIDENCE, foreign=True) for word in _words(row.get("genre"))[:1]]
    labels += key_labels(str(row.get("key") or ""), CONFIDENCE)
    meter = row.get("metre") or row.get("meter") or row.get("time_signature") or ""
    labels += meter_labels(str(meter), CONFIDENCE) + tempo_labels(row.get("tempo") or row.get("bpm"), CONFIDENCE)
    labels += [Label("emotion", word, 0.5, foreign=True) for word in _words(row.get("tags"))]
    caption = str(row.get("caption") or "").strip()
    if caption:
        field = "caption_ja" if _JAPANESE.search(caption) else "caption_en"
        labels.append(Label(field, caption[:1000], CONFIDENCE))
    extra = {name: row[name] for name in ("complexity", "tags") if row.get(name) not in (None, "")}
    composer = str(row.get("composer") or "")
    title = str(row.get("title") or _file_of(row).rsplit("/", 1)[-1].rsplit(".", 1)[0])
    split = str(row.get("split") or "")
    return FileFacts(title, composer, split, composer or title, tuple(labels), extra)


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [word.strip() for word in re.split("[;|,]", value) if word.strip()]
    return [str(word) for word in value] if isinstance(value, Iterable) else []


def _join(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    return join_rows(files, parsed, _file_of, _facts)


ADAPTER = Adapter(
    name="metascore",
    title="MetaScore-like tables",
    source="https://github.com/wx83/MetaScore_Official",
    tested_on="fixtures",
    detect=lambda root: bool(_indexes(root)),
    indexes=_indexes,
    parse=_parse,
    facts=_join,
)
