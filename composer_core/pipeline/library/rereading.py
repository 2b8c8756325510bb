"""Read the sources of old loops again and stage what becomes of each part of the library; nothing of it counts yet.

What was found of a part is kept in a journal of its own as soon as the part is staged, so that a re-read that was
stopped goes on where it was.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from composer_core.errors import RefusedFile
from composer_core.ingest.datasets.beat_files import folders_of_set
from composer_core.ingest.datasets.registry import ADAPTERS
from composer_core.ingest.pool import JobReport, read_all
from composer_core.ingest.scan import kind_of
from composer_core.ingest.song import READING
from composer_core.music.drum_maps import AUTOMATIC
from composer_core.pipeline.library.changes import FileChange, compare
from composer_core.pipeline.library.measuring import READ_TASK, decode_records
from composer_core.pipeline.library.readings import CutLoop, bars_of_part, fresh_id, loops_of_part, old_parts, source_of
from composer_core.store.atomic import read_json, write_json
from composer_core.store.loops.declarations import BY_NAME
from composer_core.store.loops.exchanges import exchanges, new_exchange_id
from composer_core.store.loops.record import LoopRecord
from composer_core.store.loops.staging import FileRows, drop_leftovers, stage_part
from composer_core.store.loops.store import LoopStore
from composer_core.store.songs import SongStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

_RUN = "run.json"
Seen = Callable[[int, int], None]


@dataclass(slots=True)
class PartChange:
    """What becomes of one part. `made` is the part that takes its place, "" where none of its loops is left, None
    where it stays and only the files of the digests `stamped` are noted as read anew.

    `replaces` maps the ids of new loops to those of the old ones they stand for, `instruments` old and new loops of
    these to their instruments; `set_aside` are the ids that are no more. `digests` are its files with old loops,
    `changed` says of those that change, by path, how many loops do in which way; `not_reread` are those that could not
    be read as {path, code, message}. `claims` are the places that this part takes in files with loops in other parts
    too.
    """

    part: str
    signature: tuple[int, int]
    bars: int
    drum_map: str
    made: str | None = None
    stamped: list[str] = field(default_factory=list)
    replaces: dict[str, list[str]] = field(default_factory=dict)
    instruments: dict[str, str] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)
    classes: dict[str, int] = field(default_factory=dict)
    n_loops: int = 0
    digests: list[str] = field(default_factory=list)
    changed: dict[str, dict[str, int]] = field(default_factory=dict)
    not_reread: list[dict[str, str]] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rereading:
    """A re-read in the making: the exchange it is for, and what becomes of each part with old loops."""

    exchange_id: str
    parts: tuple[PartChange, ...]


def signature_of(workspace: Workspace, name: str) -> tuple[int, int]:
    """Changes whenever a part is rewritten in place."""
    found = (workspace.loops / name).stat()
    return found.st_size, found.st_mtime_ns


def stamp_of(change: PartChange) -> dict[str, pa.Scalar]:
    """What the loops of a file that was read anew and stays as it is are to say of that, by column."""
    values = {"reading": READING, "cut_bars": change.bars, "drum_map_choice": change.drum_map}
    return {name: pa.scalar(value, BY_NAME[name].arrow) for name, value in values.items()}


def read_again(workspace: Workspace, jobs: int | None = None, seen: Seen | None = None) -> Rereading:
    """Read what is old and stage what becomes of it; goes on where an earlier call was stopped.

    `seen` is called with the number of files done and of all. The caller holds `staging.exchanging`. Raises
    StoreError when the library is damaged or cannot be written, and Unavailable without a reader process.
    """
    run = _opened_run(workspace)
    drop_leftovers(workspace, keep=run)
    needs = [need for name in old_parts(workspace) if (need := _need_of(workspace, name)) is not None]
    done = {change.part: change for change in _journal(workspace) if _still_holds(workspace, change, needs)}
    todo = [need for need in needs if need.part not in done]
    claims = _claims(workspace, needs, done.values())
    _log.info("re-read: %d parts with old loops, %d of them staged before", len(needs), len(done))
    for need in _answered(todo, _beats(workspace, todo), jobs, seen):
        change = _staged(workspace, run, need, claims)
        write_json(workspace.rereading / f"{Path(need.part).stem}.json", asdict(change))
        done[need.part] = change
    return Rereading(run, tuple(done[need.part] for need in needs))


def forget(workspace: Workspace) -> None:
    """Drop the journals of a re-read that came about; parts that it staged in vain go with the next one."""
    for path in workspace.rereading.glob("*.json"):
        path.unlink(missing_ok=True)


@dataclass(slots=True)
class _Need:
    """A part with old loops: how it was cut, one old loop of each file by its digest, where each file is, and what was
    read of it."""

    part: str
    bars: int
    drum_map: str
    files: dict[str, CutLoop]
    paths: dict[str, list[str]]
    not_reread: list[dict[str, str]]
    answers: dict[str, tuple[dict[str, object], bytes]] = field(default_factory=dict)


def _need_of(workspace: Workspace, name: str) -> _Need | None:
    loops = loops_of_part(workspace, name)
    files = {digest: of_file[0] for digest, of_file in _old_by_file(loops).items()}
    if not files:
        return None
    paths: dict[str, list[str]] = {}
    missing = []
    for digest, loop in files.items():
        path = source_of(workspace, [loop])
        if path is None:
            missing.append(_refused(RefusedFile("source_missing", path=loop.shown)))
        else:
            paths.setdefault(path, []).append(digest)
    drum_map = next((loop.drum_map_choice for loop in loops if loop.drum_map_choice), AUTOMATIC)
    return _Need(name, bars_of_part(workspace, loops), drum_map, files, paths, missing)


def _old_by_file(loops: Iterable[CutLoop]) -> dict[str, list[CutLoop]]:
    found: dict[str, list[CutLoop]] = {}
    for loop in loops:
        if loop.is_old:
            found.setdefault(loop.source_digest, []).append(loop)
    return found


def _refused(refusal: RefusedFile) -> dict[str, str]:
    return {"path": str(refusal.values["path"]), "code": refusal.code, "message": str(refusal)}


def _opened_run(workspace: Workspace) -> str:
    """The exchange that the journals are for: one that was begun and did not come about, or a new one."""
    path = workspace.rereading / _RUN
    if path.exists():
        said: Any = read_json(path)
        came_about = {one.id for one in exchanges(workspace)}
        if said["reading"] == READING and said["exchange"] not in came_about:
            return str(said["exchange"])
        forget(workspace)
    run = new_exchange_id()
    write_json(path, {"exchange": run, "reading": READING})
    return run


def _journal(workspace: Workspace) -> Iterator[PartChange]:
    for path in sorted(workspace.rereading.glob("part-*.json")):
        row: Any = read_json(path)
        yield PartChange(**{**row, "signature": tuple(row["signature"])})


def _still_holds(workspace: Workspace, change: PartChange, needs: Sequence[_Need]) -> bool:
    """Whether a part that was staged before is as it was then, and no file that was missing has come back."""
    need = next((need for need in needs if need.part == change.part), None)
    if need is None or signature_of(workspace, change.part) != change.signature:
        return False
    if change.made and not ((workspace.loops / change.made).exists() and (workspace.notes / change.made).exists()):
        return False
    missing = {row["path"] for row in need.not_reread}
    return {row["path"] for row in change.not_reread if row["code"] == "source_missing"} == missing and not any(
        row["code"] != "source_missing" for row in change.not_reread
    )


def _claims(workspace: Workspace, needs: Sequence[_Need], done: Collection[PartChange]) -> dict[str, dict[str, str]]:
    """For files with loops in several parts: the places that are taken, each with the part whose loop has it."""
    of_file: dict[str, set[str]] = {}
    store = LoopStore(workspace)
    for name in store.part_names():
        for digest in store.part_table(name, ["source_digest"]).column("source_digest").unique().to_pylist():
            of_file.setdefault(digest, set()).add(name)
    spread = {digest for need in needs for digest in need.files if len(of_file[digest]) > 1}
    claims: dict[str, dict[str, str]] = {digest: {} for digest in spread}
    staged = {change.part for change in done}
    for change in done:
        for digest, places in change.claims.items():
            claims.setdefault(digest, {}).update(dict.fromkeys(places, change.part))
    for name in sorted({name for digest in spread for name in of_file[digest]} - staged):
        for loop in loops_of_part(workspace, name):
            if loop.source_digest in spread and not loop.is_old:
                claims[loop.source_digest][loop.place] = name
    return claims


def _beats(workspace: Workspace, needs: Sequence[_Need]) -> dict[str, str]:
    """The data sets whose bars were told beside the files, by folder: the files are put on their beats again."""
    songs = SongStore(workspace).table()
    found: dict[str, str] = {}
    for name in (name for name, adapter in ADAPTERS.items() if adapter.beats is not None):
        own = set(songs["source_digest"][songs["dataset"] == name])
        paths = (path for need in needs for path, digests in need.paths.items() if not own.isdisjoint(digests))
        found |= folders_of_set(paths, name)
    return found


def _answered(needs: Sequence[_Need], beats: Mapping[str, str], jobs: int | None, seen: Seen | None) -> Iterator[_Need]:
    """The parts as soon as all their files are read, those that were cut alike together."""
    yield from (need for need in needs if not need.paths)
    alike: dict[tuple[int, str], list[_Need]] = {}
    for need in needs:
        alike.setdefault((need.bars, need.drum_map), []).append(need)
    total = sum(len({path for need in group for path in need.paths}) for group in alike.values())
    before = 0
    for (bars, drum_map), group in alike.items():
        options = {"bars": bars, "instrument": None, "measure": True, "drum_map": drum_map, "beats": dict(beats)}
        files = list(dict.fromkeys(path for need in group for path in need.paths))

        def told(done: int, before: int = before) -> None:
            """Counts over all groups."""
            if seen is not None:
                seen(before + done, total)

        jobs_of = [(path, kind_of(path) or "midi") for path in files]
        yield from _complete(group, files, read_all(jobs_of, READ_TASK, options, jobs=jobs, seen=told))
        before += len(files)


def _complete(needs: Sequence[_Need], files: Sequence[str], reports: Iterable[JobReport]) -> Iterator[_Need]:
    waiting: dict[str, list[_Need]] = {}
    for need in needs:
        for path in need.paths:
            waiting.setdefault(path, []).append(need)
    left = {need.part: len(need.paths) for need in needs}
    for report in reports:
        path = files[report.job_id]
        for need in waiting[path]:
            _take(need, path, report)
            left[need.part] -= 1
            if not left[need.part]:
                yield need


def _take(need: _Need, path: str, report: JobReport) -> None:
    """Keep what was read of a need's files at one path; those that are not there any more are named."""
    wanted = set(need.paths[path])
    refused: dict[str, RefusedFile] = {}
    for outcome in report.outcomes:
        if outcome.refusal is not None:
            refused[outcome.name] = outcome.refusal
        elif outcome.facts["digest"] in wanted:
            need.answers[str(outcome.facts["digest"])] = outcome.facts, outcome.payload
    for digest in need.paths[path]:
        if digest not in need.answers:
            loop = need.files[digest]
            member = f"{path}!{loop.member}" if loop.member else path
            found = refused.get(member) or refused.get(path) or RefusedFile("source_changed", path=loop.shown)
            need.not_reread.append(_refused(found))


def _staged(workspace: Workspace, run: str, need: _Need, claims: dict[str, dict[str, str]]) -> PartChange:
    """Compare what a part holds with what was read, and stage the part that takes its place where they differ."""
    old = _old_by_file(loops_of_part(workspace, need.part))
    old_ids = [loop.loop_id for loops in old.values() for loop in loops]
    stored = dict(zip(old_ids, LoopStore(workspace).load_many(old_ids), strict=True))
    change = PartChange(need.part, signature_of(workspace, need.part), need.bars, need.drum_map)
    change.not_reread, change.n_loops, change.digests = need.not_reread, len(old_ids), list(need.files)
    files: dict[str, FileRows] = {}
    classes: Counter[str] = Counter()
    for digest, loops in old.items():
        if digest not in need.answers:
            continue
        records = decode_records(loops[0].source, loops[0].member, *need.answers.pop(digest))
        taken = claims.get(digest, {})
        records = [record for record in records if taken.get(record.loop_id, need.part) == need.part]
        if digest in claims:
            change.claims[digest] = [record.loop_id for record in records]
            taken.update(dict.fromkeys(change.claims[digest], need.part))
        before = {loop.loop_id: stored[loop.loop_id] for loop in loops}
        found = compare(before, [record.loop for record in records])
        if found.is_empty:
            change.stamped.append(digest)
            continue
        renamed = _renamed(records, found)
        files[digest] = FileRows(renamed, {loop.loop_id: loop.created_at for loop in loops})
        _note(change, found, renamed, {loop_id: loop.instrument for loop_id, loop in before.items()})
        classes += found.classes
        change.changed[loops[0].shown] = dict(found.classes)
    change.classes = dict(classes)
    if files:
        change.made = stage_part(workspace, run, need.part, files, stamp_of(change), frozenset(change.stamped))
    return change


def _renamed(records: Sequence[LoopRecord], found: FileChange) -> list[LoopRecord]:
    """The new loops with their ids: that of the old loop they are, or one that no loop had before."""
    return [
        replace(record, loop_id=found.same[index] if index in found.same else fresh_id(record))
        for index, record in enumerate(records)
    ]


def _note(change: PartChange, found: FileChange, records: Sequence[LoopRecord], instruments: Mapping[str, str]) -> None:
    """Keep which loops of a file replace which."""
    kept = set(found.same.values())
    change.set_aside += [loop_id for loop_id in instruments if loop_id not in kept]
    for index, olds in found.replaces.items():
        change.replaces[records[index].loop_id] = list(olds)
        change.instruments[records[index].loop_id] = records[index].loop.instrument
        change.instruments |= {loop_id: instruments[loop_id] for loop_id in olds}
