"""Takes as files: MIDI as it is played now, and the loop as WAV. Each is made when its button is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from composer_core.pipeline.generation.audition import loop_wav
from composer_core.pipeline.generation.performance import Playing, play_take, played_midi
from composer_core.pipeline.generation.takes import Take
from studio import session
from studio.wording.text import t


def file_buttons(takes: Sequence[Take], playing: Playing, *, stem: str, key: str, whose: str) -> None:
    """Two buttons that download these takes as one file each; `whose` is the dictionary's word for what they are."""
    workspace = session.workspace()

    def wav() -> bytes:
        return loop_wav([play_take(take, playing).loop for take in takes], workspace)

    _button("mid", lambda: played_midi(takes, playing), "audio/midi", stem, key, t("generate.download", what=whose))
    _button("wav", wav, "audio/wav", stem, key, t("generate.download_wav", what=whose))


def _button(suffix: str, make: Callable[[], Any], mime: str, stem: str, key: str, help_text: str) -> None:
    st.download_button(
        "MIDI" if suffix == "mid" else "WAV",
        make,
        file_name=f"{stem}.{suffix}",
        mime=mime,
        key=f"{suffix}.{key}",
        help=help_text,
        on_click="ignore",
    )


def file_stem(takes: Sequence[Take], playing: Playing, n_edits: int = 0) -> str:
    """The name without its ending: instruments, tempo, and what makes the take again (seed and number)."""
    names = "+".join(take.condition.instrument for take in takes)
    edits = f"-edit{n_edits}" if n_edits else ""
    return f"{names}-{playing.tempo_bpm:g}bpm-seed{takes[0].seed}-take{takes[0].index + 1}{edits}"
