"""Synthetic played windows for the performer tests: rules a network can learn in seconds."""

from __future__ import annotations

import numpy as np

from composer_core.model.performer.features import context_vector, note_features
from composer_core.model.performer.training import PlayedWindow
from composer_core.music.loop import Loop
from rule_loops import HAT, SNARE, grid_loop


def played_windows(n: int, seed: int = 0) -> list[PlayedWindow]:
    """Two-bar loops: hats soft (about 40) and 10 ms early, snares loud (about 100) and 15 ms late;
    everything louder with arousal by up to 20 either way."""
    rng = np.random.default_rng(seed)
    return [_window(rng, index) for index in range(n)]


def _window(rng: np.random.Generator, index: int) -> PlayedWindow:
    loop = pattern(rng)
    arousal = float(rng.random())
    snare = loop.notes.pitch == SNARE
    spread = rng.normal(0, 1, (2, len(loop.notes)))
    velocity = np.where(snare, 100, 40) + 40 * (arousal - 0.5) + 3 * spread[0]
    return PlayedWindow(
        note_features(loop, circular=False),
        np.clip(velocity, 1, 127).astype(np.int64),
        np.where(snare, 15.0, -10.0) + 2 * spread[1],
        context_vector(120.0, 4.0, {"rock": 1.0}, arousal),
        f"take {index}",
    )


def pattern(rng: np.random.Generator) -> Loop:
    """Hats on 8ths, each kept with 3 in 4, snares on random beats."""
    places = [(step, HAT) for step in range(0, 96, 6) if rng.random() < 0.75]
    places += [(12 * int(beat), SNARE) for beat in rng.choice(8, 4, replace=False)]
    return grid_loop(places, 2)
