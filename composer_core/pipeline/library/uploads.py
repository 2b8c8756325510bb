"""Keep uploaded files by their content, so that the library can name the source of a loop."""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path

from composer_core.pipeline.access.rights import guarded
from composer_core.store.atomic import write_bytes
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

_DIGEST_CHARACTERS = 16
_MOST_BYTES = 180
"""File systems take 255 bytes a name; the atomic writer adds some."""
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


@guarded("import_files")
def keep_upload(workspace: Workspace, name: str, data: bytes) -> Path:
    """Store an uploaded file as sources/DIGEST/NAME and return that path; the same content is stored once.

    Only the last part of `name` is used, without signs that file systems refuse. Raises
    StoreError when the place cannot be written.
    """
    folder = workspace.sources / hashlib.sha256(data).hexdigest()[:_DIGEST_CHARACTERS]
    path = folder / safe_name(name)
    if not path.exists():
        write_bytes(path, data)
        _log.info("upload of %d bytes kept in %s", len(data), folder.name)
    return path


def kept_uploads(workspace: Workspace, digest: str) -> list[Path]:
    """The uploads of the content with this SHA-256, by name; none where nothing of it was uploaded."""
    return sorted(path for path in (workspace.sources / digest[:_DIGEST_CHARACTERS]).glob("*") if path.is_file())


def safe_name(name: str) -> str:
    """A file name without folders or control signs, at most 180 bytes, its ending kept."""
    base = _UNSAFE.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip()
    if not base.strip("."):
        base = "upload"
    stem, dot, suffix = base.rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    ending = f".{suffix}"[:20] if dot else ""
    room = _MOST_BYTES - len(ending.encode())
    return stem.encode()[:room].decode(errors="ignore") + ending


def is_upload(workspace: Workspace, path: str | Path) -> bool:
    """Whether a path is a file that `keep_upload` has stored, and no other path of this machine."""
    return Path(path).resolve().is_relative_to(workspace.sources.resolve())
