"""A workspace whose files are damaged one after another: what still works, what is named, whether the cure cures."""

from __future__ import annotations

import random
import shutil
import tarfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from composer_core.errors import ComposerError
from composer_core.pipeline.generation.takes import list_takes
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.files import back_up_labels, restore_labels
from composer_core.pipeline.library import browse, loops
from composer_core.pipeline.library.import_history import imports
from composer_core.pipeline.models import models
from composer_core.pipeline.recovery.examine import examine
from composer_core.pipeline.recovery.look import harms
from composer_core.pipeline.recovery.repair import repair
from composer_core.pipeline.settings import settings_or_defaults
from composer_core.pipeline.training.runs import runs
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.songs import SongStore
from composer_core.workspace import Workspace

SAVED = Path(__file__).resolve().parents[2] / "saved"
BACKUP = "labels.backup"
UNIMPORTANT = ("lock", ".log", "log.txt")
"""Endings of files that hold nothing: what stands in them is never read, or is a log."""


def truncated(data: bytes) -> bytes:
    """The first half."""
    return data[: len(data) // 2]


def zeroed(data: bytes) -> bytes:
    """As long as before, without anything in it."""
    return bytes(len(data))


def noisy(data: bytes) -> bytes:
    """As long as before, the same noise each time."""
    return random.Random(len(data)).randbytes(len(data))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {"truncated": truncated, "zeroed": zeroed, "noise": noisy}


def saved_workspace(root: Path) -> Workspace:
    """The saved workspace with its runs, as an earlier release left them, and a backup of its labels beside it."""
    for name in ("workspace", "runs"):
        with tarfile.open(SAVED / f"{name}.tar.xz") as archive:
            archive.extractall(root, filter="data")
    workspace = Workspace(root / "workspace")
    browse.count(workspace)
    back_up_labels(workspace, root / BACKUP)
    return workspace


def damageable(workspace: Workspace) -> list[Path]:
    """Every file of a workspace that holds something, below its root."""
    files = [path for path in sorted(workspace.root.rglob("*")) if path.is_file() and path.stat().st_size]
    return [path.relative_to(workspace.root) for path in files if not path.name.endswith(UNIMPORTANT)]


def _notes(workspace: Workspace) -> int:
    return sum(len(loops.load_loop(workspace, loop_id).notes) for loop_id in browse.ids(workspace))


USES: dict[str, Callable[[Workspace], int]] = {
    "loops found": browse.count,
    "loops shown": lambda workspace: len(browse.page(workspace, limit=1000).rows),
    "notes": _notes,
    "labelled loops": lambda workspace: len(decisions.statuses(workspace)),
    "songs": lambda workspace: len(SongStore(workspace).table()),
    "exclusions": lambda workspace: len(ExclusionStore(workspace).events()),
    "takes": lambda workspace: len(list_takes(workspace)),
    "runs": lambda workspace: len(runs(workspace)),
    "steps of runs": lambda workspace: sum(len(run.losses) for run in runs(workspace)),
    "models": lambda workspace: len(models(workspace)),
    "imports": lambda workspace: len(imports(workspace)),
    "rater": lambda workspace: len(settings_or_defaults(workspace).rater),
}
"""What a person would miss, as counts."""


@dataclass(slots=True)
class Case:
    """What happened to one damaged file. `refused` are the uses that answered with an error of ours."""

    file: str
    damage: str
    refused: dict[str, str] = field(default_factory=dict)
    tracebacks: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    uncured: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """No traceback, nothing lost without a word, and everything that the cure promises."""
        return not (self.tracebacks or self.silent or self.uncured)


def used(workspace: Workspace) -> tuple[dict[str, int], dict[str, str], list[str]]:
    """The counts of every use, the sentences of those that refuse, and tracebacks."""
    counts: dict[str, int] = {}
    refused: dict[str, str] = {}
    tracebacks: list[str] = []
    for name, use in USES.items():
        try:
            counts[name] = use(workspace)
        except ComposerError as error:
            refused[name] = str(error)
        except Exception:  # noqa: BLE001 - whatever else comes out is what is looked for
            tracebacks.append(f"{name}: {traceback.format_exc(limit=-3)}")
    return counts, refused, tracebacks


def damage_one(made: Workspace, before: dict[str, int], file: Path, damage: str, place: Path) -> Case:
    """Damage one file of a copy of `made`, whose uses give `before`; use it, cure it, use it again."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(made.root, place)
    workspace, case = Workspace(place), Case(file.as_posix(), damage)
    path = place / file
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    counts, case.refused, case.tracebacks = used(workspace)
    named = " ".join([harm.file for harm in harms(workspace)] + list(case.refused.values()))
    examined = examine(workspace)
    told = any(harm.file == file.as_posix() for harm in examined)
    fewer = [name for name, count in before.items() if counts.get(name, count) < count]
    # A part is two files: the other one goes with it, and either name tells which.
    if fewer and not told and file.name not in named:
        case.silent += fewer
    if fewer and file.name not in named:
        case.silent.append(f"not named on screen: {', '.join(fewer)}")
    if workspace.labels == path:
        restore_labels(workspace, made.root.parent / BACKUP)
    repair(workspace, found=[harm for harm in examined if harm.file != "labels.sqlite"])
    case.uncured += list(_uncured(workspace, before, file))
    return case


def _uncured(workspace: Workspace, before: dict[str, int], file: Path) -> Iterator[str]:
    """What is still wrong after the commands that are named as the cure."""
    left = examine(workspace)
    if left:
        yield f"still damaged: {left}"
    counts, refused, tracebacks = used(workspace)
    yield from tracebacks
    yield from (f"{name}: {sentence}" for name, sentence in refused.items())
    derived = file.parts[:2] in (("library", "catalogue"), ("library", "similarity")) or file.name == "index.sqlite"
    if derived or file.name == "labels.sqlite":
        yield from (f"{name}: {counts.get(name)} of {n}" for name, n in before.items() if counts.get(name) != n)
    if not derived and file.name != "labels.sqlite":
        kept = list((workspace.root / "set-aside").rglob(file.name))
        if not kept and not (workspace.root / file).exists():
            yield "the damaged file is gone"
