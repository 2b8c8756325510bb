"""Close the seam: keep every note inside the loop, so that its end leads back to its beginning."""

from __future__ import annotations

import numpy as np

from composer_core.music.loop import Loop
from composer_core.music.timing import EARLY_TICK


def seal_seam(loop: Loop, let_ring: bool = False) -> Loop:
    """Put every onset inside the loop and let no note ring past its end.

    A note beyond either end comes in at the other side, as the loop goes round; an early one (up to a 32nd
    note, EARLY_TICK, before the first downbeat) keeps its place. With `let_ring` durations stay. Idempotent.
    """
    onset, length = loop.notes.onset_tick, loop.length_tick
    inside = (onset >= -EARLY_TICK) & (onset < length)
    wrapped = np.where(inside, onset, onset % length)
    duration = loop.notes.duration_tick if let_ring else np.minimum(loop.notes.duration_tick, length - wrapped)
    return loop.with_notes(loop.notes.with_columns(onset_tick=wrapped, duration_tick=duration))
