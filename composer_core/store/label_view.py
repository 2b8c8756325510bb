"""From label events to what counts now: pure functions, no database.

Of each source (a rater, a model, a rule, a data set) only its newest event stands. Among the
standing events of a loop and field an approved human one wins over any other human one, over an
import, over a model, over a rule; equals are settled by the newer. Replaying all events with
`replay` gives the same answer as the query in `composer_core.store.labels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STATUSES = ("suggested", "draft", "approved", "rejected", "disputed")
"""What a loop or one of its fields can be."""
WITHDRAWN = "withdrawn"
"""Status of an undo event that leaves its source without an opinion; never the status of a field."""
HUMAN, IMPORT, MODEL, RULE = "human", "import", "model", "rule"
SOURCE_KINDS = (HUMAN, IMPORT, MODEL, RULE)
APPROVED_RANK, KIND_RANK = 0, {HUMAN: 1, IMPORT: 2, MODEL: 3, RULE: 4}

AGREEMENT_TOLERANCE = {"emotion_valence": 0.25, "emotion_arousal": 0.125}
"""Two raters agree on these within an eighth of the axis; on every other field only when equal.
On the nine-point scale of the Self-Assessment Manikin one step is an eighth of the axis too."""

_LOOP_STATUS_ORDER = ("disputed", "draft", "approved", "rejected", "suggested")


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One row of the truth. `supersedes` is the event the writer saw (None: saw nothing),
    `action_id` the human action it was part of (None for suggestions and imports)."""

    id: int
    loop_id: str
    field: str
    value: Any
    source: str
    confidence: float | None
    note: str
    created_at: str
    supersedes: int | None
    status: str
    action_id: int | None = None

    @property
    def kind(self) -> str:
        """human, import, model or rule."""
        return self.source.partition(":")[0]

    @property
    def author(self) -> str:
        """The name behind the kind: the rater, the model and version, the rule, the data set."""
        return self.source.partition(":")[2]

    @property
    def rank(self) -> int:
        """Precedence, 0 wins."""
        approved = self.kind == HUMAN and self.status == "approved"
        return APPROVED_RANK if approved else KIND_RANK[self.kind]


@dataclass(frozen=True, slots=True)
class CurrentLabel:
    """What counts for one loop and field. `value` is None when it was rejected."""

    value: Any
    status: str
    event_id: int
    source: str
    confidence: float | None
    note: str


def agree(field: str, first: Any, second: Any) -> bool:
    """Whether two values of a field say the same within AGREEMENT_TOLERANCE."""
    tolerance = AGREEMENT_TOLERANCE.get(field)
    if tolerance is None or first is None or second is None:
        return bool(first == second)
    return abs(float(first) - float(second)) <= tolerance


def disputed(standing: Sequence[LabelEvent]) -> bool:
    """Whether raters who made up their minds (approved or rejected) contradict each other.

    `standing` holds the newest event of each source for one loop and field.
    """
    votes = [event for event in standing if event.kind == HUMAN and event.status in ("approved", "rejected")]
    approved = [event for event in votes if event.status == "approved"]
    if not approved:
        return False
    return len(approved) < len(votes) or not all(
        agree(event.field, event.value, approved[0].value) for event in approved[1:]
    )


def current_label(standing: Sequence[LabelEvent]) -> CurrentLabel:
    """What counts among the standing events of one loop and field, winner first."""
    winner = standing[0]
    return CurrentLabel(
        value=None if winner.status == "rejected" else winner.value,
        status="disputed" if disputed(standing) else winner.status,
        event_id=winner.id,
        source=winner.source,
        confidence=winner.confidence,
        note=winner.note,
    )


def replay(events: Iterable[LabelEvent]) -> dict[str, dict[str, CurrentLabel]]:
    """Current labels, loop -> field -> label, by going through all events in order."""
    standing: dict[tuple[str, str], dict[str, LabelEvent]] = {}
    for event in events:
        of_source = standing.setdefault((event.loop_id, event.field), {})
        of_source.pop(event.source, None)
        if event.status != WITHDRAWN:
            of_source[event.source] = event
    current: dict[str, dict[str, CurrentLabel]] = {}
    for (loop_id, field), of_source in standing.items():
        if of_source:
            ordered = sorted(of_source.values(), key=lambda event: (event.rank, -event.id))
            current.setdefault(loop_id, {})[field] = current_label(ordered)
    return current


def loop_status(labels: Mapping[str, CurrentLabel]) -> str:
    """One status for a whole loop: the first of disputed, draft, approved, rejected, suggested any field has."""
    found = {label.status for label in labels.values()}
    return next(status for status in _LOOP_STATUS_ORDER if status in found)
