"""Library: find loops, hear them, see what was measured and how it was scored, import more."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.library import browse as library_browse
from composer_core.pipeline.library.filters import Filter
from composer_core.workspace import Workspace
from studio import navigation, queries, session
from studio.components.loop_table import PageOf, loop_table
from studio.library import state as library_state
from studio.library.acts import on_row, play
from studio.library.charts import draw_charts
from studio.library.compare import draw_comparison
from studio.library.detail import draw_detail
from studio.library.filters import draw_filters
from studio.library.importing import BROWSE, IMPORT, SECTION, draw_import
from studio.library.mending import draw_queue, pass_mark
from studio.library.profiles import draw_rescoring
from studio.library.rereading import draw_notice
from studio.library.rows import table_columns, table_row
from studio.library.selection import draw_export, draw_selection
from studio.library.state import View
from studio.library.view import ask, read_address, write_address
from studio.preparing import draw_preparing
from studio.queries import ROWS_A_PAGE
from studio.widgets import show_error
from studio.wording.text import t

SECTIONS = (BROWSE, IMPORT)
STYLE = Path(library_state.__file__).with_name("library.css")
TABLE_HEIGHT = "33.4rem"
DETAIL_PX = 540


def draw_table(view: View, shown: library_browse.Page) -> None:
    """Draw one page of the matching loops."""
    n_pages = max(1, -(-shown.total // ROWS_A_PAGE))
    first = view.page * ROWS_A_PAGE
    last = min(shown.total, first + ROWS_A_PAGE)
    loop_table(
        key="library.table",
        columns=table_columns(),
        rows=[table_row(row) for row in queries.records(shown.rows)],
        page=PageOf(view.page, n_pages, t("library.page_of", first=f"{first + 1:,}", last=f"{last:,}")),
        sort=(view.sort, view.descending),
        on_event=on_row,
        chosen=view.loop,
        marked=set(session.selection()),
        pass_mark=pass_mark(session.workspace()),
        height=TABLE_HEIGHT,
        signature=str(view.filter),
    )


def find(workspace: Workspace, view: View) -> tuple[View, library_browse.Page]:
    """The page of the view, or the last page when the library has become smaller."""
    sort = ((view.sort, view.descending),) if view.sort else ()
    found = queries.page(workspace, view.filter, sort, view.page)
    if found.rows.empty and found.total:
        view = view.on_page(-(-found.total // ROWS_A_PAGE) - 1)
        found = queries.page(workspace, view.filter, sort, view.page)
    return view, found


def draw_summary(workspace: Workspace, view: View, total: int) -> None:
    """Draw how many loops match, and the export of all of them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        whole = queries.count(workspace)
        st.markdown(t("library.count", shown=f"{total:,}", total=f"{whole:,}"), width="stretch")
        with st.popover(t("library.retry"), icon=":material/healing:"):
            draw_queue(workspace)
        with st.popover(t("library.export"), icon=":material/download:"):
            draw_export(workspace, view.filter, total, "filter")


def browse(workspace: Workspace) -> None:
    """Draw the filters beside the table, one loop in detail (the chosen or the first one), and the charts below."""
    view, found = find(workspace, read_address(queries.columns(workspace)))
    rail, main = st.columns([1, 4.6], gap="medium")
    with main:
        # Containers of their own: what comes and goes in them does not move, and so draw anew, what is below.
        with st.container():
            draw_rescoring(workspace)
            draw_comparison(workspace)
        draw_summary(workspace, view, found.total)
        with st.container():
            draw_selection(workspace)
        if not found.total:
            st.info(t("library.none_match"))
            st.button(t("facets.clear"), key="library.clear", on_click=ask, args=(Filter(),))
        else:
            draw_found(workspace, view, found)
    with rail:
        draw_filters(workspace, view.filter)
    if found.total:
        with main:
            draw_charts(workspace, view.filter, pass_mark(workspace), play)
    write_address()


def draw_found(workspace: Workspace, view: View, found: library_browse.Page) -> None:
    """Draw the table and the loop in detail."""
    table, detail = st.columns([1.3, 1], gap="small")
    with table:
        draw_table(view, found)
    with detail, st.container(border=True, height=DETAIL_PX, key="library.detail"):
        try:
            draw_detail(workspace, view.loop or str(found.rows["loop_id"].iloc[0]))
        except ComposerError as error:
            show_error(error)


def main() -> None:
    """The page; an empty library opens at the import."""
    if session.take_destination() == "label":
        st.switch_page(navigation.page("label"))
    st.html(STYLE)
    workspace = session.workspace()
    title, switch = st.columns([1, 2], vertical_alignment="center")
    title.title(t("page.library"), anchor=False)
    session.default_widgets({SECTION: BROWSE})
    if draw_preparing(workspace):
        return
    if not queries.count(workspace):
        st.info(t("library.welcome"), icon=":material/library_music:")
        draw_import(workspace)
        return
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        section = st.segmented_control(
            t("library.section"),
            SECTIONS,
            format_func=lambda code: t(f"library.{code}"),
            key=SECTION,
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
    draw_notice(workspace)
    if section == IMPORT:
        draw_import(workspace)
    else:
        with session.one_look():
            browse(workspace)


main()
