"""Label: hear a loop, correct what is suggested, decide, go on; and review what has been labelled."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from composer_core.pipeline.labels import decisions
from composer_core.workspace import Workspace
from studio import navigation, session
from studio.access.offer import why_not
from studio.label import form as label_form
from studio.label.agreement import AGREEMENT, draw_agreement
from studio.label.bulk import BULK, draw_bulk
from studio.label.conflict import draw_conflict, draw_votes, watch_others
from studio.label.desk import AUTOPLAY, DESK, SECTION, decide, open_desk, play_in_hand, undo
from studio.label.files import FILES, draw_files
from studio.label.panels import SIDE_PX, draw_heading, draw_settings, draw_side
from studio.label.spread import SPREAD, draw_spread
from studio.label.state import InHand, LabelDesk
from studio.library import state as library_state
from studio.rater import draw_rater
from studio.widgets import worded
from studio.wording.text import t

ESTIMATED = (None, "model", "rule")
SECTIONS = (DESK, BULK, SPREAD, AGREEMENT, FILES)
STYLE = Path(label_form.__file__).with_name("label.css")
ACTIONS = (
    ("approve", "Enter", "primary"),
    ("reject", "Backspace", "secondary"),
    ("skip", "S", "secondary"),
    ("draft", "D", "secondary"),
    ("undo", "U", "secondary"),
)


def draw_values(held: InHand) -> None:
    """Draw the form: emotion, genre, techniques, quality and note."""
    said = {name: label.source.partition(":")[0] for name, label in held.labels.fields.items()}
    # Where a data set or a person has spoken, the form holds their value: no estimator is sure of that.
    sure = {name: made.confidence for name, made in held.suggestions.items() if said.get(name) in ESTIMATED}
    label_form.draw_emotions(sure.get("emotion"))
    label_form.draw_genre(sure.get("genre"))
    label_form.draw_technique(held.loop.instrument, sure.get("technique"))
    label_form.draw_quality()
    label_form.draw_note()


def draw_actions(has_loop: bool) -> None:
    """Draw the five decisions, each with its key."""
    columns = st.container(key="label.actions").columns(len(ACTIONS), gap="small")
    for place, (action, key, kind) in zip(columns, ACTIONS, strict=True):
        place.button(
            t(f"label.{action}"),
            key=f"label.{action}",
            shortcut=key,
            type=kind,  # type: ignore[arg-type]
            help=t(f"label.{action}_help"),
            on_click=undo if action == "undo" else decide,
            args=() if action == "undo" else (action,),
            disabled=not has_loop and action != "undo",
            width="stretch",
        )


def draw_desk(workspace: Workspace, desk: LabelDesk) -> None:
    """Draw the current loop, the form, the keys, and what is known about the loop."""
    held = desk.in_hand
    if held is None:
        st.success(t("label.done"))
        draw_actions(has_loop=False)
        return
    draw_conflict(desk, held)
    draw_votes(workspace, desk.rater, held)
    left, middle, right = st.columns([1, 1.12, 0.85], gap="small")
    with left, st.container(border=True, height="stretch", key="label.loop"):
        draw_heading(held)
        label_form.draw_suggested_pad(held.suggestions)
    with middle, st.container(border=True, height="stretch", key="label.form"):
        draw_values(held)
    with right, st.container(border=True, height=SIDE_PX, key="label.aside"):
        draw_side(workspace, desk, held)
    draw_actions(has_loop=True)
    if session.widget(AUTOPLAY) and desk.heard != held.item.loop_id:
        play_in_hand(desk)


def choose_section() -> str:
    """Let the person choose a section. Only the chosen section does any work."""
    session.default_widgets({SECTION: DESK})
    return str(
        st.segmented_control(
            t("label.section"),
            SECTIONS,
            format_func=worded(SECTIONS, lambda code: t(f"label.section_{code}")),
            key=SECTION,
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
    )


def draw_bulk_section(workspace: Workspace) -> None:
    """Draw the bulk edit: one label for many loops."""
    if reason := why_not("label"):
        st.info(reason)
        return
    rater = draw_rater(workspace)
    if rater:
        draw_bulk(workspace, rater, library_state.shown_filter())
    else:
        st.info(t("label.who_are_you"))


def draw_desk_section(workspace: Workspace) -> None:
    """Draw the queue, one loop at a time."""
    if reason := why_not("label"):
        st.info(reason)
        return
    rater, order = draw_settings(workspace)
    if not rater:
        st.info(t("label.who_are_you"))
        return
    with st.spinner(t("label.preparing"), show_time=False):
        desk = open_desk(workspace, rater, order)
    watch_others(workspace, rater)
    draw_desk(workspace, desk)


def main() -> None:
    """The page."""
    workspace = session.workspace()
    st.html(STYLE)
    title, switch = st.columns([1, 2], vertical_alignment="center")
    title.title(t("page.label"), anchor=False)
    if not decisions.progress(workspace, "").total:
        st.info(t("label.empty"), icon=":material/library_music:")
        st.page_link(navigation.page("library"), label=t("label.to_library"))
        return
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        section = choose_section()
    if section == SPREAD:
        draw_spread(workspace)
    elif section == AGREEMENT:
        draw_agreement(workspace, draw_rater(workspace))
    elif section == FILES:
        draw_files(workspace)
    elif section == BULK:
        draw_bulk_section(workspace)
    else:
        draw_desk_section(workspace)


main()
