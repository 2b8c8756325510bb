"""Signing in with an identity provider (OIDC): Streamlit's own way, of which only the outcome is read here."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import quote

import streamlit as st
from streamlit.auth_util import encode_provider_token
from streamlit.web.server.starlette.starlette_server_config import TOKENS_COOKIE_NAME, USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from composer_core.pipeline.access.accounts import Account

CALLBACK: Final = "/oauth2callback"
COOKIES: Final = (USER_COOKIE_NAME, TOKENS_COOKIE_NAME)
_DEFAULT: Final = "default"


def is_set_up() -> bool:
    """Whether the server's secrets name a provider and the package that speaks with it is installed."""
    configured = bool(st.secrets.load_if_toml_exists() and st.secrets.get("auth"))
    return configured and importlib.util.find_spec("authlib") is not None


def login_href() -> str:
    """The address that leads to the provider, "" where none is set up."""
    return f"/auth/login?provider={quote(encode_provider_token(_DEFAULT))}" if is_set_up() else ""


def person_of(set_cookies: Sequence[str]) -> Mapping[str, object]:
    """What the provider said of the person, out of the signed cookies Streamlit answers with; {} for nobody."""
    jar: SimpleCookie = SimpleCookie()
    for line in set_cookies:
        jar.load(line)
    signed = _get_signed_cookie_with_chunks({name: one.value for name, one in jar.items()}, USER_COOKIE_NAME)
    told = json.loads(signed) if signed else {}
    return told if isinstance(told, dict) and told.get("is_logged_in") is True else {}


def account_of(person: Mapping[str, object], known: Mapping[str, Account]) -> Account | None:
    """The account without a password whose name is the person's e-mail address, if the provider has verified it, or
    the provider's own identifier (`sub`)."""
    names = {str(person["sub"])} if person.get("sub") else set()
    if person.get("email") and person.get("email_verified") is True:
        names.add(str(person["email"]).casefold())
    for account in known.values():
        if account.password is None and (account.name in names or account.name.casefold() in names):
            return account
    return None
