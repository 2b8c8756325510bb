"""Generate: takes and ensembles from a feeling, a style and a groove."""

from __future__ import annotations

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.generation.performance import Playing
from composer_core.pipeline.generation.takes import foreseen
from composer_core.pipeline.models import models
from studio import session
from studio.access.offer import may, why_not
from studio.generate import state as generate_state
from studio.generate.address import read_address, write_address
from studio.generate.advanced import advanced
from studio.generate.controls import (
    DEFAULTS,
    counts,
    feeling,
    fitting_models,
    instrument_choice,
    model_choice,
    roll_seed,
    style,
)
from studio.generate.harmony import harmony
from studio.generate.history import show_history
from studio.generate.panel import show_panel
from studio.generate.playing import playing_controls
from studio.generate.request import MusicRequest, SamplingRequest
from studio.generate.sampling import go_on, show_progress
from studio.generate.takes import follow_sliders, show_takes
from studio.widgets import show_error
from studio.wording.text import t


def request(instruments: tuple[str, ...]) -> MusicRequest | None:
    """Draw the request: feeling, style, harmony and the folded controls; None where the chord line cannot be read."""
    fitting = fitting_models(instruments, models(session.workspace()))
    valence, arousal = feeling()
    genre, bars, meter = style()
    read = harmony(instruments)
    with st.expander(t("generate.advanced"), key="generate.advanced", icon=":material/tune:"):
        more = advanced(instruments)
        chosen = model_choice(fitting)
    if read is None:
        return None
    key, chords = read
    return MusicRequest(instruments, chosen, valence, arousal, genre, bars, meter, key, chords, more)


def is_possible(asked: MusicRequest | None, playing: Playing) -> bool:
    """Show why a request is impossible and return False; warn about a rare one."""
    if asked is None or not asked.is_ready:
        if asked is not None and not asked.instruments:
            st.caption(t("generate.no_instrument"))
        return False
    codes: list[str] = []
    try:
        for instrument in asked.instruments:
            codes += foreseen(asked.condition(playing, instrument), asked.models[instrument])
    except ComposerError as error:
        show_error(error)
        return False
    for code in dict.fromkeys(codes):
        st.caption(f":orange[:material/warning: {t(f'generate.notice_{code}')}]")
    return True


session.default_widgets(DEFAULTS)
read_address()
with st.container(key="head"):
    title, choice = st.columns([1, 3.4], vertical_alignment="center")
title.title(t("page.generate"))
with choice:
    instruments = instrument_choice()
with st.container(key="desk"):
    rail, stage = st.columns([1, 1.8], gap="medium")
shown = {name for slot in generate_state.slots() for name in slot.instruments} or set(instruments)
with stage:
    playing = playing_controls(tuple(name for name in GENERATED_INSTRUMENTS if name in shown))
with rail, st.container(key="controls", gap="small"):
    asked = request(instruments)
    seed, takes, best_of = counts()
    possible = is_possible(asked, playing)
    wanted = st.button(
        t("generate.generate" if len(instruments) < 2 else "generate.generate_ensemble"),
        type="primary",
        icon=":material/auto_awesome:",
        key="generate.generate",
        width="stretch",
        disabled=not possible or not may("generate"),
        on_click=roll_seed,
        help=why_not("generate") or t("generate.generate_help"),
    )
    if wanted and asked is not None:
        generate_state.set_sampling(SamplingRequest(asked, playing, seed, takes, best_of))
    progress = show_progress()
with stage:
    slots = generate_state.slots()
    if slots:
        show_takes(slots, playing)
        show_panel(next((slot for slot in slots if slot.key == generate_state.chosen_slot()), slots[0]), playing)
    elif progress is None:
        st.info(t("generate.no_takes"), icon=":material/music_note:")
show_history()
follow_sliders(playing)
write_address()
go_on(progress)
