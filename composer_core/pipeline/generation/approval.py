"""Add takes to the library: those a person approves, and the starter set of a first start.

They are measured like any loop and marked as generated. Approved takes are labelled with what was requested of them, so
that training can learn from them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from composer_core.music.condition import Condition
from composer_core.music.key import ROOT_NAMES
from composer_core.music.loop import Loop
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.generation.takes import generate, render_take, save_takes
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library.loops import add_generated
from composer_core.pipeline.models import models
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.loops.content import generated_id
from composer_core.store.loops.part_files import parts_present
from composer_core.store.loops.store import LoopStore
from composer_core.store.takes import Take
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

STARTER_SEED = 2026
STARTER_GENRES: tuple[tuple[str, float, float], ...] = (
    ("rock", 118.0, 50.0),
    ("funk", 104.0, 54.0),
    ("jazz", 132.0, 64.0),
    ("hiphop", 88.0, 56.0),
)
"""(genre, tempo in BPM, swing in DAW percent) each mood is asked in: usual values of the style."""


@guarded("add_loops")
def approve_takes(workspace: Workspace, takes: Sequence[tuple[Loop, Take]], rater: str) -> list[str]:
    """Store takes (as they sound) in the library and approve them; their loop ids.

    Whoever approves a take says that it is what was asked for: of the condition only the fields that were
    given become labels, and of a loop that has labels already those it lacks. InvalidValue for a rater no label
    can carry; then nothing is stored.
    """
    decisions.check_rater(rater)
    loop_ids = add_generated(workspace, [(loop, take.take_id) for loop, take in takes])
    for loop_id, (loop, take) in zip(loop_ids, takes, strict=True):
        known = decisions.current(workspace, loop_id)
        values = {**request_labels(take.condition, loop), **known.values}
        decisions.decide(workspace, loop_id, rater=rater, action="approve", values=values, seen=known.seen)
    _log.info("%d takes approved into the library", len(loop_ids))
    return loop_ids


def standings(workspace: Workspace, take_ids: Iterable[str]) -> dict[str, str]:
    """Of those takes that are in the library: "approved" where every label of the loop is, else "kept", by take id."""
    loop_ids = {generated_id(take_id): take_id for take_id in take_ids}
    found = {}
    for loop_id in LoopStore(workspace).rows(loop_ids, ("loop_id",)):
        approved = decisions.current(workspace, loop_id).status == "approved"
        found[loop_ids[loop_id]] = "approved" if approved else "kept"
    return found


def request_labels(condition: Condition, loop: Loop) -> dict[str, object]:
    """The label values of what was asked: those not given are absent. Metre and tempo are the loop's own."""
    values: dict[str, Any] = {
        "emotion_valence": condition.valence,
        "emotion_arousal": condition.arousal,
        "genre": dict(condition.genre) or None,
        "technique": list(condition.technique) or None,
        "key_root": ROOT_NAMES[condition.key.root] if condition.key is not None else None,
        "key_mode": condition.key.mode if condition.key is not None else None,
        "meter": str(loop.meter),
        "tempo_bpm": loop.tempo_bpm,
    }
    return {name: value for name, value in values.items() if value is not None}


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
    return bool(models(None, "drums")) and not parts_present(workspace.create().loops)


def starter_take(index: int) -> Take:
    """One loop of the starter library, the same whenever it is made; index below len(starter_conditions())."""
    return generate(starter_conditions()[index], seed=STARTER_SEED + index)[0]


@guarded("generate")
def keep_starter(workspace: Workspace, takes: Sequence[Take]) -> int:
    """Put starter takes into the history and the library; how many there are."""
    save_takes(workspace, list(takes))
    loop_ids = add_generated(workspace, [(render_take(take), take.take_id) for take in takes])
    _log.info("an empty library was begun with %d loops", len(loop_ids))
    return len(loop_ids)
