"""The frame around every page: navigation, language switch, and the transport, which plays on when pages change."""

from __future__ import annotations

import base64
import logging
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from composer_core.errors import ComposerError, NotPermitted
from composer_core.logs import log_to, named
from composer_core.pipeline.recovery.look import announce
from composer_core.pipeline.settings import settings_or_defaults
from composer_core.workspace import ASSETS, default_workspace
from studio import first_start, navigation, session
from studio.access import visitor
from studio.components import transport
from studio.components.account import show_account
from studio.components.own_rater import remember_rater
from studio.components.spoken_names import spoken_names
from studio.redraw import redraw
from studio.widgets import show_error
from studio.wording.text import LANGUAGES, language, t

_log = logging.getLogger("studio.shell")  # not __name__: Streamlit runs this file as __main__
LOG = "studio"
STYLE = Path(__file__).with_name("shell.css")
SIDEBAR_PX = 230
LANGUAGE_NAMES = {"en": "English", "ja": "日本語"}


def remembered_language() -> None:
    """Start a new session in the language this browser was switched to, else in that of the settings; 'auto' follows
    the browser."""
    if session.chosen_language() is None:
        language = session.kept_language() or settings_or_defaults(session.workspace()).language
        if language in LANGUAGES:
            session.choose_language("ja" if language == "ja" else "en")


def language_switch() -> None:
    """Draw the switch between English and Japanese.

    The browser's language counts until the person chooses; the browser then keeps the choice.
    """
    session.default_widgets({"shell.language": language()})
    st.sidebar.segmented_control(
        t("common.language"),
        LANGUAGES,
        required=True,
        format_func=LANGUAGE_NAMES.__getitem__,
        label_visibility="collapsed",
        key="shell.language",
        on_change=_switch_language,
    )


def _switch_language() -> None:
    chosen = session.widget("shell.language")
    if chosen == language():
        return  # a run that another cut off forgets the control: the browser then reports what nobody changed
    session.choose_language(chosen)
    session.retranslate_choices()


def show_messages() -> None:
    """Show what a callback left: an error, or a short notice."""
    notice = session.take_notice()
    if notice is not None:
        st.toast(notice)
    problem = session.take_problem()
    if problem is not None:
        show_error(problem)


@lru_cache(maxsize=1)
def _icon() -> str:
    """The icon as a data URL. Served as a file, it vanishes for a moment whenever one script run replaces another."""
    return "data:image/png;base64," + base64.b64encode((ASSETS / "icon.png").read_bytes()).decode()


def main() -> None:
    """Draw the frame, then the page. A ComposerError becomes a message, and the server goes on."""
    try:
        visitor.require_visitor()
    except NotPermitted as error:
        show_error(error)
        return
    session.note_run()
    log_to(default_workspace(), LOG)
    announce(default_workspace(), f"{st.get_option('server.address')}:{st.get_option('server.port')}")
    try:
        remembered_language()
        trouble = None
    except ComposerError as error:
        trouble = error
    st.set_page_config(
        page_title=t("common.app_name"),
        page_icon=_icon(),
        layout="wide",
        initial_sidebar_state=SIDEBAR_PX,
    )
    st.html(STYLE)
    st.logo(ASSETS / "logo.svg", icon_image=_icon(), size="large")
    page = st.navigation(navigation.all_pages())
    language_switch()
    with st.sidebar:
        spoken_names()
        show_account()
        remember_rater()
    with st.bottom:
        transport.mount()
    if trouble is not None:
        show_error(trouble)
        return
    run_page(page)


def _show_harm(top: DeltaGenerator) -> None:
    """Last, because a page may have met damaged files while it was drawn, and also where it could not be drawn."""
    try:
        first_start.show_harm(top)
    except ComposerError as error:
        show_error(error)


def run_page(page: Page) -> None:
    """Run the page, say what this machine lacks, and continue the first start.

    The transport is drawn before the page. When the page hands it something to play, another run
    draws it.
    """
    plays = session.play_count()
    top, side, progress = st.container(), st.sidebar.container(), st.sidebar.container()
    try:
        show_messages()
        page.run()
        if session.play_count() != plays:
            redraw()
        first_start.show_health(top, side)
        first_start.fill_library(progress)
        _show_harm(top)
    except ComposerError as error:
        _log.warning("page %s: %s", page.url_path, named(error))
        show_error(error)
        _show_harm(top)
    except Exception as error:
        _log.error("page %s: %s", page.url_path, named(error))
        raise


main()
