"""Approving takes: they enter the library labelled with what was asked of them, for training to learn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from composer_core.music.condition import Condition
from composer_core.music.key import ROOT_NAMES
from composer_core.music.loop import Loop
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library.loops import add_generated
from composer_core.store.loops.content import generated_id
from composer_core.store.loops.store import LoopStore
from composer_core.store.takes import Take
from composer_core.workspace import Workspace


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
        values = {**asked_labels(take.condition, loop), **known.values}
        decisions.decide(workspace, loop_id, rater=rater, action="approve", values=values, seen=known.seen)
    return loop_ids


def standings(workspace: Workspace, take_ids: Iterable[str]) -> dict[str, str]:
    """Of those takes that are in the library: "approved" where every label of the loop is, else "kept", by take id."""
    loop_ids = {generated_id(take_id): take_id for take_id in take_ids}
    found = {}
    for loop_id in LoopStore(workspace).rows(loop_ids, ("loop_id",)):
        approved = decisions.current(workspace, loop_id).status == "approved"
        found[loop_ids[loop_id]] = "approved" if approved else "kept"
    return found


def asked_labels(condition: Condition, loop: Loop) -> dict[str, Any]:
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
