"""The Library's charts: how one metric is spread, and two against each other."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from composer_core.metrics import METRICS
from composer_core.music.instruments import INSTRUMENTS
from studio import session
from studio.charts import chosen_point, histogram, scatter
from studio.library_frame import METRIC_PREFIX
from studio.names import instrument_name, metric_meaning, metric_name, metric_unit
from studio.text import t

SPREAD, ACROSS, UPWARDS, POINTS = "library.spread", "library.across", "library.upwards", "library.points"
FIRST_CHOICES = {SPREAD: "tempo_bpm", ACROSS: "valence_estimate", UPWARDS: "arousal_estimate"}
_PLAIN_COLUMNS = ("tempo_bpm", "valence_estimate", "arousal_estimate", "n_notes")
_NO_TOOLBAR = {"displayModeBar": False}


def draw_charts(loops: pd.DataFrame, on_choose: Any) -> None:
    """Histogram and scatter of the filtered loops; `on_choose` is called with a loop id when a point is chosen."""
    session.default_widgets(FIRST_CHOICES)
    names = {code: instrument_name(code) for code in INSTRUMENTS}
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        column = _choose(t("library.histogram"), SPREAD, loops)
        figure = histogram(loops, column, axis_title(column), names, t("library.n_loops"))
        st.plotly_chart(figure, key="library.histogram", config=_NO_TOOLBAR)
        if column.startswith(METRIC_PREFIX):
            st.caption(metric_meaning(column.removeprefix(METRIC_PREFIX)))
    with right, st.container(border=True):
        x_place, y_place = st.columns(2)
        with x_place:
            x = _choose(t("library.across"), ACROSS, loops)
        with y_place:
            y = _choose(t("library.upwards"), UPWARDS, loops)
        figure = scatter(loops, x, y, (axis_title(x), axis_title(y)), names, session.chosen_loop())
        st.plotly_chart(
            figure,
            key=POINTS,
            config=_NO_TOOLBAR,
            selection_mode="points",
            on_select=lambda: _chosen(on_choose),
        )


def measures(loops: pd.DataFrame) -> list[str]:
    """The columns a chart can show: those with a value for at least one loop."""
    candidates = [*_PLAIN_COLUMNS, *(METRIC_PREFIX + name for name in METRICS)]
    return [name for name in candidates if name in loops and loops[name].notna().any()]


def measure_name(column: str) -> str:
    """A column of numbers in words."""
    if column.startswith(METRIC_PREFIX):
        return metric_name(column.removeprefix(METRIC_PREFIX))
    return metric_name(column) if column == "tempo_bpm" else t(f"library.{column}")


def axis_title(column: str) -> str:
    """A column's name with its unit."""
    unit = metric_unit(column.removeprefix(METRIC_PREFIX)) if column.startswith(METRIC_PREFIX) else ""
    unit = "BPM" if column == "tempo_bpm" else unit
    return t("library.axis", name=measure_name(column), unit=unit) if unit else measure_name(column)


def _choose(label: str, key: str, loops: pd.DataFrame) -> str:
    options = measures(loops)
    if session.widget(key) not in options:
        session.set_widget(key, options[0])
    chosen: str = st.selectbox(label, options, format_func=measure_name, key=key, persist_state="session")
    return chosen


def _chosen(on_choose: Any) -> None:
    loop_id = chosen_point(session.widget(POINTS))
    if loop_id is not None:
        on_choose(loop_id)
