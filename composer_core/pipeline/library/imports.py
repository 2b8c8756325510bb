"""Import files and folders into the library, with a report that names every refused file."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from composer_core.errors import RefusedFile, require_choice, require_range
from composer_core.ingest.engine import Engine, LocalEngine
from composer_core.ingest.pool import JobReport, Outcome
from composer_core.ingest.scan import ScanResult, find_files
from composer_core.ingest.warnings import FileWarning
from composer_core.logs import shown_path
from composer_core.music.drum_maps import AUTOMATIC, DRUM_MAPS
from composer_core.music.timing import BARS_CHOICES
from composer_core.pipeline.access.rights import guarded, require
from composer_core.pipeline.library.import_history import keep_history, purge, purge_is_due
from composer_core.pipeline.library.measuring import READ_TASK, decode_records
from composer_core.pipeline.library.readings import (
    CUT_COLUMNS,
    CutLoop,
    cut_loops,
    fresh_id,
    set_aside_ids,
    would_change,
)
from composer_core.pipeline.library.uploads import is_upload
from composer_core.store.loops.record import LoopRecord, storable
from composer_core.store.loops.staging import exchanging
from composer_core.store.loops.store import LoopStore
from composer_core.store.names import NameStore, OtherName
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of all files."""
MAX_JOBS = 64
Facts = Callable[[Mapping[str, str]], list[dict[str, object]]]
"""Called once all loops are stored, with the digest of each accepted file by its name; returns one entry per path."""
ACCEPTED_NAMED = 1000
"""So many accepted files are named in a report; the others are only counted."""
_NOTES_A_PART = 150_000


@dataclass(slots=True)
class ImportReport:
    """The result of an import. Refused files and warnings are {path, code, message}.

    `accepted` names the first accepted files as {path, loops}, with the number of loops each was cut
    into. `names_added` counts files the library has already that are found by a further name from now on.
    `datasets` holds what `ingest_with_facts` found, one entry per path; it is empty when data sets
    were not looked for. `exact` counts exact duplicates; an import does not search for near duplicates.
    `improved` names the first of the `files_improved` files that the library has by an earlier reading and that would
    be cut otherwise today: nothing of them is added, and a re-read replaces their loops.
    """

    files_seen: int = 0
    files_accepted: int = 0
    files_skipped: int = 0
    accepted: list[dict[str, object]] = field(default_factory=list)
    files_refused: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    loops_added: int = 0
    exact: int = 0
    names_added: int = 0
    files_improved: int = 0
    improved: list[str] = field(default_factory=list)
    seconds: float = 0.0
    datasets: list[dict[str, object]] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """The object that `composer ingest --json` prints."""
        return {
            "files_seen": self.files_seen,
            "files_accepted": self.files_accepted,
            "files_skipped": self.files_skipped,
            "accepted": self.accepted,
            "files_refused": self.files_refused,
            "warnings": self.warnings,
            "loops_added": self.loops_added,
            "duplicates": {"exact": self.exact, "near": None},
            "names_added": self.names_added,
            "files_improved": self.files_improved,
            "improved": self.improved,
            "seconds": round(self.seconds, 3),
            **({"datasets": self.datasets} if self.datasets else {}),
        }


@guarded("import_files")
def ingest(
    paths: Sequence[str],
    workspace: Workspace,
    *,
    bars: int = 4,
    jobs: int | None = None,
    progress: Progress | None = None,
    facts: Facts | None = None,
    engine: Engine | None = None,
    drum_map: str = AUTOMATIC,
    beats: Mapping[str, str] | None = None,
) -> ImportReport:
    """Read MIDI files, folders and archives, cut them into loops of `bars` bars, measure and store them.

    `engine` says where they are read (None: by processes of this machine), `drum_map` which note map
    their drums follow (AUTOMATIC: it is found for each file), `beats` which paths are of which data set
    that tells beats beside its files. A refused file never stops the others.
    Reading the same files again adds nothing. Before anything is stored it raises NotFound for a
    missing path, InvalidValue for bars or jobs out of range and an unknown map, Unavailable for an
    engine that cannot run, StoreError for a workspace that cannot be written, and NotPermitted for a
    path that was not dropped on a page by somebody who may not name paths of the server.
    """
    if not all(is_upload(workspace, path) for path in paths):
        require("import_path")
    started = time.monotonic()
    require_choice("bars", bars, BARS_CHOICES)
    if jobs is not None:
        require_range("jobs", jobs, 1, MAX_JOBS)
    require_choice("drum map", drum_map, (AUTOMATIC, *DRUM_MAPS))
    found = find_files([str(path) for path in paths])
    options = {"bars": bars, "instrument": None, "measure": True, "drum_map": drum_map, "beats": dict(beats or {})}
    total = len(found.files)
    _log.info("import begins: %d files, loops of %d bars", total, bars)
    if purge_is_due(workspace):
        with exchanging(workspace):
            purge(workspace)
    seen = None if progress is None else lambda done: progress(done, total)
    with (engine or LocalEngine()).opened(jobs) as read:
        run = _Import(workspace.create(), found)
        for report in read(found.files, READ_TASK, options, seen=seen):
            run.take(report)
    run.flush()
    if facts is not None:
        run.report.datasets = facts(run.digests)
    run.report.seconds = time.monotonic() - started
    keep_history(workspace, [str(path) for path in paths], bars, run.parts, run.report.to_json())
    _tell(run.report)
    return run.report


def _tell(report: ImportReport) -> None:
    _log.info(
        "import ended after %.1f s: %d of %d files accepted, %d refused, %d skipped; %d loops added, %d duplicates",
        report.seconds,
        report.files_accepted,
        report.files_seen,
        len(report.files_refused),
        report.files_skipped,
        report.loops_added,
        report.exact,
    )


class _Import:
    """An import in progress: the loops that are read but not yet stored, and the report so far."""

    def __init__(self, workspace: Workspace, found: ScanResult) -> None:
        self._workspace, self._store, self._found = workspace, LoopStore(workspace), found
        self._names = NameStore(workspace)
        self._records: list[LoopRecord] = []
        self._n_notes = 0
        self.digests: dict[str, str] = {}
        self.parts: list[str] = []
        self.report = ImportReport(files_skipped=found.n_skipped)
        for refusal in found.refused:
            self._refuse(refusal)

    def take(self, job: JobReport) -> None:
        """Count the outcomes of one file or archive, and keep its loops."""
        path, kind = self._found.files[job.job_id]
        self.report.files_skipped += job.n_skipped
        if kind != "midi" and not job.outcomes:
            self._refuse(RefusedFile("unreadable_archive", path=path, reason="it holds no MIDI file"))
        for outcome in job.outcomes:
            if outcome.refusal is not None:
                self._refuse(outcome.refusal)
            else:
                self._accept(path, outcome)
        if self._n_notes >= _NOTES_A_PART:
            self.flush()

    def flush(self) -> None:
        """Store the loops read so far as one part, and count duplicates."""
        if not self._records:
            return
        self._records = self._to_store()
        appended = self._store.append(self._records)
        self.report.loops_added += len(appended.added)
        self.parts += [appended.part] if appended.part else []
        self.report.exact += appended.n_exact
        if appended.known:
            self.report.exact += self._copies(set(appended.known))
        self._records, self._n_notes = [], 0

    def _to_store(self) -> list[LoopRecord]:
        """The loops read, those that the library has (by whatever id) under its own ids; nothing of improved files."""
        digests = {record.source_digest for record in self._records}
        held: dict[str, list[CutLoop]] = {}
        for loop in cut_loops(self._store.rows_of_files(digests, CUT_COLUMNS)):
            held.setdefault(loop.source_digest, []).append(loop)
        ids = {loop.place: loop.loop_id for loops in held.values() for loop in loops}
        # An id that waits among what was set aside is that of another loop, which may come back.
        aside = set_aside_ids(self._workspace, digests) - set(ids)
        of_file: dict[str, list[LoopRecord]] = {}
        for record in self._records:
            of_file.setdefault(record.source_digest, []).append(record)
        for digest, loops in held.items():
            if any(loop.is_old for loop in loops) and would_change(loops, of_file[digest]):
                self._improve(of_file.pop(digest))
        return [
            replace(one, loop_id=fresh_id(one) if one.loop_id in aside else ids[one.loop_id])
            if one.loop_id in aside or one.loop_id in ids
            else one
            for records in of_file.values()
            for one in records
        ]

    def _improve(self, records: Sequence[LoopRecord]) -> None:
        for source, member in dict.fromkeys((one.loop.source, one.member) for one in records):
            self.report.files_improved += 1
            if len(self.report.improved) < ACCEPTED_NAMED:
                self.report.improved.append(f"{source}!{member}" if member else source)

    def _copies(self, known: set[str]) -> int:
        """Count the loops of files that the library has byte for byte under another name. They add nothing but the
        name, by which they are found from now on."""
        rows = self._store.rows(known, ("loop_id", "source", "member"))
        sources = {loop_id: (row["source"], row["member"]) for loop_id, row in rows.items()}
        copies = [
            record
            for record in self._records
            if record.loop_id in known
            and sources[record.loop_id] != (storable(record.loop.source), storable(record.member))
        ]
        names = (OtherName(record.source_digest, record.loop.source, record.member) for record in copies)
        self.report.names_added += self._names.add(names)
        return len(copies)

    def _refuse(self, refusal: RefusedFile) -> None:
        self.report.files_seen += 1
        path = str(refusal.values.get("path", ""))
        self.report.files_refused.append({"path": path, "code": refusal.code, "message": str(refusal)})
        _log.info("refused %s: %s", shown_path(path, self._workspace), refusal.code)

    def _accept(self, path: str, outcome: Outcome) -> None:
        self.report.files_seen += 1
        self.report.files_accepted += 1
        facts: dict[str, Any] = outcome.facts
        for code, values in facts["warnings"]:
            self.report.warnings.append(FileWarning(code, outcome.name, values).to_json())
        member = outcome.name[len(path) + 1 :] if outcome.name != path else ""
        records = decode_records(path, member, facts, outcome.payload)
        self.digests[outcome.name] = facts["digest"]
        if len(self.report.accepted) < ACCEPTED_NAMED:
            self.report.accepted.append({"path": outcome.name, "loops": len(records)})
        self._records.extend(records)
        self._n_notes += sum(len(record.loop.notes) for record in records)
