"""Generate: takes from a feeling, a genre and a groove."""

from __future__ import annotations

import streamlit as st

from studio.text import t

st.title(t("page.generate"))
