"""Making what was asked: one take (or ensemble) after the other, each kept and shown as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.ensembles import generate_ensemble
from composer_core.pipeline.generation import Take, iter_takes, save_takes
from composer_core.pipeline.playing import Playing
from studio import session
from studio.generate_controls import Asked
from studio.generate_slots import Slot
from studio.text import t
from studio.widgets import show_error


def sample(asked: Asked, playing: Playing, seed: int, takes: int, best_of: int) -> None:
    """Show the slots as they are made; an error or interruption keeps those already made."""
    words = t("generate.working", takes=takes)
    bar = st.progress(0.0, words)
    made: list[Slot] = []
    parts: list[Take] = []

    def on_part(take: Take) -> None:
        parts.append(take)
        bar.progress(len(parts) / (takes * len(asked.instruments)), words)

    slots = _ensembles if len(asked.instruments) > 1 else _takes
    try:
        for slot in slots(asked, playing, seed, takes, best_of, on_part):
            save_takes(session.workspace(), list(slot.takes))
            made.append(slot)
            session.set_slots(list(made))
    except ComposerError as error:
        show_error(error)
    bar.empty()


OnPart = Callable[[Take], None]


def _takes(asked: Asked, playing: Playing, seed: int, takes: int, best_of: int, on_part: OnPart) -> Iterator[Slot]:
    (instrument,) = asked.instruments
    made = iter_takes(
        asked.condition(playing, instrument),
        takes=takes,
        seed=seed,
        model=asked.models[instrument].name,
        workspace=session.workspace(),
        best_of=best_of,
    )
    for take in made:
        on_part(take)
        yield Slot(((take,),))


def _ensembles(asked: Asked, playing: Playing, seed: int, takes: int, best_of: int, on_part: OnPart) -> Iterator[Slot]:
    pitched = next(name for name in asked.instruments if name != "drums")
    shared = asked.condition(playing, pitched).changed(technique=(), register=None)
    for index in range(takes):
        ensemble = generate_ensemble(
            asked.instruments,
            shared,
            seed=seed,
            index=index,
            best_of=best_of,
            models={name: model.name for name, model in asked.models.items()},
            alone=asked.advanced.alone,
            workspace=session.workspace(),
            on_part=on_part,
        )
        yield Slot((ensemble.takes,))
