"""Where a named emotion and a point of the plane contradict each other."""

from __future__ import annotations

from composer_core.music.affect import Mood, fitting_affect


def test_clearly_opposite_sides_contradict() -> None:
    # dark and calm: neither clearly bright (0.15) nor clearly driving (0.5 + 0.1)
    assert fitting_affect(Mood("sad", -0.7, 0.25, "Sad", "悲しい")) == (-1.0, 0.15, 0.0, 0.6)
    # bright and driving: the other way round
    assert fitting_affect(Mood("bright", 0.55, 0.9, "Bright", "明るい")) == (-0.15, 1.0, 0.4, 1.0)


def test_a_mood_near_the_middle_fits_the_whole_axis() -> None:
    assert fitting_affect(Mood("m", 0.1, 0.45, "M", "M")) == (-1.0, 1.0, 0.0, 1.0)
    # On the limit it is clear.
    assert fitting_affect(Mood("m", 0.15, 0.6, "M", "M")) == (-0.15, 1.0, 0.4, 1.0)
