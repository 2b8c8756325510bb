"""Labels to files and back: CSV, spreadsheets, JSON lines, Label Studio, the predecessor's tags.yaml and mood.yaml."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from composer_core.errors import InvalidValue, NotFound, require_choice
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.labels import label_studio, predecessor
from composer_core.pipeline.labels.delimited import NotThisFormat
from composer_core.pipeline.labels.exported import ExportedLabel, current_of, exported
from composer_core.pipeline.labels.imports import LabelImport, LabelRow, Refusal, import_labels
from composer_core.pipeline.labels.loop_names import LoopFinder, LoopName, names_of
from composer_core.pipeline.labels.plain_files import FORMATS, not_this_format, plain_labels, table_rows
from composer_core.pipeline.labels.tables import COLUMNS, facts_of, label_of_json, read_table, to_csv, to_spreadsheet
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import write_bytes
from composer_core.store.labels.backup import BackupFacts, back_up, damaged_copy, restore
from composer_core.store.labels.schema import label_location
from composer_core.store.studios import refuse_while_running
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

_LATEST = "~"
"""Behind every time."""


def export_labels(workspace: Workspace, path: Path, form: str) -> int:
    """Write the current labels, as far as the format holds them; how many were written.

    Spreadsheet, CSV and JSON lines hold with them every opinion of a person, by whom, with
    which status and when, so that an import gives them back; the others what counts and has
    a value. InvalidValue for an unknown format.
    """
    require_choice("format", form, FORMATS)
    loops = list(exported(workspace))
    names = names_of(workspace, [labels[0].loop_id for labels in loops])
    if form in predecessor.YAML_KEYS:
        current = [label for labels in loops for label in current_of(labels)]
        text, n_written = predecessor.to_yaml(current, names, form)
    elif form == "label-studio":
        text, n_written = label_studio.to_tasks(loops, names, vocabularies(workspace))
    elif form == "spreadsheet":
        text, n_written = to_spreadsheet(loops, names), sum(map(len, loops))
    else:
        every = [label for labels in loops for label in labels]
        text, n_written = (to_csv if form == "csv" else _to_jsonl)(every, names), len(every)
    write_bytes(path, text.encode("utf-8"))
    _log.info("%d labels exported as %s", n_written, form)
    return n_written


def label_studio_configuration(workspace: Workspace) -> str:
    """The labelling configuration a Label Studio project needs for the exported tasks, as XML."""
    return label_studio.configuration(vocabularies(workspace))


@guarded("import_labels")
def import_label_file(workspace: Workspace, path: Path, form: str, source: str = "") -> LabelImport:
    """Store the labels of a file; rows that match no loop or hold a bad value are refused.

    What the file says of who said a label, when and with which status is kept; a label of
    which it says nothing of the kind is the file's own ("import:" and its name). With
    `source` ("import:" and a name) all are said by that source. Importing twice changes
    nothing. Raises NotFound, or InvalidValue for a file that is not of the format.
    """
    require_choice("format", form, FORMATS)
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    refused: list[Refusal] = []
    held = plain_labels(path, form)
    try:
        rows = list(_rows_of(workspace, held, path, form, refused))
    except NotThisFormat as error:
        raise not_this_format(path.name, form, error) from error
    report = import_labels(workspace, _in_time(rows, keep=not source), source or f"import:{path.stem}")
    report.rows += len(refused)
    report.n_refused += len(refused)
    report.refused[:0] = refused
    return report


def _rows_of(workspace: Workspace, held: object, path: Path, form: str, refused: list[Refusal]) -> Iterator[LabelRow]:
    if form == "jsonl":
        return _from_jsonl(held, path.name, refused)
    if form == "label-studio":
        return label_studio.from_tasks(held, path.name, refused)
    known = (path.name, LoopFinder(workspace), vocabularies(workspace), refused)
    return (
        predecessor.from_yaml(held, *known) if form in predecessor.YAML_KEYS else read_table(table_rows(held), *known)
    )


def _in_time(rows: Iterable[LabelRow], keep: bool) -> list[LabelRow]:
    """Rows in the order in which they were said, those without a time last; without their own sources unless `keep`."""
    if not keep:
        return [
            LabelRow(row.loop_id, row.field, row.value, row.confidence, row.note, row.origin)
            for row in rows
            if row.status != "rejected" and row.value is not None
        ]
    return sorted(rows, key=lambda row: row.said_at or _LATEST)


def _to_jsonl(labels: Iterable[ExportedLabel], names: Mapping[str, LoopName]) -> str:
    rows = (facts_of(label, names) | {"value": label.value} for label in labels)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _from_jsonl(held: object, name: str, refused: list[Refusal]) -> Iterator[LabelRow]:
    assert isinstance(held, list)
    for number, row, wrong in held:
        origin = f"{name}:{number}"
        if wrong:
            error = InvalidValue("bad_text", path=name, line=number, reason=wrong)
            refused.append(Refusal(origin, "", "", error))
            continue
        if not isinstance(row, dict) or not {"loop_id", "field", "value"} <= set(row) or set(row) - set(COLUMNS):
            raise NotThisFormat(f"line {number} must hold keys out of {', '.join(COLUMNS)}")
        try:
            yield label_of_json(row, origin)
        except InvalidValue as error:
            refused.append(Refusal(origin, str(row["loop_id"]), str(row["field"]), error))


def back_up_labels(workspace: Workspace, path: Path) -> BackupFacts:
    """Write every label event of the workspace to one file, also while people go on labelling."""
    facts = back_up(label_location(workspace), path)
    _log.info("labels backed up: %d events", facts.n_events)
    return facts


@guarded("restore")
def restore_labels(workspace: Workspace, path: Path) -> tuple[BackupFacts, Path | None]:
    """Put a backup in place of the labels; returns what it holds and where the labels before are kept, damaged as
    they may have been (None: there were none). StoreError studio_running while a studio works on the workspace."""
    refuse_while_running(workspace)
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    kept = workspace.backups / f"before-restore-{moment}.sqlite"
    facts = restore(label_location(workspace), path, kept)
    # What searches have gathered of the labels is made anew: it names events that may be gone.
    shutil.rmtree(workspace.catalogue, ignore_errors=True)
    _log.info("labels restored: %d events; those before are kept in %s", facts.n_events, kept.name)
    return facts, next((path for path in (kept, damaged_copy(kept)) if path.exists()), None)
