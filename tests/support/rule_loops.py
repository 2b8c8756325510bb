"""Loops on the straight grid for the rule tests, made by hand and by hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import COMMON_TIME, TICKS_PER_STEP, Meter

KICK, SNARE, HAT = 36, 38, 42


def grid_loop(
    places: list[tuple[int, int]], bars: int = 1, meter: Meter = COMMON_TIME, tempo_bpm: float = 120.0
) -> Loop:
    """Drum notes from (step, pitch), 12 steps a quarter, velocity 80, a step long."""
    rows = [(step * TICKS_PER_STEP, TICKS_PER_STEP, pitch, 80) for step, pitch in places]
    return Loop("drums", Notes.from_rows(rows), bars, tempo_bpm=tempo_bpm, meter=meter)


def rock_loop(bars: int = 4, spacing: int = 6, tempo_bpm: float = 120.0) -> Loop:
    """Hats every `spacing` steps (6: 8ths, 3: 16ths), kick on 1 and 3, snare on 2 and 4."""
    places = [(step, HAT) for step in range(0, 48 * bars, spacing)]
    places += [(24 * i, KICK) for i in range(2 * bars)] + [(24 * i + 12, SNARE) for i in range(2 * bars)]
    return grid_loop(places, bars, tempo_bpm=tempo_bpm)


@st.composite
def layered_loops(draw: st.DrawFn, slots: tuple[int, ...] = (0, 3, 6, 9)) -> Loop:
    """4-bar 4/4 drum loops: any notes on the given steps of a quarter, several drums."""
    n = draw(st.integers(8, 80))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    steps = 12 * rng.integers(0, 16, n) + rng.choice(slots, n)
    pitches = rng.choice([36, 38, 42, 46, 51, 45], n)
    return grid_loop(sorted(set(zip(steps.tolist(), pitches.tolist(), strict=True))), 4)
