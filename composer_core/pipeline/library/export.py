"""Loops out of the library, as files other programs read."""

from __future__ import annotations

from composer_core.render.midi import loop_to_midi
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace


def loop_midi(workspace: Workspace, loop_id: str) -> bytes:
    """One loop as a standard MIDI file that ends exactly where the loop does; NotFound for an unknown loop."""
    return loop_to_midi(LoopStore(workspace).load(loop_id))
