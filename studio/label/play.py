"""The loop in hand on the Label page: what it is, why it is here, and its play button."""

from __future__ import annotations

import streamlit as st

from studio.label.desk import InHand, play_key
from studio.label.words import why_text
from studio.widgets import play_button
from studio.wording.loop_names import plain
from studio.wording.names import instrument_name
from studio.wording.text import t


def draw_heading(held: InHand) -> None:
    """Which loop it is and why it is here."""
    loop, loop_id = held.loop, held.item.loop_id
    words = t(
        "label.meta_bar" if loop.bars == 1 else "label.meta",
        instrument=instrument_name(loop.instrument),
        tempo=f"{loop.tempo_bpm:.0f}",
        meter=loop.meter,
        bars=loop.bars,
    )
    status = t(f"status.{held.labels.status}")
    with st.container(horizontal=True, vertical_alignment="top", gap="small", key="label.heading"):
        st.markdown(
            f"**{plain(held.title)}**  \n:small[:gray[{words}]] :small[:violet-badge[{status}]]", width="stretch"
        )
        play_button(lambda: loop, title=held.title, key=play_key(loop_id), loop_id=loop_id)
    st.caption(f":material/help: {why_text(held.item)}")
