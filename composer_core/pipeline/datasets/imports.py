"""Import data sets into the library: files as loops, and the set's facts as labels and song facts.

Labels are events of `import:<data set>` with the confidence the adapter gives; a person's
label keeps priority. Importing the same set again changes nothing, and the report says so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from composer_core.errors import NotFound
from composer_core.ingest.datasets.adapter import ISSUES, Adapter, FileFacts, Issue, Reading
from composer_core.ingest.datasets.archived import beginnings, is_archive, laid_out
from composer_core.ingest.datasets.beat_files import is_below
from composer_core.ingest.datasets.parsing import parse_indexes
from composer_core.ingest.datasets.registry import ADAPTERS, PLAIN_FOLDER, adapter_named, detect
from composer_core.ingest.engine import Engine
from composer_core.ingest.scan import relative_name
from composer_core.music.drum_maps import AUTOMATIC
from composer_core.pipeline.access.rights import guarded, require
from composer_core.pipeline.datasets.progressions import keep_progressions
from composer_core.pipeline.datasets.spans import FileLabels, LoopPlace, WordTranslator, labels_of_loop, loops_of_files
from composer_core.pipeline.labels.imports import LabelImport, LabelRow, import_labels
from composer_core.pipeline.library.imports import ImportReport, Progress, ingest
from composer_core.pipeline.library.uploads import is_upload
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.songs import SongRow, SongStore, extra_json
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

LISTED = 1000
"""So many unmatched and refused rows are listed one by one; all of them are counted."""


@dataclass(slots=True)
class DatasetReport:
    """What a data set's own facts came to. Issues are {place, reason, word, message}."""

    path: str
    name: str
    title: str
    detected: bool
    rows: int = 0
    matched: int = 0
    unmatched: list[Issue] = field(default_factory=list)
    refused: list[Issue] = field(default_factory=list)
    unknown_words: dict[str, int] = field(default_factory=dict)
    labels: LabelImport = field(default_factory=LabelImport)
    songs_changed: int = 0
    progressions: int = 0
    progressions_added: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything was stored that was not there before."""
        return bool(self.labels.written or self.songs_changed or self.progressions_added)

    def to_json(self) -> dict[str, object]:
        """Plain values, as `composer ingest --json` prints them."""
        return {
            "path": self.path,
            "name": self.name,
            "title": self.title,
            "detected": self.detected,
            "rows": self.rows,
            "matched": self.matched,
            "n_unmatched": len(self.unmatched),
            "unmatched": [issue_json(issue) for issue in self.unmatched[:LISTED]],
            "n_refused": len(self.refused),
            "refused": [issue_json(issue) for issue in self.refused[:LISTED]],
            "unknown_words": self.unknown_words,
            "labels": self.labels.to_json(),
            "songs_changed": self.songs_changed,
            "progressions": self.progressions,
            "changed": self.changed,
        }


def issue_json(issue: Issue) -> dict[str, str]:
    """One unmatched or refused row with its English sentence."""
    said = f"{issue.place}: {ISSUES[issue.reason]}"
    message = f"{said} ({issue.word})." if issue.word else f"{said}."
    return {"place": issue.place, "reason": issue.reason, "word": issue.word, "message": message}


def dataset_names() -> tuple[str, ...]:
    """What `--dataset` takes."""
    return tuple(ADAPTERS)


def dataset_title(name: str) -> str:
    """The title of a data set by the name that `--dataset` takes; InvalidValue for another."""
    return adapter_named(name).title


@guarded("import_files")
def ingest_with_facts(
    paths: Sequence[str],
    workspace: Workspace,
    *,
    dataset: str | None = None,
    bars: int = 4,
    jobs: int | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    drum_map: str = AUTOMATIC,
) -> ImportReport:
    """`ingest`, and for each path what its data set says of the files: `report.datasets`.

    Without `dataset` each path's is detected. Raises InvalidValue for an unknown data set or drum map
    and NotFound for a path that is not there, before anything is stored.
    """
    if not all(is_upload(workspace, path) for path in paths):
        # Before anything of the path is looked at, also its name.
        require("import_path")
    chosen = None if dataset is None else adapter_named(dataset)
    for path in paths:
        if not Path(path).exists():
            raise NotFound("path_missing", path=str(path))
    adapters = {str(path): chosen or detect(Path(path)) for path in paths}

    def facts(digests: Mapping[str, str]) -> list[dict[str, Any]]:
        """What each path's data set says of its files, by their digests."""
        return [_read(workspace, digests, str(path), chosen, jobs).to_json() for path in paths]

    return ingest(
        paths,
        workspace,
        bars=bars,
        jobs=jobs,
        progress=progress,
        facts=facts,
        engine=engine,
        drum_map=drum_map,
        beats={path: adapter.name for path, adapter in adapters.items() if adapter.beats is not None},
    )


@dataclass(frozen=True, slots=True)
class _Described:
    """What a path's data set says: its adapter, the digests of its files by their names below the set's folder."""

    adapter: Adapter
    own: Mapping[str, str]
    reading: Reading


def _described(digests: Mapping[str, str], path: str, chosen: Adapter | None, jobs: int | None) -> _Described:
    place = Path(path)
    root = place if place.is_dir() else place.parent
    below = {name: digest for name, digest in digests.items() if is_below(name, path)}
    own = {relative_name(name, root): digest for name, digest in below.items()}
    if is_archive(path) and place.is_file():
        inside = {name[len(path) + 1 :].replace("\\", "/"): digest for name, digest in below.items()}
        found = _described_archive(path, inside, chosen, jobs)
        if found is not None:
            return found
    adapter = chosen or detect(place)
    return _Described(adapter, own, adapter.facts(list(own), parse_indexes(adapter, place, jobs)))


def _described_archive(
    path: str, inside: Mapping[str, str], chosen: Adapter | None, jobs: int | None
) -> _Described | None:
    """What an archive's own tables and names say; None for one that is no known data set."""
    with laid_out(path, list(inside), jobs) as (folder, refused):
        found = _beginning(folder, chosen)
        if found is None:
            return None
        root, adapter = found
        prefix = f"{root.relative_to(folder).as_posix()}/" if root != folder else ""
        own = {name.removeprefix(prefix): digest for name, digest in inside.items() if name.startswith(prefix)}
        reading = adapter.facts(list(own), parse_indexes(adapter, root, jobs))
        reading.refused = [_named_inside(issue, root, path) for issue in reading.refused] + refused
        reading.unmatched = [_named_inside(issue, root, path) for issue in reading.unmatched]
        if adapter.beats is not None:
            reading.refused.append(Issue(path, "beats_packed"))
        return _Described(adapter, own, reading)


def _beginning(folder: Path, chosen: Adapter | None) -> tuple[Path, Adapter] | None:
    """Where in a folder a data set begins, and its adapter; None where nothing but a plain folder is found.

    The innermost place counts, for some sets are known by names a level below their folder.
    """
    for start in reversed(list(beginnings(folder))):
        adapter = chosen or detect(start)
        if adapter.name != PLAIN_FOLDER and adapter.detect(start):
            return start, adapter
    return None


def _named_inside(issue: Issue, root: Path, path: str) -> Issue:
    """The same with places inside the archive instead of the temporary folder's."""
    place, word = (text.replace(f"{root}/", f"{path}!") for text in (issue.place, issue.word))
    return replace(issue, place=place, word=word)


def _read(
    workspace: Workspace, digests: Mapping[str, str], path: str, chosen: Adapter | None, jobs: int | None
) -> DatasetReport:
    described = _described(digests, path, chosen, jobs)
    adapter, own, reading, detected = described.adapter, described.own, described.reading, chosen is None
    report = DatasetReport(path, adapter.name, adapter.title, detected, rows=reading.n_rows)
    report.unmatched, report.refused = reading.unmatched, reading.refused
    places = loops_of_files(workspace, set(own.values()))
    facts = _by_digest(reading, own, places)
    report.matched = len(reading.by_file) or len(facts)
    _store(workspace, adapter, facts, places, report)
    report.progressions = len(reading.progressions)
    report.progressions_added = keep_progressions(workspace, adapter.name, reading.progressions)
    _log.info(
        "data set %s (%s): %d rows, %d files matched, %d unmatched, %d refused",
        adapter.name,
        "detected" if detected else "named",
        report.rows,
        report.matched,
        len(report.unmatched),
        len(report.refused),
    )
    return report


def _by_digest(
    reading: Reading, own: Mapping[str, str], places: Mapping[str, list[LoopPlace]]
) -> dict[str, tuple[str, FileFacts]]:
    """(file, facts) by source digest; what leads nowhere is added to `unmatched`."""
    facts = {own[file]: (file, said) for file, said in reading.by_file.items()}
    if not reading.by_md5:
        return facts
    by_md5 = {place.md5: digest for digest, of_file in places.items() for place in of_file[:1]}
    files = {digest: file for file, digest in own.items()}
    for md5, said in reading.by_md5.items():
        if md5 in by_md5:
            facts[by_md5[md5]] = (files[by_md5[md5]], said)
        else:
            reading.unmatched.append(Issue(md5, "no_file"))
    reading.unmatched += [Issue(file, "no_row") for file, digest in own.items() if digest not in facts]
    return facts


def _store(
    workspace: Workspace,
    adapter: Adapter,
    facts: Mapping[str, tuple[str, FileFacts]],
    places: Mapping[str, list[LoopPlace]],
    report: DatasetReport,
) -> None:
    words = WordTranslator(vocabularies(), adapter.name)
    rows: list[LabelRow] = []
    songs: list[SongRow] = []
    for digest, (file, said) in facts.items():
        songs.append(
            SongRow(
                digest, adapter.name, file, said.title, said.composer, said.split, said.group, extra_json(said.extra)
            )
        )
        if digest not in places:
            report.unmatched.append(Issue(file, "no_loop"))
        labels = FileLabels(said.labels)
        for place in places.get(digest, []):
            rows += [
                LabelRow(place.loop_id, name, value, confidence, note, file)
                for name, value, confidence, note in labels_of_loop(labels, place, words)
            ]
    report.unknown_words = dict(sorted(words.unknown.items()))
    report.labels = import_labels(workspace, rows, f"import:{adapter.name}")
    report.songs_changed = SongStore(workspace).write(adapter.name, songs)
