"""In a shared studio: who is signed in, a button to sign out, and the way to the form when the session has ended."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from studio.access import visitor
from studio.wording.text import t

_FOLDER = Path(__file__).parent
_component = st.components.v2.component(
    "composer_account",
    html='<div class="account"><span class="who"></span><button type="button" class="out"></button></div>',
    css=(_FOLDER / "account.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "account.js").read_text(encoding="utf-8"),
)


def show_account() -> None:
    """Draw the account at the side; nothing where nobody signs in. Once a run, by the shell."""
    if not visitor.is_shared():
        return
    who = visitor.visitor()
    shown = t("access.who", name=who.name, role=t(f"access.{who.role}"))
    with st.container(key="account_side"):
        _component(key="account", data={"who": shown, "out": t("access.sign_out")})
