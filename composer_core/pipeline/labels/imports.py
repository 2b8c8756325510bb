"""Import labels from elsewhere: checked, stored once as events of an import, never over a person's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from composer_core.errors import ComposerError, InvalidValue, NotFound
from composer_core.pipeline.labels.fields import check_value
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import open_labels
from composer_core.store.labels.view import IMPORT
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

MAX_REFUSALS_KEPT = 1000
"""Refused rows listed one by one; all of them are counted."""
_BATCH = 5000
"""Rows stored in one transaction."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label to import. `confidence` 0 to 1, None when the source gives none; `origin` says where the
    row was found (a file and line), for the report."""

    loop_id: str
    field: str
    value: object
    confidence: float | None = None
    note: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not stored and why: the row's origin, loop and field, and what is wrong with it."""

    origin: str
    loop_id: str
    field: str
    error: ComposerError

    @property
    def code(self) -> str:
        """The error's code."""
        return self.error.code

    @property
    def message(self) -> str:
        """Its sentence."""
        return str(self.error)


@dataclass(slots=True)
class LabelImport:
    """What an import did. `behind_people` of the rows written say something of a field a person has labelled:
    they are kept as events, and what the person said goes on counting."""

    rows: int = 0
    written: int = 0
    unchanged: int = 0
    behind_people: int = 0
    n_refused: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def refuse(self, row: LabelRow, error: ComposerError) -> None:
        """Count a row that cannot be stored, with its reason."""
        self.n_refused += 1
        if len(self.refused) < MAX_REFUSALS_KEPT:
            origin = row.origin or f"row {self.rows}"
            self.refused.append(Refusal(origin, row.loop_id, row.field, error))

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "rows": self.rows,
            "written": self.written,
            "unchanged": self.unchanged,
            "behind_people": self.behind_people,
            "n_refused": self.n_refused,
            "refused": [
                {"origin": r.origin, "loop_id": r.loop_id, "field": r.field, "code": r.code, "message": r.message}
                for r in self.refused
            ],
        }


def import_labels(workspace: Workspace, rows: Iterable[LabelRow], source: str) -> LabelImport:
    """Store labels of a data set or a file as events of `source` ("import:<data set>").

    A row that says what the same source last said (value, confidence and note) changes
    nothing, so importing twice is importing once. Rows for unknown loops or with values a
    field cannot hold are refused one by one with their reason; the others are stored. A
    person's label stays what counts whatever is imported. Raises InvalidValue for a source
    that is no import, StoreError when the database cannot be written.
    """
    if not source.startswith(f"{IMPORT}:"):
        raise InvalidValue("bad_format", name="source", value=source, expected="import: and the name of a data set")
    store = open_labels(workspace)
    instruments: dict[str, str] = {}
    report = LabelImport()
    for batch in _batches(iter(rows)):
        instruments |= _instruments(workspace, {row.loop_id for row in batch} - instruments.keys())
        entries: dict[tuple[str, str], Entry] = {}
        notes: dict[tuple[str, str], str] = {}
        for row in batch:
            report.rows += 1
            try:
                entry = _entry(row, instruments, workspace)
            except ComposerError as error:
                report.refuse(row, error)
                continue
            place = (row.loop_id, row.field)
            report.unchanged += place in entries
            entries[place], notes[place] = entry, row.note
        stored = store.add_changed(source, [(entry, notes[place]) for place, entry in entries.items()])
        report.written += stored.written
        report.unchanged += stored.unchanged
        report.behind_people += stored.behind_people
    _log.info(
        "labels imported: %d rows, %d written, %d unchanged, %d refused",
        report.rows,
        report.written,
        report.unchanged,
        len(report.refused),
    )
    return report


def _entry(row: LabelRow, instruments: dict[str, str], workspace: Workspace) -> Entry:
    """The row as it is stored; raises what is wrong with it."""
    if row.loop_id not in instruments:
        raise NotFound("loop_missing", loop_id=row.loop_id, path=str(workspace.root))
    words = vocabularies(workspace)
    value = None if row.value is None else check_value(row.field, row.value, instruments[row.loop_id], words)
    if value is None:
        raise InvalidValue("bad_format", name=row.field, value=row.value, expected="a value")
    confidence = row.confidence
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise InvalidValue("value_out_of_range", name="confidence", value=confidence, low=0.0, high=1.0, unit="")
    return Entry(row.loop_id, row.field, value, "suggested", confidence)


def _instruments(workspace: Workspace, loop_ids: set[str]) -> dict[str, str]:
    """The instrument of each of these loops that the library has."""
    rows = LoopStore(workspace).rows(loop_ids, ("loop_id", "instrument"))
    return {loop_id: str(row["instrument"]) for loop_id, row in rows.items()}


def _batches(rows: Iterator[LabelRow]) -> Iterator[list[LabelRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
