"""Count labels for review: totals, the valence-arousal plane, scores by label, drift, and what is missing.

Each row leads to its loops: by a Filter, or by ids where no Filter describes them; the queue
takes both (`queue.queue(loop_ids=...)`). Everything but the drift is counted by a query of the
library, so that a large library is never loaded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_choice, require_range
from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.pipeline.labels import overview
from composer_core.pipeline.labels.difference import value_distance
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.library.filters import CHOICES, EVERYTHING, Filter
from composer_core.pipeline.library.query import JUDGED_PREFIX, conditions_of, family_mark, library_query
from composer_core.store.labels.arrays import of_several, read_events
from composer_core.store.labels.projection import GENRES_COLUMN, LABEL_PREFIX
from composer_core.store.labels.store import open_labels
from composer_core.store.labels.view import HUMAN, MODEL, RULE, SETTLED, LabelEvent
from composer_core.store.search.conditions import Between, Condition, Known, OneOf
from composer_core.workspace import Workspace

MEASURED = ("emotion_valence", "emotion_arousal", "tempo_bpm")
"""Fields of numbers without few values: they have a histogram, no counts."""
COUNTED = tuple(name for name in LABEL_FIELDS if name not in MEASURED and not name.startswith("caption_"))
"""Fields whose values can be counted."""
VALENCE, AROUSAL = (LABEL_PREFIX + "emotion_valence", LABEL_PREFIX + "emotion_arousal")
_OWN_CHOICE = ("genre", "emotion", "technique", "key_root", "key_mode")
"""Fields of which a Filter can ask the label; `meter` and `swing` of a Filter are what was measured."""
MAX_APART = 500
"""Loops listed of those on which a model and people differ; all are counted."""


@dataclass(frozen=True, slots=True)
class LabelCount:
    """A value of a field and how many loops have it now, whoever said so; `filter` asks for them, None where
    a Filter cannot (`loops_with` can). Genres are counted by family, sets by member."""

    field: str
    value: str
    n_loops: int
    filter: Filter | None


@dataclass(frozen=True, slots=True)
class AffectDensity:
    """Loops on the plane of valence (-1 to 1) and arousal (0 to 1): `counts[i, j]` in bin i of valence and j of
    arousal, `n_without` loops that lack one of the two."""

    valence_edges: NDArray[np.float64]
    arousal_edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    n_without: int
    asked: Filter

    def filter(self, i: int, j: int) -> Filter:
        """The Filter that asks for the loops of one bin."""
        found = self.asked
        for column, edges, k in ((VALENCE, self.valence_edges, i), (AROUSAL, self.arousal_edges, j)):
            require_range("bin", k, 0, len(edges) - 2)
            last = k == len(edges) - 2
            high = float(edges[k + 1])
            found = found.with_range(column, float(edges[k]), high if last else math.nextafter(high, -math.inf))
        return found


@dataclass(frozen=True, slots=True)
class ScoreOfLabel:
    """How loops with a label score: median and quartiles, 0 to 100; `filter` as in LabelCount."""

    field: str
    value: str
    n_loops: int
    lower: float
    median: float
    upper: float
    filter: Filter | None


@dataclass(frozen=True, slots=True)
class Drift:
    """What one model or rule says of a field against what people approved, over the loops both spoke of.

    `n_apart` of `n_loops` differ; `distance` is the mean distance, 0 to 1 (see
    label_difference.value_distance); `bias` the mean of model minus person for numbers, else
    None; `swaps` the most frequent (person, model) pairs; `loop_ids` those apart, the
    farthest first, at most 500. `month` ("2026-11") is that of the person's decision.
    """

    field: str
    source: str
    month: str
    n_loops: int
    n_apart: int
    distance: float
    bias: float | None
    swaps: tuple[tuple[Hashable, Hashable, int], ...]
    loop_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Loops without any value of a field, and without one that a person approved."""

    field: str
    n_without: int
    n_unapproved: int


def label_counts(
    workspace: Workspace, filter: Filter = EVERYTHING, fields: Sequence[str] = COUNTED
) -> list[LabelCount]:
    """Loops by value of each field, the most frequent first. InvalidValue for a field that is not counted."""
    query, conditions = library_query(workspace), conditions_of(filter)
    found = []
    for name in fields:
        require_choice("field", name, COUNTED)
        for value, n_loops in query.counts(_column(name), conditions, family_mark=family_mark(name)):
            if value is not None:
                found.append(LabelCount(name, _text(value), n_loops, _filter_of(name, value, filter)))
    return found


def loops_with(
    workspace: Workspace, field: str, value: str | None, filter: Filter = EVERYTHING, limit: int | None = None
) -> list[str]:
    """Ids of the loops with a value of a counted field, the newest first; `value` None: with none of any field."""
    require_choice("field", field, LABEL_FIELDS if value is None else COUNTED)
    own = None if value is None else _filter_of(field, value, filter)
    conditions = conditions_of(own or filter)
    if own is None:
        conditions.append(_condition(field, value))
    names: list[str] = library_query(workspace).select(["loop_id"], conditions, limit=limit).column(0).to_pylist()
    return names


def affect_density(workspace: Workspace, filter: Filter = EVERYTHING, bins: int = 20) -> AffectDensity:
    """Loops by their current valence and arousal, on bins x bins."""
    require_range("bins", bins, 1, 200)
    query, conditions = library_query(workspace), conditions_of(filter)
    counts = np.zeros((bins, bins), np.int64)
    for i, j, n_loops in query.density((VALENCE, -1.0, 1.0), (AROUSAL, 0.0, 1.0), bins, conditions):
        counts[i, j] = n_loops
    n_without = query.count(conditions) - int(counts.sum())
    return AffectDensity(np.linspace(-1, 1, bins + 1), np.linspace(0, 1, bins + 1), counts, n_without, filter)


def scores_by_label(
    workspace: Workspace, field: str, axis: str = "total", filter: Filter = EVERYTHING
) -> list[ScoreOfLabel]:
    """Median and quartiles of a score, by each loop's own profile, by the values of a field.

    Empty while nothing is scored.
    """
    require_choice("field", field, COUNTED)
    require_choice("axis", axis, tuple(SCORE_NAMES))
    rows = library_query(workspace).quartiles(
        JUDGED_PREFIX + axis, _column(field), conditions_of(filter), family_mark(field)
    )
    return [
        ScoreOfLabel(field, _text(value), n, low, middle, high, _filter_of(field, value, filter))
        for value, n, low, middle, high in rows
    ]


def drift(workspace: Workspace, by_month: bool = False) -> list[Drift]:
    """How far each model and rule lies from what people approved, by field (and month), the farthest first."""
    store = open_labels(workspace)
    months = store.months_of_people() if by_month else {}
    events = read_events(store)
    pairs: dict[tuple[str, str, str], list[tuple[LabelEvent, LabelEvent]]] = {}
    for _, fields in of_several(events) if events is not None else ():
        for name, spoken in fields.items():
            person = next((event for event in spoken if event.kind == HUMAN and _is_accepted(event)), None)
            for event in spoken if person is not None else ():
                if event.kind in (MODEL, RULE) and person is not None:
                    pairs.setdefault((name, event.source, months.get(person.id, "")), []).append((person, event))
    found = [_drift_of(*key, said) for key, said in pairs.items()]
    return sorted(found, key=lambda one: (-one.distance, one.field, one.source, one.month))


def missing(workspace: Workspace, fields: Sequence[str] = LABEL_FIELDS, filter: Filter = EVERYTHING) -> list[Missing]:
    """For each field, how many of the matching loops lack it, and how many lack a person's label of it."""
    query, conditions = library_query(workspace), conditions_of(filter)
    total = query.count(conditions)
    approved = _approved(workspace, conditions)
    return [
        Missing(name, query.count([*conditions, Known(_column(name), negated=True)]), total - approved[name])
        for name in fields
    ]


def unapproved(workspace: Workspace, field: str, filter: Filter = EVERYTHING) -> list[str]:
    """Ids of the matching loops without a value that a person approved in a field, the newest first."""
    require_choice("field", field, LABEL_FIELDS)
    people = overview.people(open_labels(workspace))
    done = {loop_id for loop_id, said in people.items() if field in said.approved}
    table = library_query(workspace).select(["loop_id"], conditions_of(filter))
    return [loop_id for loop_id in table.column(0).to_pylist() if loop_id not in done]


def _approved(workspace: Workspace, conditions: Sequence[Condition]) -> Counter[str]:
    """Field -> loops of which a person approved its value."""
    approved = {loop: said.approved for loop, said in overview.people(open_labels(workspace)).items()}
    here = library_query(workspace).select(["loop_id"], conditions).column(0).to_pylist()
    return Counter(name for loop_id in here for name in approved.get(loop_id, ()))


def _is_accepted(event: LabelEvent) -> bool:
    return event.status in ("approved", SETTLED) and event.value is not None


def _drift_of(field: str, source: str, month: str, said: Sequence[tuple[LabelEvent, LabelEvent]]) -> Drift:
    distances = [(value_distance(field, person.value, model.value), person, model) for person, model in said]
    apart = sorted((one for one in distances if one[0] > 0), key=lambda one: (-one[0], one[1].loop_id))
    numbers = all(isinstance(e.value, int | float) for pair in said for e in pair)
    gaps = [cast(float, model.value) - cast(float, person.value) for person, model in said] if numbers else []
    bias = float(np.mean(gaps)) if numbers else None
    swaps = (
        [] if numbers else Counter((_value_word(p.value), _value_word(m.value)) for _, p, m in apart).most_common(20)
    )
    return Drift(
        field,
        source,
        month,
        len(said),
        len(apart),
        float(np.mean([distance for distance, _, _ in distances])),
        bias,
        tuple((person, model, n) for (person, model), n in swaps),
        tuple(person.loop_id for _, person, _ in apart[:MAX_APART]),
    )


def _value_word(value: Any) -> str:
    """A value as one word: the heaviest genre, the techniques in a row."""
    if isinstance(value, Mapping):
        return str(max(sorted(value), key=lambda code: value[code])) if value else ""
    return " ".join(value) if isinstance(value, list) else str(value)


def _column(field: str) -> str:
    return GENRES_COLUMN if field == "genre" else LABEL_PREFIX + field


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _filter_of(field: str, value: Any, filter: Filter) -> Filter | None:
    """`filter` asking for the value too; None where a Filter cannot, or asks of the field already."""
    if field == "quality":
        return filter.with_range(_column(field), float(value), float(value))
    if field not in _OWN_CHOICE or getattr(filter, CHOICES[field]):
        return None
    return filter.choosing(field, (str(value),))


def _condition(field: str, value: str | None) -> Condition:
    if value is None:
        return Known(_column(field), negated=True)
    if field in ("genre", "technique"):
        # Only where the filter asks of the field already: one more member is asked for.
        return _member(field, value)
    return (
        Between(_column(field), float(value), float(value)) if field == "quality" else OneOf(_column(field), (value,))
    )


def _member(field: str, value: str) -> Condition:
    one = Filter(genres=(value,)) if field == "genre" else Filter(techniques=(value,))
    return conditions_of(one)[0]
