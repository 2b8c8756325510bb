"""The view of the Library: filters, sorting, page, loop and charts, all kept in the page's address.

A link reproduces the view. The address wins when it is not the one last written: somebody
opened a link or went back. A page switch empties it; then what the session holds comes back.

A browser takes a written address over a moment later, and sends the earlier one with whatever is
clicked until then: an address that a change in the page has overruled does not win.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Unpack

import streamlit as st

from composer_core.pipeline.library.filters import Filter
from studio import session
from studio.library import state as library_state
from studio.library.state import View, ViewChanges


def current_view() -> View:
    """The view of this session."""
    held = library_state.library_view()
    return View() if held is None else held


def change_view(**changes: Unpack[ViewChanges]) -> None:
    """Change fields of the view; for a callback, the next drawing writes the address."""
    _show(replace(current_view(), **changes))


def ask(filter: Filter) -> None:
    """Show the loops that answer another filter; for a callback."""
    _show(current_view().with_filter(filter))


def _show(view: View) -> None:
    session.overrule_address(_address())
    library_state.set_library_view(view)


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
    if asked and asked != library_state.library_address() and not session.is_overruled(asked):
        view = View.from_query(asked)
        ranges = tuple(one for one in view.filter.ranges if columns.get(one.column) == "number")
        view = replace(view, filter=replace(view.filter, ranges=ranges))
        library_state.set_library_view(view if view.sort in columns else replace(view, sort="", descending=True))
    return current_view()


def write_address() -> None:
    """Bring the address in step with the view."""
    wanted = current_view().to_query()
    if _address() != wanted:
        st.query_params.from_dict(wanted)
    library_state.set_library_address(wanted)
