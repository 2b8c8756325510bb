"""What the Label page shows around its form: who rates, why this loop, what was decided before."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.estimate import Suggestion
from composer_core.pipeline import labelling
from composer_core.pipeline.label_fields import LABEL_FIELDS
from composer_core.workspace import Workspace
from studio import session
from studio.label_desk import (
    AUTOPLAY,
    ORDER,
    RATER,
    InHand,
    LabelDesk,
    default_rater,
    keep_theirs,
    remember_rater,
    store_mine,
)
from studio.label_words import confidence_text, field_name, reasons_text, time_text, value_text, who_text
from studio.text import t

_ROW_PX, _HISTORY_PX = 35, 283
NEW_RATER = "label.new_rater"


def draw_settings(workspace: Workspace) -> tuple[str, str]:
    """Who rates, in which order, and whether the next loop plays by itself. Returns (rater, order)."""
    first = {RATER: default_rater(workspace), ORDER: labelling.ORDERS[0], AUTOPLAY: True}
    session.default_widgets(first)
    rater = str(session.widget(RATER))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.popover(t("label.rater_button", rater=rater or "?"), icon=":material/person:"):
            _choose_rater(workspace, rater)
        order = st.segmented_control(
            t("label.order"),
            labelling.ORDERS,
            format_func=lambda code: t(f"label.order_{code}"),
            key=ORDER,
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
        st.toggle(t("label.autoplay"), key=AUTOPLAY, persist_state="session")
    return rater, order or labelling.ORDERS[0]


def _choose_rater(workspace: Workspace, rater: str) -> None:
    known = [name for name in labelling.raters(workspace) if name != rater]
    if known:
        st.caption(t("label.rater_known"))
        with st.container(horizontal=True, gap="small"):
            for name in known:
                st.button(name, key=f"label.rater.{name}", on_click=_be, args=(workspace, name))
    with st.form("label.rater_form", border=False, clear_on_submit=True):
        st.text_input(t("label.rater_hint"), key=NEW_RATER, max_chars=40)
        st.form_submit_button(t("label.use_rater"), on_click=_be_typed, args=(workspace,))


def _be_typed(workspace: Workspace) -> None:
    _be(workspace, str(session.widget(NEW_RATER)).strip())


def _be(workspace: Workspace, name: str) -> None:
    try:
        labelling.check_rater(name)
        remember_rater(workspace, name)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.set_widget(RATER, name)


def draw_progress(workspace: Workspace, rater: str) -> None:
    """How far the library is labelled."""
    state = labelling.progress(workspace, rater)
    st.progress(
        state.decided / max(state.total, 1),
        text=t("label.progress", decided=f"{state.decided:,}", total=f"{state.total:,}", mine=f"{state.mine:,}"),
    )


def draw_conflict(desk: LabelDesk, held: InHand) -> None:
    """Both values of every field that another person changed meanwhile, and the choice between them."""
    if desk.conflict is None:
        return
    with st.container(border=True, key="label.conflict"):
        st.warning(t("label.conflict"), icon=":material/sync_problem:")
        rows = [
            (
                field_name(row["field"]),
                value_text(row["field"], row["theirs"], held.loop.instrument),
                row["rater"],
                value_text(row["field"], row["yours"], held.loop.instrument),
            )
            for row in desk.conflict.values["conflicts"]
        ]
        titles = [t(f"label.conflict_{name}") for name in ("field", "theirs", "by", "yours")]
        st.dataframe(pd.DataFrame(rows, columns=titles), hide_index=True)
        with st.container(horizontal=True):
            st.button(t("label.keep_theirs"), key="label.keep_theirs", on_click=keep_theirs)
            st.button(t("label.store_mine"), key="label.store_mine", type="primary", on_click=store_mine)


def draw_reasons(suggestions: Mapping[str, Suggestion], instrument: str) -> None:
    """What is suggested, how surely, and which measurements speak for it."""
    if not suggestions:
        st.caption(t("label.no_suggestions"))
    for field in (name for name in LABEL_FIELDS if name in suggestions):
        made = suggestions[field]
        st.markdown(
            t(
                "label.suggested_line",
                field=f"**{field_name(field)}**",
                value=value_text(field, made.value, instrument),
                confidence=confidence_text(made.confidence),
            )
        )
        if made.reasons:
            st.caption(reasons_text(field, made.reasons, instrument))


def draw_history(workspace: Workspace, loop_id: str, instrument: str) -> None:
    """Every event of the loop, the newest first."""
    events = labelling.history(workspace, loop_id)[::-1]
    if not events:
        st.caption(t("label.no_history"))
        return
    rows = [
        {
            "when": time_text(event.created_at),
            "who": who_text(event.source),
            "field": field_name(event.field),
            "value": value_text(event.field, event.value, instrument),
            "status": t(f"status.{event.status}"),
            "confidence": confidence_text(event.confidence),
            "note": event.note,
        }
        for event in events
    ]
    widths = {"when": 122, "who": 118, "field": 84, "value": 170, "status": 84, "confidence": 76, "note": 200}
    titles = {name: st.column_config.TextColumn(t(f"label.{name}"), width=width) for name, width in widths.items()}
    height = min(_ROW_PX * (1 + len(rows)) + 3, _HISTORY_PX)
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=height, column_config=titles)
