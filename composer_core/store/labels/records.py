"""The plain records that the label store takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

LabelValue: TypeAlias = str | float | list[str] | dict[str, float] | None
"""A code or text, a number, codes of a set, weights by code; None where nothing is said."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value to write for one field of a loop. `confidence` 0 to 1, None for people."""

    loop_id: str
    field: str
    value: LabelValue
    status: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a file says that somebody said: an entry, by whom, with which note and when.

    `said_at` is a time as `schema.now` writes it, "" where the file gives none.
    """

    entry: Entry
    source: str
    note: str = ""
    said_at: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What `add_changed` did: events written, entries that said nothing new, and how many of the written ones
    speak of a field that a person has labelled (and so do not count)."""

    written: int
    unchanged: int
    behind_people: int


@dataclass(frozen=True, slots=True)
class Merged(Changed):
    """What `merge` did. `edited` are the indices of statements that give another content to what the same source
    said at the same time: somebody changed them in the file, and nothing of them is stored."""

    edited: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a key or click in a browser, stored at most once: `client` names the page that was open
    (a random text), `number` counts its presses from 1."""

    client: str
    number: int


@dataclass(frozen=True, slots=True)
class Action:
    """What a rater did to one loop: approve, reject, draft, skip or undo (then `undoes` names the action).

    Actions of one bulk edit share `batch`, a number of its own; None for single ones.
    """

    id: int
    rater: str
    kind: str
    loop_id: str
    created_at: str
    undoes: int | None
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class UndoResult:
    """The action that was taken back, with the fields it had changed.

    A bulk edit is taken back whole: `loop_ids` then names all its loops, `loop_id` the first.
    """

    loop_id: str
    action: str
    fields: tuple[str, ...] = field(default=())
    loop_ids: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class BulkEdit:
    """A bulk edit that was stored: its id, and how many loops and events it has."""

    id: int
    n_loops: int
    n_events: int
