"""Train: train a model of your own, in a process that outlives the browser."""

from __future__ import annotations

import streamlit as st

from studio.access.offer import why_not
from studio.train.form import show_models, train_form
from studio.train.monitor import follow_click, train_monitor
from studio.wording.text import t

follow_click()
st.title(t("page.train"))
st.caption(t("train.about"))
left, right = st.columns([1, 1.5], gap="large")
with left:
    if reason := why_not("train"):
        st.info(reason)
    else:
        train_form()
with right:
    train_monitor()
    show_models()
