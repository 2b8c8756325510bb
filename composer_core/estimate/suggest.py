"""Make all suggestions for one loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from composer_core.estimate.affect import suggest_affect
from composer_core.estimate.estimators import Estimators, load_estimators
from composer_core.estimate.genre.classifier import read_genre
from composer_core.estimate.genre.features import features_of
from composer_core.estimate.key.reading import suggest_key
from composer_core.estimate.meter import suggest_loop_meter
from composer_core.estimate.note_features import feature_row
from composer_core.estimate.note_list import notes_of_loop
from composer_core.estimate.suggestion import Suggestion
from composer_core.estimate.technique.learned import learnt_techniques, merged
from composer_core.estimate.technique.rules import measured_rules, suggest_technique
from composer_core.music.affect import Mood, nearest_mood
from composer_core.music.loop import Loop


class SuggestionVocabulary(Protocol):
    """What of the vocabularies the estimators use."""

    @property
    def moods(self) -> Mapping[str, Mood]:
        """Moods by code."""

    @property
    def techniques(self) -> Mapping[str, Mapping[str, object]]:
        """Techniques by instrument and code."""


def suggest(
    loop: Loop, metrics: Mapping[str, float], vocabularies: SuggestionVocabulary, estimators: Estimators | None = None
) -> dict[str, Suggestion]:
    """Suggestions by field: emotion_valence, emotion_arousal, emotion, genre, key_root, key_mode, meter, technique.

    `metrics` is `measure(loop)`; `estimators` are the shipped ones when not given. A field about
    which the notes say nothing is absent: genre where no model knows the instrument, key of drums,
    technique where nothing was seen, everything for an empty loop.
    """
    if not len(loop.notes):
        return {}
    chosen = load_estimators() if estimators is None else estimators
    found = _emotion_axes(loop, metrics, chosen)
    found["emotion"] = emotion_of(found["emotion_valence"], found["emotion_arousal"], vocabularies.moods)
    if not loop.is_drums:
        found |= suggest_key(loop)
    optional = {
        "genre": suggest_loop_genre(loop, metrics, chosen),
        "meter": _loop_meter(loop, chosen),
        "technique": suggest_loop_technique(loop, metrics, vocabularies, chosen),
    }
    return found | {name: made for name, made in optional.items() if made is not None}


def _emotion_axes(loop: Loop, metrics: Mapping[str, float], estimators: Estimators) -> dict[str, Suggestion]:
    """Drums have no mode nor melody: theirs is read from the kit's metrics, as are a handful of notes."""
    read = None if loop.is_drums else estimators.read_emotion(notes_of_loop(loop), loop.instrument)
    return suggest_affect(metrics, loop.instrument) if read is None else read.suggestions()


def _loop_meter(loop: Loop, estimators: Estimators) -> Suggestion | None:
    """Drums alone hardly tell 2/4 from 4/4, and their loops carry their metre: nothing is said of them."""
    if estimators.meter is None or loop.is_drums:
        return None
    return suggest_loop_meter(estimators.meter, loop)


def emotion_of(valence: Suggestion, arousal: Suggestion, moods: Mapping[str, Mood]) -> Suggestion:
    """The mood whose anchor is nearest to valence and arousal, as sure as the less sure of the two."""
    code = nearest_mood(cast(float, valence.value), cast(float, arousal.value), moods)
    reasons = (*valence.reasons[:2], *arousal.reasons[:2])
    return Suggestion(code, min(valence.confidence, arousal.confidence), tuple(dict.fromkeys(reasons)), valence.source)


def suggest_loop_genre(loop: Loop, metrics: Mapping[str, float], estimators: Estimators) -> Suggestion | None:
    """The genre by the instrument's model; None where there is none or the notes are too few."""
    model = estimators.genre.get(loop.instrument)
    if model is None or not len(loop.notes):
        return None
    return read_genre(model, features_of(loop, metrics) if loop.is_drums else feature_row(notes_of_loop(loop)))


def suggest_loop_technique(
    loop: Loop, metrics: Mapping[str, float], vocabularies: SuggestionVocabulary, estimators: Estimators
) -> Suggestion | None:
    """What rules and the instrument's model see together; where a model knows a technique, its rule is silent, as are
    rules without a figure (`technique.measured_rules`)."""
    known = vocabularies.techniques.get(loop.instrument, {})
    shown = {code: entry for code, entry in known.items() if code in measured_rules(loop.instrument)}
    model = estimators.techniques.get(loop.instrument)
    if model is None:
        return suggest_technique(loop, metrics, shown)
    learnt, reasons = learnt_techniques(model, notes_of_loop(loop))
    learnt = {code: probability for code, probability in learnt.items() if code in known}
    ruled = {code: entry for code, entry in shown.items() if code not in model.questions}
    made = Suggestion(sorted(learnt), min(learnt.values()), reasons, model.source) if learnt else None
    return merged(made, suggest_technique(loop, metrics, ruled))
