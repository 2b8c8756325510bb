"""Label: hear a loop, correct what is suggested, decide, go on; all from the keyboard."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from composer_core.pipeline import labelling
from composer_core.workspace import Workspace
from studio import label_form, session
from studio.label_desk import AUTOPLAY, InHand, LabelDesk, decide, open_desk, play_in_hand, play_key, undo
from studio.label_panels import draw_conflict, draw_history, draw_progress, draw_reasons, draw_settings
from studio.label_words import confidence_text, why_text
from studio.loop_names import plain
from studio.names import instrument_name
from studio.text import t
from studio.widgets import play_button


def draw_loop(held: InHand) -> None:
    """Which loop it is, why it is here, and its feeling."""
    loop, loop_id = held.loop, held.item.loop_id
    name, play = st.columns([4, 1], vertical_alignment="center", gap="small")
    meta = "label.meta_bar" if loop.bars == 1 else "label.meta"
    with name:
        st.markdown(f"**{plain(held.title)}**")
        words = t(
            meta,
            instrument=instrument_name(loop.instrument),
            tempo=f"{loop.tempo_bpm:.0f}",
            meter=loop.meter,
            bars=loop.bars,
        )
        st.caption(f"{words}  \n:material/help: {why_text(held.item)}")
    with play, st.container(horizontal=True, horizontal_alignment="right"):
        play_button(lambda: loop, title=held.title, key=play_key(loop_id), loop_id=loop_id)
    valence, arousal = (held.suggestions.get(f"emotion_{axis}") for axis in ("valence", "arousal"))
    if valence is None or arousal is None:
        label_form.draw_pad(None)
        return
    label_form.draw_pad((valence.value, arousal.value))
    st.caption(
        t(
            "label.suggested_affect",
            valence=f"{valence.value:+.2f}",
            valence_sure=confidence_text(valence.confidence),
            arousal=f"{arousal.value:.2f}",
            arousal_sure=confidence_text(arousal.confidence),
        )
    )


def draw_values(held: InHand) -> None:
    """Emotion, genre, techniques and note."""
    sure = {name: made.confidence for name, made in held.suggestions.items()}
    label_form.draw_emotions(sure.get("emotion"))
    label_form.draw_genre(sure.get("genre"))
    label_form.draw_technique(held.loop.instrument, sure.get("technique"))
    label_form.draw_note()


def draw_actions(has_loop: bool) -> None:
    """The five decisions, each on its key."""
    actions = (
        ("approve", "Enter", "primary"),
        ("reject", "Backspace", "secondary"),
        ("skip", "S", "secondary"),
        ("draft", "D", "secondary"),
        ("undo", "U", "secondary"),
    )
    for place, (action, key, kind) in zip(st.columns(len(actions), gap="small"), actions, strict=True):
        place.button(
            t(f"label.{action}"),
            key=f"label.{action}",
            shortcut=key,
            type=kind,  # type: ignore[arg-type]
            help=t(f"label.{action}_help"),
            on_click=undo if action == "undo" else decide,
            args=() if action == "undo" else (action,),
            disabled=not has_loop and action != "undo",
            width="stretch",
        )


def draw_desk(workspace: Workspace, desk: LabelDesk) -> None:
    """The loop in hand, the form, the keys, and what is known about the loop."""
    held = desk.in_hand
    if held is None:
        st.success(t("label.done"))
        draw_actions(has_loop=False)
        return
    draw_conflict(desk, held)
    left, right = st.columns([1, 1.05], gap="medium")
    with left, st.container(border=True, height="stretch"):
        draw_loop(held)
    with right, st.container(border=True, height="stretch"):
        draw_values(held)
    draw_actions(has_loop=True)
    why, before = st.columns([1, 1.6], gap="medium")
    with why, st.expander(t("label.why"), key="label.why"):
        draw_reasons(held.suggestions, held.loop.instrument)
    with before, st.expander(t("label.history"), key="label.history"):
        draw_history(workspace, held.item.loop_id, held.loop.instrument)
    if session.widget(AUTOPLAY) and desk.heard != held.item.loop_id:
        play_in_hand(desk)


def main() -> None:
    """The page."""
    workspace = session.workspace()
    title, state = st.columns([1, 2], vertical_alignment="center")
    title.title(t("page.label"), anchor=False)
    if not labelling.progress(workspace, "").total:
        st.info(t("label.empty"), icon=":material/library_music:")
        st.page_link(str(Path(__file__).with_name("library.py")), label=t("label.to_library"))
        return
    rater, order = draw_settings(workspace)
    if not rater:
        st.info(t("label.who_are_you"))
        return
    with state:
        draw_progress(workspace, rater)
    with st.spinner(t("label.preparing"), show_time=False):
        desk = open_desk(workspace, rater, order)
    draw_desk(workspace, desk)


main()
