"""The cheap controls, which change how all takes are played. A change is heard at once and never samples."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import streamlit as st

from composer_core.errors import ComposerError, InvalidValue, RefusedFile
from composer_core.music.condition_field import PageControl
from composer_core.music.condition_fields import SWING_GRIDS, control_of
from composer_core.pipeline.editing.recipes import (
    RECIPE_SUFFIX,
    Recipe,
    keep_recipe,
    parse_recipe,
    read_recipe,
    recipe_text,
    saved_recipes,
)
from composer_core.pipeline.generation.performance import Playing, as_recipe
from composer_core.rules.technique import RENDERED
from studio import session
from studio.access.offer import may, why_not
from studio.generate import state as generate_state
from studio.widgets import show_error, translate_uploader, worded
from studio.wording.loop_names import plain
from studio.wording.names import instrument_name, technique_name
from studio.wording.text import t

MOST_SEMITONES = 12
LARGEST_RECIPE = 1 << 20
SAVED_RECIPE, RECIPE_NAME = "generate.recipe_saved", "generate.recipe_name"
TEMPO, SWING, HUMANISE = (control_of(name) for name in ("tempo_bpm", "swing_percent", "humanise_percent"))
PLAYING_DEFAULTS: dict[str, Any] = {
    **{f"generate.{control.key}": control.first for control in (TEMPO, SWING, control_of("swing_grid"), HUMANISE)},
    "generate.semitones": 0,
}


def playing_controls(instruments: tuple[str, ...]) -> Playing:
    """One row: tempo, swing and its grid, humanise, transposition, and how `instruments` are played."""
    with st.container(key="playing"):
        tempo, swing, grid, humanise, semitones, more = st.columns(
            [1.1, 1.1, 1, 1.1, 0.95, 1.1], gap="small", vertical_alignment="bottom"
        )
    _slider(tempo, TEMPO, "%d BPM")
    _slider(swing, SWING, "%.1f %%", help=t("generate.swing_help"))
    grid.selectbox(
        t("generate.swing_grid"),
        SWING_GRIDS,
        format_func=worded(SWING_GRIDS, lambda code: t(f"generate.grid{code}")),
        key="generate.swing_grid",
        persist_state="session",
        on_change=generate_state.note_slider,
    )
    _slider(humanise, HUMANISE, "%d %%", help=t("generate.humanise_help"))
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
    how_played = more.popover(t("generate.how_played"), width="stretch")
    with how_played:
        techniques, recipe = _techniques(instruments), _recipe()
    playing = Playing(
        tempo_bpm=float(session.widget("generate.tempo")),
        swing_percent=float(session.widget("generate.swing")),
        swing_grid=int(session.widget("generate.swing_grid")),
        humanise_percent=float(session.widget("generate.humanise")),
        semitones=int(session.widget("generate.semitones")),
        techniques=techniques,
        recipe=recipe,
    )
    with how_played:
        _draw_saving(playing)
    return playing


def _slider(place: Any, control: PageControl, form: str, **more: Any) -> None:
    place.slider(
        t(f"generate.{control.key}"),
        *control.limits,
        step=control.step,
        format=form,
        key=f"generate.{control.key}",
        persist_state="session",
        on_change=generate_state.note_slider,
        **more,
    )


def _techniques(instruments: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(instrument, code) of the techniques chosen of those that a rule can render on the notes there are."""
    chosen: list[tuple[str, str]] = []
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
    return tuple(chosen)


def _recipe() -> Recipe | None:
    """The recipe that is on: a file from outside goes before a saved one."""
    saved = saved_recipes(session.workspace())
    if saved:
        session.default_widgets({SAVED_RECIPE: None})
        if session.widget(SAVED_RECIPE) not in (None, *saved):
            session.set_widget(SAVED_RECIPE, None)
        st.selectbox(
            t("generate.recipe_saved"),
            tuple(saved),
            key=SAVED_RECIPE,
            placeholder=t("generate.recipe_none"),
            persist_state="session",
            on_change=generate_state.note_slider,
        )
    translate_uploader()
    file = st.file_uploader(
        t("generate.recipe"), type=["yaml", "yml"], key="generate.recipe", on_change=generate_state.note_slider,
        help=t("generate.recipe_help"),
    )  # fmt: skip
    chosen = session.widget(SAVED_RECIPE) if saved else None
    recipe = None
    try:
        if file is not None:
            recipe = _uploaded(file.getvalue(), file.name)
        elif chosen is not None:
            recipe = read_recipe(saved[str(chosen)])
    except ComposerError as error:
        show_error(error)
    if recipe is not None:
        st.caption(t("generate.recipe_on", name=plain(recipe.name), steps=len(recipe.steps)))
    return recipe


def _uploaded(data: bytes, name: str) -> Recipe:
    # What is too large is refused at once, and not kept in memory.
    found = _read_once(data, name) if len(data) <= LARGEST_RECIPE else parse_recipe(data, name)
    if isinstance(found, ComposerError):
        raise found
    return found


@lru_cache(maxsize=16)
def _read_once(data: bytes, name: str) -> Recipe | ComposerError:
    """The recipe, or what is wrong with the file: every run of the page asks for it again."""
    try:
        return parse_recipe(data, name)
    except (InvalidValue, RefusedFile) as error:
        return error


def _draw_saving(playing: Playing) -> None:
    """Keep how takes are played now as a recipe: in the workspace, or as a file."""
    st.caption(t("generate.recipe_save_help"))
    name = st.text_input(t("generate.recipe_name"), key=RECIPE_NAME, placeholder=t("generate.recipe_name_like"))
    recipe = as_recipe(playing, name.strip() or t("generate.recipe_name_like"))
    with st.container(horizontal=True):
        st.button(
            t("generate.recipe_save"),
            key="generate.recipe_save",
            icon=":material/save:",
            disabled=not name.strip() or not may("save_recipe"),
            help=why_not("save_recipe"),
            on_click=_save,
            args=(recipe,),
        )
        st.download_button(
            t("generate.recipe_download"),
            recipe_text(recipe),
            file_name=f"{recipe.name}{RECIPE_SUFFIX}",
            mime="application/yaml",
            key="generate.recipe_download",
            icon=":material/download:",
            on_click="ignore",
        )


def _save(recipe: Recipe) -> None:
    try:
        path = keep_recipe(session.workspace(), recipe)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("generate.recipe_kept", path=path))
