"""The controls of the Generate page: what is asked of the model, and how it is performed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from composer_core.music.chords import Chord
from composer_core.music.condition import (
    ASK_METERS,
    DEFAULT_HUMANISE_PERCENT,
    DEFAULT_TEMPO_BPM,
    SWING_GRIDS,
    Condition,
)
from composer_core.music.genre import FAMILIES
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key import Key
from composer_core.music.loop import BARS_CHOICES
from composer_core.music.timing import (
    ASK_MAX_TEMPO_BPM,
    ASK_MIN_TEMPO_BPM,
    MAX_SWING_PERCENT,
    MIN_SWING_PERCENT,
    Meter,
)
from studio import places, session
from studio.generate_harmony import FREE, take_back_harmony
from studio.names import genre_name, instrument_name
from studio.text import t
from studio.widgets import worded
from studio.xypad import XYValue, xy_pad

if TYPE_CHECKING:
    from composer_core.pipeline.generation import ModelInfo, Take

MAX_SEED = 2**31 - 1
MAX_TAKES = 8
START = XYValue(valence=0.4, arousal=0.7)
DEFAULTS: dict[str, Any] = {
    "generate.use_valence": True,
    "generate.use_arousal": True,
    "generate.bars": 4,
    "generate.use_density": False,
    "generate.density": 3.0,
    "generate.tempo": round(DEFAULT_TEMPO_BPM),
    "generate.swing": MIN_SWING_PERCENT,
    "generate.swing_grid": 8,
    "generate.humanise": round(DEFAULT_HUMANISE_PERCENT),
    "generate.seed": 7,
    "generate.new_seed": True,
    "generate.takes": 4,
    "generate.root": FREE,
    "generate.mode": "major",
    "generate.chords": "",
}
"""Where the controls stand at first. Callbacks move some of them, so the widgets have no defaults of their own."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What the rules do to the notes; changing it never samples."""

    tempo_bpm: float
    swing_percent: float
    swing_grid: int
    humanise_percent: float

    def applied_to(self, condition: Condition) -> Condition:
        """A take's condition with this performance in it."""
        return condition.changed(
            tempo_bpm=self.tempo_bpm,
            swing_percent=self.swing_percent,
            swing_grid=self.swing_grid,
            humanise_percent=self.humanise_percent,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model is asked for; changing it needs new samples."""

    instrument: str
    model: ModelInfo | None
    valence: float | None
    arousal: float | None
    genre: dict[str, float]
    bars: int
    meter: Meter
    density: float | None
    key: Key | None = None
    chords: tuple[Chord, ...] = ()

    def condition(self, performance: Performance) -> Condition:
        """Both together; InvalidValue when something is out of range."""
        plain = Condition(
            self.instrument,
            self.bars,
            self.meter,
            DEFAULT_TEMPO_BPM,
            self.valence,
            self.arousal,
            self.genre,
            self.density,
            key=self.key,
            chords=self.chords,
        )
        return performance.applied_to(plain)


def feeling() -> tuple[float | None, float | None]:
    """The pad with a switch for each axis: valence and arousal, None where not given."""
    left, right = st.columns(2)
    use_valence = left.toggle(t("generate.use_valence"), key="generate.use_valence", persist_state="session")
    use_arousal = right.toggle(t("generate.use_arousal"), key="generate.use_arousal", persist_state="session")
    value = xy_pad(key="generate", valence=START.valence, arousal=START.arousal, used=(use_valence, use_arousal))
    return value.valence if use_valence else None, value.arousal if use_arousal else None


def instrument_and_model(models: Sequence[ModelInfo]) -> tuple[str, ModelInfo | None]:
    """The instrument and one of its models; says why where there is none."""
    instrument = st.selectbox(
        t("generate.instrument"),
        GENERATED_INSTRUMENTS,
        format_func=worded(GENERATED_INSTRUMENTS, lambda code: _instrument_label(code, models)),
        key="generate.instrument",
        persist_state="session",
    )
    own_first = sorted(models, key=lambda model: model.instrument != instrument)
    fitting = {model.name: model for model in own_first if model.plays(instrument)}
    if not fitting:
        st.info(t("generate.no_model", instrument=instrument_name(instrument)), icon=":material/model_training:")
        st.page_link(places.page("train"), label=t("generate.to_train"), icon=":material/arrow_forward:")
        return instrument, None
    name = st.selectbox(
        t("generate.model"),
        list(fitting),
        format_func=worded(fitting, lambda chosen: _model_label(fitting[chosen])),
        key=f"generate.model.{instrument}",
        persist_state="session",
    )
    return instrument, fitting[name]


def _instrument_label(code: str, models: Sequence[ModelInfo]) -> str:
    known = any(model.plays(code) for model in models)
    return instrument_name(code) if known else t("generate.no_model_yet", instrument=instrument_name(code))


def _model_label(model: ModelInfo) -> str:
    return t(f"generate.model_{model.origin}", name=model.name, size=model.size)


def style() -> tuple[dict[str, float], int, Meter, float | None]:
    """Genre weights, bars, metre and density (None where not given)."""
    chosen = st.multiselect(
        t("generate.genre"),
        FAMILIES,
        format_func=worded(FAMILIES, genre_name),
        max_selections=3,
        placeholder=t("generate.any_genre"),
        key="generate.genre",
        persist_state="session",
    )
    left, right = st.columns([1.5, 1])
    with left:
        bars = st.segmented_control(
            t("generate.bars"), BARS_CHOICES, required=True, key="generate.bars", persist_state="session"
        )
    with right:
        meter = st.selectbox(t("generate.meter"), ASK_METERS, key="generate.meter", persist_state="session")
    return {code: 1 / len(chosen) for code in chosen}, int(bars or 4), Meter.parse(meter), _density()


def _density() -> float | None:
    if not st.toggle(t("generate.use_density"), key="generate.use_density", persist_state="session"):
        return None
    return st.slider(
        t("generate.density"),
        0.5,
        8.0,
        step=0.25,
        format=t("generate.density_format"),
        label_visibility="collapsed",
        key="generate.density",
        persist_state="session",
    )


def performance() -> Performance:
    """Tempo, swing and humanise; every move is noted, for what sounds has to follow."""
    st.slider(
        t("generate.tempo"),
        int(ASK_MIN_TEMPO_BPM),
        int(ASK_MAX_TEMPO_BPM),
        format="%d BPM",
        key="generate.tempo",
        persist_state="session",
        on_change=session.note_slider,
    )
    st.slider(
        t("generate.swing"),
        MIN_SWING_PERCENT,
        MAX_SWING_PERCENT,
        step=0.1,
        format="%.1f %%",
        key="generate.swing",
        persist_state="session",
        on_change=session.note_slider,
        help=t("generate.swing_help"),
    )
    st.segmented_control(
        t("generate.swing_grid"),
        SWING_GRIDS,
        required=True,
        format_func=worded(SWING_GRIDS, lambda grid: t(f"generate.grid{grid}")),
        key="generate.swing_grid",
        persist_state="session",
        on_change=session.note_slider,
    )
    st.slider(
        t("generate.humanise"),
        0,
        100,
        format="%d %%",
        key="generate.humanise",
        persist_state="session",
        on_change=session.note_slider,
        help=t("generate.humanise_help"),
    )
    return Performance(
        tempo_bpm=float(session.widget("generate.tempo")),
        swing_percent=float(session.widget("generate.swing")),
        swing_grid=int(session.widget("generate.swing_grid")),
        humanise_percent=float(session.widget("generate.humanise")),
    )


def take_back(take: Take, models: Sequence[ModelInfo]) -> None:
    """Set every control to an earlier take's request, so that Generate makes it again; only from a callback.

    A genre or model that cannot be chosen here (any more) leaves its control as it is.
    """
    condition = take.condition
    values: dict[str, Any] = {
        "instrument": condition.instrument,
        "use_valence": condition.valence is not None,
        "use_arousal": condition.arousal is not None,
        "bars": condition.bars,
        "meter": str(condition.meter),
        "use_density": condition.density is not None,
        "tempo": round(condition.tempo_bpm),
        "swing": condition.swing_percent,
        "swing_grid": condition.swing_grid,
        "humanise": round(condition.humanise_percent),
        "seed": take.seed,
        "new_seed": False,
    }
    if condition.density is not None:
        values["density"] = condition.density
    if set(condition.genre) <= set(FAMILIES):
        values["genre"] = list(condition.genre)
    if any(model.name == take.model and model.plays(condition.instrument) for model in models):
        values[f"model.{condition.instrument}"] = take.model
    for name, value in values.items():
        session.set_widget(f"generate.{name}", value)
    take_back_harmony(condition.key, condition.chords)
    valence, arousal = condition.valence, condition.arousal
    session.place_pad(
        "generate", (START.valence if valence is None else valence, START.arousal if arousal is None else arousal)
    )


def seed_and_takes() -> tuple[int, int]:
    """The seed (typed, or thrown anew for each request) and how many takes."""
    seed_column, dice_column, takes_column = st.columns([2, 1.6, 1.4], vertical_alignment="bottom")
    with seed_column:
        seed = st.number_input(
            t("generate.seed"),
            0,
            MAX_SEED,
            step=1,
            key="generate.seed",
            persist_state="session",
            help=t("generate.seed_help"),
        )
    with dice_column:
        st.toggle(t("generate.new_seed"), key="generate.new_seed", persist_state="session")
    with takes_column:
        takes = st.number_input(t("generate.takes"), 1, MAX_TAKES, key="generate.takes", persist_state="session")
    return int(seed or 0), int(takes)


def throw_seed() -> None:
    """Before a request: a new seed where one is wished, written into its field."""
    if session.widget("generate.new_seed"):
        session.set_widget("generate.seed", secrets.randbelow(MAX_SEED))
