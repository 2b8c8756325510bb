"""Loops that are like another one, a loop of the library or a take: by rhythm or by what is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.pipeline.library.similar import BY_FINGERPRINT, WAYS, Similar
from composer_core.workspace import Workspace
from studio import session
from studio.components.loop_table import Column, PageOf, Row, loop_table
from studio.library import queries as library_queries
from studio.library.rows import number, sub_line
from studio.widgets import worded
from studio.wording.loop_names import loop_name
from studio.wording.text import t

N_SIMILAR = 20
_HEIGHT = "21rem"


def draw_similar(workspace: Workspace, loop_id: str) -> None:
    """The loops most similar to one of the library, the nearest first."""
    _draw(workspace, "library.similar", lambda by: library_queries.similar(workspace, loop_id, N_SIMILAR, by))


def _draw(workspace: Workspace, key: str, search: Callable[[str], Sequence[Similar]]) -> None:
    way = f"{key}.by"
    session.default_widgets({way: BY_FINGERPRINT})
    by = st.segmented_control(
        t("similar.by"),
        WAYS,
        format_func=worded(WAYS, lambda code: t(f"similar.by_{code}")),
        key=way,
        label_visibility="collapsed",
        required=True,
        persist_state="session",
    )
    found = search(str(by))
    if not found:
        st.caption(t("similar.none"))
        return
    rows = library_queries.rows(workspace, tuple(one.loop_id for one in found))
    column = Column("near", t("similar.distance"), "number", "", 1, t(f"similar.distance_{by}"))
    draw_list(key, rows, column, [{"near": f"{one.distance:.2f}"} for one in found])
    st.caption(t(f"similar.hint_{by}"))


def draw_list(key: str, rows: pd.DataFrame, column: Column, cells: list[dict[str, Any]]) -> None:
    """Loops of the library as a short table: name, tempo and one column more, whose cells are given."""
    from studio.library.acts import on_row

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
        for row, more in zip(library_queries.records(rows), cells, strict=True)
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
