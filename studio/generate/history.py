"""Earlier requests: every take is kept with its condition, seed and model; a click restores it with its edits."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from composer_core.pipeline.generation.takes import Take, list_takes
from composer_core.pipeline.models import models
from composer_core.workspace import Workspace
from studio import session
from studio.generate import state as generate_state
from studio.generate.controls import take_back
from studio.generate.slots import Slot, slots_of
from studio.wording.names import genre_name, instrument_name
from studio.wording.text import t

MOST_TAKES = 160
LIST_PX = 330


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={Workspace: repr})
def _earlier(workspace: Workspace, changed_ns: int) -> list[Take]:  # noqa: ARG001 - the second is for the cache
    return list_takes(workspace, MOST_TAKES)


def earlier_requests() -> list[list[Slot]]:
    """The newest takes by request, the newest first."""
    workspace = session.workspace()
    changed_ns = workspace.takes.stat().st_mtime_ns if workspace.takes.is_dir() else 0
    return slots_of(_earlier(workspace, changed_ns))


def show_history() -> None:
    """One row a request, the newest first; the takes are read again when their folder changed."""
    requests = earlier_requests()
    with st.expander(t("generate.history"), key="generate.history"):
        if not requests:
            st.caption(t("generate.no_history"))
            return
        with st.container(height=LIST_PX, border=False, gap="xsmall"):
            for together in requests:
                _row(together)


def _row(together: Sequence[Slot]) -> None:
    text, button = st.columns([7, 1], vertical_alignment="center")
    text.markdown(_summary(together))
    button.button(
        t("generate.bring_back"),
        key=f"back.{together[0].key}",
        on_click=bring_back,
        args=(list(together),),
        width="stretch",
    )


def bring_back(together: list[Slot]) -> None:
    """Show an earlier request's takes again, and set the controls to it; only before the controls are drawn."""
    generate_state.set_sampling(None)
    generate_state.set_slots(together)
    take_back(together[0].versions[0], models(session.workspace()))


def _summary(together: Sequence[Slot]) -> str:
    condition = together[0].first.condition
    genres = " / ".join(genre_name(code) for code in condition.genre) or t("generate.any_genre")
    return t(
        "generate.request",
        instrument=" + ".join(instrument_name(name) for name in together[0].instruments),
        genre=genres,
        bars=condition.bars,
        tempo=f"{condition.tempo_bpm:g}",
        swing=f"{condition.swing_percent:g}",
        valence=t("generate.not_given") if condition.valence is None else f"{condition.valence:+.2f}",
        arousal=t("generate.not_given") if condition.arousal is None else f"{condition.arousal:.2f}",
        seed=together[0].first.seed,
        takes=len(together),
    )
