"""What the Library shows: filters, sorting, page, loop and charts, all of it in the page's address.

A link reproduces the view. The address wins when it is not the one last written: somebody
opened a link or went back. A page switch empties it; then what the session holds comes back.

A browser takes a written address over a moment later, and sends the earlier one with whatever is
clicked until then: an address that a change in the page has overruled does not win.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from composer_core.pipeline.library.browse import Filter
from studio import session

CHARTS = ("spread", "split", "across", "upwards", "map")
"""Names of the charts' choices in an address."""
_OWN = ("sort", "page", "loop", *CHARTS)


@dataclass(frozen=True, slots=True)
class View:
    """`sort` is a column ("" the newest first), `page` counts from 0, `charts` holds choices by their names."""

    filter: Filter = field(default_factory=Filter)
    sort: str = ""
    descending: bool = True
    page: int = 0
    loop: str = ""
    charts: Mapping[str, str] = field(default_factory=dict)

    def to_query(self) -> dict[str, str]:
        """Parameters of an address; `from_query` reads them back."""
        own = {
            "sort": ("-" if self.descending else "") + self.sort if self.sort else "",
            "page": str(self.page + 1) if self.page else "",
            "loop": self.loop,
            **{name: self.charts.get(name, "") for name in CHARTS},
        }
        return {**self.filter.to_query(), **{name: value for name, value in own.items() if value}}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> View:
        """Read the parameters of an address; what makes no sense in it is left out."""
        sort, page = query.get("sort", ""), query.get("page", "")
        return cls(
            filter=Filter.from_query({name: value for name, value in query.items() if name not in _OWN}),
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-") or not sort,
            page=max(0, int(page) - 1) if page.isdecimal() and len(page) < 10 else 0,
            loop=query.get("loop", ""),
            charts={name: query[name] for name in CHARTS if query.get(name)},
        )

    def answering(self, filter: Filter) -> View:
        """Another filter, from its first page on; the loop in detail stays."""
        return replace(self, filter=filter, page=0)

    def on_page(self, page: int) -> View:
        """The same at another page."""
        return replace(self, page=page)


def current_view() -> View:
    """The view of this session."""
    held = session.library_view()
    return View() if held is None else held


def change_view(**changes: Any) -> None:
    """Change fields of the view; for a callback, the next drawing writes the address."""
    _show(replace(current_view(), **changes))


def ask(filter: Filter) -> None:
    """Show the loops that answer another filter; for a callback."""
    _show(current_view().answering(filter))


def _show(view: View) -> None:
    session.overrule_address(_address())
    session.set_library_view(view)


def _address() -> dict[str, str]:
    return dict(st.query_params.to_dict())


def choose_chart(name: str, value: str) -> None:
    """Keep a choice of the charts; for a callback."""
    charts = {**current_view().charts, name: value}
    change_view(charts={name: value for name, value in charts.items() if value})


def read_address(columns: Mapping[str, str]) -> View:
    """Take over what the address asks for when it is not what was written there; returns the view.

    Of ranges and sorting only those of `columns` (the library's, with their kinds) are taken over.
    """
    asked = _address()
    if asked and asked != session.library_address() and not session.is_overruled(asked):
        view = View.from_query(asked)
        ranges = tuple(one for one in view.filter.ranges if columns.get(one.column) == "number")
        view = replace(view, filter=replace(view.filter, ranges=ranges))
        session.set_library_view(view if view.sort in columns else replace(view, sort="", descending=True))
    return current_view()


def write_address() -> None:
    """Bring the address in step with the view."""
    wanted = current_view().to_query()
    if _address() != wanted:
        st.query_params.from_dict(wanted)
    session.set_library_address(wanted)
