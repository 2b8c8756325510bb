"""Charts whose bars, dots and cells open their loops in the queue of the Label page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go
import streamlit as st

from composer_core.workspace import Workspace
from studio import session
from studio.figures import labels as figures_labels
from studio.label.desk import MOST_QUEUED, queue_loops
from studio.wording.text import t

Behind = Callable[[Workspace, Sequence[str]], Sequence[str]]
"""The loops that a bar, a dot or a cell stands for, by what rides along in its `customdata`."""


def chart_to_queue(figure: go.Figure, key: str, behind: Behind) -> None:
    """A chart; a click on a part of it lays the loops behind it on the desk."""

    def choose() -> None:
        leads_to = figures_labels.clicked(session.widget(key))
        if leads_to is not None:
            queue_chosen(behind(session.workspace(), leads_to))

    st.plotly_chart(figure, key=key, config=figures_labels.CONFIG, selection_mode="points", on_select=choose)


def queue_chosen(loop_ids: Sequence[str]) -> None:
    """Lay the first MOST_QUEUED of these loops on the desk and say so."""
    queue_loops(list(loop_ids)[:MOST_QUEUED], "from_chart")
    n_queued = min(len(loop_ids), MOST_QUEUED)
    session.notify(t("label.queued_one" if n_queued == 1 else "label.queued", n=f"{n_queued:,}"))
