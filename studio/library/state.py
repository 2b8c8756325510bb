"""The session state of the Library page, typed. Like session.py, only this module knows its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict, cast

import streamlit as st

from composer_core.pipeline.library.filters import Filter
from studio import session

if TYPE_CHECKING:
    from composer_core.pipeline.editing.mending import Mended

CHARTS = ("spread", "split", "across", "upwards", "map")
"""Names of the charts' choices in an address."""
_OWN = ("sort", "page", "loop", *CHARTS)
LIBRARY_VIEW = "studio.library.view"
LIBRARY_ADDRESS = "studio.library.address"
FILTER_COUNT = "studio.library.filter_count"
UNFOLDED = "studio.library.unfolded"
COMPARED = "studio.library.compared"
WAITING_FOR_COMPARISON = "studio.library.beside"
MENDED = "studio.library.mended"
IMPORT_REPORT = "studio.library.import_report"
IMPORT_ROUND = "studio.library.import_round"
REREAD_REPORT = "studio.library.reread_report"


class ViewChanges(TypedDict, total=False):
    """The fields of a view that a callback may change; those of `View`."""

    filter: Filter
    sort: str
    descending: bool
    page: int
    loop: str
    charts: Mapping[str, str]


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

    def with_filter(self, filter: Filter) -> View:
        """Another filter, from its first page on; the loop in detail stays."""
        return replace(self, filter=filter, page=0)

    def on_page(self, page: int) -> View:
        """The same at another page."""
        return replace(self, page=page)


def library_view() -> View | None:
    """What the Library shows, None before its first drawing."""
    return cast("View | None", st.session_state.get(LIBRARY_VIEW))


def shown_filter() -> Filter:
    """The filter of what the Library shows, an empty one before its first drawing."""
    view = library_view()
    return Filter() if view is None else view.filter


def set_library_view(view: View) -> None:
    """Show something else in the Library."""
    st.session_state[LIBRARY_VIEW] = view


def library_address() -> dict[str, str]:
    """The parameters the Library last wrote into the page's address."""
    return cast("dict[str, str]", st.session_state.get(LIBRARY_ADDRESS, {}))


def set_library_address(written: dict[str, str]) -> None:
    """Note what was written into the page's address; what stood there is overruled."""
    if written != library_address():
        session.overrule_address(library_address())
    st.session_state[LIBRARY_ADDRESS] = written


def filter_count() -> int:
    """Number of the last change of filters; the rail in the browser counts on from it."""
    return int(st.session_state.get(FILTER_COUNT, 0))


def set_filter_count(count: int) -> None:
    """Note a change of filters made in the rail."""
    st.session_state[FILTER_COUNT] = count


def unfolded_filters() -> tuple[str, ...]:
    """Filters of the Library's rail that stand open, () before anybody folded or unfolded one."""
    return cast("tuple[str, ...]", st.session_state.get(UNFOLDED, ()))


def unfold_filters(names: tuple[str, ...]) -> None:
    """Note which filters of the rail stand open."""
    st.session_state[UNFOLDED] = names


def compared() -> tuple[str, str] | None:
    """Ids of the two loops that are compared, None when none are."""
    return cast("tuple[str, str] | None", st.session_state.get(COMPARED))


def set_compared(pair: tuple[str, str] | None) -> None:
    """Compare two loops, or none."""
    st.session_state[COMPARED] = pair


def waiting_for_comparison() -> str:
    """Id of the loop that waits for another to be compared with, "" for none."""
    return str(st.session_state.get(WAITING_FOR_COMPARISON, ""))


def set_waiting_for_comparison(loop_id: str) -> None:
    """Let a loop wait for another to be compared with."""
    st.session_state[WAITING_FOR_COMPARISON] = loop_id


def mended() -> Mended | None:
    """The loop that was mended last, None before any was."""
    return cast("Mended | None", st.session_state.get(MENDED))


def set_mended(found: Mended) -> None:
    """Keep a mended loop to show before and after."""
    st.session_state[MENDED] = found


def import_report() -> Mapping[str, object] | None:
    """The report of the last import of this session, None before any."""
    return cast("Mapping[str, object] | None", st.session_state.get(IMPORT_REPORT))


def set_import_report(report: Mapping[str, object] | None) -> None:
    """Keep the report of an import for the next drawing."""
    st.session_state[IMPORT_REPORT] = report


def import_round() -> int:
    """How many imports of this session are done: names the box of uploads, so that each is consumed once."""
    return int(st.session_state.get(IMPORT_ROUND, 0))


def next_import_round() -> None:
    """Another import is done."""
    st.session_state[IMPORT_ROUND] = import_round() + 1


def reread_report() -> Mapping[str, object] | None:
    """The report of the last re-read or its preview in this session, None before any and once it was closed."""
    return cast("Mapping[str, object] | None", st.session_state.get(REREAD_REPORT))


def set_reread_report(report: Mapping[str, object] | None) -> None:
    """Keep the report of a re-read for the next drawing, or forget it."""
    st.session_state[REREAD_REPORT] = report
