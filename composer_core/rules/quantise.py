"""Quantise: move onsets to a straight grid, wholly or in part."""

from __future__ import annotations

import numpy as np

from composer_core.errors import require_choice, require_range
from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER

QUANTISE_GRIDS = {"8": 2, "16": 4, "8t": 3, "16t": 6, "32": 8}
"""Name of a grid: its slots a quarter."""


def quantise(loop: Loop, grid: str = "16", strength: float = 1.0) -> Loop:
    """Move every onset the share `strength` (0 to 1) of its way to the nearest slot of `grid`.

    Strength 1 is idempotent, 0 changes nothing. A note that would land on the loop's end goes to
    the last slot inside; an early note of the first bar goes to 0. Raises InvalidValue.
    """
    require_choice("grid", grid, tuple(QUANTISE_GRIDS))
    require_range("strength", strength, 0.0, 1.0)
    spacing = TICKS_PER_QUARTER / QUANTISE_GRIDS[grid]
    onset = loop.notes.onset_tick.astype(np.float64)
    last = (np.ceil(loop.length_tick / spacing) - 1) * spacing
    slot = np.clip(np.rint(onset / spacing) * spacing, 0.0, last)
    return loop.with_notes(loop.notes.with_columns(onset_tick=onset + strength * (slot - onset)))
