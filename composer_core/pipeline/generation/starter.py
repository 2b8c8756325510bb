"""The starter library of a first start: real loops the shipped model makes, measured and marked as generated."""

from __future__ import annotations

from collections.abc import Sequence

from composer_core.music.condition import Condition
from composer_core.pipeline.generation.takes import Take, generate, render_take, save_takes
from composer_core.pipeline.library.loops import add_generated
from composer_core.pipeline.models import models
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

STARTER_SEED = 2026
STARTER_GENRES: tuple[tuple[str, float, float], ...] = (
    ("rock", 118.0, 50.0),
    ("funk", 104.0, 54.0),
    ("jazz", 132.0, 64.0),
    ("hiphop", 88.0, 56.0),
)
"""(genre, tempo in BPM, swing in DAW percent) each mood is asked in: usual values of the style."""


def starter_conditions() -> list[Condition]:
    """One condition a mood and genre: 8 moods at their anchor points in 4 genres."""
    return [
        Condition(
            "drums",
            tempo_bpm=tempo_bpm,
            valence=mood.valence,
            arousal=mood.arousal,
            genre={genre: 1.0},
            swing_percent=swing_percent,
            swing_grid=16 if genre == "hiphop" else 8,
        )
        for mood in vocabularies().moods.values()
        for genre, tempo_bpm, swing_percent in STARTER_GENRES
    ]


def wants_starter(workspace: Workspace) -> bool:
    """True when the library is empty and a shipped drums model is there to fill it."""
    return bool(models(None, "drums")) and not LoopStore(workspace.create()).part_names()


def starter_take(index: int) -> Take:
    """One loop of the starter library, the same whenever it is made; index below len(starter_conditions())."""
    return generate(starter_conditions()[index], seed=STARTER_SEED + index)[0]


def keep_starter(workspace: Workspace, takes: Sequence[Take]) -> int:
    """Put starter takes into the history and the library; how many there are."""
    save_takes(workspace, list(takes))
    return len(add_generated(workspace, [(render_take(take), take.take_id) for take in takes]))
