"""Measure how far the sources of one label differ. Pure functions of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import cast

from composer_core.store.labels.records import LabelValue
from composer_core.store.labels.view import HUMAN, IMPORT, MODEL, RULE, LabelEvent, agree, weight_apart

_AXIS = {"emotion_valence": 2.0, "emotion_arousal": 1.0, "quality": 4.0}
"""Length of the axis a number lies on."""
_TEMPO = "tempo_bpm"
_MACHINE = (MODEL, RULE)


def value_distance(field: str, first: LabelValue, second: LabelValue) -> float:
    """0 for values that agree, 1 for values that have nothing in common.

    Numbers differ by their distance as a share of the axis (tempos by |a - b| / the faster);
    genres by half the sum of the differences of their weights; techniques by
    1 - shared / all (Jaccard); everything else is either equal or not. Numbers within
    `view.AGREEMENT_TOLERANCE` and genre weights within WEIGHT_TOLERANCE agree.
    """
    if first is None or second is None:
        return float(first is not second)
    if agree(field, first, second):
        return 0.0
    if field in _AXIS or field == _TEMPO:
        one, other = float(cast(float, first)), float(cast(float, second))
        return abs(one - other) / max(one, other) if field == _TEMPO else min(abs(one - other) / _AXIS[field], 1.0)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return weight_apart(first, second)
    if isinstance(first, list) and isinstance(second, list):
        return 1.0 - len(set(first) & set(second)) / len({*first, *second})
    return 1.0


def difference(events: Sequence[LabelEvent]) -> float:
    """The largest distance between two sources, weighed by how sure both are (people and imports: wholly), 0 to 1."""
    said = [event for event in events if event.status != "rejected"]
    pairs = combinations(said, 2)
    return max((value_distance(a.field, a.value, b.value) * _sure(a) * _sure(b) for a, b in pairs), default=0.0)


def against_model(events: Sequence[LabelEvent]) -> list[tuple[float, LabelEvent]]:
    """(distance, the model's event) of every model or rule that contradicts the label that counts, a person's or an
    import's; [] where no such label stands."""
    label = next((event for event in events if event.kind in (HUMAN, IMPORT)), None)
    if label is None or label.status == "rejected" or label.value is None:
        return []
    distances = [
        (value_distance(e.field, label.value, e.value), e)
        for e in events
        if e.kind in _MACHINE and e.status != "rejected"
    ]
    return [(distance, event) for distance, event in distances if distance > 0]


def _sure(event: LabelEvent) -> float:
    return 1.0 if event.confidence is None else event.confidence
