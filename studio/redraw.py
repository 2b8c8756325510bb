"""Drawing the page anew after work, without losing what was clicked meanwhile."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st


def redraw() -> NoReturn:
    """Run the page again; what came while this run worked (another page, a click) goes first.

    Streamlit folds `st.rerun` into a request that waits already and lets its own page win: who had clicked
    Library while a take was made would stay on Generate. Any element drawn hands over to what waits.
    """
    st.empty()
    st.rerun()
