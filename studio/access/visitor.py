"""Who is at the other end of the session that runs now.

The doors mark each connection that passed them with a header of their own, which no client can send. A page that
runs without the mark is not behind the doors: it shows nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from composer_core.errors import NotPermitted
from composer_core.pipeline.access import rights
from studio.access.visits import Visits

MARK: Final = "x-composer-door"
"""The header of the doors: `TICKET` and, behind a blank, the digest of the visit ("" where nobody signs in)."""
TICKET: Final = secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Name ("" where nobody signs in) and role ("" for nobody)."""

    name: str
    role: str


HERE: Final = Visitor("", rights.OWNER)
"""Whoever sits at this computer, while the studio is not shared."""
NOBODY: Final = Visitor("", "")
"""Whoever has not signed in, or no longer is."""
NO_DOORS: Final = Visitor("", "")
"""Whoever came past the doors. Told apart from NOBODY by being another object."""
_shared: Visits | None = None


def share(visits: Visits | None) -> None:
    """Let the visits say who somebody is; None: the studio is not shared."""
    global _shared
    _shared = visits


def is_shared() -> bool:
    """Whether people sign in to this studio."""
    return _shared is not None


def visitor() -> Visitor:
    """Who acts in this session; NOBODY in a server without doors, and for a visit that is over."""
    if not runtime.exists() or type(runtime.get_instance()) is not runtime.Runtime:
        return HERE  # no server: a test, or a script run by hand
    if get_script_run_ctx(suppress_warning=True) is None:
        return HERE if _shared is None else NOBODY  # a thread of the server
    ticket, _, key = st.context.headers.get(MARK, "").partition(" ")
    if not secrets.compare_digest(ticket, TICKET):
        return NO_DOORS
    if _shared is None:
        return HERE
    visit = _shared.of_key(key)
    return Visitor(visit.account.name, visit.account.role) if visit is not None else NOBODY


def require_visitor() -> None:
    """Refuse to draw anything in a server whose connections nobody checked, and for a visit that is over. Raises
    NotPermitted."""
    who = visitor()
    if who is NO_DOORS:
        raise NotPermitted("not_through_doors")
    if not who.role:
        raise NotPermitted("not_permitted", role=rights.NOT_SIGNED_IN, needed=rights.ROLES[0])


rights.ask_role(lambda: visitor().role)
