"""Which files under a path an import reads. Nothing is opened here.

By name: `.mid`, `.midi`, `.kar`, `.rmi` and archives are candidates; everything else, and
the `._` files macOS leaves beside copies, is skipped and counted. Folders are walked in
name order; a link to a folder is not followed, so that a circle of links ends.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from composer_core.errors import NotFound, RefusedFile

MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
ZIP_SUFFIXES = (".zip",)
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(slots=True)
class ScanResult:
    """Candidates as (path as found, kind "midi", "zip" or "tar"), and what was passed over."""

    files: list[tuple[str, str]] = field(default_factory=list)
    n_skipped: int = 0
    refused: list[RefusedFile] = field(default_factory=list)


def kind_of(name: str) -> str | None:
    """ "midi", "zip", "tar" by a file's name, or None for what an import skips."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1].lower()
    if base.startswith("._"):
        return None
    for kind, suffixes in (("midi", MIDI_SUFFIXES), ("zip", ZIP_SUFFIXES), ("tar", TAR_SUFFIXES)):
        if base.endswith(suffixes):
            return kind
    return None


def find_files(paths: list[str]) -> ScanResult:
    """Every candidate under the given files and folders, in name order.

    Raises NotFound for a path that is not there, before anything is read. A folder that
    may not be listed is refused by name and the rest goes on.
    """
    for path in paths:
        if not os.path.exists(path):
            raise NotFound("path_missing", path=path)
    found = ScanResult()
    for path in paths:
        if os.path.isdir(path):
            _walk(path, found)
        else:
            _add(path, found)
    found.files = list(dict.fromkeys(found.files))
    return found


def _walk(folder: str, found: ScanResult) -> None:
    def refuse(error: OSError) -> None:
        """A folder that cannot be listed is a refusal, not a silence."""
        found.refused.append(RefusedFile("permission_denied", path=str(error.filename or folder)))

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            _add(os.path.join(parent, name), found)


def _add(path: str, found: ScanResult) -> None:
    kind = kind_of(path)
    if kind is None:
        found.n_skipped += 1
    else:
        found.files.append((path, kind))


def relative_name(path: str, folder: Path) -> str:
    """A found path relative to the folder it was found in, with forward slashes."""
    return Path(path).relative_to(folder).as_posix()
