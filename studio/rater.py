"""The current rater: a name kept in the settings, or the signed-in account where secrets set up a login."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Mapping
from dataclasses import replace

import streamlit as st
from streamlit.errors import StreamlitMissingAuthlibError

from composer_core.errors import ComposerError, Unavailable
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.settings import save_settings, settings_or_defaults
from composer_core.workspace import Workspace
from studio import session
from studio.access import visitor
from studio.wording.text import literally, t

RATER, NEW_RATER = "label.rater", "label.new_rater"
_LONGEST_NAME = 40
_DIGEST = 8


def default_rater(workspace: Workspace) -> str:
    """The rater of the settings, else the name this computer knows the person by, else ""."""
    stored = settings_or_defaults(workspace).rater
    if stored:
        return stored
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def current_rater(workspace: Workspace) -> str:
    """Who labels in this session: the account signed in with where that is asked for, else the chosen name; "" when
    nobody is known."""
    if visitor.is_shared():
        return name_of_account({"name": visitor.visitor().name})
    if sign_in_is_set_up():
        return name_of_account(st.user.to_dict()) if st.user.is_logged_in else ""
    session.default_widgets({RATER: default_rater(workspace)})
    return str(session.widget(RATER))


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


def draw_rater(workspace: Workspace) -> str:
    """Show who is labelling and let the person change it; "" while nobody is known."""
    rater = current_rater(workspace)
    if visitor.is_shared():
        st.caption(t("label.rater_button", rater=literally(rater)))
        return rater
    if not sign_in_is_set_up():
        with st.popover(t("label.rater_button", rater=literally(rater) or "?"), icon=":material/person:"):
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
    known = [name for name in decisions.raters(workspace) if name != rater]
    if known:
        st.caption(t("label.rater_known"))
        with st.container(horizontal=True, gap="small"):
            for name in known:
                st.button(literally(name), key=f"label.rater.{name}", on_click=_be, args=(workspace, name))
    with st.form("label.rater_form", border=False, clear_on_submit=True):
        st.text_input(t("label.rater_hint"), key=NEW_RATER, max_chars=_LONGEST_NAME)
        st.form_submit_button(t("label.use_rater"), on_click=_be_typed, args=(workspace,))


def _be_typed(workspace: Workspace) -> None:
    _be(workspace, str(session.widget(NEW_RATER)).strip())


def _be(workspace: Workspace, name: str) -> None:
    try:
        decisions.check_rater(name)
        _remember(workspace, name)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.set_widget(RATER, name)


def _remember(workspace: Workspace, rater: str) -> None:
    """Keep the rater for the next visit."""
    settings = settings_or_defaults(workspace)
    if settings.rater != rater:
        save_settings(workspace, replace(settings, rater=rater))
