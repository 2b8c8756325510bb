"""Caption the library's loops and store the captions as labels: by a template, or by a model at a given address."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer_core.errors import EndpointError, NotFound
from composer_core.music.label_codes import tempo_bucket
from composer_core.music.timing import Meter
from composer_core.pipeline.known_labels import LEAST_CONFIDENCE, copies_of, counted_meter, current_labels
from composer_core.pipeline.labels.caption_endpoint import Endpoint, ask
from composer_core.pipeline.labels.captions import TEMPLATE, caption_values, captions, facts
from composer_core.pipeline.labels.fields import CAPTIONS
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore, open_labels
from composer_core.store.labels.view import HUMAN, CurrentLabel
from composer_core.store.loops.store import LoopStore
from composer_core.store.vocabularies import Vocabularies
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

_BATCH = 500
MAX_FAILURES = 3
"""So many failures in a row, and the endpoint is left alone."""
_COLUMNS = ["loop_id", "duplicate_of", "instrument", "tempo_bpm", "meter", "swing_phase"]


@dataclass(slots=True)
class CaptionReport:
    """What was done: captions written, captions that stood already (the same, or one of this model), captions a
    person gave, and loops that failed with the reason; `stopped` when the endpoint was given up before the end."""

    source: str
    written: int = 0
    unchanged: int = 0
    by_people: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        failed = [{"loop_id": loop_id, "reason": reason} for loop_id, reason in self.failed]
        counts = {"written": self.written, "unchanged": self.unchanged, "by_people": self.by_people}
        return {"source": self.source, **counts, "failed": failed, "stopped": self.stopped}


def caption_loops(
    workspace: Workspace,
    endpoint: Endpoint | None = None,
    *,
    loop_ids: Sequence[str] | None = None,
    limit: int | None = None,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> CaptionReport:
    """Store captions of the loops asked for, or of all that are no duplicates and not left out; at most `limit`.

    Without an endpoint the template words the labels and nothing leaves the machine. With one, its
    model does, and each caption is stored as soon as it is there, marked with the model's
    name; a loop this model has captioned is asked for only `again`. A caption a person gave is
    left alone. Nothing takes the place of a caption that failed. NotFound for an unknown loop.
    """
    store, words = open_labels(workspace), vocabularies(workspace)
    rows, copies = _rows(workspace, loop_ids), copies_of(workspace)
    report = CaptionReport(TEMPLATE if endpoint is None else endpoint.source)
    writer = _Writer(store, words, endpoint, again, report)
    done = n_tried = 0
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        view = current_labels(store, [row["loop_id"] for row in batch], copies)
        for row in batch:
            if report.stopped or n_tried == limit:
                break
            n_tried += writer.write(row, view.get(row["loop_id"], {}))
            done += 1
            progress(done, len(rows))
        writer.flush()
    _log.info(
        "captions: %d written, %d unchanged, %d by people, %d loops failed",
        report.written,
        report.unchanged,
        report.by_people,
        len(report.failed),
    )
    return report


def _rows(workspace: Workspace, loop_ids: Sequence[str] | None) -> list[dict[str, Any]]:
    table = LoopStore(workspace).table(_COLUMNS)
    known = {str(row["loop_id"]): {str(k): v for k, v in row.items()} for row in table.to_dict("records")}
    if loop_ids is None:
        left_out = ExclusionStore(workspace).current()
        first = table["loop_id"][table["duplicate_of"].isna()]
        return [known[loop_id] for loop_id in first if loop_id not in left_out]
    for loop_id in loop_ids:
        if loop_id not in known:
            raise NotFound("loop_missing", loop_id=loop_id, path=str(workspace.root))
    return [known[loop_id] for loop_id in dict.fromkeys(loop_ids)]


@dataclass(slots=True)
class _Writer:
    """Captions loop by loop; those of the template are gathered and stored by `flush`, a model's at once."""

    store: LabelStore
    words: Vocabularies
    endpoint: Endpoint | None
    again: bool
    report: CaptionReport
    _gathered: list[tuple[Entry, str]] = field(default_factory=list)
    _failures_in_a_row: int = 0

    def write(self, row: Mapping[str, Any], labels: Mapping[str, CurrentLabel]) -> bool:
        """Make the captions of one loop that no person has given; whether there were any to make."""
        wanted = [name for name in CAPTIONS if name not in labels or not labels[name].source.startswith(f"{HUMAN}:")]
        self.report.by_people += len(CAPTIONS) - len(wanted)
        if not wanted:
            return False
        told = caption_values(labels, _measured(row, labels), LEAST_CONFIDENCE)
        if self.endpoint is None:
            made = captions(told, row["instrument"], self.words)
            self._gathered += [(Entry(row["loop_id"], name, made[name], "suggested"), "") for name in wanted]
            return True
        if not self.again and all(name in labels and labels[name].source == self.report.source for name in wanted):
            self.report.unchanged += len(wanted)
            return False
        try:
            made = ask(self.endpoint, facts(told, row["instrument"], self.words))
        except EndpointError as error:
            self.report.failed.append((row["loop_id"], str(error)))
            _log.warning("no caption of loop %s: %s", row["loop_id"], error.code)
            self._failures_in_a_row += 1
            self.report.stopped = self._failures_in_a_row >= MAX_FAILURES
            return True
        self._failures_in_a_row = 0
        self._store([(Entry(row["loop_id"], name, made[name], "suggested"), "") for name in wanted])
        return True

    def flush(self) -> None:
        """Store what was gathered, in one transaction."""
        if self._gathered:
            self._store(self._gathered)
            self._gathered = []

    def _store(self, entries: list[tuple[Entry, str]]) -> None:
        changed = self.store.add_changed(self.report.source, entries)
        self.report.written += changed.written
        self.report.unchanged += changed.unchanged


def _measured(row: Mapping[str, Any], labels: Mapping[str, CurrentLabel]) -> dict[str, Any]:
    meter, _ = counted_meter(labels, row["meter"])
    bucket = tempo_bucket(row["tempo_bpm"], Meter.parse(meter))
    swing = row["swing_phase"] if isinstance(row["swing_phase"], str) else None
    return {"tempo_bpm": row["tempo_bpm"], "meter": row["meter"], "tempo_bucket": bucket, "swing_phase": swing}
