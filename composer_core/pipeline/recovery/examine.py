"""Open every store of a workspace and check what it holds: integrity, digests, and that each file can be read."""

from __future__ import annotations

import hashlib
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from composer_core.errors import ComposerError, StoreError
from composer_core.estimate.estimators import load_estimators
from composer_core.pipeline.datasets.progressions import progressions
from composer_core.pipeline.editing.recipes import read_recipe
from composer_core.pipeline.library.import_history import read_import
from composer_core.pipeline.models import read_model_facts
from composer_core.pipeline.recovery.look import Harm, harm_of
from composer_core.pipeline.settings import load_settings
from composer_core.pipeline.training.runs import status
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import read_json
from composer_core.store.damage import DamagedFile
from composer_core.store.labels.backup import DAMAGED, label_damage
from composer_core.store.labels.schema import label_location
from composer_core.store.labels.store import LabelStore, lost_events
from composer_core.store.loops.content import content_hash
from composer_core.store.loops.exchanges import counted_parts, exchanges, made_for
from composer_core.store.loops.part_files import parts_present
from composer_core.store.loops.store import LoopStore
from composer_core.store.runs import METRICS_FILE, missing_rows, read_rows, read_state, run_names
from composer_core.store.takes import read_take
from composer_core.workspace import Workspace

_BLOCK = 1 << 20
_BAD = (ComposerError, OSError, ValueError, KeyError, TypeError, pa.ArrowException, sqlite3.Error, zipfile.BadZipFile)
"""What reading a damaged file raises, in the libraries that read one."""
Check = Callable[[Path], object]


def examine(workspace: Workspace) -> list[Harm]:
    """Every damaged file of a workspace with the command that mends it, in a fixed order. Nothing is changed.

    All files are read whole, so it takes about as long as copying the workspace; loops are compared with the digests
    that were stored with them.
    """
    checks = (_labels, _backups, _parts, _index, _catalogue, _similarity, _tables, _small, _runs, _sources, _audio)
    found: dict[Path, DamagedFile] = {}
    for check in checks:
        for damage in check(workspace):
            found.setdefault(damage.path, damage)
    return [harm_of(workspace, damage) for damage in found.values()]


def _each(paths: Iterator[Path] | list[Path], check: Check) -> Iterator[DamagedFile]:
    """The files whose check fails."""
    for path in paths:
        try:
            check(path)
        except _BAD as error:
            values = error.values if isinstance(error, ComposerError) else {}
            named = Path(str(values.get("path", path)))
            yield DamagedFile(
                named if named.is_file() else path, str(values.get("reason", error)) or type(error).__name__
            )


def _refuse(path: Path, reason: str) -> None:
    raise StoreError("damaged_store", path=str(path), reason=reason)


def _labels(workspace: Workspace) -> Iterator[DamagedFile]:
    location = label_location(workspace)
    if not isinstance(location, Path):
        LabelStore(location).newest()  # a server checks its own files; that it answers is what can be asked of it
    elif n_events := lost_events(location, workspace):
        yield DamagedFile(location, f"missing or empty, though {n_events} label events were known")
    elif location.is_file() and (reason := label_damage(location)):
        yield DamagedFile(location, reason)


def _backups(workspace: Workspace) -> Iterator[DamagedFile]:
    def check(path: Path) -> None:
        if reason := label_damage(path):
            _refuse(path, reason)

    # Labels that were damaged when they were replaced are kept as they were.
    kept = [path for path in sorted(workspace.backups.glob("*.sqlite")) if not path.name.startswith(DAMAGED)]
    yield from _each(kept, check)


def _parts(workspace: Workspace) -> Iterator[DamagedFile]:
    store = LoopStore(workspace)
    if workspace.exchanges.exists():
        yield from _each([workspace.exchanges], lambda _: exchanges(workspace))
    try:
        names = sorted(counted_parts(workspace))
    except StoreError:
        names = sorted(parts_present(workspace.loops))
    for name in names:
        yield from _each([workspace.loops / name, workspace.notes / name], pq.read_table)
        yield from _each([workspace.notes / name], lambda path: _check_content(store, path))


def _check_content(store: LoopStore, path: Path) -> None:
    """The ids of a part make its name, and the notes of each loop its content hash."""
    try:
        rows = store.part_table(path.name, ["loop_id", "content_hash"]).to_pylist()
    except StoreError:
        return  # told as a damaged part of loops
    ids = hashlib.sha256("".join(row["loop_id"] for row in rows).encode()).hexdigest()[:8]
    if not made_for(path.name) and path.stem.split("-")[-1] != ids:
        _refuse(path.parent.parent / "loops" / path.name, "its loops are not those of its name")
    loops = store.part_loops(path.name)
    changed = [row["loop_id"] for row in rows if content_hash(loops[row["loop_id"]]) != row["content_hash"]]
    if changed:
        _refuse(path, f"the notes of {len(changed)} loops are not those that were stored")


def _index(workspace: Workspace) -> Iterator[DamagedFile]:
    def check(path: Path) -> None:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
            n_loops = connection.execute("SELECT count(*) FROM loops").fetchone()
            if verdict != "ok" or not n_loops:
                _refuse(path, str(verdict))

    yield from _each([workspace.loop_index] if workspace.loop_index.is_file() else [], check)


def _catalogue(workspace: Workspace) -> Iterator[DamagedFile]:
    manifest = workspace.catalogue / "manifest.json"
    if manifest.is_file():
        yield from _each([manifest], _files_of)
    yield from _each(_sorted(workspace.catalogue, "*.parquet"), pq.read_table)
    yield from _each(_sorted(workspace.catalogue, "*.arrow"), _read_arrow)


def _similarity(workspace: Workspace) -> Iterator[DamagedFile]:
    manifest = workspace.similarity / "manifest.json"
    if manifest.is_file():
        yield from _each([manifest], _files_of)
    yield from _each(_sorted(workspace.similarity, "*.arrow"), _read_arrow)


def _files_of(manifest: Path) -> None:
    """The files that a manifest names are there."""
    content = read_json(manifest)
    rows = content["files"] if isinstance(content, dict) else None
    if not isinstance(rows, list):
        _refuse(manifest, "it names no files")
        return
    for row in rows:
        if not (manifest.parent / row["name"]).is_file():
            _refuse(manifest, f"{row['name']} is missing")


def _read_arrow(path: Path) -> None:
    with pa.ipc.open_file(str(path)) as reader:
        reader.read_all().validate(full=True)


def _tables(workspace: Workspace) -> Iterator[DamagedFile]:
    for folder in (workspace.exclusions, workspace.other_names, workspace.songs, workspace.legacy):
        yield from _each(_sorted(folder, "*.parquet"), pq.read_table)


def _small(workspace: Workspace) -> Iterator[DamagedFile]:
    """Settings, takes, reports of imports, and what people write by hand."""
    if workspace.settings.exists():
        yield from _each([workspace.settings], lambda _: load_settings(workspace))
    yield from _each(_sorted(workspace.takes, "*.json"), read_take)
    yield from _each(_sorted(workspace.imports, "import-*.json"), read_import)
    if workspace.progressions.exists():
        yield from _each([workspace.progressions], lambda _: list(progressions(workspace)))
    yield from _each(_sorted(workspace.recipes, "*.yaml"), read_recipe)
    if workspace.vocabularies.is_dir():
        yield from _each([workspace.vocabularies], lambda _: vocabularies(workspace))
    if workspace.estimators.is_dir():
        yield from _each([workspace.estimators], load_estimators)


def _runs(workspace: Workspace) -> Iterator[DamagedFile]:
    for name in run_names(workspace.runs):
        folder = workspace.runs / name
        yield from _each([folder / "request.json"], lambda path: status(workspace, path.parent.name))
        yield from _each([folder], _check_curve)
        zipped = [folder / "data.npz", folder / "checkpoint.pt"]
        yield from _each([path for path in zipped if path.is_file()], _check_zip)
        yield from _each(_sorted(folder, "*.json"), read_json)
        if (folder / "model" / "config.json").is_file():
            yield from _each([folder / "model" / "config.json"], lambda path: read_model_facts(path.parent))


def _check_curve(folder: Path) -> None:
    """The curve reaches as far as the state says."""
    if lack := missing_rows(read_rows(folder), read_state(folder)):
        _refuse(folder / METRICS_FILE, lack)


def _check_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        _refuse(path, f"{damaged} is damaged")


def _sources(workspace: Workspace) -> Iterator[DamagedFile]:
    def check(path: Path) -> None:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        if not digest.hexdigest().startswith(path.parent.name):
            _refuse(path, "it is not the file that was uploaded")

    yield from _each([path for path in _sorted(workspace.sources, "*/*") if path.is_file()], check)


def _audio(workspace: Workspace) -> Iterator[DamagedFile]:
    from composer_core.render.audio import check_audio

    yield from _each(_sorted(workspace.audio, "*.flac") + _sorted(workspace.audio, "*.wav"), check_audio)


def _sorted(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
