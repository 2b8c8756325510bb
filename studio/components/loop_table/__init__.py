"""One page of loops as a table: rows that play, tick boxes that select, sorting and paging done in Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from studio.wording.text import t

_HERE = Path(__file__).resolve().parent
_WORDS = (*("play", "mark", "markAll", "page", "firstPage", "previousPage", "nextPage", "lastPage", "hint"),)
Kind = Literal["name", "text", "number", "score", "chip"]

_component = st.components.v2.component(
    "composer_loop_table",
    html=(_HERE / "loop_table.html").read_text(encoding="utf-8"),
    css=(_HERE / "loop_table.css").read_text(encoding="utf-8"),
    js=(_HERE / "loop_table.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `sort` is what a click on its title sorts by ("": nothing), `priority` 1 is hidden last."""

    id: str
    title: str
    kind: Kind = "text"
    sort: str = ""
    priority: int = 1
    help: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A loop: its name, a line below it, the text of a hover, and a cell for every other column.

    A cell is text; of a score column 0 to 100 or None; of a chip column {"code", "name"}.
    """

    id: str
    title: str
    sub: str
    hover: str
    cells: dict[str, object]


@dataclass(frozen=True, slots=True)
class PageOf:
    """Which page of how many is shown, from 0; `text` says its rows in words."""

    index: int
    count: int
    text: str


def loop_table(
    *,
    key: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    page: PageOf,
    sort: tuple[str, bool],
    on_event: Callable[[Mapping[str, object]], None],
    chosen: str = "",
    marked: Collection[str] = (),
    pass_mark: float = 70.0,
    height: str = "30rem",
    signature: str = "",
) -> None:
    """Draw the table. `sort` is (column's sort, descending); `signature` names what the rows answer.

    `on_event` is called, as a callback, with {"kind"} choose or play and "id", sort and
    "by", "descending", page and "page", or mark and "ids", "on".
    """
    data = {
        "words": {word: t(f"loop_table.{word}") for word in _WORDS},
        "columns": [asdict(column) for column in columns],
        "rows": [asdict(row) for row in rows],
        "page": asdict(page),
        "sort": {"by": sort[0], "descending": sort[1]},
        "chosen": chosen,
        "marked": [row.id for row in rows if row.id in marked],
        "passMark": pass_mark,
        "height": height,
        "signature": signature,
    }
    _component(key=key, data=data, on_event_change=lambda: _event(key, on_event))


def _event(key: str, on_event: Callable[[dict[str, Any]], None]) -> None:
    given: dict[str, Any] | None = st.session_state[key].get("event")
    if given:
        on_event(given)
