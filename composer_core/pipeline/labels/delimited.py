"""Delimited tables as people's spreadsheets save them: comma, semicolon, tab or bar, in whatever encoding."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from composer_core.errors import ComposerError, InvalidValue
from composer_core.ingest.texts import guess_encoding

DELIMITERS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MOSTLY = 4
"""UTF-8 with so many good characters for each bad one is UTF-8 that was damaged, not another encoding."""
MOST_CHARACTERS = 131_072
"""Of one cell: a longer one is no label."""


class NotThisFormat(ValueError):
    """A file that is not of the format; the text says why, with the line where there is one."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row by column, the line it ends on, and what is wrong with it as a row."""

    line: int
    cells: Mapping[str, str] = field(default_factory=dict)
    error: ComposerError | None = None


def decoded(data: bytes) -> str:
    """The text of a file without its mark: UTF-8 or UTF-16, else a Japanese encoding, else Windows' western one.

    NotThisFormat names the line of the first bytes that are no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding)
    if encoding := _wide(data):
        return _strict(data, encoding)
    encoding = guess_encoding(data) if data else "utf-8"
    if encoding != "utf-8":
        lenient = data.decode("utf-8", "replace")
        bad = lenient.count("\ufffd") if lenient.encode() != data else 0
        # What is UTF-8 to the last byte is UTF-8, whatever control characters make a guess think of it.
        if not bad or sum(not one.isascii() for one in lenient) - bad > _MOSTLY * bad:
            encoding = "utf-8"
    return _strict(data, "cp1252" if encoding == "latin-1" else encoding)


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every other byte of Latin text is NUL."""
    if len(data) % 2 or b"\0" not in data:
        return ""
    even, odd = data[::2].count(0), data[1::2].count(0)
    if max(even, odd) < len(data) // 8 or min(even, odd):
        return ""
    return "utf-16-be" if even else "utf-16-le"


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        reason = f"line {before.count(chr(10)) + 1}: bytes that are no text in {encoding}"
        raise NotThisFormat(reason) from error


def rows_of(
    text: str, column_of: Callable[[str], str | None], needed: Callable[[set[str]], bool], known: str
) -> Iterator[TableRow]:
    """The rows of a table with a header; a row that is no row comes with its error.

    `column_of` gives the column a heading means (None for none), `needed` says whether these
    columns are enough, `known` names them. NotThisFormat where the heading is another's.
    """
    body, skipped, delimiter = _without_hint(text)
    columns, delimiter = _heading(body, delimiter, column_of, needed, known)
    csv.field_size_limit(MOST_CHARACTERS)  # it belongs to the process: another reader may have moved it
    table = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter)
    try:
        headed = False
        for cells in table:
            if not any(cell.strip() for cell in cells):
                continue
            if not headed:
                headed = True
                continue
            yield _row(table.line_num + skipped, cells, columns)
    except csv.Error as error:
        raise NotThisFormat(f"line {table.line_num + skipped}: {error}") from error


def _without_hint(text: str) -> tuple[str, int, str]:
    """The table, the lines before it and the delimiter that Excel's line "sep=;" names."""
    first, _, rest = text.partition("\n")
    hint = first.strip().strip('"').casefold()
    if hint.startswith("sep=") and (len(hint) == len("sep=") + 1 or first.strip("\r\n").endswith("\t")):
        return rest, 1, hint[-1] if len(hint) > len("sep=") else "\t"
    return text, 0, ""


def _heading(
    text: str,
    delimiter: str,
    column_of: Callable[[str], str | None],
    needed: Callable[[set[str]], bool],
    known: str,
) -> tuple[list[str], str]:
    """The columns in their order ("" for one without a name) and the delimiter that gives them."""
    best: list[str] = []
    for one in [delimiter] if delimiter else DELIMITERS:
        try:
            csv.field_size_limit(MOST_CHARACTERS)
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=one)
            heading = next((cells for cells in lines if any(cell.strip() for cell in cells)), [])
        except csv.Error as error:
            raise NotThisFormat(f"line 1: {error}") from error
        found = {column for cell in heading if (column := column_of(_folded(cell))) is not None}
        if needed(found):
            return _columns(heading, column_of, known), one
        best = max(best, heading, key=len)
    shown = ", ".join(cell[:40] for cell in best[:10])
    raise NotThisFormat(f"its columns must be out of {known}; found {shown or 'none'}")


def _columns(heading: Sequence[str], column_of: Callable[[str], str | None], known: str) -> list[str]:
    columns: list[str] = []
    for cell in heading:
        column = column_of(_folded(cell)) if cell.strip() else ""
        if column is None:
            raise NotThisFormat(f"its columns must be out of {known}; found {cell[:40]}")
        if column and column in columns:
            raise NotThisFormat(f"the column {column} stands there twice")
        columns.append(column)
    return columns


def _folded(cell: str) -> str:
    """A heading without case and blanks around; blanks and hyphens inside are underscores."""
    text = unicodedata.normalize("NFKC", cell).strip().strip("\ufeff'").casefold()
    return "_".join(text.replace("-", " ").split())


def _row(line: int, cells: Sequence[str], columns: Sequence[str]) -> TableRow:
    """Cells by column: empty ones at the end may be missing, as spreadsheets leave them out, none may be left over."""
    values = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
    unnamed = [cell for column, cell in zip(columns, cells, strict=False) if not column]
    if any(cell.strip() for cell in [*unnamed, *cells[len(columns) :]]):
        expected = f"{len(columns)} cells; is a decimal comma in it without quotation marks?"
        return TableRow(
            line, values, InvalidValue("bad_format", name="row", value=f"{len(cells)} cells", expected=expected)
        )
    if any("\0" in cell for cell in cells):
        return TableRow(line, values, InvalidValue("bad_format", name="row", value="NUL", expected="text"))
    return TableRow(line, values | dict.fromkeys([one for one in columns[len(cells) :] if one], ""))
