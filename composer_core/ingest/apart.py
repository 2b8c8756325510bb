"""Files by others that are no MIDI, read apart: in a process with limits, which is killed when it does not answer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from composer_core.errors import ComposerError, InvalidValue, RefusedFile, StoreError
from composer_core.ingest.pool import read_all
from composer_core.ingest.worker import LIMIT_MIB, LIMIT_SEC, Result
from composer_core.store.plain_text import MAX_BYTES, plain_json, plain_yaml, read_text

PLAIN_TASK = "composer_core.ingest.apart:plain_files"
READERS: dict[str, Callable[[str], object]] = {"yaml": plain_yaml, "json": plain_json}


def plain_files(files: list[tuple[str, bytes]], options: Mapping[str, object]) -> list[Result]:
    """Worker task: the plain values of YAML or JSON files (option `kind`), as JSON."""
    read, name = READERS[str(options["kind"])], str(options["name"])
    return [as_json(data, lambda data: read_text(data, name, read)) for _, data in files]


def as_json(data: bytes, read: Callable[[bytes], object]) -> Result:
    """For a worker task: what `read` finds, as JSON, or the InvalidValue it raises as a refusal of the same code."""
    try:
        return {}, json.dumps(read(data)).encode("ascii")
    except InvalidValue as error:
        return RefusedFile(error.code, **error.values)


def read_plain(data: bytes, name: str, kind: str) -> object:
    """The plain values of a YAML or JSON file that somebody uploaded under this name.

    InvalidValue names the line of what is not allowed, RefusedFile says why reading was stopped, StoreError
    where the file cannot be laid down for the reader, Unavailable where no reader can be started.
    """
    if len(data) > MAX_BYTES:
        return read_text(data, name, str)  # refused for its size, without a process
    try:
        with tempfile.TemporaryDirectory(prefix="composer-upload-") as folder:
            path = Path(folder) / "upload"
            path.write_bytes(data)
            return json.loads(read_apart(path, name, PLAIN_TASK, {"kind": kind}))
    except OSError as error:
        raise StoreError("cannot_write", path=tempfile.gettempdir(), reason=error.strerror or str(error)) from error


def read_apart(
    path: Path,
    name: str,
    task: str,
    options: Mapping[str, object],
    *,
    limit_sec: float = LIMIT_SEC,
    limit_mib: int = LIMIT_MIB,
) -> bytes:
    """What a worker task gives for one file, which errors call `name`. Errors as `read_plain`."""
    given = {"name": name, **options}
    (report,) = read_all([(str(path), "midi")], task, given, jobs=1, limit_sec=limit_sec, limit_mib=limit_mib)
    (outcome,) = report.outcomes
    if outcome.refusal is None:
        return outcome.payload
    raise _named(outcome.refusal, str(path), name)


def _named(refusal: RefusedFile, path: str, name: str) -> ComposerError:
    """The refusal with the name that the person gave the file; one of a value as InvalidValue again."""
    values = {key: name if value == path else value for key, value in refusal.values.items()}
    if refusal.code == "unreadable_midi":
        return RefusedFile("unreadable_data", **values)
    kind = InvalidValue if refusal.code in ("bad_text", "bad_format", "unknown_option") else RefusedFile
    return kind(refusal.code, **values)
