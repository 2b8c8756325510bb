"""Compare two loops: heard in turn at the same place in the bar, with their numbers side by side."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.metrics import METRICS
from composer_core.pipeline.library import loops as library_loops
from composer_core.pipeline.library.query import JUDGED_PREFIX
from composer_core.workspace import Workspace
from studio import queries, session
from studio.components import transport
from studio.figures.roll import roll
from studio.library import state as library_state
from studio.library.rows import number
from studio.widgets import picture, show_error
from studio.wording.loop_names import loop_title, plain
from studio.wording.names import instrument_name, metric_name, metric_unit, metric_value
from studio.wording.text import t

METRIC_PREFIX = "metrics."


def choose_for_comparison(loop_id: str) -> None:
    """Take a loop as A; where there is an A already, compare it with this one. For a callback."""
    first = library_state.waiting_for_comparison()
    if not first or first == loop_id:
        library_state.set_waiting_for_comparison(loop_id)
        session.notify(t("library.beside_first"))
        return
    library_state.set_waiting_for_comparison("")
    compare(first, loop_id)


def compare(first: str, second: str) -> None:
    """Compare two loops: both go into the transport, A is heard first. For a callback."""
    library_state.set_compared((first, second))
    workspace = session.workspace()
    try:
        frame = queries.rows(workspace, (first, second))
        titles = [loop_title(row) for row in queries.records(frame)]
        loops = [library_loops.load_loop(workspace, loop_id) for loop_id in (first, second)]
    except ComposerError as error:
        library_state.set_compared(None)
        session.set_problem(error)
        return
    transport.compare(((loops[0], titles[0], first), (loops[1], titles[1], second)), key=f"compare.{first}.{second}")


def draw_comparison(workspace: Workspace) -> None:
    """The two loops and how they differ; nothing when none are compared."""
    pair = library_state.compared()
    if pair is None:
        return
    with st.container(border=True, key="library.compare"):
        head, again, close = st.columns([6, 1.5, 1], vertical_alignment="center")
        head.markdown(f"**{t('library.compare_title')}**", help=t("library.compare_help"))
        again.button(
            t("common.play"),
            icon=":material/play_arrow:",
            key="library.compare_again",
            width="stretch",
            on_click=compare,
            args=pair,
        )
        close.button(
            t("common.close"),
            key="library.compare_close",
            width="stretch",
            on_click=library_state.set_compared,
            args=(None,),
        )
        try:
            _draw_pair(workspace, pair)
        except ComposerError as error:
            show_error(error)


def _draw_pair(workspace: Workspace, pair: tuple[str, str]) -> None:
    frame = queries.rows(workspace, pair)
    loops = [library_loops.load_loop(workspace, loop_id) for loop_id in pair]
    records = queries.records(frame)
    for place, name, row, loop in zip(st.columns(2, gap="medium"), "AB", records, loops, strict=True):
        with place:
            st.markdown(f"**{name}** {plain(loop_title(row))}")
            own, heard = loop.tempo_bpm, transport.at_bar_length_of(loop, loops[0]).tempo_bpm
            words = [instrument_name(loop.instrument), str(loop.meter), f"{own:.0f} BPM"]
            words += [t("library.heard_at", tempo=f"{heard:.0f}")] if abs(heard - own) >= 0.5 else []
            st.caption(t("library.dot").join(words))
            picture(roll(loop), t("common.notes_of", name=loop_title(row)))
    apart = differences(records[0], records[1], spreads(workspace, str(records[0]["instrument"])))
    st.dataframe(
        apart,
        hide_index=True,
        height=246,
        column_config={
            "name": st.column_config.TextColumn(t("library.metric"), width="medium"),
            "a": st.column_config.TextColumn("A", width="small", alignment="right"),
            "b": st.column_config.TextColumn("B", width="small", alignment="right"),
            "unit": st.column_config.TextColumn(t("library.unit"), width="small"),
            "apart": st.column_config.TextColumn(
                t("library.apart"), width="small", alignment="right", help=t("library.apart_help")
            ),
        },
    )


def spreads(workspace: Workspace, instrument: str) -> Mapping[str, float]:
    """The middle spread (90th less 10th percentile) of each metric among loops of an instrument."""
    places = queries.percentile_lists(workspace, instrument)
    return {name: float(values[90] - values[10]) for name, values in places.items()}


def differences(first: Mapping[str, object], second: Mapping[str, object], spread: Mapping[str, float]) -> pd.DataFrame:
    """Scores, then metrics both loops have, the most different first; every value in words, with its unit's decimals.

    `apart` is the difference as a share of how far apart the middle 80 % of the library's
    loops of that instrument lie; scores have no spread to be told in, so it is empty for them.
    """
    rows: list[tuple[str, str, str, str, str]] = []
    for axis in SCORE_NAMES:
        a, b = number(first.get(JUDGED_PREFIX + axis)), number(second.get(JUDGED_PREFIX + axis))
        if a is not None and b is not None:
            rows.append((t("library.score_of", axis=t(f"score.{axis}")), f"{a:.0f}", f"{b:.0f}", "", ""))
    measured: list[tuple[float, str, float, float]] = []
    for name in METRICS:
        a, b = number(first.get(METRIC_PREFIX + name)), number(second.get(METRIC_PREFIX + name))
        if a is None or b is None:
            continue
        span = spread.get(name, 0.0)
        measured.append((abs(b - a) / span if span > 0 else 0.0, name, a, b))
    for apart, name, a, b in sorted(measured, key=lambda row: -row[0]):
        values = metric_value(name, a), metric_value(name, b)
        rows.append((metric_name(name), *values, metric_unit(name), f"{apart:.1f}"))
    return pd.DataFrame(rows, columns=["name", "a", "b", "unit", "apart"])
