"""Library: find loops, hear them, see what was measured, import more."""

from __future__ import annotations

import hashlib

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline import library
from composer_core.workspace import Workspace
from studio import session, transport
from studio.label_desk import play_key
from studio.library_charts import draw_charts
from studio.library_detail import draw_detail
from studio.library_filters import clear_filters, draw_filters
from studio.library_frame import ROWS_A_PAGE, column_config, csv_bytes, load_frame, shown_table
from studio.library_import import BROWSE, IMPORT, SECTION, draw_import
from studio.text import t

PAGE = "library.page"
TABLE_HEIGHT = 460


def choose(loop_id: str, title: str) -> None:
    """Show a loop in detail and play it; for a callback."""
    session.choose_loop(loop_id)
    try:
        loop = library.load_loop(session.workspace(), loop_id)
    except ComposerError as error:
        session.set_problem(error)
        return
    transport.play(loop, title=title, loop_id=loop_id, key=play_key(loop_id))


def choose_row(loops: pd.DataFrame, key: str) -> None:
    """A row of the table was chosen: `loops` are the rows as they were drawn."""
    rows = session.widget(key)["selection"]["rows"]
    if rows:
        choose(str(loops["loop_id"].iloc[rows[0]]), str(loops["title"].iloc[rows[0]]))


def draw_table(loops: pd.DataFrame, page: int) -> None:
    """One page of the table; a row chosen in it plays."""
    part = loops.iloc[page * ROWS_A_PAGE : (page + 1) * ROWS_A_PAGE]
    # Other rows need another widget: a selection is kept by position and would point at the wrong loop.
    key = f"library.table.{hashlib.sha256(''.join(part['loop_id']).encode()).hexdigest()[:12]}"
    st.dataframe(
        shown_table(part),
        key=key,
        hide_index=True,
        height=TABLE_HEIGHT,
        column_config=column_config(),
        placeholder="",
        selection_mode="single-row",
        on_select=lambda: choose_row(part, key),
    )


def draw_paging(n_rows: int) -> int:
    """Which page of the table, from 0; drawn only when there is more than one."""
    n_pages = -(-n_rows // ROWS_A_PAGE)
    if n_pages <= 1:
        return 0
    session.default_widgets({PAGE: 0})
    session.set_widget(PAGE, min(session.widget(PAGE), n_pages - 1))
    spans = [(p * ROWS_A_PAGE + 1, min(n_rows, (p + 1) * ROWS_A_PAGE)) for p in range(n_pages)]
    st.selectbox(
        t("library.page"),
        range(n_pages),
        format_func=lambda p: t("library.page_of", first=f"{spans[p][0]:,}", last=f"{spans[p][1]:,}"),
        key=PAGE,
        label_visibility="collapsed",
        width=220,
    )
    return int(session.widget(PAGE))


def draw_summary(shown: pd.DataFrame, total: int) -> int:
    """How many loops answer, a way back to all, the CSV file; returns the page of the table, from 0."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(t("library.count", shown=f"{len(shown):,}", total=f"{total:,}"), width="stretch")
        if len(shown) < total:
            st.button(t("library.clear"), key="library.clear", type="tertiary", on_click=clear_filters)
        page = draw_paging(len(shown))
        st.download_button(
            t("library.csv"),
            lambda: csv_bytes(shown),
            file_name="loops.csv",
            mime="text/csv",
            icon=":material/table:",
            key="library.csv",
            on_click="ignore",
        )
    return page


def browse(workspace: Workspace) -> None:
    """Filters, table with one loop in detail beside it (the chosen one, else the first), charts."""
    loops = load_frame(workspace)
    shown = draw_filters(loops).apply(loops)
    page = draw_summary(shown, len(loops))
    if shown.empty:
        st.info(t("library.none_match"))
        return
    table, detail = st.columns([1.6, 1], gap="medium")
    with table:
        draw_table(shown, page)
    with detail, st.container(border=True, height=TABLE_HEIGHT, key="library.detail"):
        chosen = loops[loops["loop_id"] == session.chosen_loop()]
        draw_detail(workspace, (shown if chosen.empty else chosen).iloc[0])
    titles = dict(zip(shown["loop_id"], shown["title"], strict=True))
    draw_charts(shown, lambda loop_id: choose(loop_id, titles[loop_id]))


def main() -> None:
    """The page; an empty library opens at the import."""
    workspace = session.workspace()
    title, switch = st.columns([2, 1], vertical_alignment="center")
    title.title(t("page.library"), anchor=False)
    session.default_widgets({SECTION: BROWSE})
    if load_frame(workspace).empty:
        st.info(t("library.welcome"), icon=":material/library_music:")
        draw_import(workspace)
        return
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        section = st.segmented_control(
            t("library.section"),
            (BROWSE, IMPORT),
            format_func=lambda code: t(f"library.{code}"),
            key=SECTION,
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
    if section == IMPORT:
        draw_import(workspace)
    else:
        browse(workspace)


main()
