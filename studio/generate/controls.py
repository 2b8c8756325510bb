"""The controls of a request on the Generate page. A change to one of them needs new samples."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from composer_core.music.condition_fields import ASK_METERS, FOLDED, PITCHED_FIELDS, control_of
from composer_core.music.genre import FAMILIES
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.timing import BARS_CHOICES, Meter
from studio import navigation, session
from studio.components.xypad import XYValue, xy_pad
from studio.generate.advanced import ADVANCED_DEFAULTS, take_back_advanced
from studio.generate.harmony import FREE, take_back_harmony
from studio.generate.playing import PLAYING_DEFAULTS
from studio.widgets import worded
from studio.wording.names import genre_name, instrument_name
from studio.wording.text import t

if TYPE_CHECKING:
    from composer_core.pipeline.generation.takes import Take
    from composer_core.pipeline.models import ModelInfo

MAX_SEED = 2**31 - 1
MAX_TAKES = 8
MAX_GENRES = 3
BEST_OF = (1, 2, 4, 8, 16)
START = XYValue(valence=control_of("valence").first, arousal=control_of("arousal").first)
DEFAULTS: dict[str, Any] = {
    **PLAYING_DEFAULTS,
    **ADVANCED_DEFAULTS,
    "generate.instruments": ["drums"],
    "generate.use_valence": True,
    "generate.use_arousal": True,
    "generate.bars": control_of("bars").first,
    "generate.seed": 7,
    "generate.new_seed": True,
    "generate.takes": 4,
    "generate.best_of": 4,
    "generate.root": FREE,
    "generate.mode": "major",
    "generate.chords": "",
}
"""The first values of the controls. Callbacks change some of them, so the widgets have no defaults of their own."""


def instrument_choice() -> tuple[str, ...]:
    """Draw the choice of instruments: one for single takes, several for an ensemble."""
    chosen = st.pills(
        t("generate.instruments"),
        GENERATED_INSTRUMENTS,
        selection_mode="multi",
        format_func=worded(GENERATED_INSTRUMENTS, instrument_name),
        key="generate.instruments",
        persist_state="session",
        label_visibility="collapsed",
    )
    return tuple(name for name in GENERATED_INSTRUMENTS if name in chosen)


def feeling() -> tuple[float | None, float | None]:
    """Draw the pad with a switch for each axis; returns valence and arousal, None where not given."""
    left, right = st.columns(2)
    use_valence = left.toggle(t("generate.use_valence"), key="generate.use_valence", persist_state="session")
    use_arousal = right.toggle(t("generate.use_arousal"), key="generate.use_arousal", persist_state="session")
    value = xy_pad(key="generate", valence=START.valence, arousal=START.arousal, used=(use_valence, use_arousal))
    return value.valence if use_valence else None, value.arousal if use_arousal else None


def fitting_models(instruments: Sequence[str], models: Sequence[ModelInfo]) -> dict[str, list[ModelInfo]]:
    """The models of each instrument, its own before those of all instruments; tells the person which have none."""
    found = {}
    for instrument in instruments:
        own_first = sorted(models, key=lambda model: model.instrument != instrument)
        found[instrument] = [model for model in own_first if model.plays(instrument)]
        if not found[instrument]:
            st.info(t("generate.no_model", instrument=instrument_name(instrument)), icon=":material/model_training:")
            st.page_link(navigation.page("train"), label=t("generate.to_train"), icon=":material/arrow_forward:")
    return found


def model_choice(fitting: Mapping[str, Sequence[ModelInfo]]) -> dict[str, ModelInfo]:
    """Draw the choice of a model for each instrument."""
    chosen = {}
    for instrument, own in fitting.items():
        if not own:
            continue
        known = {model.name: model for model in own}
        labels = {code: _model_label(model) for code, model in known.items()}
        name: str = st.selectbox(
            t("generate.model_of", instrument=instrument_name(instrument)),
            list(known),
            format_func=worded(known, labels.__getitem__),
            key=f"generate.model.{instrument}",
            persist_state="session",
        )
        chosen[instrument] = known[name]
    return chosen


def _model_label(model: ModelInfo) -> str:
    return t(f"generate.model_{model.origin}", name=model.name, size=model.size)


def style() -> tuple[dict[str, float], int, Meter]:
    """Draw the choice of genres, bars and metre; genres share the weight 1 equally."""
    chosen = st.multiselect(
        t("generate.genre"),
        FAMILIES,
        format_func=worded(FAMILIES, genre_name),
        max_selections=MAX_GENRES,
        placeholder=t("generate.any_genre"),
        key="generate.genre",
        persist_state="session",
        label_visibility="collapsed",
    )
    left, right = st.columns([1.7, 1])
    with left:
        bars = st.segmented_control(
            t("generate.bars"), BARS_CHOICES, required=True, key="generate.bars", persist_state="session"
        )
    with right:
        meter = st.selectbox(t("generate.meter"), ASK_METERS, key="generate.meter", persist_state="session")
    return {code: 1 / len(chosen) for code in chosen}, int(bars or 4), Meter.parse(meter)


def counts() -> tuple[int, int, int]:
    """Draw the fields for seed, number of takes, and number of candidates per take; returned in this order."""
    with st.container(key="counts"):
        columns = st.columns([0.9, 1, 1.3, 1.3], vertical_alignment="bottom")
    takes_column, best_column, seed_column, dice_column = columns
    takes = takes_column.number_input(t("generate.takes"), 1, MAX_TAKES, key="generate.takes", persist_state="session")
    best_of = best_column.selectbox(
        t("generate.best_of"),
        BEST_OF,
        key="generate.best_of",
        persist_state="session",
        help=t("generate.best_of_help"),
    )
    seed = seed_column.number_input(
        t("generate.seed"),
        0,
        MAX_SEED,
        step=1,
        key="generate.seed",
        persist_state="session",
        help=t("generate.seed_help"),
    )
    dice_column.toggle(t("generate.new_seed"), key="generate.new_seed", persist_state="session")
    return int(seed or 0), int(takes), int(best_of)


def roll_seed() -> None:
    """Write a new random seed into its field before a request, if the switch for it is on."""
    if session.widget("generate.new_seed"):
        session.set_widget("generate.seed", secrets.randbelow(MAX_SEED))


def take_back(takes: Sequence[Take], models: Sequence[ModelInfo]) -> None:
    """Set every control to an earlier request, so that Generate makes it again. Call this only from a callback.

    `takes` is one take, or the parts of an ensemble. A genre or model that can no longer be chosen leaves its control
    as it is.
    """
    first = takes[0]
    condition = first.condition
    values: dict[str, Any] = {
        "instruments": [take.condition.instrument for take in takes],
        "use_valence": condition.valence is not None,
        "use_arousal": condition.arousal is not None,
        "bars": condition.bars,
        "meter": str(condition.meter),
        "tempo": round(condition.tempo_bpm),
        "swing": condition.swing_percent,
        "swing_grid": condition.swing_grid,
        "humanise": round(condition.humanise_percent),
        "semitones": 0,
        "seed": first.seed,
        "new_seed": False,
    }
    if first.candidates in BEST_OF:
        values["best_of"] = first.candidates
    if set(condition.genre) <= set(FAMILIES):
        values["genre"] = list(condition.genre)
    for take in takes:
        instrument = take.condition.instrument
        if any(model.name == take.model and model.plays(instrument) for model in models):
            values[f"model.{instrument}"] = take.model
    for name, value in values.items():
        session.set_widget(f"generate.{name}", value)
    pitched = next((take.condition for take in takes if take.condition.instrument != "drums"), condition)
    take_back_harmony(pitched.key, pitched.chords)
    alone = {
        take.condition.instrument: {"technique": take.condition.technique, "register": take.condition.register}
        for take in takes
    }
    measures = {name: getattr(pitched if name in PITCHED_FIELDS else condition, name) for name in FOLDED}
    take_back_advanced(list(alone), measures, alone)
    valence, arousal = condition.valence, condition.arousal
    session.place_pad(
        "generate", (START.valence if valence is None else valence, START.arousal if arousal is None else arousal)
    )
