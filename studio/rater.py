"""The current rater: a name that the browser keeps, or the signed-in account where secrets set up a login."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Mapping

import streamlit as st
from streamlit.errors import StreamlitMissingAuthlibError

from composer_core.errors import ComposerError, Unavailable
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.settings import settings_or_defaults
from composer_core.workspace import Workspace
from studio import session
from studio.access import visitor
from studio.wording.text import literally, t

RATER, NEW_RATER = "label.rater", "label.new_rater"
_LONGEST_NAME = 40
_DIGEST = 8


def offered_raters(workspace: Workspace) -> list[str]:
    """Names to choose from: that of the settings, those who have labelled, and the account on this computer."""
    try:
        account = getpass.getuser()
    except (OSError, KeyError):
        account = ""
    names = [settings_or_defaults(workspace).rater, *decisions.raters(workspace), account]
    return [name for name in dict.fromkeys(names) if name]


def current_rater() -> str:
    """Who labels in this session: the account signed in with where that is asked for, else the name the browser keeps;
    "" when nobody is known."""
    if visitor.is_shared():
        return name_of_account({"name": visitor.visitor().name})
    if sign_in_is_set_up():
        return name_of_account(st.user.to_dict()) if st.user.is_logged_in else ""
    return str(session.widget_or_none(RATER) or "")


def has_been_asked() -> bool:
    """Whether the browser has told which rater it keeps, or a person has said who they are."""
    return session.widget_or_none(RATER) is not None


def told_by_browser(name: str) -> None:
    """Take the rater that the browser keeps; one that somebody chose on the page meanwhile counts."""
    if session.widget_or_none(RATER):
        return
    try:
        decisions.check_rater(name)
    except ComposerError:
        name = ""  # no name that labels could carry: ask as if there were none
    session.set_widget(RATER, name)


def is_signed_in_by_name() -> bool:
    """Whether a sign-in says who labels, so that nobody can label as somebody else."""
    return visitor.is_shared() or sign_in_is_set_up()


def sign_in_is_set_up() -> bool:
    """Whether the server's secrets configure an identity provider for st.login."""
    return bool(st.secrets.load_if_toml_exists() and st.secrets.get("auth"))


def name_of_account(account: Mapping[str, object]) -> str:
    """What labels call a signed-in person: the e-mail address, which is unique, else the name.

    One that does not fit ends in a digest of the whole, so that no two become one.
    """
    told = str(account.get("email") or account.get("name") or "")
    name = "".join(letter for letter in told if letter.isprintable()).strip()
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: _LONGEST_NAME - _DIGEST - 1]}~{digest}"


def ask_rater(workspace: Workspace) -> None:
    """Ask a browser that has no rater yet, once, who labels in it."""
    if is_signed_in_by_name():
        st.info(t("label.who_are_you"))
        return
    if not has_been_asked():
        st.caption(t("label.asking_browser"))  # it answers within a moment
        return
    with st.container(border=True, key="label.ask_rater", width=560):
        st.markdown(f"**{t('label.who_are_you')}**")
        _choose_rater(workspace, "")


def draw_rater(workspace: Workspace) -> str:
    """Show who is labelling and let the person change it; "" while nobody is known."""
    rater = current_rater()
    if visitor.is_shared():
        st.caption(t("label.rater_button", rater=literally(rater)))
        return rater
    if not sign_in_is_set_up():
        if rater:
            with st.popover(t("label.rater_button", rater=literally(rater)), icon=":material/person:"):
                _choose_rater(workspace, rater)
    elif rater:
        with st.popover(t("label.rater_button", rater=literally(rater)), icon=":material/verified_user:"):
            st.caption(t("label.signed_in"))
            st.button(t("label.sign_out"), key="label.sign_out", icon=":material/logout:", on_click=st.logout)
    else:
        st.button(t("label.sign_in"), key="label.sign_in", icon=":material/login:", on_click=_sign_in)
    return rater


def _sign_in() -> None:
    try:
        st.login()
    except StreamlitMissingAuthlibError:
        session.set_problem(Unavailable("authlib_missing", cure='pip install -e ".[oidc]"'))


def _choose_rater(workspace: Workspace, rater: str) -> None:
    offered = [name for name in offered_raters(workspace) if name != rater]
    if offered:
        st.caption(t("label.rater_known"))
        with st.container(horizontal=True, gap="small"):
            for name in offered:
                st.button(literally(name), key=f"label.rater.{name}", on_click=_be, args=(name,))
    with st.form("label.rater_form", border=False, clear_on_submit=True):
        st.text_input(t("label.rater_hint"), key=NEW_RATER, max_chars=_LONGEST_NAME)
        st.form_submit_button(t("label.use_rater"), on_click=_be_typed)


def _be_typed() -> None:
    _be(str(session.widget(NEW_RATER)).strip())


def _be(name: str) -> None:
    try:
        decisions.check_rater(name)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.set_widget(RATER, name)
