"""Find the keys of a song's bars: a path through 24 keys that changes only for good reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from composer_core.music.key import Key

MAJOR_PROFILE = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR_PROFILE = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
"""Share of time on each degree (semitones above the tonic) in major and minor (Albrecht and Shanahan 2013)."""
KEYS = tuple(Key(root, mode) for mode in ("major", "minor") for root in range(12))
BAR_WEIGHT = 4.0
"""How many independent notes a bar counts as: its notes repeat and follow each other."""
CHANGE_COST = 16.0
"""Nats a change of key costs, about four bars of clear evidence."""


def log_profiles() -> NDArray[np.float64]:
    """Logarithm of each pitch class's share in each of KEYS, (24, 12)."""
    rows = [np.roll(profile, root) for profile in (MAJOR_PROFILE, MINOR_PROFILE) for root in range(12)]
    logarithms: NDArray[np.float64] = np.log(np.stack(rows) / np.sum(rows, axis=1, keepdims=True))
    return logarithms


_LOG_PROFILES = log_profiles()


def likeliest_key(weight: Sequence[float] | NDArray[np.float64], root: int | None, mode: str | None) -> Key:
    """The key that fits best among those with this tonic (0 = C) or of this mode; the first of equals.

    `weight` (12,) is the sounding time of each pitch class. Modes are told apart by their third alone, so a tonic
    without a mode gives major or minor.
    """
    fit = np.asarray(weight, dtype=np.float64) @ _LOG_PROFILES.T
    minor = None if mode is None else Key(0, mode).is_minor
    fits = [i for i, key in enumerate(KEYS) if root in (None, key.root) and minor in (None, key.is_minor)]
    best = KEYS[max(fits, key=lambda index: fit[index])]
    return best if mode is None else Key(best.root, mode)


def keys_of_bars(weight: NDArray[np.float64]) -> list[Key]:
    """The likeliest key of each bar from its pitch-class weights (n_bars, 12).

    Each bar's shares are taken as notes drawn from a key's profile, a change of key costs
    CHANGE_COST nats, and the best path is found by dynamic programming (Temperley 2007, chapter 6).
    Silent bars follow their neighbours.
    """
    n_bars = len(weight)
    if not n_bars:
        return []
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    fit = BAR_WEIGHT * share @ _LOG_PROFILES.T
    best, back = fit[0], np.zeros((n_bars, len(KEYS)), dtype=np.int64)
    for bar in range(1, n_bars):
        leap = int(best.argmax())
        stays = best >= best[leap] - CHANGE_COST
        back[bar] = np.where(stays, np.arange(len(KEYS)), leap)
        best = np.where(stays, best, best[leap] - CHANGE_COST) + fit[bar]
    path = [int(best.argmax())]
    for bar in range(n_bars - 1, 0, -1):
        path.append(int(back[bar, path[-1]]))
    return [KEYS[index] for index in reversed(path)]
