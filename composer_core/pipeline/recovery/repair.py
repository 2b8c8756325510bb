"""Make a damaged workspace usable: rebuild what is made of the rest, set aside what cannot be read, delete nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from composer_core.errors import NotFound, StoreError
from composer_core.pipeline.library.browse import prepare
from composer_core.pipeline.library.import_history import imports
from composer_core.pipeline.recovery.examine import examine
from composer_core.pipeline.recovery.look import DERIVED, Harm
from composer_core.store.atomic import write_bytes
from composer_core.store.damage import aside_folder, set_aside
from composer_core.store.loops.store import LoopStore
from composer_core.store.runs import METRICS_FILE, STATE_FILE, RunState, read_state, row_of, write_state
from composer_core.store.studios import refuse_while_running
from composer_core.workspace import Workspace

REBUILT, SET_ASIDE, LEFT = ACTS = ("rebuilt", "set-aside", "left")
_MOST_PATHS = 20


@dataclass(frozen=True, slots=True)
class RepairedFile:
    """What was done with a damaged file: `act` is rebuilt, set-aside (`place` says where it is now) or left (`todo` is
    the command that mends it). `todo` of a file set aside brings back what it held."""

    file: str
    act: str
    reason: str
    place: str = ""
    todo: str = ""


def repair(
    workspace: Workspace, *, without_labels: bool = False, found: Sequence[Harm] | None = None
) -> list[RepairedFile]:
    """Mend every damaged file of a workspace and say what was done with each; `found` is what `examine` just gave.

    `without_labels` accepts that the labels are gone, and begins with none. NotFound for a workspace that is not
    there, StoreError while a studio runs on it or when it cannot be written.
    """
    if not workspace.root.is_dir():
        raise NotFound("path_missing", path=str(workspace.root))
    refuse_while_running(workspace)
    folder = aside_folder(workspace.root)
    done = [_mend(workspace, harm, folder, without_labels) for harm in (examine(workspace) if found is None else found)]
    if any(mended.file.startswith(DERIVED) and mended.act == REBUILT for mended in done):
        _rebuild(workspace)
    return list(dict.fromkeys(done))


def _mend(workspace: Workspace, harm: Harm, folder: Path, without_labels: bool) -> RepairedFile:
    path = workspace.root / harm.file
    if path == workspace.labels:
        return _mend_labels(workspace, harm, folder, without_labels)
    if harm.file.startswith(DERIVED):
        _drop(workspace, path)
        return RepairedFile(harm.file, REBUILT, harm.reason)
    if path.parent in (workspace.loops, workspace.notes):
        return _mend_part(workspace, harm, folder)
    if path.parent.parent == workspace.runs:
        return _mend_run(workspace, harm, folder)
    if not path.exists():
        return RepairedFile(harm.file, LEFT, harm.reason, todo=harm.cure)
    if path.parent.name == "model" and path.parent.parent.parent == workspace.runs:
        path = path.parent
    return RepairedFile(harm.file, SET_ASIDE, harm.reason, str(set_aside(workspace.root, path, folder)))


def _mend_labels(workspace: Workspace, harm: Harm, folder: Path, without_labels: bool) -> RepairedFile:
    """Labels are put back by a person, who knows which backup is the right one."""
    if not without_labels:
        return RepairedFile(harm.file, LEFT, harm.reason, todo=harm.cure)
    place = ""
    for suffix in ("-wal", "-shm", ""):
        old = workspace.labels.with_name(workspace.labels.name + suffix)
        if old.exists():
            place = str(set_aside(workspace.root, old, folder))
    # It knows of the labels that are gone.
    (workspace.catalogue / "manifest.json").unlink(missing_ok=True)
    return RepairedFile(harm.file, SET_ASIDE, harm.reason, place)


def _drop(workspace: Workspace, path: Path) -> None:
    """Remove something that is made anew of the rest."""
    if workspace.loop_index in (path, path.with_name(path.name.removesuffix("-wal"))):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return
    path.unlink(missing_ok=True)
    if path.parent in (workspace.catalogue, workspace.similarity):
        (path.parent / "manifest.json").unlink(missing_ok=True)


def _rebuild(workspace: Workspace) -> None:
    LoopStore(workspace).rows(["-"], ["loop_id"])  # a look for any loop brings the index up to date
    prepare(workspace, lambda _share: None)


def _mend_part(workspace: Workspace, harm: Harm, folder: Path) -> RepairedFile:
    """Both files of a part go, for neither is of use alone; what is known of where its loops came from is told."""
    name = Path(harm.file).name
    sources = _sources_of(workspace, name)
    place = ""
    for path in (workspace.loops / name, workspace.notes / name):
        if path.exists():
            moved = set_aside(workspace.root, path, folder)
            place = str(moved) if path == workspace.root / harm.file else place
    shown = " ".join(f"'{path}'" for path in sources[:_MOST_PATHS]) or "FILES"
    return RepairedFile(harm.file, SET_ASIDE, harm.reason, place, f"composer ingest {shown}")


def _sources_of(workspace: Workspace, name: str) -> list[str]:
    """The files that the loops of a part were cut from, where they can be told; else those of every import."""
    try:
        rows = LoopStore(workspace).part_table(name, ["source"]).to_pylist()
        known = list(dict.fromkeys(str(row["source"]) for row in rows))
    except StoreError:
        known = []
    if not known:
        reports = [entry["paths"] for entry in imports(workspace)]
        known = [str(path) for paths in reports if isinstance(paths, list) for path in paths]
    return [path for path in dict.fromkeys(known) if Path(path).exists()]


def _mend_run(workspace: Workspace, harm: Harm, folder: Path) -> RepairedFile:
    """A run without its request is nothing; its state and its curve are made anew from what is left."""
    path = workspace.root / harm.file
    run = path.parent
    if path.name == "request.json":
        return RepairedFile(harm.file, SET_ASIDE, harm.reason, str(set_aside(workspace.root, run, folder)))
    if path.name not in (STATE_FILE, METRICS_FILE):
        return RepairedFile(harm.file, SET_ASIDE, harm.reason, str(set_aside(workspace.root, path, folder)))
    lines = [] if not path.exists() else path.read_bytes().split(b"\n")
    kept = [line for line in lines if row_of(line) is not None]
    place = str(set_aside(workspace.root, path, folder)) if path.exists() else ""
    if path.name == METRICS_FILE:
        write_bytes(path, b"".join(line + b"\n" for line in kept))
        _shorten(run, kept)
    else:
        rows = _rows(run / METRICS_FILE)
        step = int(str(json.loads(rows[-1])["step"])) if rows else 0
        write_state(run, RunState("stopped", 0, 0.0, step, step, "", "", time.time()))
    return RepairedFile(harm.file, SET_ASIDE, harm.reason, place)


def _rows(path: Path) -> Sequence[bytes]:
    return [line for line in path.read_bytes().split(b"\n") if row_of(line)] if path.exists() else []


def _shorten(run: Path, kept: Sequence[bytes]) -> None:
    """Have the state say no more than the curve does."""
    state = read_state(run)
    last = int(str(json.loads(kept[-1])["step"])) if kept else 0
    if state is not None and state.step > last:
        write_state(run, replace(state, step=last))
