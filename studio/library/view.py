"""The view of the Library: filters, sorting, page, loop and charts, all kept in the page's address.

A link reproduces the view. When the address is not the one last written, somebody opened a link or
went back, so the address overrules the session. A page switch empties the address; the view of the
session is then restored.

A browser takes over a written address only a moment later, and until then sends the earlier one with
every click. So an address that a change in the page has overruled is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Unpack

import streamlit as st

from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.query import JUDGED_PREFIX, SCORE_PREFIX
from studio import session
from studio.library import state as library_state
from studio.library.state import View, ViewChanges


def current_view() -> View:
    """The view of this session."""
    held = library_state.library_view()
    return View() if held is None else held


def change_view(**changes: Unpack[ViewChanges]) -> None:
    """Change fields of the view. For a callback: the next run of the page writes the address."""
    _show(replace(current_view(), **changes))


def ask(filter: Filter) -> None:
    """Show the loops that match another filter. For a callback."""
    _show(current_view().with_filter(filter))


def _show(view: View) -> None:
    session.overrule_address(_address())
    library_state.set_library_view(view)


def _address() -> dict[str, str]:
    return dict(st.query_params.to_dict())


def choose_chart(name: str, value: str) -> None:
    """Keep a choice of the charts. For a callback."""
    charts = {**current_view().charts, name: value}
    change_view(charts={name: value for name, value in charts.items() if value})


def read_address(columns: Mapping[str, str]) -> View:
    """Adopt the view of the address when it is not the one that was last written; returns the view.

    Ranges and sorting are adopted only for `columns`, which are those of the library with their kinds.
    """
    asked = _address()
    if asked and asked != library_state.library_address() and not session.is_overruled(asked):
        view = View.from_query(asked)
        asked_for = (replace(one, column=_judged(one.column)) for one in view.filter.ranges)
        ranges = tuple(one for one in asked_for if columns.get(one.column) == "number")
        view = replace(view, filter=replace(view.filter, ranges=ranges), sort=_judged(view.sort))
        library_state.set_library_view(view if view.sort in columns else replace(view, sort="", descending=True))
    return current_view()


def _judged(column: str) -> str:
    """A column of the page; links from before there were profiles name the scores that all loops had then."""
    is_score = column.startswith(SCORE_PREFIX)
    return JUDGED_PREFIX + column.removeprefix(SCORE_PREFIX) if is_score else column


def write_address() -> None:
    """Write the view into the address."""
    wanted = current_view().to_query()
    if _address() != wanted:
        st.query_params.from_dict(wanted)
    library_state.set_library_address(wanted)
