"""The panels around the form of the Label page: settings, progress, reason, guidelines, earlier decisions."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from composer_core.estimate import Suggestion
from composer_core.pipeline.labels import decisions, queue
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.workspace import Workspace
from studio import session
from studio.label import queries as label_queries
from studio.label.desk import AUTOPLAY, ORDER, play_key
from studio.label.state import InHand, LabelDesk
from studio.label.words import confidence_text, field_title, reasons_text, time_text, value_text, who_text, why_text
from studio.rater import draw_rater
from studio.widgets import play_button, worded
from studio.wording.declared import declared_text, key_name
from studio.wording.loop_names import plain
from studio.wording.names import instrument_name
from studio.wording.text import t

_ROW_PX, _HISTORY_PX = 35, 283
SIDE, SIDES = "label.side", ("why", "guide", "history", "queue")
GUIDED = ("affect", "emotion", "genre", "technique", "quality", "unsure")
SIDE_PX = 540
NEXT_SHOWN = 12


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
        if rater:
            draw_progress(workspace, rater)
    return rater, order or queue.ORDERS[0]


def draw_progress(workspace: Workspace, rater: str) -> None:
    """How far the library is labelled."""
    state = label_queries.progress(workspace, rater)
    st.progress(
        state.decided / max(state.total, 1),
        text=t("label.progress", decided=f"{state.decided:,}", total=f"{state.total:,}", mine=f"{state.mine:,}"),
    )


def draw_side(workspace: Workspace, desk: LabelDesk, held: InHand) -> None:
    """Beside the form: why these suggestions, the guidelines, the loop's history, or what comes next."""
    session.default_widgets({SIDE: SIDES[0]})
    side = st.segmented_control(
        t("label.side"),
        SIDES,
        format_func=worded(SIDES, lambda code: t(f"label.side_{code}")),
        key=SIDE,
        label_visibility="collapsed",
        required=True,
        persist_state="session",
        width="stretch",
    )
    if side == "guide":
        draw_guidelines()
    elif side == "history":
        draw_history(workspace, held.item.loop_id, held.loop.instrument, brief=True)
    elif side == "queue":
        draw_queue(workspace, desk)
    else:
        draw_reasons(held.suggestions, held.loop.instrument)


def draw_reasons(suggestions: Mapping[str, Suggestion], instrument: str) -> None:
    """What is suggested, how surely, and which measurements speak for it."""
    if not suggestions:
        st.caption(t("label.no_suggestions"))
        return
    st.caption(t("label.why"))
    for field in (name for name in LABEL_FIELDS if name in suggestions):
        made = suggestions[field]
        lines = [
            t(
                "label.suggested_line",
                field=f"**{field_title(field)}**",
                value=value_text(field, made.value, instrument),
                confidence=confidence_text(made.confidence),
            )
        ]
        if made.reasons:
            lines.append(f":small[:gray[{reasons_text(field, made.reasons, instrument)}]]")
        st.markdown("  \n".join(lines))


def draw_guidelines() -> None:
    """How each field is meant, so that raters mean the same by it."""
    for name in GUIDED:
        st.markdown(f"**{t(f'guide.{name}_title')}**  \n:small[{t(f'guide.{name}')}]")


def draw_queue(workspace: Workspace, desk: LabelDesk) -> None:
    """What comes after the loop in hand, each with its reason."""
    coming = list(desk.waiting)[:NEXT_SHOWN]
    if not coming:
        st.caption(t("label.queue_empty"))
        return
    st.caption(t("label.queue_next"))
    loops = label_queries.loops(workspace, [item.loop_id for item in coming])
    for item in coming:
        st.markdown(f"{plain(loops[item.loop_id].title)}  \n:small[:gray[{why_text(item)}]]")


def draw_history(workspace: Workspace, loop_id: str, instrument: str, *, brief: bool = False) -> None:
    """Every event of the loop, the newest first; `brief` as lines for a narrow place."""
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
    if brief:
        st.caption(t("label.n_events", n=len(rows)))
        for row in rows:
            note = (
                f"  \n:small[{t('common.named', name=t('label.note'), value=plain(row['note']))}]"
                if row["note"]
                else ""
            )
            said = f"**{row['field']}**　{plain(row['value'])}　:small[{row['status']} {row['confidence']}]"
            st.markdown(f"{said}  \n:small[:gray[{row['when']}　{plain(row['who'])}]]{note}")
        return
    widths = {"when": 122, "who": 118, "field": 84, "value": 170, "status": 84, "confidence": 76, "note": 200}
    titles = {name: st.column_config.TextColumn(t(f"label.{name}"), width=width) for name, width in widths.items()}
    height = min(_ROW_PX * (1 + len(rows)) + 3, _HISTORY_PX)
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=height, column_config=titles)


def draw_heading(held: InHand) -> None:
    """Which loop it is and why it is here."""
    loop, loop_id = held.loop, held.item.loop_id
    words = t(
        "label.meta_bar" if loop.bars == 1 else "label.meta",
        instrument=instrument_name(loop.instrument),
        tempo=f"{loop.tempo_bpm:.0f}",
        meter=loop.meter,
        bars=loop.bars,
    )
    status = t(f"status.{held.labels.status}")
    with st.container(horizontal=True, vertical_alignment="top", gap="small", key="label.heading"):
        st.markdown(
            f"**{plain(held.title)}**  \n:small[:gray[{words}]] :small[:violet-badge[{status}]]", width="stretch"
        )
        play_button(lambda: loop, title=held.title, key=play_key(loop_id), loop_id=loop_id)
    st.caption(f":material/help: {why_text(held.item)}")
    declared = declared_text(loop, _estimates(held.suggestions))
    if declared:
        st.caption(declared)


def _estimates(suggestions: Mapping[str, Suggestion]) -> dict[str, tuple[str, str]]:
    """The suggested key and metre and how sure they are, in words."""
    found = {}
    if "key_root" in suggestions and "key_mode" in suggestions:
        root, mode = suggestions["key_root"], suggestions["key_mode"]
        found["key"] = key_name(str(root.value), str(mode.value)), confidence_text(root.confidence)
    if "meter" in suggestions:
        found["meter"] = str(suggestions["meter"].value), confidence_text(suggestions["meter"].confidence)
    return found
