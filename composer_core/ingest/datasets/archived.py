"""A data set in an archive, as a folder that holds its tables and the names of its MIDI files.

Adapters look at folders. So the tables of an archive, which reader processes that may be killed take out of
it, are laid into a temporary folder beside empty files in the places of the MIDI files; nothing else is unpacked.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from composer_core.ingest.datasets.adapter import Issue
from composer_core.ingest.pool import read_all
from composer_core.ingest.scan import kind_of
from composer_core.ingest.worker import MEMBERS, TABLES, Result

_log = logging.getLogger(__name__)

TABLES_TASK = "composer_core.ingest.datasets.archived:keep_tables"
TABLES_LIMIT_SEC = 60.0
MOST_TABLE_BYTES = 256 * 1024**2
"""All tables of one archive together."""


def is_archive(path: str) -> bool:
    """Whether a path is read as an archive."""
    return kind_of(path) in ("zip", "tar")


def keep_tables(files: list[tuple[str, bytes]], options: Mapping[str, object]) -> list[Result]:  # noqa: ARG001
    """Worker task: the tables as they are; they are parsed later, by a task of their own."""
    return [({}, data) for _, data in files]


@contextmanager
def laid_out(path: str, midi_names: Sequence[str], jobs: int | None = None) -> Iterator[tuple[Path, list[Issue]]]:
    """A temporary folder with the archive's tables and an empty file for each of `midi_names` (paths inside it).

    Gives the folder and what could not be taken out.
    """
    with tempfile.TemporaryDirectory(prefix="composer-set-") as name:
        root, issues = Path(name), []
        for midi in midi_names:
            issues += _put(root, midi, b"")
        left = MOST_TABLE_BYTES
        for inner, data, refusal in _tables(path, jobs):
            left -= len(data)
            if refusal or left < 0:
                issues.append(Issue(inner, "refused_file", refusal or f"more than {MOST_TABLE_BYTES} bytes of tables"))
            else:
                issues += _put(root, inner, data)
        yield root, issues


def _tables(path: str, jobs: int | None) -> Iterable[tuple[str, bytes, str]]:
    """(name inside, bytes, refusal or "") of every table; members that are refused as no table are passed over."""
    options = {MEMBERS: TABLES}
    for report in read_all([(path, str(kind_of(path)))], TABLES_TASK, options, jobs=jobs, limit_sec=TABLES_LIMIT_SEC):
        for outcome in report.outcomes:
            inner = outcome.name.removeprefix(f"{path}!")
            if outcome.refusal is None:
                yield inner, outcome.payload, ""
            elif outcome.refusal.code not in ("unsafe_member", "nested_archive"):
                # What no import reads is named by the import itself.
                yield inner, b"", str(outcome.refusal)


def _put(root: Path, inner: str, data: bytes) -> list[Issue]:
    """Write one file below the folder; an Issue where the name cannot stand there."""
    target = root / inner.replace("\\", "/")
    try:
        if not target.resolve().is_relative_to(root.resolve()):
            return [Issue(inner, "outside", inner)]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _log.info("a member of an archive could not be laid out: %s", reason)
        return [Issue(inner, "refused_file", reason)]
    return []


def beginnings(root: Path) -> Iterator[Path]:
    """Where a data set may begin: in the folder itself, or in the one it consists of, and so on down."""
    yield root
    inside = [path for path in root.iterdir() if path.name != "__MACOSX"]
    if len(inside) == 1 and inside[0].is_dir():
        yield from beginnings(inside[0])
