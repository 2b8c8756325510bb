"""Write and read labels: CSV, JSON lines, the predecessor's tags.yaml and mood.yaml, Label Studio JSON."""

from __future__ import annotations

import csv
import io
import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from composer_core.errors import InvalidValue, NotFound, require_choice
from composer_core.logs import shown_path
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.labels.imports import LabelImport, LabelRow, Refusal, import_labels
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import write_bytes
from composer_core.store.labels.backup import BackupFacts, back_up, restore
from composer_core.store.labels.schema import label_location
from composer_core.store.labels.store import open_labels
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

FORMATS = ("csv", "jsonl", "tags", "mood", "label-studio")
COLUMNS = ("loop_id", "field", "value", "source", "status", "confidence", "note")
_TAG_KEYS = {
    *("mode", "section", "mood", "intensity", "confidence", "confidence_section", "confidence_mood"),
    *("bpm", "time_signature", "bars", "tempo_fallback", "ts_fallback"),
}
_YAML_KEYS = {
    "tags": {"emotion": "mood", "section": "section", "intensity": "intensity"},
    "mood": {"emotion": "mood"},
}
"""What the predecessor's files hold of our fields, and under which key."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MAX_BYTES = 256 << 20
AUTOMATIC_MOOD_CONFIDENCE = 0.1
"""The predecessor's automatic moods are the same for nearly every loop."""


def export_labels(workspace: Workspace, path: Path, form: str) -> int:
    """Write the current labels that have a value, as far as the format holds them; how many were written.

    InvalidValue for an unknown format.
    """
    require_choice("format", form, FORMATS)
    rows = list(_current(workspace))
    if form in _YAML_KEYS:
        entries = _by_path(workspace, rows, _YAML_KEYS[form])
        text = yaml.safe_dump(entries, allow_unicode=True, sort_keys=True)
        n_written = sum(key in entry for entry in entries.values() for key in _YAML_KEYS[form].values())
    else:
        text, n_written = _WRITERS[form](rows), len(rows)
    write_bytes(path, text.encode("utf-8"))
    _log.info("%d labels exported as %s", n_written, form)
    return n_written


def import_label_file(workspace: Workspace, path: Path, form: str, source: str = "") -> LabelImport:
    """Store the labels of a file as events of an import; rows that match no loop or hold a bad value are refused.

    `source` is "import:" and a name, by default the file's. Importing twice changes
    nothing. Raises NotFound, or InvalidValue for a file that is not of the format.
    """
    require_choice("format", form, FORMATS)
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    if path.stat().st_size > _MAX_BYTES:
        raise _no_format(path, form, "it is too large")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_format(path, form, "it is not UTF-8 text") from error
    refused: list[Refusal] = []
    rows = list(_READERS[form](workspace, path, text, refused))
    report = import_labels(workspace, rows, source or f"import:{path.stem}")
    report.rows += len(refused)
    report.n_refused += len(refused)
    report.refused[:0] = refused
    return report


def _current(workspace: Workspace) -> Iterator[dict[str, Any]]:
    for loop_id, fields in sorted(open_labels(workspace).view().items()):
        for name in (name for name in LABEL_FIELDS if name in fields and fields[name].value is not None):
            label = fields[name]
            yield {"loop_id": loop_id, "field": name, "value": label.value, "source": label.source} | {
                "status": label.status, "confidence": label.confidence, "note": label.note,
            }  # fmt: skip


def _to_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """The value is JSON; text a spreadsheet would run as a formula gets an apostrophe in front."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        cells = [json.dumps(row[name], ensure_ascii=False) if name == "value" else row[name] for name in COLUMNS]
        table.writerow([_safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) or cell.startswith("'") else cell


def _from_csv(_workspace: Workspace, path: Path, text: str, refused: list[Refusal]) -> Iterator[LabelRow]:
    table = csv.DictReader(io.StringIO(text))
    if not {"loop_id", "field", "value"} <= set(table.fieldnames or ()) or set(table.fieldnames or ()) - set(COLUMNS):
        raise _no_format(path, "csv", f"its columns must be out of {', '.join(COLUMNS)}")
    for row in table:
        cells = {name: (value or "").removeprefix("'") for name, value in row.items() if name is not None}
        yield from _row(cells, f"{path.name}:{table.line_num}", refused, parse=True)


def _to_jsonl(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _from_jsonl(_workspace: Workspace, path: Path, text: str, refused: list[Refusal]) -> Iterator[LabelRow]:
    for number, line in enumerate(text.splitlines(), 1):
        origin = f"{path.name}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _no_format(path, "jsonl", f"line {number} is no JSON") from error
        if not isinstance(row, dict) or not {"loop_id", "field", "value"} <= set(row) or set(row) - set(COLUMNS):
            raise _no_format(path, "jsonl", f"line {number} must hold keys out of {', '.join(COLUMNS)}")
        yield from _row(row, origin, refused, parse=False)


def _row(row: Mapping[str, Any], origin: str, refused: list[Refusal], parse: bool) -> Iterator[LabelRow]:
    loop_id, name = str(row["loop_id"]), str(row["field"])
    try:
        value = json.loads(row["value"]) if parse else row["value"]
        confidence = row.get("confidence")
        number = None if confidence in (None, "") else float(confidence)
    except (ValueError, TypeError, RecursionError):
        error = InvalidValue("bad_format", name=name, value=row["value"], expected="JSON and a confidence of 0 to 1")
        refused.append(Refusal(origin, loop_id, name, error))
        return
    yield LabelRow(loop_id, name, value, number, str(row.get("note") or ""), origin)


def _by_path(
    workspace: Workspace, rows: Iterable[Mapping[str, Any]], names: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """By relative path, as the predecessor wrote it: one entry per file, its first labelled loop speaking for it."""
    table = LoopStore(workspace).table(["loop_id", "source", "member"])
    paths = {loop: member or source for loop, source, member in zip(*(table[c] for c in table.columns), strict=True)}
    entries: dict[str, dict[str, Any]] = {}
    for row in rows:
        key = names.get(row["field"])
        if key and row["loop_id"] in paths:
            entry = entries.setdefault(PurePosixPath(paths[row["loop_id"]]).as_posix(), {})
            entry.setdefault(key, row["value"])
            if row["confidence"] is not None and key != "intensity":
                entry.setdefault(f"confidence_{key}", row["confidence"])
    return entries


def _from_tags(workspace: Workspace, path: Path, text: str, refused: list[Refusal]) -> Iterator[LabelRow]:
    try:
        # No anchors: a merge bomb of a kilobyte would keep the reader busy for hours.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise _no_format(path, "tags", "anchors are not allowed in it")
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _no_format(path, "tags", "it is no YAML") from error
    if not isinstance(data, dict):
        raise _no_format(path, "tags", "expected a mapping of paths")
    loops = _LoopsByPath(workspace)
    for name, entry in data.items():
        if name == "meta":
            continue
        if not isinstance(entry, dict) or set(entry) - _TAG_KEYS:
            raise _no_format(path, "tags", f"{name}: expected keys out of {', '.join(sorted(_TAG_KEYS))}")
        yield from _tags_of(workspace, loops.of(str(name)), entry, f"{path.name}: {name}", refused)


def _tags_of(
    workspace: Workspace, loop_ids: list[str], entry: Mapping[str, Any], origin: str, refused: list[Refusal]
) -> Iterator[LabelRow]:
    if not loop_ids:
        missing = NotFound("path_missing", path=origin)
        refused.append(Refusal(origin, "", "", missing))
        return
    words = vocabularies(workspace)
    for key, name in (("mood", "emotion"), ("section", "section"), ("intensity", "intensity")):
        if entry.get(key) is None:
            continue
        word = str(entry[key])
        try:
            known = words.mood_of_word(word) if key == "mood" else words.tag_of_word(name, word)
            if known is None:
                of_source = words.mood_of_source if key == "mood" else None
                known = of_source("composer4", word) if of_source else words.tag_of_source("composer4", name, word)
            confidence = _confidence(f"confidence_{key}", entry.get(f"confidence_{key}"))
        except InvalidValue as error:
            refused.append(Refusal(origin, loop_ids[0], name, error))
            continue
        if key == "mood" and confidence is not None:
            confidence = min(confidence, AUTOMATIC_MOOD_CONFIDENCE)
        for loop_id in loop_ids:
            yield LabelRow(loop_id, name, known, confidence, "", origin)


def _confidence(name: str, value: Any) -> float | None:
    """A confidence as a number, None where none is given; InvalidValue for anything else."""
    try:
        return None if value is None else float(value)
    except (ValueError, TypeError) as error:
        raise InvalidValue("bad_format", name=name, value=value, expected="a confidence of 0 to 1") from error


class _LoopsByPath:
    """Loop ids by the path of their file: a relative path fits every file whose path ends with it."""

    def __init__(self, workspace: Workspace) -> None:
        table = LoopStore(workspace).table(["loop_id", "source", "member"])
        self._by_name: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for loop_id, source, member in zip(*(table[column] for column in table.columns), strict=True):
            parts = PurePosixPath(member or source).parts
            self._by_name.setdefault(parts[-1], []).append((parts, loop_id))

    def of(self, path: str) -> list[str]:
        """Loops of the file a path names."""
        parts = PurePosixPath(path).parts
        candidates = self._by_name.get(parts[-1], []) if parts else []
        return [loop_id for known, loop_id in candidates if known[-len(parts) :] == parts]


def _to_label_studio(rows: Iterable[Mapping[str, Any]]) -> str:
    """One task a loop, one result a label; numbers as `number`, all else as `choices` or `textarea`."""
    tasks: dict[str, dict[str, Any]] = {}
    for row in rows:
        task = tasks.setdefault(row["loop_id"], {"data": {"loop_id": row["loop_id"]}, "annotations": [{"result": []}]})
        task["annotations"][0]["result"].append(_result(row))
    return json.dumps(list(tasks.values()), ensure_ascii=False, indent=1) + "\n"


def _result(row: Mapping[str, Any]) -> dict[str, Any]:
    value = row["value"]
    held: dict[str, Any]
    if isinstance(value, int | float):
        kind, held = "number", {"number": value}
    elif isinstance(value, Mapping):
        kind, held = "textarea", {"text": [json.dumps(value, ensure_ascii=False)]}
    elif row["field"].startswith("caption"):
        kind, held = "textarea", {"text": [value]}
    else:
        kind, held = "choices", {"choices": value if isinstance(value, list) else [value]}
    meta = {name: row[name] for name in ("source", "status", "confidence", "note")}
    return {"from_name": row["field"], "to_name": "audio", "type": kind, "value": held, "meta": meta}


def _from_label_studio(_workspace: Workspace, path: Path, text: str, _refused: list[Refusal]) -> Iterator[LabelRow]:
    try:
        for number, task in enumerate(json.loads(text), 1):
            loop_id = str(task["data"]["loop_id"])
            for annotation in task["annotations"]:
                for result in annotation["result"]:
                    yield _of_result(loop_id, result, f"{path.name}: task {number}")
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise _no_format(path, "label-studio", f"{error or type(error).__name__}") from error


def _of_result(loop_id: str, result: Mapping[str, Any], origin: str) -> LabelRow:
    name, kind, held = str(result["from_name"]), result["type"], result["value"]
    if kind == "number":
        value: Any = held["number"]
    elif kind == "choices":
        value = held["choices"] if name == "technique" else held["choices"][0]
    else:
        value = json.loads(held["text"][0]) if name == "genre" else held["text"][0]
    meta = result.get("meta") or {}
    return LabelRow(loop_id, name, value, meta.get("confidence"), str(meta.get("note") or ""), origin)


def _no_format(path: Path, form: str, reason: str) -> InvalidValue:
    return InvalidValue("bad_format", name="file", value=path.name, expected=f"labels as {form}: {reason}")


_WRITERS = {"csv": _to_csv, "jsonl": _to_jsonl, "label-studio": _to_label_studio}
_READERS = {
    "csv": _from_csv,
    "jsonl": _from_jsonl,
    "tags": _from_tags,
    "mood": _from_tags,
    "label-studio": _from_label_studio,
}


def back_up_labels(workspace: Workspace, path: Path) -> BackupFacts:
    """Write every label event of the workspace to one file, also while people go on labelling."""
    facts = back_up(label_location(workspace), path)
    _log.info("labels backed up: %d events", facts.n_events)
    return facts


def restore_labels(workspace: Workspace, path: Path) -> tuple[BackupFacts, Path]:
    """Put a backup in place of the labels; returns what it holds and where the labels before are kept."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    kept = workspace.backups / f"before-restore-{moment}.sqlite"
    facts = restore(label_location(workspace), path, kept)
    # What searches have gathered of the labels is made anew: it names events that may be gone.
    shutil.rmtree(workspace.catalogue, ignore_errors=True)
    _log.info("labels restored: %d events; those before are kept in %s", facts.n_events, shown_path(kept, workspace))
    return facts, kept
