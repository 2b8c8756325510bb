"""The labels an export holds, with who said them and when: what counts, and every opinion of a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.store.labels.records import LabelValue
from composer_core.store.labels.store import open_labels
from composer_core.store.labels.view import HUMAN, LabelEvent
from composer_core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ExportedLabel:
    """One opinion on one field of a loop, as it was stored. `counts` where it is the one that counts."""

    loop_id: str
    field: str
    value: LabelValue
    source: str
    status: str
    confidence: float | None
    note: str
    time: str
    counts: bool = False

    @property
    def shown(self) -> bool:
        """Whether it counts and says something: a rejection does not."""
        return self.counts and self.status != "rejected" and self.value is not None


def exported(workspace: Workspace) -> Iterator[list[ExportedLabel]]:
    """Loop by loop, and field by field in the order of LABEL_FIELDS, what counts and the people's opinions beside it.

    Those on one field come in the order in which they were said, so that the same order
    settles the same.
    """
    for _, fields in sorted(open_labels(workspace).standing().items()):
        labels = []
        for name in (name for name in LABEL_FIELDS if name in fields):
            winner = fields[name][0]
            kept = [event for event in fields[name] if event is winner or event.kind == HUMAN]
            labels += [_label(event, event is winner) for event in sorted(kept, key=lambda event: event.id)]
        if labels:
            yield labels


def _label(event: LabelEvent, counts: bool) -> ExportedLabel:
    facts = (event.loop_id, event.field, event.value, event.source, event.status, event.confidence, event.note)
    return ExportedLabel(*facts, event.created_at, counts)


def current_of(labels: list[ExportedLabel]) -> list[ExportedLabel]:
    """Of the labels of a loop those that count and say something."""
    return [label for label in labels if label.shown]
