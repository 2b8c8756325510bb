"""The loops out of the same file as another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from composer_core.pipeline.library.browse import Filter
from composer_core.workspace import Workspace
from studio.components.loop_table import Column
from studio.library import queries as library_queries
from studio.library.similar_loops import draw_list
from studio.library.view import ask
from studio.wording.text import t


def draw_same_source(workspace: Workspace, row: Mapping[str, Any]) -> None:
    """The loops of the same file in the order they are played."""
    if row["origin"] == "generated":
        st.caption(t("library.no_source"))
        return
    filter = Filter(sources=(str(row["source"]),))
    found = library_queries.page(workspace, filter, (("member", False), ("start_bar", False)), 0)
    column = Column("notes", t("library.col_notes"), "number")
    cells = [{"notes": f"{int(notes):,}"} for notes in found.rows["n_notes"]]
    draw_list("library.same_file", found.rows, column, cells)
    if found.total > 1:
        st.button(
            t("library.filter_source", n=f"{found.total:,}"), key="library.filter_source", on_click=ask, args=(filter,)
        )
