"""What every page shares: navigation, language switch, and the transport that never stops at a page switch."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.workspace import ASSETS
from studio import places, session, transport
from studio.text import LANGUAGES, error_text, language, t

STYLE = Path(__file__).with_name("shell.css")
SIDEBAR_PX = 230
LANGUAGE_NAMES = {"en": "English", "ja": "日本語"}


def language_switch() -> None:
    """English or Japanese; the browser's own until the person chooses."""
    chosen = st.sidebar.segmented_control(
        t("common.language"),
        LANGUAGES,
        default=language(),
        format_func=LANGUAGE_NAMES.__getitem__,
        label_visibility="collapsed",
        key="shell.language",
    )
    if chosen and chosen != language():
        session.choose_language(chosen)
        st.rerun()


def show_messages() -> None:
    """Show what a callback left: an error, or a short notice."""
    notice = session.take_notice()
    if notice is not None:
        st.toast(notice)
    problem = session.take_problem()
    if problem is not None:
        st.error(error_text(problem))


def main() -> None:
    """Draw the frame, then the page; an error of the family becomes a message, the server goes on."""
    st.set_page_config(
        page_title=t("common.app_name"),
        page_icon=str(ASSETS / "icon.png"),
        layout="wide",
        initial_sidebar_state=SIDEBAR_PX,
    )
    st.html(STYLE)
    st.logo(ASSETS / "logo.svg", icon_image=ASSETS / "icon.png", size="large")
    page = st.navigation(places.all_pages())
    language_switch()
    before = session.play_count()
    with st.bottom:
        transport.mount()
    show_messages()
    try:
        session.workspace()
        page.run()
    except ComposerError as error:
        st.error(error_text(error))
    if session.play_count() != before:
        st.rerun()


main()
