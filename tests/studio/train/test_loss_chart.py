"""The loss curve's smoothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.train.monitor import duration, smoothed


def test_smoothing_by_hand() -> None:
    # weight 0.5: 4; (0.5*4 + 1) / 1.5 = 2; (0.25*4 + 0.5*1 + 1) / 1.75 = 2.5/1.75
    assert smoothed([4.0, 1.0, 1.0], weight=0.5) == pytest.approx([4.0, 2.0, 2.5 / 1.75])


def test_nothing_stays_nothing() -> None:
    assert smoothed([]) == []


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_the_smooth_curve_stays_between_the_extremes(values: list[float]) -> None:
    result = smoothed(values)
    assert len(result) == len(values)
    assert min(values) - 1e-9 <= min(result) and max(result) <= max(values) + 1e-9


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3723, "1:02:03")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
