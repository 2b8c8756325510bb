"""What a file of labels holds as plain values, before anything of the library is asked: read apart, with limits.

Rows of tables are [line, cells, error], lines of JSON [line, object, error]; tasks of Label Studio and the
predecessor's mappings stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from composer_core.errors import ComposerError, InvalidValue
from composer_core.ingest.apart import as_json, read_apart
from composer_core.ingest.worker import LIMIT_MIB, LIMIT_SEC, Result
from composer_core.pipeline.labels import predecessor, tables
from composer_core.pipeline.labels.delimited import NotThisFormat, TableRow, decoded, rows_of
from composer_core.store.plain_text import BadText, plain_json, plain_yaml

FORMATS = ("spreadsheet", "csv", "jsonl", "label-studio", "tags", "mood")
MAX_BYTES = 256 << 20
_TASK = "composer_core.pipeline.labels.plain_files:parse_files"
_MIB_A_MIB, _SEC_A_MIB = 24, 1.0
"""What a MiB of labels may cost besides what every file may: short cells become many values."""
_MAX_VALUES = 2_000_000


def parse_files(files: list[tuple[str, bytes]], options: Mapping[str, object]) -> list[Result]:
    """Worker task: files of labels (options `form` and `name`) as plain values in JSON."""
    form, name = str(options["form"]), str(options["name"])
    return [as_json(data, lambda data: _plain(data, form, name)) for _, data in files]


def _plain(data: bytes, form: str, name: str) -> object:
    try:
        text = decoded(data)
        if form == "jsonl":
            return list(_lines(text))
        if form == "label-studio":
            return plain_json(text)
        if form in predecessor.YAML_KEYS:
            return plain_yaml(text, _MAX_VALUES)
        return [[row.line, row.cells, _error(row.error)] for row in rows_of(text, *tables.READ_AS)]
    except (NotThisFormat, BadText) as error:
        raise not_this_format(name, form, error) from error


def not_this_format(name: str, form: str, error: Exception) -> InvalidValue:
    """The error for a file of another kind, which says why it is none of this."""
    return InvalidValue("bad_format", name="file", value=name, expected=f"labels as {form}: {error}")


def _lines(text: str) -> Iterator[tuple[int, object, str]]:
    """Each line that holds something: its number, its object, and what is wrong with it ("": nothing).

    BadText for one that is no JSON: the file is of another kind then. A value that is refused costs its line alone.
    """
    # Not splitlines: text may hold the line separator U+2028.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, plain_json(line), ""
            except BadText as error:
                if isinstance(error.__cause__, json.JSONDecodeError | RecursionError):
                    raise BadText(number, error.reason) from error
                yield number, None, error.reason


def _error(error: ComposerError | None) -> tuple[str, dict[str, object]] | None:
    return None if error is None else (error.code, error.values)


def plain_labels(path: Path, form: str) -> object:
    """What a file holds, as plain values; InvalidValue where it is not of the format, RefusedFile where reading was
    stopped."""
    n_bytes = path.stat().st_size
    if n_bytes > MAX_BYTES:
        raise not_this_format(path.name, form, NotThisFormat("it is too large"))
    n_mib = n_bytes >> 20
    seconds, mib = LIMIT_SEC + _SEC_A_MIB * n_mib, LIMIT_MIB + _MIB_A_MIB * n_mib
    held: object = json.loads(read_apart(path, path.name, _TASK, {"form": form}, limit_sec=seconds, limit_mib=mib))
    return held


def table_rows(held: object) -> Iterator[TableRow]:
    """The rows of a table again."""
    assert isinstance(held, list)
    for line, cells, error in held:
        yield TableRow(line, cells, None if error is None else InvalidValue(error[0], **error[1]))
