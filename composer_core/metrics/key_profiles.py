"""Key profiles: how much each pitch class belongs to a key, from listeners and from scores."""

from __future__ import annotations

import numpy as np

from composer_core.metrics.grid import FloatArray

PROFILES: dict[str, tuple[FloatArray, FloatArray]] = {
    "krumhansl": (
        np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]),
        np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]),
    ),
    "temperley": (
        np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0]),
        np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0]),
    ),
    "albrecht": (
        np.array([0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081]),
        np.array([0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052]),
    ),
}
"""(major, minor), tonic first: probe tones (Krumhansl and Kessler 1982), the revised profiles of
Temperley 1999, frequencies in classical works (Albrecht and Shanahan 2013)."""


def _rotations(profile: FloatArray) -> FloatArray:
    centred = (profile - profile.mean()) / profile.std() / np.sqrt(len(profile))
    return np.stack([np.roll(centred, root) for root in range(12)])


_KEYS = {name: np.concatenate([_rotations(mode) for mode in modes]) for name, modes in PROFILES.items()}


def key_correlations(chroma: FloatArray, profile: str) -> FloatArray:
    """Correlation of pitch-class weights (n, 12) with all keys: 12 major from C on, then 12 minor. Shape (n, 24).

    `profile` names one of PROFILES (the method of Krumhansl and Schmuckler). 0 where all twelve
    weigh the same.
    """
    centred = chroma - chroma.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    correlation: FloatArray = (centred / np.where(spread > 0, spread, 1.0)) @ _KEYS[profile].T
    return correlation
