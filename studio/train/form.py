"""The form of a training: instrument, data, size, steps, device; and the command that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.models import ALL, cards, models
from composer_core.pipeline.training.runs import (
    LIBRARY,
    TRAIN_SIZES,
    TrainRequest,
    command_line,
    devices,
    option,
    start,
)
from studio import navigation, queries, session
from studio.train import state as train_state
from studio.widgets import errors_as_messages, show_error, worded
from studio.wording.names import instrument_name
from studio.wording.text import t, translated_value

SOURCES = (LIBRARY, "folder")
MAX_STEPS = 1_000_000
NEW, FULL, ADAPTER = WAYS = ("new", "full", "adapter")
"""A model from nothing, all weights of a model trained on, or low-rank adapters on one."""
_AS_REQUESTED = ("size", "seed", "device")
"""Options whose controls begin at the default of a request."""
DEFAULTS: dict[str, Any] = {
    "train.source": LIBRARY,
    "train.way": NEW,
    **{f"train.{spec.name}": spec.default for spec in fields(TrainRequest) if spec.name in _AS_REQUESTED},
    "train.own_steps": False,
    "train.steps": 1000,
}
CARD_PX = 460


@st.cache_resource(show_spinner=False)
def device_names() -> dict[str, str]:
    """Devices of this machine by code; looked up once, for it loads the numeric library."""
    return {device.code: device.name for device in devices()}


def train_form() -> None:
    """The form, the equivalent command and the start button."""
    session.default_widgets(DEFAULTS)
    try:
        request = _request()
    except ComposerError as error:
        show_error(error)
        return
    st.caption(t("train.command"))
    folder = session.workspace().runs / (request.name or t("train.run_folder"))
    st.code(shlex.join(command_line(request, folder)), language="bash", wrap_lines=True)
    missing = not request.data or (request.data == LIBRARY and not _imported(request.instrument))
    missing = missing or (session.widget("train.way") != NEW and not request.start)
    trouble = st.container()
    if st.button(
        t("train.start"),
        type="primary",
        icon=":material/model_training:",
        disabled=missing,
        width="stretch",
        key="train.start",
    ):
        with trouble, errors_as_messages():
            train_state.set_run(start(session.workspace(), request))


def _imported(instrument: str) -> int:
    """How many loops of the library can be trained on: imported ones, for a model must not learn from itself."""
    instruments = tuple(GENERATED_INSTRUMENTS) if instrument == ALL else (instrument,)
    wanted = Filter(instruments, origins=("imported",), hide_duplicates=True, hide_excluded=True)
    return queries.count(session.workspace(), wanted)


def _request() -> TrainRequest:
    """The request as the widgets stand; InvalidValue for a name that cannot be a folder."""
    instrument = _choice("instrument", t("generate.instrument"), instrument_name)
    data = _data(instrument)
    way = _way()
    if way == NEW:
        left, right = st.columns(2)
        with left:
            start, size = "", _choice("size", t("train.size"), lambda code: t(f"train.size_{code}"))
        with right:
            device = _device()
    else:
        start, size = _start(instrument)
        device = _device()
    steps = _steps()
    left, right = st.columns(2)
    name = left.text_input(
        t("train.name"), key="train.name", persist_state="session", placeholder=t("train.name_auto"), max_chars=64
    )
    with right:
        seed = _count("seed", t("generate.seed"), t("train.seed_help"))
    return TrainRequest(
        instrument=instrument,
        data=data,
        size=size,
        steps=steps,
        device=device,
        seed=seed,
        name=name.strip(),
        start=start,
        adapter=way == ADAPTER and bool(start),
    )


def _choice(name: str, label: str, said_of: Callable[[str], str]) -> str:
    """A control for an option with choices."""
    choices = option(name).choices
    chosen: str = st.selectbox(
        label, choices, format_func=worded(choices, said_of), key=f"train.{name}", persist_state="session"
    )
    return chosen


def _count(name: str, label: str, help: str) -> int:
    """A control for an option that is a whole number between bounds."""
    low, high = option(name).low, option(name).high
    return int(st.number_input(label, low, high, key=f"train.{name}", persist_state="session", help=help))


def _way() -> str:
    way = st.segmented_control(
        t("train.way"),
        WAYS,
        required=True,
        format_func=worded(WAYS, lambda code: t(f"train.way_{code}")),
        key="train.way",
        persist_state="session",
        help=t("train.way_help"),
    )
    return str(way)


def _start(instrument: str) -> tuple[str, str]:
    """The model to go on from and its size; "" where none plays the instrument, which is said."""
    fitting = {model.name: model for model in models(session.workspace(), instrument)}
    if not fitting:
        st.info(t("train.no_start", instrument=instrument_name(instrument)))
        return "", TRAIN_SIZES[0]
    labels = {name: t(f"generate.model_{model.origin}", name=name, size=model.size) for name, model in fitting.items()}
    name: str = st.selectbox(
        t("train.start_from"),
        list(fitting),
        format_func=worded(fitting, labels.__getitem__),
        key=f"train.start_from.{instrument}",
        persist_state="session",
    )
    size = fitting[name].size
    return name, size if size in TRAIN_SIZES else TRAIN_SIZES[0]


def _data(instrument: str) -> str:
    """'library' or the path of a folder, empty before one was typed."""
    source = st.segmented_control(
        t("train.data"),
        SOURCES,
        required=True,
        format_func=worded(SOURCES, lambda code: t(f"train.data_{code}")),
        key="train.source",
        persist_state="session",
    )
    if source == LIBRARY:
        count = _imported(instrument)
        st.caption(t("train.imported", count=count, instrument=instrument_name(instrument)))
        if not count:
            st.page_link(navigation.page("library"), label=t("train.to_library"), icon=":material/arrow_forward:")
        return LIBRARY
    typed: str = st.text_input(
        t("train.folder"), key="train.folder", persist_state="session", placeholder=t("train.folder_hint")
    )
    return typed.strip()


def _device() -> str:
    names = {code: translated_value(name) for code, name in device_names().items()}
    codes = ["auto", *names]
    automatic = t("train.device_auto", name=next(iter(names.values())))
    chosen: str = st.selectbox(
        t("train.device"),
        codes,
        format_func=worded(codes, lambda code: names.get(code, automatic)),
        key="train.device",
        persist_state="session",
    )
    return chosen


def _steps() -> int | None:
    own = st.toggle(t("train.own_steps"), key="train.own_steps", persist_state="session", help=t("train.steps_help"))
    if not own:
        return None
    return int(st.number_input(t("train.steps"), 1, MAX_STEPS, step=100, key="train.steps", persist_state="session"))


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
