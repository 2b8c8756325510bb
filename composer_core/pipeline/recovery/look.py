"""What a page shows of a damaged workspace: found with a glance at each file, and remembered from what was read."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from composer_core.pipeline.settings import settings_or_defaults
from composer_core.store.damage import PARQUET, SQLITE, DamagedFile, looks_whole, note_damage, noted
from composer_core.store.labels.backup import DAMAGED
from composer_core.store.labels.schema import label_location
from composer_core.store.labels.store import lost_events
from composer_core.store.loops.exchanges import whole_parts
from composer_core.store.studios import announce as announce  # the studio says so from here
from composer_core.workspace import Workspace

REPAIR = "composer repair"
LOOK_AGAIN_SEC = 5.0
DERIVED = ("library/index.sqlite", "library/catalogue", "library/similarity", "library/suggestions.sqlite", "cache")
"""Below the workspace: made of the rest, and made anew when it is gone."""
_HEADER_BYTES, _LARGEST_PAGE = 100, 65_536
_looked: dict[Path, float] = {}


@dataclass(frozen=True, slots=True)
class Harm:
    """A damaged file as it is told: its path below the workspace, what is wrong, and the command that mends it."""

    file: str
    reason: str
    cure: str


def harms(workspace: Workspace) -> list[Harm]:
    """The damaged files that this process has met or sees with a glance, with their cures. Nothing is changed."""
    root = workspace.root.absolute()
    if time.monotonic() - _looked.get(root, -LOOK_AGAIN_SEC) >= LOOK_AGAIN_SEC:
        _looked[root] = time.monotonic()
        for glance in (_parts, _tables, _labels, _settings):
            glance(workspace)
    return [harm_of(workspace, damage) for damage in noted(root)]


def harm_of(workspace: Workspace, damage: DamagedFile) -> Harm:
    """A damaged file with its cure."""
    file = damage.path.absolute().relative_to(workspace.root.absolute()).as_posix()
    return Harm(file, damage.reason, restore_line(workspace) if damage.path == workspace.labels.absolute() else REPAIR)


def restore_line(workspace: Workspace) -> str:
    """The command that puts labels back, with the newest backup that the workspace holds."""
    kept = [path for path in workspace.backups.glob("*.sqlite") if not path.name.startswith(DAMAGED)]
    found = sorted(kept, key=lambda path: path.stat().st_mtime)
    whole = [path for path in found if looks_whole(path, SQLITE) and path.stat().st_size > len(SQLITE)]
    return f"composer restore '{whole[-1]}'" if whole else "composer restore FILE"


def is_writable(workspace: Workspace) -> bool:
    """Whether anything can be stored; a workspace that is not there yet counts by the folder it will be made in."""
    root = workspace.root.absolute()
    existing = next((folder for folder in (root, *root.parents) if folder.exists()), Path("/"))
    return os.access(existing, os.W_OK)


def _parts(workspace: Workspace) -> None:
    whole_parts(workspace)


def _tables(workspace: Workspace) -> None:
    """Tables that are read seldom: exclusions, other names, facts of songs, values of the predecessor."""
    for folder in (workspace.exclusions, workspace.other_names, workspace.songs, workspace.legacy):
        for path in sorted(folder.glob("*.parquet")):
            if not looks_whole(path, PARQUET):
                note_damage(path, "no whole Parquet file")


def _labels(workspace: Workspace) -> None:
    location = label_location(workspace)
    if not isinstance(location, Path):
        return
    if lost_events(location, workspace):
        note_damage(location, "the labels are missing or empty")
    elif location.exists() and location.stat().st_size and not (looks_whole(location, SQLITE) and _reaches(location)):
        note_damage(location, "no whole SQLite database")


def _reaches(location: Path) -> bool:
    """Whether a SQLite file is as long as its header says."""
    with location.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
    page_bytes, n_pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    return location.stat().st_size >= n_pages * (page_bytes if page_bytes > 1 else _LARGEST_PAGE)


def _settings(workspace: Workspace) -> None:
    settings_or_defaults(workspace)
