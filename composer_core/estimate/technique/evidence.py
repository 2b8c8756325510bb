"""The evidence a rule reads: the notes and the measurements taken from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from composer_core.music.loop import Loop

CERTAIN, CLEAR, GRADUAL = 0.9, 0.7, 0.5
"""How sure a rule is: the note number or program says it; the pattern can hardly mean anything
else; it is a matter of degree. Set, not fitted: no permitted data carry these labels."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A loop with its metrics."""

    loop: Loop
    metrics: Mapping[str, float]

    def value(self, name: str) -> float:
        """A metric, NaN when it was not measured (so that no comparison holds)."""
        return self.metrics.get(name, math.nan)


Rule = Callable[[Evidence], float]
"""How sure the rule is that it sees its technique; 0 when it does not."""
