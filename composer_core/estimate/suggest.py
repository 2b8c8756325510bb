"""All suggestions for one loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from composer_core.estimate.affect import suggest_affect
from composer_core.estimate.genre import suggest_genre
from composer_core.estimate.suggestion import Suggestion
from composer_core.estimate.technique import suggest_technique
from composer_core.music.affect import Mood, nearest_mood
from composer_core.music.loop import Loop


class Words(Protocol):
    """What of the vocabularies the estimators use."""

    @property
    def moods(self) -> Mapping[str, Mood]:
        """Moods by code."""

    @property
    def techniques(self) -> Mapping[str, Mapping[str, object]]:
        """Techniques by instrument and code."""


def suggest(loop: Loop, metrics: Mapping[str, float], vocabularies: Words) -> dict[str, Suggestion]:
    """Suggestions by field: emotion_valence, emotion_arousal, emotion, genre, technique.

    `metrics` is `measure(loop)`. A field about which the notes say nothing is absent: genre
    for all but drums, technique where no rule saw one, everything for an empty loop.
    """
    if not len(loop.notes):
        return {}
    found = suggest_affect(metrics, loop.instrument)
    found["emotion"] = _emotion(found["emotion_valence"], found["emotion_arousal"], vocabularies.moods)
    genre = suggest_genre(loop, metrics)
    if genre is not None:
        found["genre"] = genre
    technique = suggest_technique(loop, metrics, vocabularies.techniques.get(loop.instrument, {}))
    if technique is not None:
        found["technique"] = technique
    return found


def _emotion(valence: Suggestion, arousal: Suggestion, moods: Mapping[str, Mood]) -> Suggestion:
    """The mood whose anchor is nearest to valence and arousal, as sure as the less sure of the two."""
    code = nearest_mood(valence.value, arousal.value, moods)
    reasons = (*valence.reasons[:2], *arousal.reasons[:2])
    return Suggestion(code, min(valence.confidence, arousal.confidence), tuple(dict.fromkeys(reasons)), valence.source)
