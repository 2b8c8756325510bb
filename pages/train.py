"""Train: a model of one's own, in a process that outlives the browser."""

from __future__ import annotations

import streamlit as st

from studio.text import t

st.title(t("page.train"))
