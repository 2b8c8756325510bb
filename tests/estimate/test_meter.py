"""The metre of a kit alone: half a bar of 4/4 that repeats is no 2/4."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from composer_core.estimate.meter import suggest_meter
from composer_core.music.loop import Notes


class HeardInTwo:
    """Answers as the trained questions do: 2/4 likeliest, then 4/4, then 3/4."""

    source = "model:meter@test"

    def probabilities(self, _row: Any) -> dict[str, Any]:
        return {"2_4": np.array([0.4]), "4_4": np.array([0.3]), "3_4": np.array([0.1])}


def test_two_four_counts_towards_four_four_for_drums_alone() -> None:
    notes = Notes.from_rows([(beat * 480, 60, 36 + 2 * (beat % 2), 100) for beat in range(16)])
    model = cast(Any, HeardInTwo())
    # Shares of 0.8: 2/4 has 0.4 / 0.8, with 4/4 together 0.7 / 0.8.
    found = suggest_meter(model, notes)
    assert found is not None and (found.value, found.confidence) == ("2/4", 0.5)
    found = suggest_meter(model, notes, drums_alone=True)
    assert found is not None and (found.value, found.confidence) == ("4/4", 0.875)
