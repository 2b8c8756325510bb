"""Conditions of a query on the library's columns, and their SQL: every value is a bound parameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SOURCE_DIGEST = "source_digest"


@dataclass(frozen=True, slots=True)
class OneOf:
    """The column holds one of the values; None among them stands for nothing. `negated` turns it around."""

    column: str
    values: tuple[str | None, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """low <= column <= high; None leaves an end open. Loops without a value are out."""

    column: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The set in the column shares a member with the values."""

    column: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ContainsWords:
    """Every word occurs in one of the columns, whatever its case, or in another name of the file.

    `files` has a tuple of source digests for each word: the files that have it in another name. A query
    fills them in by itself.
    """

    columns: tuple[str, ...]
    words: tuple[str, ...]
    files: tuple[tuple[str, ...], ...] = ()

    @property
    def named_columns(self) -> tuple[str, ...]:
        """All columns the condition reads."""
        return (*self.columns, SOURCE_DIGEST) if any(self.files) else self.columns


@dataclass(frozen=True, slots=True)
class Known:
    """The column has a value (or, `negated`, has none)."""

    column: str
    negated: bool = False


_MOST_MARKS = 50
"""More values than these are bound as one list, which is searched as a table is."""
Condition = OneOf | Between | AnyOf | ContainsWords | Known


@dataclass(slots=True)
class Conditions:
    """Conditions as SQL, joined by AND, with the parameters they bind and the columns they name."""

    parts: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)

    def add(self, condition: Condition) -> None:
        """One condition more."""
        _add_condition(self, condition)

    @property
    def where(self) -> str:
        """The WHERE clause, empty without conditions."""
        return " WHERE " + " AND ".join(self.parts) if self.parts else ""


def quoted(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _add_condition(text: Conditions, condition: Condition) -> None:
    if isinstance(condition, OneOf):
        _add_one_of(text, condition)
    elif isinstance(condition, Between):
        for sign, bound in ((">=", condition.low), ("<=", condition.high)):
            if bound is not None:
                text.parts.append(f"{quoted(condition.column)} {sign} ?")
                text.values.append(bound)
    elif isinstance(condition, AnyOf):
        shares = f"coalesce(list_has_any({quoted(condition.column)}, ?::VARCHAR[]), false)"
        text.parts.append(f"NOT {shares}" if condition.negated else shares)
        text.values.append(list(condition.values))
    elif isinstance(condition, ContainsWords):
        files = condition.files or ((),) * len(condition.words)
        for word, digests in zip(condition.words, files, strict=True):
            places = [f"contains(lower(coalesce({quoted(name)}, '')), lower(?))" for name in condition.columns]
            text.values.extend([word] * len(places))
            if digests:
                places.append(f"coalesce({quoted(SOURCE_DIGEST)} IN (SELECT unnest(?::VARCHAR[])), false)")
                text.values.append(list(digests))
            text.parts.append("(" + " OR ".join(places) + ")")
    else:
        text.parts.append(f"{quoted(condition.column)} IS {'' if condition.negated else 'NOT '}NULL")


def _add_one_of(text: Conditions, condition: OneOf) -> None:
    given: list[Any] = [value for value in condition.values if value is not None]
    has_none = len(given) < len(condition.values)
    name = quoted(condition.column)
    if len(given) > _MOST_MARKS:
        parts = [f"{name} IN (SELECT unnest(?::VARCHAR[]))"]
        given = [given]
    else:
        parts = [f"{name} IN ({', '.join('?' * len(given))})"] if given else []
    if has_none:
        parts.append(f"{name} IS NULL")
    asked = f"coalesce({' OR '.join(parts) or 'false'}, false)"
    text.parts.append(f"NOT {asked}" if condition.negated else asked)
    text.values.extend(given)
