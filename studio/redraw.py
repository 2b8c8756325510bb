"""Draw the page again after work, without losing a click that came meanwhile."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st


def redraw() -> NoReturn:
    """Run the page again, but let what came while this run worked (another page, a click) go first.

    Streamlit merges `st.rerun` into a request that is already waiting and lets the page of the rerun win:
    a person who clicked Library while a take was being made would stay on Generate. Drawing any element
    first hands control to the waiting request.
    """
    st.empty()
    st.rerun()
