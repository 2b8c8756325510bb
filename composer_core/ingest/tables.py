"""Tables by other people: CSV, TSV and JSON lines, read strictly, with the place of every row.

Encodings as in `texts` (UTF-8 with or without a mark, UTF-16 with one, Shift-JIS, EUC-JP).
A header with a column twice, or none, refuses the file; a row with too few or too many
columns, a NUL or a value beyond bounds is refused alone.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator

from composer_core.errors import RefusedFile
from composer_core.ingest.texts import decode_table

MAX_ROWS = 5_000_000
_MAX_FIELD = 1_000_000


class BadRow(ValueError):
    """A row that cannot be used; the text says why."""


def read_delimited(name: str, data: bytes, delimiter: str) -> Iterator[tuple[int, dict[str, str] | BadRow]]:
    """(line, row) of a table with a header; a bad row comes as BadRow. Raises RefusedFile for the whole."""
    text = decode_table(data)
    csv.field_size_limit(_MAX_FIELD)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    try:
        header = [column.strip() for column in next(lines, [])]
        _check_header(name, header)
        for row in lines:
            if lines.line_num > MAX_ROWS:
                raise RefusedFile("unreadable_data", path=name, reason=f"more than {MAX_ROWS} rows")
            if row:
                yield lines.line_num, _row(header, row)
    except csv.Error as error:
        raise RefusedFile("unreadable_data", path=name, reason=f"line {lines.line_num}: {error}") from error


def _check_header(name: str, header: list[str]) -> None:
    if not any(header):
        raise RefusedFile("unreadable_data", path=name, reason="it has no header")
    twice = {column for column, count in Counter(header).items() if count > 1}
    if twice:
        raise RefusedFile("unreadable_data", path=name, reason=f"the column {min(twice)!r} stands there twice")


def _row(header: list[str], row: list[str]) -> dict[str, str] | BadRow:
    if len(row) != len(header):
        return BadRow(f"{len(row)} columns instead of {len(header)}")
    if any("\x00" in value for value in row):
        return BadRow("a NUL character")
    return dict(zip(header, row, strict=True))


def read_json_lines(name: str, data: bytes) -> Iterator[tuple[int, dict[str, object] | BadRow]]:
    """(line, object) of a file of one JSON object a line; a line that is none comes as BadRow."""
    for number, line in enumerate(decode_table(data).splitlines(), 1):
        if number > MAX_ROWS:
            raise RefusedFile("unreadable_data", path=name, reason=f"more than {MAX_ROWS} rows")
        if line.strip():
            yield number, read_object(line)


def read_object(text: str) -> dict[str, object] | BadRow:
    """One JSON object out of text; NaN and infinities, deep nests and numbers of thousands of digits are bad."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
        text.encode("utf-8")
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        return BadRow(str(error) or type(error).__name__)
    return value if isinstance(value, dict) else BadRow("no JSON object")


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number")
