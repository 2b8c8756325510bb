"""Emotion as valence (-1 to 1), arousal (0 to 1) and the named region they fall into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from composer_core.errors import require_range

CLEAR_VALENCE, CLEAR_AROUSAL = 0.15, 0.1
"""So far from the middle of its axis a point is clearly bright or dark, driving or calm."""


@dataclass(frozen=True, slots=True)
class Mood:
    """A named emotion with its anchor point and its names on screen."""

    code: str
    valence: float
    arousal: float
    name_en: str
    name_ja: str
    synonyms: tuple[str, ...] = ()


def check_affect(valence: float | None, arousal: float | None) -> None:
    """Raise InvalidValue unless valence is in -1..1 and arousal in 0..1 (None is allowed)."""
    if valence is not None:
        require_range("valence", valence, -1.0, 1.0)
    if arousal is not None:
        require_range("arousal", arousal, 0.0, 1.0)


def nearest_mood(valence: float, arousal: float, moods: Mapping[str, Mood]) -> str:
    """Code of the mood whose anchor is nearest; arousal counts double, its axis being half as long."""
    check_affect(valence, arousal)
    return min(moods.values(), key=lambda m: (m.valence - valence) ** 2 + (2 * (m.arousal - arousal)) ** 2).code


def fitting_affect(mood: Mood) -> tuple[float, float, float, float]:
    """Lowest and highest valence, lowest and highest arousal at which a mood does not contradict the point.

    They contradict each other where mood and point lie clearly (by CLEAR_VALENCE, CLEAR_AROUSAL) on opposite sides
    of the middle of an axis. A mood near the middle of an axis fits all of it.
    """
    low, high = (-CLEAR_VALENCE, CLEAR_VALENCE)
    valence = (low if mood.valence >= high else -1.0, high if mood.valence <= low else 1.0)
    low, high = (0.5 - CLEAR_AROUSAL, 0.5 + CLEAR_AROUSAL)
    arousal = (low if mood.arousal >= high else 0.0, high if mood.arousal <= low else 1.0)
    return (*valence, *arousal)


def quadrant(valence: float, arousal: float) -> int:
    """Russell's quadrant 1 (+V +A), 2 (-V +A), 3 (-V -A), 4 (+V -A), as EMOPIA numbers them."""
    if arousal >= 0.5:
        return 1 if valence >= 0 else 2
    return 4 if valence >= 0 else 3
