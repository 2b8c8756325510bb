"""The session state of the Train page, typed. Like session.py, only this module knows its keys."""

from __future__ import annotations

import streamlit as st

RUN = "train.run"


def set_run(name: str) -> None:
    """The training run to look at next."""
    st.session_state[RUN] = name


def keep_run(known: list[str]) -> None:
    """Forget a chosen run that is no longer there."""
    if st.session_state.get(RUN) not in known:
        st.session_state[RUN] = known[0]
