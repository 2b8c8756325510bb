"""Edit the open take: rewrite chosen bars, vary it, add bars, replace a part. The rest stays byte for byte."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from composer_core.errors import ComposerError
from composer_core.music.timing import BARS_CHOICES
from composer_core.pipeline.generation.ensembles import replace_in
from composer_core.pipeline.generation.performance import Playing
from composer_core.pipeline.generation.takes import Take, save_takes
from composer_core.pipeline.generation.variation import continue_take, regenerate_bars, vary
from studio import session
from studio.components import transport
from studio.generate import state as generate_state
from studio.generate.sampling import show_place
from studio.generate.slots import Slot, play_slot
from studio.redraw import redraw
from studio.turns import own_ticket, turns
from studio.widgets import show_error
from studio.wording.text import t

MAX_SEED = 2**31 - 1
STRENGTHS = (25, 50, 100)


Act = Callable[[Slot], Slot]
"""An edit: the slot with one more version."""


def perform(act: Act, slot: Slot, playing: Playing) -> None:
    """Do an edit, keep its takes, and let what sounds go on in the new form."""
    try:
        place = st.empty()
        with turns.turn(own_ticket(), show_place(place)), st.spinner(t("generate.editing")):
            place.empty()
            edited = act(slot)
            known = {one.take_id for one in slot.takes}
            save_takes(session.workspace(), [new for new in edited.takes if new.take_id not in known])
    except ComposerError as error:
        show_error(error)
        return
    generate_state.set_slots([edited if one.key == slot.key else one for one in generate_state.slots()])
    if transport.now_playing() == slot.key:
        play_slot(edited, playing, swap=True)
    redraw()


def bar_edits(take: Take) -> Act | None:
    """Chosen bars anew, or a variation of a strength."""
    return _bars(take) or _vary(take)


def _seed() -> int:
    return secrets.randbelow(MAX_SEED)


def _edit_row(name: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """A row that says what is edited; places for the choice and the button."""
    words, choice, button = st.columns([0.62, 2, 1.1], vertical_alignment="center", gap="small")
    words.caption(t(name))
    return choice, button


def _bars(take: Take) -> Act | None:
    left, right = _edit_row("generate.bars_row")
    bars = left.pills(
        t("generate.bars_anew"),
        range(1, take.grid.bars + 1),
        selection_mode="multi",
        key=f"generate.bars_anew.{take.take_id}",
        label_visibility="collapsed",
    )
    pressed = right.button(
        t("generate.rewrite"),
        key="generate.rewrite",
        disabled=not bars,
        width="stretch",
        help=t("generate.bars_anew_help"),
    )
    if not pressed:
        return None
    chosen = [bar - 1 for bar in bars]
    return lambda slot: slot.with_part(regenerate_bars(take, chosen, seed=_seed(), workspace=session.workspace()))


def _vary(take: Take) -> Act | None:
    left, right = _edit_row("generate.vary_row")
    percent = left.segmented_control(
        t("generate.strength"),
        STRENGTHS,
        required=True,
        default=STRENGTHS[1],
        key="generate.strength",
        label_visibility="collapsed",
    )
    if not right.button(t("generate.vary"), key="generate.vary", width="stretch", help=t("generate.strength_help")):
        return None
    strength = int(percent or STRENGTHS[1]) / 100
    return lambda slot: slot.with_part(vary(take, strength, seed=_seed(), workspace=session.workspace()))


def more_bars(take: Take) -> Act | None:
    """Continue by as many bars as make a loop; an ensemble in all its parts."""
    act: Act | None = None
    for total in (size for size in BARS_CHOICES if size > take.grid.bars):
        more = total - take.grid.bars
        label = t("generate.continue", bars=more)
        if st.button(label, key=f"generate.continue.{more}", help=t("generate.continue_help")):
            act = _continued(more)
    return act


def part_anew(take: Take) -> Act | None:
    """One part of an ensemble made anew beside the others."""
    label, help_text = t("generate.replace"), t("generate.replace_help")
    if st.button(label, key="generate.replace", icon=":material/autorenew:", help=help_text, width="stretch"):
        return _replaced(take)
    return None


def _continued(more: int) -> Act:
    seed, workspace = _seed(), session.workspace()
    return lambda slot: slot.edited(
        tuple(continue_take(part, more, seed=seed, workspace=workspace) for part in slot.takes)
    )


def _replaced(take: Take) -> Act:
    workspace = session.workspace()
    best_of = int(session.widget("generate.best_of"))
    return lambda slot: slot.with_part(
        replace_in(slot.takes, take.condition.instrument, seed=_seed(), best_of=best_of, workspace=workspace)
    )
