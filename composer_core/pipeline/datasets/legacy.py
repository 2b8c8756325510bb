"""Import the predecessor's files: loops from its events, its tags as weak labels, its metrics beside ours."""

from __future__ import annotations

import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mido

from composer_core.errors import NotFound
from composer_core.ingest.datasets.adapter import Issue, Label, points_outside
from composer_core.ingest.legacy import LEGACY_LIMIT_SEC, LEGACY_TASK, kind_of_legacy
from composer_core.ingest.pool import read_all
from composer_core.pipeline.datasets.imports import issue_json
from composer_core.pipeline.datasets.spans import FileLabels, WordTranslator, labels_of_loop, loops_of_files
from composer_core.pipeline.labels.imports import LabelImport, LabelRow, import_labels
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.uploads import safe_name
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import write_bytes
from composer_core.store.legacy import LegacyRow, LegacyStore
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_MAX_TICK = 2**27
SOURCE = "import:composer4"
AUTOMATIC_CONFIDENCE = 0.1
"""Its automatic moods hardly vary from loop to loop."""
_GOLDEN = "golden"


def write_midi(
    path: Path, notes: Sequence[Sequence[int]], resolution: int, tempos: Sequence[object], meter: str, n_bars: int
) -> bool:
    """Write [onset, duration, channel, program, pitch, velocity] rows in file ticks; False for impossible values.

    The same notes give the same bytes. The file ends on the line after `n_bars` where no note rings longer.
    """
    bounds = ((0, _MAX_TICK), (0, _MAX_TICK), (0, 15), (0, 127), (0, 127), (1, 127))
    if not all(low <= value <= high for note in notes for value, (low, high) in zip(note, bounds, strict=True)):
        return False
    events: list[tuple[int, int, mido.Message]] = []
    for onset, duration, channel, program, pitch, velocity in notes:
        events.append((onset, 1, mido.Message("program_change", channel=channel, program=program)))
        events.append((onset, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((onset + max(duration, 1), 0, mido.Message("note_off", channel=channel, note=pitch)))
    above, _, below = meter.partition("/")
    known = above.isdecimal() and below in ("1", "2", "4", "8", "16", "32", "64") and 0 < int(above) < 256
    numerator, denominator = (int(above), int(below)) if known else (4, 4)
    tempo = int(tempos[0]) if tempos and isinstance(tempos[0], int | float) and 0 < tempos[0] < 2**24 else 500_000
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo)])
    track.append(mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    end_tick = n_bars * numerator * 4 * resolution // denominator
    track.append(mido.MetaMessage("end_of_track", time=max(end_tick - now, 0)))
    stream = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=resolution, tracks=[track]).save(file=stream)
    if not path.exists() or path.read_bytes() != stream.getvalue():
        write_bytes(path, stream.getvalue())
    return True


@dataclass(slots=True)
class LegacyReport:
    """What an import came to, by kind of file; refused and unmatched rows and conflicts are Issues."""

    read: Counter[str] = field(default_factory=Counter)
    matched: Counter[str] = field(default_factory=Counter)
    unmatched: list[Issue] = field(default_factory=list)
    refused: list[Issue] = field(default_factory=list)
    conflicts: list[Issue] = field(default_factory=list)
    files_skipped: list[str] = field(default_factory=list)
    loops_added: int = 0
    rows_added: int = 0
    unknown_words: dict[str, int] = field(default_factory=dict)
    labels: LabelImport = field(default_factory=LabelImport)

    @property
    def changed(self) -> bool:
        """Whether anything was stored that was not there before."""
        return bool(self.loops_added or self.rows_added or self.labels.written)

    def to_json(self) -> dict[str, object]:
        """The object `composer import-legacy --json` prints."""
        return {
            "read": dict(self.read),
            "matched": dict(self.matched),
            "unmatched": [issue_json(issue) for issue in self.unmatched],
            "refused": [issue_json(issue) for issue in self.refused],
            "conflicts": [issue_json(issue) for issue in self.conflicts],
            "files_skipped": self.files_skipped,
            "loops_added": self.loops_added,
            "rows_added": self.rows_added,
            "unknown_words": self.unknown_words,
            "labels": self.labels.to_json(),
            "changed": self.changed,
        }


def import_legacy(folder: Path, workspace: Workspace, *, bars: int = 4, jobs: int | None = None) -> LegacyReport:
    """Read every file of the predecessor below `folder`; MIDI files beside are imported first.

    Notes of loops whose MIDI file is not here become loops of their own, at the resolution
    that loop_summary names. Twice changes nothing. Raises NotFound for a missing folder.
    """
    if not folder.is_dir():
        raise NotFound("path_missing", path=str(folder))
    report = LegacyReport()
    rows = _read_rows(folder, report, jobs)
    beside = ingest([str(folder)], workspace, bars=bars, jobs=jobs)
    report.loops_added += beside.loops_added
    report.loops_added += _loops_from_notes(rows, workspace, report, bars, jobs)
    match = _Match(workspace)
    match.learn_hashes(rows)
    found = [(row, match.digest_of(row, report)) for row in rows if row["kind"] != "shard"]
    _store(found, workspace, report)
    return report


def legacy_of(workspace: Workspace, loop_id: str) -> dict[str, list[dict[str, object]]]:
    """What the predecessor said of the file a loop was cut from: {legacy_<kind>: [values, ...]}; empty for nothing.

    Its numbers measure the whole file by its own definitions and are never mixed with ours.
    """
    table = LoopStore(workspace).table(["loop_id", "source_digest"])
    chosen = table.loc[table["loop_id"] == loop_id, "source_digest"]
    if chosen.empty:
        raise NotFound("loop_missing", loop_id=loop_id, path=str(workspace.root))
    return legacy_of_file(workspace, str(chosen.iloc[0]))


def legacy_of_file(workspace: Workspace, source_digest: str) -> dict[str, list[dict[str, object]]]:
    """The same by the digest of the file, which every row of the library holds."""
    said: dict[str, list[dict[str, object]]] = defaultdict(list)
    for kind, key, values in LegacyStore(workspace).of(source_digest):
        said[f"legacy_{kind}"].append({"key": key, **values})
    return dict(said)


def _read_rows(folder: Path, report: LegacyReport, jobs: int | None) -> list[dict[str, Any]]:
    files = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if kind_of_legacy(path.name) is not None:
            files.append((str(path), "midi"))
        else:
            report.files_skipped.append(path.relative_to(folder).as_posix())
    rows: list[dict[str, Any]] = []
    for done in read_all(files, LEGACY_TASK, {}, jobs=jobs, limit_sec=LEGACY_LIMIT_SEC):
        for outcome in done.outcomes:
            name = Path(outcome.name).relative_to(folder).as_posix()
            if outcome.refusal is not None:
                report.refused.append(Issue(name, "refused_file", str(outcome.refusal)))
                continue
            content = json.loads(outcome.payload)
            report.refused += [Issue(f"{name} {place}", "bad_row", why) for place, why in content["refused"]]
            rows += [{**row, "place": f"{name} {row['place']}"} for row in content["rows"]]
            report.read[kind_of_legacy(name) or ""] += len(content["rows"]) + len(content["refused"])
    return _without_shards(rows, {Path(path).name for path, _ in files}, report)


def _without_shards(rows: list[dict[str, Any]], there: set[str], report: LegacyReport) -> list[dict[str, Any]]:
    """Shards are read as files of the folder, wherever the index says they were: only their absence matters."""
    for row in rows:
        if row.get("shard") and row["shard"] not in there:
            report.unmatched.append(Issue(row["place"], "no_file", row["shard"]))
    kept = []
    for row in rows:
        if "shard" in row:
            continue
        if row["file"] and points_outside(row["file"]):
            report.refused.append(Issue(row["place"], "outside", row["file"]))
        else:
            kept.append(row)
    return kept


def _loops_from_notes(
    rows: Sequence[dict[str, Any]], workspace: Workspace, report: LegacyReport, bars: int, jobs: int | None
) -> int:
    """Write loops that exist as events only to MIDI files of the workspace and import those."""
    summaries = {row["loop_id"]: row["values"] for row in rows if row["kind"] == "summary"}
    match = _Match(workspace)
    written = []
    for row in rows:
        if not row.get("notes") or match.found(row):
            continue
        said = summaries.get(row["loop_id"], {})
        resolution = row.get("resolution") or said.get("ticks_per_beat")
        if not isinstance(resolution, int) or not 1 <= resolution <= 32767:
            report.refused.append(Issue(row["place"], "no_resolution", row["loop_id"]))
            continue
        name = safe_name(f"{row['loop_id']}.mid")
        path = workspace.create().sources / "composer4" / name
        tempos = (said.get("tempo.events") or [500_000])[:1]
        if write_midi(path, row["notes"], resolution, tempos, str(said.get("time_signature") or "4/4"), bars_of(said)):
            written.append(str(path))
        else:
            report.refused.append(Issue(row["place"], "bad_row", row["loop_id"]))
    return ingest(written, workspace, bars=bars, jobs=jobs).loops_added if written else 0


def bars_of(said: Mapping[str, object]) -> int:
    """`bar_count` of a summary where it is a sensible number, else 0."""
    count = said.get("bar_count")
    return count if isinstance(count, int) and 0 < count <= 4096 else 0


class _Match:
    """Source files of the library by MD5, by name and by the loop id their notes came with."""

    def __init__(self, workspace: Workspace) -> None:
        table = LoopStore(workspace).table(["loop_id", "source", "member", "source_digest", "extra"])
        self._loops = dict(zip(table["loop_id"], table["source_digest"], strict=True))
        self._by_md5: dict[str, str] = {}
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._paths: dict[str, str] = {}
        for row in table.drop_duplicates("source_digest").itertuples(index=False):
            path, digest = str(row.member or row.source).replace("\\", "/"), str(row.source_digest)
            self._by_md5[str(json.loads(str(row.extra)).get("md5", ""))] = digest
            if "/sources/composer4/" in path:
                self._by_md5[Path(path).stem] = digest
            self._by_name[path.rsplit("/", 1)[-1].casefold()].add(digest)
            self._paths[digest] = path

    def learn_hashes(self, rows: Sequence[dict[str, Any]]) -> None:
        """Loops of a summary whose MIDI is not here are those of the golden notes with the same rhythm hash."""
        golden = {row["values"]["metrics"].get("rhythm_hash"): row for row in rows if row["kind"] == _GOLDEN}
        for row in rows:
            same = golden.get(row["values"].get("metrics.rhythm_hash")) if row["kind"] == "summary" else None
            if same is not None and not self.found(row) and (digests := self.found(same)):
                self._by_md5[row["loop_id"]] = next(iter(digests))

    def found(self, row: dict[str, Any]) -> set[str]:
        """Digests the row's keys lead to."""
        return {digest for _, digest in self._keys(row)}

    def digest_of(self, row: dict[str, Any], report: LegacyReport) -> str | None:
        """The one file that a row is about: by loop id, else by digest, else by name; disagreement is a conflict."""
        found = list(self._keys(row))
        if len({digest for _, digest in found}) > 1:
            says = ", ".join(f"{key}: {self._paths[digest].rsplit('/', 1)[-1]}" for key, digest in found)
            report.conflicts.append(Issue(row["place"], "contradiction", says))
        if not found:
            report.unmatched.append(Issue(row["place"], "no_file", row["file"] or row["loop_id"]))
            return None
        report.matched[row["kind"]] += 1
        return found[0][1]

    def _keys(self, row: dict[str, Any]) -> Iterable[tuple[str, str]]:
        if row["loop_id"] in self._loops:
            yield "loop_id", self._loops[row["loop_id"]]
        for key in ("loop_id", "digest"):
            if row[key] in self._by_md5 and row[key]:
                yield key, self._by_md5[row[key]]
        name = row["file"].replace("\\", "/")
        named = self._by_name.get(name.rsplit("/", 1)[-1].casefold(), set()) if name else set()
        exact = {digest for digest in named if f"/{self._paths[digest]}".endswith(f"/{name}")}
        if len(exact or named) == 1:
            yield "file", next(iter(exact or named))


def _store(found: Sequence[tuple[dict[str, Any], str | None]], workspace: Workspace, report: LegacyReport) -> None:
    known = [(row, digest) for row, digest in found if digest is not None]
    stored = [
        LegacyRow(digest, row["kind"], row["loop_id"] or row["file"], json.dumps(row["values"], sort_keys=True))
        for row, digest in known
    ]
    stored += _golden_of_summaries(found)
    report.rows_added = LegacyStore(workspace).add(stored)
    places = loops_of_files(workspace, {digest for _, digest in known})
    words = WordTranslator(vocabularies(), "composer4")
    rows = [
        LabelRow(place.loop_id, name, value, confidence, note, row["place"])
        for row, digest in known
        if row["kind"] == "tags"
        for place in places.get(digest, [])
        for name, value, confidence, note in labels_of_loop(FileLabels(_labels(row["values"])), place, words)
    ]
    report.unknown_words = dict(words.unknown)
    report.labels = import_labels(workspace, rows, SOURCE)


def _golden_of_summaries(found: Sequence[tuple[dict[str, Any], str | None]]) -> list[LegacyRow]:
    """Golden metrics also beside the files whose summary has the same rhythm hash."""
    hashes = {row["values"]["metrics"].get("rhythm_hash"): row for row, _ in found if row["kind"] == _GOLDEN}
    return [
        LegacyRow(digest, _GOLDEN, hashes[key]["loop_id"], json.dumps(hashes[key]["values"], sort_keys=True))
        for row, digest in found
        if digest is not None
        and row["kind"] == "summary"
        and (key := row["values"].get("metrics.rhythm_hash")) in hashes
    ]


def _labels(values: dict[str, Any]) -> list[Label]:
    labels = []
    if isinstance(values.get("mood"), str):
        labels.append(Label("emotion", values["mood"], AUTOMATIC_CONFIDENCE, foreign=True))
    labels += [
        Label(name, values[name], AUTOMATIC_CONFIDENCE)
        for name, codes in (("section", ("intro", "verse", "chorus", "bridge", "break", "fill", "solo", "outro")),
                            ("intensity", ("low", "medium", "high")))
        if values.get(name) in codes
    ]  # fmt: skip
    return labels
