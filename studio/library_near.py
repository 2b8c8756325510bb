"""Loops near another one: those that sound alike, and those out of the same file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.pipeline.browse import Filter
from composer_core.workspace import Workspace
from studio import library_answers
from studio.library_rows import number, sub_line
from studio.library_view import ask
from studio.loop_names import loop_name
from studio.loop_table import Column, PageOf, Row, loop_table
from studio.text import t

N_SIMILAR = 20
_HEIGHT = "21rem"


def draw_similar(workspace: Workspace, loop_id: str) -> None:
    """The most similar loops, the nearest first."""
    found = library_answers.similar(workspace, loop_id, N_SIMILAR)
    if not found:
        st.caption(t("library.no_similar"))
        return
    rows = library_answers.rows(workspace, tuple(one.loop_id for one in found))
    column = Column("near", t("library.col_distance"), "number", "", 1, t("library.col_distance_help"))
    cells = [{"near": f"{one.distance:.2f}"} for one in found]
    _draw_list("library.similar", rows, column, cells)
    st.caption(t("library.similar_hint"))


def draw_same_source(workspace: Workspace, row: Mapping[str, Any]) -> None:
    """The loops of the same file in the order they are played."""
    if row["origin"] == "generated":
        st.caption(t("library.no_source"))
        return
    filter = Filter(sources=(str(row["source"]),))
    found = library_answers.page(workspace, filter, (("member", False), ("start_bar", False)), 0)
    column = Column("notes", t("library.col_notes"), "number")
    cells = [{"notes": f"{int(notes):,}"} for notes in found.rows["n_notes"]]
    _draw_list("library.same_file", found.rows, column, cells)
    if found.total > 1:
        st.button(
            t("library.filter_source", n=f"{found.total:,}"), key="library.filter_source", on_click=ask, args=(filter,)
        )


def _draw_list(key: str, rows: pd.DataFrame, column: Column, cells: list[dict[str, Any]]) -> None:
    from studio.library_acts import on_row

    columns = [
        Column("name", t("library.col_name"), "name"),
        Column("tempo", t("library.col_tempo"), "number"),
        column,
    ]
    drawn = [
        Row(
            str(row["loop_id"]),
            loop_name(row),
            sub_line(row),
            str(row["member"] or row["source"]),
            {"tempo": f"{number(row['tempo_bpm']) or 0:.0f}", **more},
        )
        for row, more in zip(library_answers.records(rows), cells, strict=True)
    ]
    loop_table(
        key=key,
        columns=columns,
        rows=drawn,
        page=PageOf(0, 1, ""),
        sort=("", True),
        on_event=on_row,
        height=_HEIGHT,
    )
