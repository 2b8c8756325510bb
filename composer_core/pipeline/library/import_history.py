"""Earlier imports, and deleting one with its loops: reversible for KEPT_DAYS, labels and all.

Each import writes parts of its own, whose numbers its report holds. Deleting it exchanges these parts for nothing (see
`store.loops.exchanges`): nothing is moved, labels wait by the ids of the loops, and taking the exchange back brings all
of it into the library again. When the days are over the parts go for good, with the next import or deletion.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow.compute as pc

from composer_core.errors import NotFound, StoreError
from composer_core.pipeline.access.rights import guarded
from composer_core.store.atomic import read_json, write_json
from composer_core.store.damage import readable
from composer_core.store.loops.exchanges import (
    Exchange,
    counted_parts,
    exchanges,
    new_exchange_id,
    part_number,
    taking_back,
    whole_parts,
)
from composer_core.store.loops.part_files import count_rows, damaged_parts, parts_present, read_part
from composer_core.store.loops.record import storable
from composer_core.store.loops.staging import commit, exchanging
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

DELETE = "delete_import"
_IN_HISTORY = {"at", "paths", "bars", "files_accepted", "files_refused", "loops_added", "seconds"}
KEPT_DAYS = 30
"""So long a deleted import can be brought back."""
HERE, DELETED, GONE, EMPTY = STATES = ("here", "deleted", "gone", "empty")
"""Of an import: its loops are in the library; they are out and can come back; they are gone for good; it has none."""
_SLACK_SEC = 2.0
"""Reports hold whole seconds, and are written a moment after the last part."""


def keep_history(
    workspace: Workspace, paths: list[str], bars: int, parts: Iterable[str], report: Mapping[str, object]
) -> str:
    """Write the report of an import (an object for JSON) with the parts it wrote; gives the import's id."""
    now = datetime.now(UTC)
    numbers = [part_number(part) for part in parts]
    entry = {"at": now.isoformat(timespec="seconds"), "paths": paths, "bars": bars, "parts": numbers, **report}
    import_id = f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(2)}"
    write_json(_path(workspace, import_id), _storable_json(entry))
    return import_id


def imports(workspace: Workspace) -> list[dict[str, object]]:
    """Earlier imports, newest first: the JSON of each report with `id`, `at` (ISO time), `paths`, `bars`, `state` (one
    of STATES), `n_loops` that are in the library, or would come back, and `until` (ISO time, "" unless deleted).

    Damaged reports and parts are noted and left out."""
    entries = _entries(workspace)[::-1]
    counted = whole_parts(workspace)
    numbers = _numbers(workspace, entries)
    return [_described(workspace, counted, numbers[one], one, entry) for one, entry in entries]


@guarded("delete_import")
def delete_import(workspace: Workspace, import_id: str) -> Exchange:
    """Take the loops of an import out of the library, all of them or none; its labels wait for them.

    NotFound for an import that is not there or has no loop in the library, StoreError when it cannot be written,
    NotPermitted for whom it does not belong to.
    """
    with exchanging(workspace):
        purge(workspace)
        entry = _entry(workspace, import_id)
        counted = counted_parts(workspace)
        own = set(_numbers(workspace, _entries(workspace))[import_id])
        taken_out = sorted(name for name in counted if part_number(name) in own)
        if not taken_out or entry.get("purged_at"):
            raise NotFound("import_without_loops", import_id=import_id, path=str(workspace.root))
        n_loops = _n_loops(workspace, taken_out)
        about = {"import": import_id, "n_loops": n_loops}
        done = commit(workspace, Exchange(new_exchange_id(), DELETE, tuple(taken_out), (), about=about))
        _log.info("import %s deleted: %d loops in %d parts", import_id, n_loops, len(taken_out))
        return done


@guarded("delete_import")
def bring_back(workspace: Workspace, import_id: str) -> Exchange:
    """Bring a deleted import's loops back with their labels.

    NotFound for an import that is not deleted or is gone for good, StoreError when a later change was built on the
    deletion or the library cannot be written.
    """
    with exchanging(workspace):
        _entry(workspace, import_id)
        deleted = _deletions(workspace).get(import_id)
        if deleted is None or not set(deleted.taken_out) <= parts_present(workspace.loops):
            raise NotFound("import_not_deleted", import_id=import_id, days=KEPT_DAYS)
        done = commit(workspace, taking_back(workspace, deleted))
        _log.info("import %s brought back", import_id)
        return done


def purge(workspace: Workspace, now: datetime | None = None) -> int:
    """Remove what was deleted more than KEPT_DAYS ago for good: its parts, and uploads that no other loop came from.

    How many imports those were. The caller is alone with the library (`exchanging`).
    """
    now = now or datetime.now(UTC)
    due = _due(workspace, now)
    for import_id, deleted in due.items():
        path = _path(workspace, import_id)
        parts = set(deleted.taken_out) & (parts_present(workspace.loops) - counted_parts(workspace))
        sources = _sources(workspace, parts)
        # First the word that it is gone: a crash after it leaves files without use, never half an import.
        entry = {**cast(dict[str, Any], read_json(path)), "purged_at": now.isoformat(timespec="seconds")}
        write_json(path, entry)
        for name in parts:
            (workspace.loops / name).unlink(missing_ok=True)
            (workspace.notes / name).unlink(missing_ok=True)
        for source in sources - _sources(workspace, parts_present(workspace.loops)):
            _remove_upload(workspace, source)
        _log.info("import %s is gone for good: %d parts", import_id, len(parts))
    return len(due)


def purge_is_due(workspace: Workspace) -> bool:
    """Whether `purge` has anything to do: it has to wait for others, so it is asked for only then."""
    return bool(_due(workspace, datetime.now(UTC)))


def _due(workspace: Workspace, now: datetime) -> dict[str, Exchange]:
    """The deletions whose days are over and whose import is not gone yet, by the import."""
    return {
        import_id: deleted
        for import_id, deleted in _deletions(workspace).items()
        if datetime.fromisoformat(deleted.at) + timedelta(days=KEPT_DAYS) <= now
        and _path(workspace, import_id).exists()
        and not _entry(workspace, import_id).get("purged_at")
    }


def _described(
    workspace: Workspace, counted: set[str], numbers: list[int], import_id: str, entry: dict[str, Any]
) -> dict[str, object]:
    own = [name for name in counted if part_number(name) in set(numbers)]
    deleted = _deletions(workspace).get(import_id)
    state, n_loops, until = EMPTY, 0, ""
    if entry.get("purged_at"):
        state = GONE
    elif own:
        state, n_loops = HERE, _n_loops(workspace, own)
    elif deleted is not None:
        state, n_loops = DELETED, int(cast(int, deleted.about["n_loops"]))
        until = (datetime.fromisoformat(deleted.at) + timedelta(days=KEPT_DAYS)).isoformat(timespec="seconds")
    return {**entry, "id": import_id, "state": state, "n_loops": n_loops, "until": until}


def _deletions(workspace: Workspace) -> dict[str, Exchange]:
    """The deletions that stand, by the import they deleted."""
    log = exchanges(workspace)
    undone = {one.takes_back for one in log}
    standing = (one for one in log if one.kind == DELETE and not one.takes_back and one.id not in undone)
    return {str(one.about["import"]): one for one in standing}


def _numbers(workspace: Workspace, entries: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, list[int]]:
    """The numbers of the parts of each import. Of early imports, which do not say, those written while it ran, as far
    as no other import ran then."""
    given = list(entries)
    early = {one: _span(entry) for one, entry in given if "parts" not in entry and entry["loops_added"]}
    found = {one: list(entry.get("parts", ())) for one, entry in given}
    if not early:
        return found
    said = {number for numbers in found.values() for number in numbers}
    present = parts_present(workspace.loops)
    for name in present - damaged_parts(workspace.loops, present):
        if part_number(name) in said:
            continue
        first, last = _written_between(workspace, name)
        ran = [one for one, (start, end) in early.items() if start <= first and last <= end]
        overlapping = [one for one, (start, end) in early.items() if start <= last and first <= end]
        if len(ran) == 1 and overlapping == ran:
            found[ran[0]].append(part_number(name))
    return found


def _span(entry: Mapping[str, Any]) -> tuple[datetime, datetime]:
    end = datetime.fromisoformat(entry["at"])
    return end - timedelta(seconds=float(entry["seconds"]) + _SLACK_SEC), end + timedelta(seconds=_SLACK_SEC)


def _written_between(workspace: Workspace, name: str) -> tuple[datetime, datetime]:
    times = pc.min_max(read_part(workspace.loops / name, ["created_at"]).column("created_at")).as_py()
    return times["min"], times["max"]


def _n_loops(workspace: Workspace, names: Iterable[str]) -> int:
    return count_rows(workspace.loops / name for name in names)


def _sources(workspace: Workspace, names: Iterable[str]) -> set[str]:
    store = LoopStore(workspace)
    return {source for name in names for source in store.part_table(name, ["source"]).column("source").to_pylist()}


def _remove_upload(workspace: Workspace, source: str) -> None:
    """Remove a file that was uploaded; one of the person's own folders is never touched."""
    path = Path(source)
    if path.is_relative_to(workspace.sources) and path.parent != workspace.sources:
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _entries(workspace: Workspace) -> list[tuple[str, dict[str, Any]]]:
    paths = sorted(workspace.imports.glob("import-*.json"))
    return list(readable(paths, lambda path: (_id_of(path), read_import(path))))


def read_import(path: Path) -> dict[str, object]:
    """The report of an import; StoreError when it is damaged."""
    entry: Any = read_json(path)
    if not isinstance(entry, dict) or not entry.keys() >= _IN_HISTORY or not isinstance(entry["paths"], list):
        raise StoreError("damaged_store", path=str(path), reason="no report of an import")
    return cast(dict[str, object], entry)


def _entry(workspace: Workspace, import_id: str) -> dict[str, Any]:
    path = _path(workspace, import_id)
    if path.parent != workspace.imports or not path.is_file():
        raise NotFound("import_missing", import_id=import_id, path=str(workspace.root))
    return read_import(path)


def _path(workspace: Workspace, import_id: str) -> Path:
    return workspace.imports / f"import-{import_id}.json"


def _id_of(path: Path) -> str:
    return path.stem.removeprefix("import-")


def _storable_json(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {key: _storable_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable_json(inner) for inner in value]
    return value
