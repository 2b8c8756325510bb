"""How labels are distributed, for review: every bar, dot and cell opens its loops in the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.pipeline.labels import distributions
from composer_core.pipeline.labels.distributions import COUNTED, AffectDensity, Drift, LabelCount, Missing, ScoreOfLabel
from composer_core.pipeline.labels.fields import CAPTIONS, LABEL_FIELDS
from composer_core.pipeline.labels.review import PROFILE_FIELD
from composer_core.pipeline.library import browse
from composer_core.workspace import Workspace
from studio import session
from studio.figures import labels as figures_labels
from studio.figures.labels import Bar
from studio.label.click import chart_to_queue, queue_chosen
from studio.label.desk import MOST_QUEUED
from studio.label.words import code_text, field_title, listed, who_text
from studio.preparing import draw_preparing
from studio.queries import cached_answer
from studio.widgets import worded
from studio.wording.loop_names import plain
from studio.wording.text import t

SPREAD = "spread"
FIELD, AXIS, BY_MONTH = "label.spread.field", "label.spread.axis", "label.spread.by_month"
WATCHED = tuple(name for name in LABEL_FIELDS if name not in (*CAPTIONS, PROFILE_FIELD))
"""Fields of which it is shown how many loops lack them."""
BINS = 16
MOST_BARS = 24
DRIFTS_SHOWN, SWAPS_SHOWN = 10, 3
LABELLED, CELL, WITHOUT, UNAPPROVED = "labelled", "cell", "without", "unapproved"
"""What a click leads to: loops with a value, in a cell of the plane, without a value, without a person's word."""


def draw_spread(workspace: Workspace) -> None:
    """Counts and scores of one field, the affect plane, what is missing, and how far models are from people."""
    if draw_preparing(workspace):
        return
    st.caption(t("label.spread_hint", most=MOST_QUEUED))
    left, right = st.columns(2, gap="small")
    with left:
        field = _choose_field()
        with st.container(border=True, key="label.spread_counts"):
            _draw_counts(workspace, field)
        with st.container(border=True, key="label.spread_scores"):
            _draw_scores(workspace, field)
    with right, st.container(border=True, key="label.spread_plane"):
        _draw_plane(workspace)
    with st.container(border=True, key="label.spread_missing"):
        _draw_missing(workspace)
    with st.container(border=True, key="label.spread_drift"):
        _draw_drift(workspace)


def _choose_field() -> str:
    session.default_widgets({FIELD: "emotion"})
    return str(
        st.selectbox(
            t("label.field"), COUNTED, format_func=worded(COUNTED, field_title), key=FIELD, persist_state="session"
        )
    )


def _draw_counts(workspace: Workspace, field: str) -> None:
    st.markdown(f"**{t('label.spread_counts')}**")
    found: list[LabelCount] = cached_answer(workspace, _counts, field)
    if not found:
        st.caption(t("label.spread_none"))
        return
    rows = [Bar(code_text(field, one.value), one.n_loops, (LABELLED, field, one.value)) for one in found[:MOST_BARS]]
    _chart(figures_labels.bars(rows, t("library.n_loops")), f"counts.{field}")
    _explain_swaps(len(found))


def _draw_scores(workspace: Workspace, field: str) -> None:
    session.default_widgets({AXIS: "total"})
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{t('label.spread_scores')}**", width="stretch")
        axis = st.selectbox(
            t("label.spread_axis"),
            tuple(SCORE_NAMES),
            format_func=worded(tuple(SCORE_NAMES), lambda code: t(f"score.{code}")),
            key=AXIS,
            label_visibility="collapsed",
            persist_state="session",
            width=220,
        )
    found: list[ScoreOfLabel] = cached_answer(workspace, _scores, field, str(axis))
    if not found:
        st.caption(t("label.spread_no_scores"))
        return
    shown = sorted(found, key=lambda one: -one.n_loops)[:MOST_BARS]
    rows = [
        Bar(f"{code_text(field, one.value)} ({one.n_loops:,})", round(one.median, 2), (LABELLED, field, one.value))
        for one in shown
    ]
    spans = [(one.lower, one.upper) for one in shown]
    figure = figures_labels.ranges(rows, spans, t("label.spread_quartiles"), (0.0, 100.0))
    _chart(figure, f"scores.{field}.{axis}")
    _explain_swaps(len(found))


def _explain_swaps(n_values: int) -> None:
    if n_values > MOST_BARS:
        st.caption(t("label.more", n=n_values - MOST_BARS))


def _draw_plane(workspace: Workspace) -> None:
    st.markdown(f"**{t('label.spread_plane')}**")
    found: AffectDensity = cached_answer(workspace, _density)
    figure = figures_labels.plane(
        found.counts,
        found.valence_edges,
        found.arousal_edges,
        (t("xypad.valence"), t("xypad.arousal")),
        t("library.n_loops"),
    )
    _chart(figure, "plane")
    if found.n_without:
        st.caption(t("library.without_value", n=f"{found.n_without:,}"))


def _draw_missing(workspace: Workspace) -> None:
    st.markdown(f"**{t('label.spread_missing')}**")
    found: list[Missing] = cached_answer(workspace, distributions.missing, WATCHED)
    series = {
        t("label.spread_without"): [Bar(field_title(one.field), one.n_without, (WITHOUT, one.field)) for one in found],
        t("label.spread_unapproved"): [
            Bar(field_title(one.field), one.n_unapproved, (UNAPPROVED, one.field)) for one in found
        ],
    }
    figure = figures_labels.pairs_of_bars(series, t("library.n_loops"))
    _chart(figure, "missing")


def _draw_drift(workspace: Workspace) -> None:
    session.default_widgets({BY_MONTH: False})
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{t('label.drift')}**", width="stretch")
        by_month = st.toggle(t("label.drift_by_month"), key=BY_MONTH, persist_state="session")
    found: list[Drift] = cached_answer(workspace, distributions.drift, by_month)
    if not found:
        st.caption(t("label.drift_none"))
        return
    st.caption(t("label.drift_hint"))
    for place, name in zip(st.columns(_WIDTHS, gap="small"), _DRIFT_COLUMNS, strict=False):
        place.markdown(f":small[:gray[{t(f'label.drift_{name}')}]]")
    for number, one in enumerate(found[:DRIFTS_SHOWN]):
        places = st.columns(_WIDTHS, vertical_alignment="center", gap="small")
        for place, words in zip(places, _drift_row(one), strict=False):
            place.markdown(f":small[{words}]" if words else "")
        places[-1].button(
            t("label.hear", n=f"{one.n_apart:,}"),
            key=f"label.drift.{number}",
            icon=":material/playlist_add:",
            disabled=not one.loop_ids,
            on_click=queue_chosen,
            args=(one.loop_ids,),
            width="stretch",
        )
    if len(found) > DRIFTS_SHOWN:
        st.caption(t("label.more", n=len(found) - DRIFTS_SHOWN))


_DRIFT_COLUMNS = ("field", "source", "month", "apart", "distance", "bias", "swaps")
_WIDTHS = (1.1, 1.5, 0.8, 1.3, 0.6, 0.6, 3.4, 1.3)
"""Of those columns, and of the button at the end."""


def _drift_row(one: Drift) -> tuple[str, ...]:
    # Genres of other weights can have the same heaviest one.
    swaps = [
        t("label.swap", person=_swap_text(one.field, person), model=_swap_text(one.field, model), n=n)
        for person, model, n in one.swaps
        if person != model
    ][:SWAPS_SHOWN]
    return (
        field_title(one.field),
        plain(who_text(one.source)),
        one.month or t("label.drift_always"),
        t("label.apart", apart=f"{one.n_apart:,}", total=f"{one.n_loops:,}"),
        f"{one.distance:.2f}",
        "" if one.bias is None else f"{round(one.bias, 2) + 0.0:+.2f}",
        plain(listed(swaps)),
    )


def _swap_text(field: str, value: Any) -> str:
    """A value of a swap in words; techniques are several in a row."""
    codes = str(value).split() if field == "technique" else [str(value)]
    return " + ".join(code_text(field, code) for code in codes) or t("label.none")


def loops_behind(workspace: Workspace, leads_to: Sequence[str]) -> list[str]:
    """The loops that a bar, a dot or a cell stands for, at most MOST_QUEUED of them."""
    kind, *what = leads_to
    if kind == LABELLED:
        return distributions.loops_with(workspace, what[0], what[1], limit=MOST_QUEUED)
    if kind == CELL:
        density: AffectDensity = cached_answer(workspace, _density)
        return browse.ids(workspace, density.filter(int(what[0]), int(what[1])), MOST_QUEUED)
    if kind == WITHOUT:
        return distributions.loops_with(workspace, what[0], None, limit=MOST_QUEUED)
    return distributions.unapproved(workspace, what[0])[:MOST_QUEUED]


def _chart(figure: go.Figure, name: str) -> None:
    """A chart whose bars, dots and cells lead to the queue."""
    chart_to_queue(figure, f"label.spread.chart.{name}", loops_behind)


def _counts(workspace: Workspace, field: str) -> list[LabelCount]:
    return distributions.label_counts(workspace, fields=(field,))


def _scores(workspace: Workspace, field: str, axis: str) -> list[ScoreOfLabel]:
    return distributions.scores_by_label(workspace, field, axis)


def _density(workspace: Workspace) -> AffectDensity:
    return distributions.affect_density(workspace, bins=BINS)
