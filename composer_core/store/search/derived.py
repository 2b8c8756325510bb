"""Columns of the library that are worked out from others when they are asked for, as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from composer_core.store.search.conditions import quoted


@dataclass(frozen=True, slots=True)
class Derived:
    """A column made of other columns (`parts`, which must not be derived themselves) by an SQL expression."""

    kind: str
    parts: tuple[str, ...]
    sql: str


def first_of(kind: str, columns: Sequence[str]) -> Derived:
    """The first of the columns that has a value."""
    return Derived(kind, tuple(columns), f"coalesce({', '.join(map(quoted, columns))})")


def chosen(kind: str, by: Sequence[str], cases: Mapping[str, str], otherwise: str) -> Derived:
    """The column that `cases` names for the first value of the columns `by`; `otherwise` for any other and for none.

    The keys of `cases` are codes of this program, never text of a person.
    """
    when = " ".join(f"WHEN '{code}' THEN {quoted(column)}" for code, column in cases.items())
    sql = f"CASE {first_of(kind, by).sql} {when} ELSE {quoted(otherwise)} END"
    return Derived(kind, tuple(dict.fromkeys((*by, *cases.values(), otherwise))), sql)
