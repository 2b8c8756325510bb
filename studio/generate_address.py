"""The page's address names the take that is open: a reload, a bookmark or another tab finds it and its request again.

As on the Library page, an address the browser still shows after a click does not win over the click.
"""

from __future__ import annotations

import streamlit as st

from studio import generate_state, session
from studio.generate_history import bring_back, earlier_requests
from studio.text import t

OPEN = "take"


def read_address() -> None:
    """Open the take the address names where it is not what was written there; call it before any control is drawn."""
    asked = st.query_params.get(OPEN, "")
    if not asked or asked == generate_state.address() or session.is_overruled({OPEN: asked}):
        return
    generate_state.set_address(asked)
    if asked not in {slot.key for slot in generate_state.slots()}:
        together = next((group for group in earlier_requests() if asked in {slot.key for slot in group}), None)
        if together is None:
            st.toast(t("generate.address_unknown"))
            return
        throws = session.widget("generate.new_seed")
        bring_back(together)
        session.set_widget("generate.new_seed", throws)  # nobody asked for the very same takes again
    generate_state.choose_slot(asked)


def write_address() -> None:
    """Bring the address in step with what is open."""
    wanted, written = generate_state.chosen_slot(), generate_state.address()
    if not wanted:
        return
    if written and written != wanted:
        session.overrule_address({OPEN: written})
    if st.query_params.get(OPEN) != wanted:
        st.query_params[OPEN] = wanted
    generate_state.set_address(wanted)
