"""The models there are, shipped and trained here, each with its card: data, licences, figures, recipe."""

from __future__ import annotations

import streamlit as st

from composer_core.pipeline.models import cards, models
from studio import session
from studio.wording.names import instrument_name
from studio.wording.text import t

CARD_PX = 460


def show_models() -> None:
    """A table of what can generate, and on choice the card of one model."""
    workspace = session.workspace()
    with st.expander(t("train.models"), key="train.models", icon=":material/description:"):
        rows = [
            {
                t("train.name"): model.name,
                t("generate.instrument"): instrument_name(model.instrument),
                t("train.size"): model.size,
                t("train.origin"): t(f"train.origin_{model.origin}"),
                t("train.validation"): "" if model.nll is None else f"{model.nll:.3f}",
            }
            for model in models(workspace)
        ]
        st.dataframe(rows, hide_index=True)
        known = cards(workspace)
        name = st.selectbox(
            t("train.card"),
            list(known),
            index=None,
            placeholder=t("train.card_choose"),
            key="train.card",
            persist_state="session",
        )
        if name in known:
            with st.container(height=CARD_PX, border=True):
                st.markdown(known[name].read_text(encoding="utf-8"))
