"""Loops made ready for a rater, several at once: notes, labels, suggestions, history and votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from composer_core.estimate import Suggestion
from composer_core.music.loop import Loop
from composer_core.pipeline.labels.decisions import LoopLabels, contested_in, labels_from
from composer_core.pipeline.labels.kept_suggestions import suggestions_for
from composer_core.store.labels.records import LabelValue
from composer_core.store.labels.store import open_labels
from composer_core.store.labels.view import LabelEvent
from composer_core.store.loops.store import LoopStore
from composer_core.store.vocabularies import Vocabularies
from composer_core.workspace import Workspace

_NAMED_BY = ("loop_id", "origin", "take_id", "member", "source", "start_bar", "bars")
"""The columns that a loop's title is made of."""


@dataclass(frozen=True, slots=True)
class PreparedLoop:
    """A loop as a rater gets to see it. `row` holds what its title is made of, `events` its history (oldest first),
    `contested` the votes on each field on which raters contradict each other."""

    loop_id: str
    row: Mapping[str, object]
    loop: Loop
    labels: LoopLabels
    suggestions: Mapping[str, Suggestion]
    events: tuple[LabelEvent, ...]
    contested: Mapping[str, tuple[LabelEvent, ...]]


def prepare_loops(workspace: Workspace, loop_ids: Sequence[str]) -> dict[str, PreparedLoop]:
    """Everything a rater needs of these loops; those that are no longer in the library are left out.

    Suggestions that were not made before are made and stored. StoreError when the labels cannot be read or written.
    """
    store = LoopStore(workspace)
    rows = store.rows(loop_ids, _NAMED_BY)
    present = [loop_id for loop_id in dict.fromkeys(loop_ids) if loop_id in rows]
    loops = dict(zip(present, store.load_many(present), strict=True))
    suggested = suggestions_for(workspace, loops)
    histories = open_labels(workspace).histories(present)
    return {
        loop_id: PreparedLoop(
            loop_id,
            rows[loop_id],
            loop,
            labels_from(loop_id, histories[loop_id]),
            suggested[loop_id],
            tuple(histories[loop_id]),
            {name: tuple(votes) for name, votes in contested_in(histories[loop_id]).items()},
        )
        for loop_id, loop in loops.items()
    }


def first_values(prepared: PreparedLoop, rater: str, words: Vocabularies) -> dict[str, LabelValue]:
    """What a form shows of a loop before anybody touches it, by field.

    The rater's own vote in a dispute comes before the current label, so that a rater who hears a loop again does not
    adopt another's value by accident; then the suggestion. Codes that the vocabularies do not know, or not for this
    instrument, are left out: a decision on them would be refused.
    """
    suggested: dict[str, LabelValue] = {name: made.value for name, made in prepared.suggestions.items()}
    own = {name: vote for name, votes in prepared.contested.items() for vote in votes if vote.author == rater}
    voted = {name: None if vote.status == "rejected" else vote.value for name, vote in own.items()}
    shown = {**suggested, **prepared.labels.values, **voted}
    known = {name: _known(name, value, prepared.loop.instrument, words) for name, value in shown.items()}
    return {name: value for name, value in known.items() if value is not None or shown[name] is None}


def _known(field: str, value: LabelValue, instrument: str, words: Vocabularies) -> LabelValue:
    """What of a value can be stored; None where nothing of it can."""
    if field == "technique" and isinstance(value, list):
        left = [code for code in value if code in words.techniques.get(instrument, {})]
        return left if left or not value else None
    if field == "genre" and isinstance(value, dict):
        weights = {code: weight for code, weight in value.items() if code in words.genres and weight > 0}
        total = sum(weights.values())
        return {code: weight / total for code, weight in weights.items()} or None
    return None if field == "emotion" and value not in words.moods else value


def confidences(prepared: PreparedLoop) -> dict[str, float]:
    """How sure an estimator is of the value shown, by field, 0 to 1; fields of which a data set or a person has
    spoken are left out."""
    labels = prepared.labels.fields
    by_machines = {
        name: label.confidence for name, label in labels.items() if label.source.startswith(("model:", "rule:"))
    }
    unspoken = {name: made.confidence for name, made in prepared.suggestions.items() if name not in labels}
    return {name: sure for name, sure in {**unspoken, **by_machines}.items() if sure is not None}
