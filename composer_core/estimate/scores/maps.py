"""Map a raw value, where higher is more human, to 0 to 100 by its percentile among human loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
PASS_MARK = 70.0
_PERCENTS = (5.0, 25.0, 50.0, 95.0)
_SCORES = (40.0, PASS_MARK, 85.0, 97.0)


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """Raw values at the 5th, 25th, 50th and 95th percentile of human loops: 40, 70 (the pass mark), 85 and 97.

    Linear between them; below and above it nears 0 and 100 without reaching them, so that
    worse is always less.
    """

    knots: tuple[float, ...]

    @classmethod
    def fit(cls, human: FloatArray) -> ScoreMap:
        """From the raw values of human loops."""
        found = np.percentile(human, _PERCENTS)
        least = 1e-6 * max(1.0, float(np.abs(found).max()))
        for index in range(1, len(found)):
            found[index] = max(found[index], found[index - 1] + least)
        return cls(tuple(float(f"{value:.6g}") for value in found))

    def __call__(self, raw: FloatArray) -> FloatArray:
        """Scores of raw values, NaN where these are."""
        knots = np.array(self.knots)
        low_width = (knots[1] - knots[0]) * _SCORES[0] / (_SCORES[1] - _SCORES[0])
        high_width = (knots[3] - knots[2]) * (100.0 - _SCORES[3]) / (_SCORES[3] - _SCORES[2])
        below = _SCORES[0] * np.exp(np.minimum(raw - knots[0], 0.0) / low_width)
        above = 100.0 - (100.0 - _SCORES[3]) * np.exp(-np.maximum(raw - knots[3], 0.0) / high_width)
        inside = np.interp(raw, knots, _SCORES)
        return np.where(raw < knots[0], below, np.where(raw > knots[3], above, inside))
