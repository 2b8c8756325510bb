"""Import labels from elsewhere: checked, stored once as events of an import, never over a person's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from composer_core.errors import ComposerError, InvalidValue, NotFound, require_choice, require_range
from composer_core.pipeline.labels.fields import LABEL_FIELDS, check_value
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.merging import HUMAN_STATUSES, check_statement, merge
from composer_core.store.labels.records import Entry, Statement
from composer_core.store.labels.store import LabelStore, open_labels
from composer_core.store.labels.view import HUMAN, IMPORT, SETTLED
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
    row was found (a file and line), for the report.

    A row that names its own `source` ("human:<rater>", "model:...", "rule:...", "import:...") is stored as said
    by it, with its `status` and at its time `said_at` (UTC, ISO 8601 with milliseconds; "" for now).
    """

    loop_id: str
    field: str
    value: object
    confidence: float | None = None
    note: str = ""
    origin: str = ""
    source: str = ""
    status: str = ""
    said_at: str = ""


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
    """Store labels of a data set or a file as events of `source` ("import:<data set>"), or of the source a row names.

    A row that says what the same source last said (value, confidence and note) changes
    nothing, so importing twice is importing once. A row with a source and a time of its own
    changes nothing either where that source has said something later; one that contradicts
    what its source said at that very time was edited in the file, and is stored as said by
    `source`. Rows for unknown loops or with values a field cannot hold are refused one by
    one with their reason; the others are stored. A person's label stays what counts whatever
    is imported. Raises InvalidValue for a source that is no import, StoreError when the
    database cannot be written.
    """
    if not source.startswith(f"{IMPORT}:") or source == f"{IMPORT}:":
        raise InvalidValue("bad_format", name="source", value=source, expected="import: and the name of a data set")
    store = open_labels(workspace)
    instruments: dict[str, str] = {}
    report = LabelImport()
    for batch in _batches(iter(rows)):
        wanted = {row.loop_id for row in batch if _can_be_asked(row.loop_id)}
        instruments |= _instruments(workspace, wanted - instruments.keys())
        plain: dict[tuple[str, str], Statement] = {}
        stated: list[Statement] = []
        for row in batch:
            report.rows += 1
            try:
                statement = _statement(row, instruments, workspace, source)
            except ComposerError as error:
                report.refuse(row, error)
                continue
            if row.source:
                stated.append(statement)
            else:
                place = (row.loop_id, row.field)
                report.unchanged += place in plain
                plain[place] = statement
        _store(store, report, stated, plain, source)
    _log.info(
        "labels imported: %d rows, %d written, %d unchanged, %d refused",
        report.rows,
        report.written,
        report.unchanged,
        len(report.refused),
    )
    return report


def _can_be_asked(loop_id: str) -> bool:
    """Whether an id can be looked for: half of a surrogate pair fits into no query."""
    return bool(loop_id) and not any("\ud800" <= character <= "\udfff" for character in loop_id)


def _store(
    store: LabelStore,
    report: LabelImport,
    stated: list[Statement],
    plain: dict[tuple[str, str], Statement],
    source: str,
) -> None:
    """What names its own source first, then the rest and what of the former was edited, as said by the file."""
    merged = merge(store, _last_of_each(stated, report)) if stated else None
    if merged is not None:
        report.written += merged.written
        report.unchanged += merged.unchanged
        report.behind_people += merged.behind_people
        for index in merged.edited:
            entry = stated[index].entry
            if entry.status == "rejected" or entry.value is None:
                report.unchanged += 1
                continue
            place = (entry.loop_id, entry.field)
            report.unchanged += place in plain
            plain[place] = Statement(replace(entry, status="suggested"), source, stated[index].note)
    if plain:
        stored = store.add_changed(source, [(one.entry, one.note) for one in plain.values()])
        report.written += stored.written
        report.unchanged += stored.unchanged
        report.behind_people += stored.behind_people


def _last_of_each(stated: list[Statement], report: LabelImport) -> list[Statement]:
    """Of several statements without a time by one source on one field only the last is kept."""
    last = {(one.entry.loop_id, one.entry.field, one.source): i for i, one in enumerate(stated) if not one.said_at}
    kept = [
        one for i, one in enumerate(stated) if one.said_at or last[one.entry.loop_id, one.entry.field, one.source] == i
    ]
    report.unchanged += len(stated) - len(kept)
    stated[:] = kept
    return stated


def _statement(row: LabelRow, instruments: dict[str, str], workspace: Workspace, source: str) -> Statement:
    """The row as it is stored; raises what is wrong with it."""
    if row.loop_id not in instruments:
        raise NotFound("loop_missing", loop_id=row.loop_id, path=str(workspace.root))
    words = vocabularies(workspace)
    value = None if row.value is None else check_value(row.field, row.value, instruments[row.loop_id], words)
    status = _status(row, row.source or source)
    if value is None and status not in ("rejected", SETTLED):
        raise InvalidValue("bad_format", name=row.field, value=row.value, expected="a value")
    if row.field not in LABEL_FIELDS:
        check_value(row.field, "", instruments[row.loop_id], words)
    if row.confidence is not None:
        require_range("confidence", row.confidence, 0.0, 1.0)
    entry = Entry(row.loop_id, row.field, value, status, row.confidence)
    statement = Statement(entry, row.source or source, row.note, row.said_at if row.source else "")
    check_statement(statement)
    return statement


def _status(row: LabelRow, source: str) -> str:
    """The status of the event: that of the row for people (a dispute comes of its votes), else "suggested"."""
    if not source.startswith(f"{HUMAN}:"):
        return "suggested"
    if row.status == "disputed":
        return "approved" if row.value is not None else "rejected"
    if row.status in ("", "suggested"):
        return "draft"
    require_choice("status", row.status, HUMAN_STATUSES)
    return row.status


def _instruments(workspace: Workspace, loop_ids: set[str]) -> dict[str, str]:
    """The instrument of each of these loops that the library has."""
    rows = LoopStore(workspace).rows(loop_ids, ("loop_id", "instrument"))
    return {loop_id: str(row["instrument"]) for loop_id, row in rows.items()}


def _batches(rows: Iterator[LabelRow]) -> Iterator[list[LabelRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
