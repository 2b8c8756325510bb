"""Around the desk of the Label page: who rates in which order; and the table of a loop's earlier decisions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from composer_core.pipeline.labels import decisions, queue
from composer_core.workspace import Workspace
from studio import session
from studio.label.desk import AUTOPLAY, ORDER
from studio.label.words import confidence_text, field_title, time_text, value_text, who_text
from studio.rater import draw_rater
from studio.widgets import worded
from studio.wording.text import t

_ROW_PX, _HISTORY_PX = 35, 283


def draw_settings(workspace: Workspace) -> tuple[str, str]:
    """Who rates, in which order, and whether the next loop plays by itself. Returns (rater, order)."""
    session.default_widgets({ORDER: queue.ORDERS[0], AUTOPLAY: True})
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        rater = draw_rater(workspace)
        order = st.selectbox(
            t("label.order"),
            queue.ORDERS,
            format_func=worded(queue.ORDERS, lambda code: t(f"label.order_{code}")),
            key=ORDER,
            label_visibility="collapsed",
            persist_state="session",
            width=300,
        )
        st.toggle(t("label.autoplay"), key=AUTOPLAY, persist_state="session")
    return rater, order or queue.ORDERS[0]


def draw_history(workspace: Workspace, loop_id: str, instrument: str) -> None:
    """Every event of the loop, the newest first."""
    events = decisions.history(workspace, loop_id)[::-1]
    if not events:
        st.caption(t("label.no_history"))
        return
    rows = [
        {
            "when": time_text(event.created_at),
            "who": who_text(event.source),
            "field": field_title(event.field),
            "value": value_text(event.field, event.value, instrument),
            "status": t(f"status.{event.shown_status}"),
            "confidence": confidence_text(event.confidence),
            "note": event.note,
        }
        for event in events
    ]
    widths = {"when": 122, "who": 118, "field": 84, "value": 170, "status": 84, "confidence": 76, "note": 200}
    titles = {name: st.column_config.TextColumn(t(f"label.{name}"), width=width) for name, width in widths.items()}
    height = min(_ROW_PX * (1 + len(rows)) + 3, _HISTORY_PX)
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=height, column_config=titles)
