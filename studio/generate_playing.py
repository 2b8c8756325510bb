"""The cheap controls: how the notes of all takes are played. A move is heard at once and never samples."""

from __future__ import annotations

from typing import Any

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.condition import DEFAULT_HUMANISE_PERCENT, DEFAULT_TEMPO_BPM, SWING_GRIDS
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM, MAX_SWING_PERCENT, MIN_SWING_PERCENT
from composer_core.pipeline.playing import RENDERED, Playing
from composer_core.pipeline.recipes import Recipe, parse_recipe
from studio import generate_state, session
from studio.names import instrument_name, technique_name
from studio.text import t
from studio.widgets import show_error, translate_uploader, worded

MOST_SEMITONES = 12
PLAYING_DEFAULTS: dict[str, Any] = {
    "generate.tempo": round(DEFAULT_TEMPO_BPM),
    "generate.swing": MIN_SWING_PERCENT,
    "generate.swing_grid": 8,
    "generate.humanise": round(DEFAULT_HUMANISE_PERCENT),
    "generate.semitones": 0,
}


def playing_controls(instruments: tuple[str, ...]) -> Playing:
    """One row: tempo, swing and its grid, humanise, transposition, and how `instruments` are played."""
    with st.container(key="playing"):
        tempo, swing, grid, humanise, semitones, more = st.columns(
            [1.1, 1.1, 1, 1.1, 0.95, 1.1], gap="small", vertical_alignment="bottom"
        )
    _slider(tempo, "tempo", int(ASK_MIN_TEMPO_BPM), int(ASK_MAX_TEMPO_BPM), "%d BPM")
    _slider(swing, "swing", MIN_SWING_PERCENT, MAX_SWING_PERCENT, "%.1f %%", step=0.1, help=t("generate.swing_help"))
    grid.selectbox(
        t("generate.swing_grid"),
        SWING_GRIDS,
        format_func=worded(SWING_GRIDS, lambda code: t(f"generate.grid{code}")),
        key="generate.swing_grid",
        persist_state="session",
        on_change=generate_state.note_slider,
    )
    _slider(humanise, "humanise", 0, 100, "%d %%", help=t("generate.humanise_help"))
    semitones.number_input(
        t("generate.semitones"),
        -MOST_SEMITONES,
        MOST_SEMITONES,
        step=1,
        key="generate.semitones",
        persist_state="session",
        on_change=generate_state.note_slider,
        help=t("generate.semitones_help"),
    )
    techniques, recipe = _more(more, instruments)
    return Playing(
        tempo_bpm=float(session.widget("generate.tempo")),
        swing_percent=float(session.widget("generate.swing")),
        swing_grid=int(session.widget("generate.swing_grid")),
        humanise_percent=float(session.widget("generate.humanise")),
        semitones=int(session.widget("generate.semitones")),
        techniques=techniques,
        recipe=recipe,
    )


def _slider(place: Any, name: str, low: float, high: float, form: str, **more: Any) -> None:
    place.slider(
        t(f"generate.{name}"),
        low,
        high,
        format=form,
        key=f"generate.{name}",
        persist_state="session",
        on_change=generate_state.note_slider,
        **more,
    )


def _more(place: Any, instruments: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], Recipe | None]:
    """Techniques that a rule can render on the notes there are, and a recipe file."""
    chosen: list[tuple[str, str]] = []
    with place.popover(t("generate.how_played"), width="stretch"):
        st.caption(t("generate.how_played_help"))
        for instrument in instruments:
            codes = tuple(RENDERED[instrument])
            names = worded(codes, lambda code, own=instrument: technique_name(own, code))  # type: ignore[misc]
            picked = st.pills(
                instrument_name(instrument),
                codes,
                selection_mode="multi",
                format_func=names,
                key=f"generate.play.{instrument}",
                persist_state="session",
                on_change=generate_state.note_slider,
            )
            chosen += [(instrument, code) for code in picked]
        translate_uploader()
        file = st.file_uploader(
            t("generate.recipe"), type=["yaml", "yml"], key="generate.recipe", on_change=generate_state.note_slider,
            help=t("generate.recipe_help"),
        )  # fmt: skip
        recipe = None
        if file is not None:
            try:
                recipe = parse_recipe(file.getvalue(), file.name)
                st.caption(t("generate.recipe_on", name=recipe.name, steps=len(recipe.steps)))
            except ComposerError as error:
                show_error(error)
    return tuple(chosen), recipe
