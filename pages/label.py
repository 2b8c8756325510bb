"""Label: hear a loop, correct what is suggested, decide, go on; and review what has been labelled."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.labels import decisions
from composer_core.workspace import Workspace
from studio import navigation, session
from studio.access.offer import why_not
from studio.components import desk as browser
from studio.label import desk as label_desk
from studio.label import presses
from studio.label import state as label_state
from studio.label.agreement import AGREEMENT, draw_agreement
from studio.label.bulk import BULK, draw_bulk
from studio.label.conflict import draw_elsewhere
from studio.label.desk import DESK, SECTION
from studio.label.files import FILES, draw_files
from studio.label.hands import desk_data
from studio.label.panels import draw_settings
from studio.label.spread import SPREAD, draw_spread
from studio.library import state as library_state
from studio.rater import ask_rater, draw_rater
from studio.widgets import errors_as_messages, show_error, worded
from studio.wording.text import t

SECTIONS = (DESK, BULK, SPREAD, AGREEMENT, FILES)
STYLE = Path(label_desk.__file__).with_name("label.css")


def answer_browser() -> None:
    """Store what was pressed before anything is drawn, also when the next run draws another page."""
    desk = label_state.label_desk()
    if desk is not None:
        presses.answer_presses(session.workspace(), desk, browser.pressed())


@st.fragment
def draw_desk(workspace: Workspace, rater: str, order: str) -> None:
    """Draw the desk: what the browser sent is answered, the next loops are made ready. It runs for every decision."""
    with errors_as_messages():
        desk = label_desk.current_desk(rater, order)
        desk.screen = browser.screen()
        answers = presses.answer_presses(workspace, desk, browser.pressed())
        try:
            label_desk.fill(workspace, desk, idle=browser.is_idle())
        except ComposerError as error:
            show_error(error)  # what lies on the desk can still be decided
        draw_elsewhere(workspace, rater, desk.screen)
        browser.desk(desk_data(workspace, desk, answers), answer_browser)
        if browser.is_idle():
            label_desk.suggest_ahead(workspace)


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
        ask_rater(workspace)


def draw_desk_section(workspace: Workspace) -> None:
    """Draw the queue, one loop at a time."""
    if reason := why_not("label"):
        st.info(reason)
        return
    rater, order = draw_settings(workspace)
    if not rater:
        ask_rater(workspace)
        return
    with st.spinner(t("label.preparing"), show_time=False):
        draw_desk(workspace, rater, order)


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
