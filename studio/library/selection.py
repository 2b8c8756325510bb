"""The selection of the Library: loops ticked in the table or caught by a lasso, and the actions on them."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.library import browse, duplicates
from composer_core.pipeline.library.browse import FORMATS
from composer_core.pipeline.library.filters import Filter
from composer_core.workspace import Workspace
from studio import session
from studio.access.offer import may, why_not
from studio.label.bulk import BULK, SELECTION, SOURCE
from studio.label.desk import MOST_QUEUED, SECTION, queue_loops
from studio.library.profiles import draw_selection_profile
from studio.library.view import ask, current_view
from studio.wording.text import t

MOST_SELECTED = 100_000
"""A selection never holds more; a lasso over more loops says so."""
_MIME = {"csv": "text/csv", "jsonl": "application/jsonl", "parquet": "application/vnd.apache.parquet"}


def select(loop_ids: list[str]) -> None:
    """Select these loops in place of the others; for a callback."""
    kept = list(dict.fromkeys(loop_ids))
    if len(kept) >= MOST_SELECTED:
        session.notify(t("library.selection_full", most=f"{MOST_SELECTED:,}"))
    session.set_selection(kept[:MOST_SELECTED])


def mark(loop_ids: list[str], on: bool) -> None:
    """Add loops to the selection or take them out; for a callback."""
    marked = set(loop_ids)
    kept = [loop_id for loop_id in session.selection() if loop_id not in marked]
    select([*kept, *loop_ids] if on else kept)


def is_selected(loop_id: str) -> bool:
    """Whether a loop is selected."""
    return loop_id in session.selection()


def toggle_selected(loop_id: str) -> None:
    """Select a loop or take it out of the selection; for a callback."""
    mark([loop_id], not is_selected(loop_id))


def draw_selection(workspace: Workspace) -> None:
    """What is selected and what can be done with it; nothing while nothing is."""
    chosen = session.selection()
    if not chosen:
        return
    only = current_view().filter.loop_ids == tuple(chosen)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="library.selection"):
        st.markdown(t("library.selected", n=f"{len(chosen):,}"), width="content")
        st.button(
            t("library.show_all" if only else "library.show_selected"),
            key="library.only",
            type="tertiary",
            on_click=_show_only,
            args=(not only,),
        )
        if len(chosen) == 2:
            from studio.library.compare import compare

            st.button(
                t("library.compare"),
                icon=":material/compare_arrows:",
                key="library.compare_two",
                on_click=compare,
                args=(chosen[0], chosen[1]),
            )
        st.button(
            t("library.to_queue"),
            icon=":material/playlist_add:",
            key="library.to_queue",
            help=why_not("label") or t("library.to_queue_help", most=MOST_QUEUED),
            disabled=not may("label"),
            on_click=_to_queue,
        )
        st.button(
            t("library.bulk"),
            icon=":material/label:",
            key="library.bulk",
            help=why_not("label") or t("library.bulk_help"),
            disabled=not may("label"),
            on_click=_to_bulk,
        )
        with st.popover(t("profile.selection"), icon=":material/tune:"):
            draw_selection_profile(len(chosen))
        with st.popover(t("library.export"), icon=":material/download:"):
            draw_export(workspace, Filter(loop_ids=tuple(chosen)), len(chosen), "selection")
        with st.popover(t("library.exclude"), icon=":material/block:"):
            _draw_exclude()
        st.button(t("library.unselect_all"), key="library.unselect_all", type="tertiary", on_click=select, args=([],))


def _show_only(on: bool) -> None:
    ask(Filter(loop_ids=tuple(session.selection())) if on else replace(current_view().filter, loop_ids=()))


def _to_queue() -> None:
    queue_loops(session.selection()[:MOST_QUEUED])
    session.go_to("label")


def _to_bulk() -> None:
    session.set_widget(SECTION, BULK)
    session.set_widget(SOURCE, SELECTION)
    session.go_to("label")


def _draw_exclude() -> None:
    if reason := why_not("exclude"):
        st.info(reason)
        return
    st.caption(t("library.exclude_hint"))
    st.text_input(t("library.exclude_note"), key="library.exclude_note", max_chars=200)
    st.button(t("library.exclude_now"), key="library.exclude_now", type="primary", on_click=_exclude)
    st.button(t("library.restore_now"), key="library.restore_now", on_click=_restore)


def _exclude() -> None:
    try:
        count = duplicates.exclude(
            session.workspace(), session.selection(), note=str(session.widget("library.exclude_note")).strip()
        )
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("library.excluded", n=f"{count:,}"))


def _restore() -> None:
    try:
        count = duplicates.restore(session.workspace(), session.selection())
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("library.restored", n=f"{count:,}"))


def draw_export(workspace: Workspace, filter: Filter, total: int, name: str) -> None:
    """A download button a format; the file is made when one is pressed."""
    st.caption(t("library.export_hint", n=f"{total:,}"))
    with st.container(horizontal=True, gap="small"):
        for form in FORMATS:
            st.download_button(
                form.upper() if form != "parquet" else "Parquet",
                partial(_exported, workspace, form, filter),
                file_name=f"loops.{form}",
                mime=_MIME[form],
                key=f"library.export.{name}.{form}",
                on_click="ignore",
            )


def _exported(workspace: Workspace, form: str, filter: Filter) -> BinaryIO:
    """The rows in a temporary file, which goes when it is closed: a million rows do not fit well in memory."""
    with tempfile.TemporaryDirectory(prefix="composer-export-") as folder:
        path = Path(folder) / f"loops.{form}"
        browse.export_file(workspace, path, form, filter)
        return path.open("rb")
