"""Make the requested takes: one take (or ensemble) per run, so that finished ones are shown and played meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from composer_core.errors import ComposerError
from composer_core.pipeline.generation.ensembles import generate_ensemble
from composer_core.pipeline.generation.takes import Take, iter_takes, save_takes
from studio import session
from studio.generate import state as generate_state
from studio.generate.request import SamplingRequest
from studio.generate.slots import Slot
from studio.redraw import redraw
from studio.turns import own_ticket, turns
from studio.wording.text import t


def show_progress() -> DeltaGenerator | None:
    """How far the request in hand is, and a button that ends it; None when there is none."""
    request = generate_state.sampling()
    if request is None:
        return None
    words, stop = st.columns([3, 1], vertical_alignment="center", gap="small")
    bar = words.empty()
    _draw(bar, request, 0)
    stop.button(
        t("generate.stop"),
        key="generate.stop",
        icon=":material/stop:",
        width="stretch",
        help=t("generate.stop_help"),
        on_click=_stop,
    )
    return bar


def _stop() -> None:
    generate_state.set_sampling(None)
    turns.leave(own_ticket())


def show_place(bar: DeltaGenerator) -> Callable[[int], None]:
    """What tells in the bar how many sessions are served before this one."""

    def show(n_before: int) -> None:
        bar.progress(0.0, t("generate.waiting", n=n_before))

    return show


def _draw(bar: DeltaGenerator, request: SamplingRequest, n_parts: int) -> None:
    whole = request.n_made + n_parts / len(request.asked.instruments)
    text = t("generate.working", number=min(request.n_made + 1, request.takes), takes=request.takes)
    bar.progress(min(1.0, whole / request.takes), text)


def go_on(bar: DeltaGenerator | None) -> None:
    """Make the next take of the request in hand, keep it, and draw the page with it; called when all else is drawn.

    A click meanwhile is obeyed at once (at the next part of an ensemble); the next drawing goes on from what was kept.
    """
    request = generate_state.sampling()
    if request is None or bar is None:
        return
    try:
        with turns.turn(own_ticket(), show_place(bar)):
            _draw(bar, request, 0)
            slot = _next(request, bar)
        save_takes(session.workspace(), list(slot.takes))
    except ComposerError as error:
        generate_state.set_sampling(None)
        session.set_problem(error)
        redraw()
    there = generate_state.slots() if request.n_made else []
    made = replace(request, n_made=request.n_made + 1)
    generate_state.set_sampling(None if made.n_made == request.takes else made)
    generate_state.set_slots([*there, slot])
    redraw()


def _next(request: SamplingRequest, bar: DeltaGenerator) -> Slot:
    if len(request.asked.instruments) > 1:
        return _ensemble(request, bar)
    asked, (instrument,) = request.asked, request.asked.instruments
    (take,) = iter_takes(
        asked.condition(request.playing, instrument),
        first=request.n_made,
        seed=request.seed,
        model=asked.models[instrument].name,
        workspace=session.workspace(),
        best_of=request.best_of,
    )
    return Slot(((take,),))


def _ensemble(request: SamplingRequest, bar: DeltaGenerator) -> Slot:
    asked, parts = request.asked, list[Take]()

    def on_part(take: Take) -> None:
        parts.append(take)
        _draw(bar, request, len(parts))

    pitched = next(name for name in asked.instruments if name != "drums")
    ensemble = generate_ensemble(
        asked.instruments,
        asked.condition(request.playing, pitched).changed(technique=(), register=None),
        seed=request.seed,
        index=request.n_made,
        best_of=request.best_of,
        models={name: model.name for name, model in asked.models.items()},
        alone=asked.advanced.alone,
        workspace=session.workspace(),
        on_part=on_part,
    )
    return Slot((ensemble.takes,))
