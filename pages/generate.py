"""Generate: takes from a feeling, a style and a groove."""

from __future__ import annotations

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.generation import Take, iter_takes, models, save_takes
from studio import session
from studio.generate_controls import (
    DEFAULTS,
    Asked,
    Performance,
    feeling,
    instrument_and_model,
    performance,
    seed_and_takes,
    style,
    throw_seed,
)
from studio.generate_harmony import harmony
from studio.generate_history import show_history
from studio.generate_takes import follow_sliders, show_takes
from studio.text import t
from studio.widgets import show_error


def controls() -> tuple[Asked, Performance]:
    """Feeling, request and performance beside one another."""
    with st.container(key="controls"):
        left, middle, right = st.columns([1.1, 1, 1], gap="medium")
    with left:
        st.subheader(t("generate.feeling"))
        valence, arousal = feeling()
    with middle:
        st.subheader(t("generate.style"))
        instrument, model = instrument_and_model(models(session.workspace()))
        genre, bars, meter, density = style()
        read = harmony(instrument)
    with right:
        st.subheader(t("generate.performance"))
        st.caption(t("generate.performance_is_cheap"))
        performed = performance()
    key, chords = read or (None, ())
    usable = model if read is not None else None
    return Asked(instrument, usable, valence, arousal, genre, bars, meter, density, key, chords), performed


def request(asked: Asked, performed: Performance) -> None:
    """Seed, number of takes and the button that samples."""
    with st.container(key="request"):
        left, right = st.columns([2.1, 1], gap="medium", vertical_alignment="bottom")
    with left:
        seed, count = seed_and_takes()
    wanted = right.button(
        t("generate.generate"),
        type="primary",
        icon=":material/auto_awesome:",
        key="generate.generate",
        width="stretch",
        disabled=asked.model is None,
        on_click=throw_seed,
        help=t("generate.generate_help"),
    )
    if wanted and asked.model is not None:
        sample(asked, performed, seed, count)


def sample(asked: Asked, performed: Performance, seed: int, count: int) -> None:
    """Make, keep and show the takes one by one; an error or interruption keeps those already made."""
    workspace = session.workspace()
    model = asked.model.name if asked.model else None
    bar = st.progress(0.0, t("generate.working", takes=count))
    made: list[Take] = []
    try:
        for take in iter_takes(asked.condition(performed), takes=count, seed=seed, model=model, workspace=workspace):
            save_takes(workspace, [take])
            made.append(take)
            session.set_takes(list(made))
            bar.progress(len(made) / count, t("generate.working", takes=count))
    except ComposerError as error:
        show_error(error)
    bar.empty()


session.default_widgets(DEFAULTS)
st.title(t("page.generate"))
asked, performed = controls()
request(asked, performed)
if session.takes():
    show_takes(session.takes(), performed)
else:
    st.info(t("generate.no_takes"), icon=":material/music_note:")
show_history()
follow_sliders(performed)
