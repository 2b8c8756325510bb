"""Compute the current labels from the label events: pure functions, no database.

Of each source (a rater, a model, a rule, a data set) only its newest event stands. Among the standing
events of a loop and field the order of priority is: a settlement, an approved label of a person, any
other label of a person, an import, a model, a rule. Among equals the newer one counts. Replaying all
events with `replay` gives the same answer as the query in `composer_core.store.labels.store`.

Raters who contradict each other are in dispute. The dispute ends when their newest votes agree again,
or by a settlement: the decision of somebody who has no vote of their own in it. The votes stay as they
are, because agreement is measured on them. A later vote that contradicts the settlement reopens the
dispute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import cast

from composer_core.store.labels.records import LabelValue

SETTLED = "settled"
"""Status of an event that settles a dispute, its value None where none of the votes is right; the status of
the field is then approved, or rejected."""
WITHDRAWN = "withdrawn"
"""Status of an undo event that leaves its source without an opinion; never the status of a field."""
HUMAN, IMPORT, MODEL, RULE = "human", "import", "model", "rule"
SOURCE_KINDS = (HUMAN, IMPORT, MODEL, RULE)
SETTLED_RANK, APPROVED_RANK, KIND_RANK = 0, 1, {HUMAN: 2, IMPORT: 3, MODEL: 4, RULE: 5}

AGREEMENT_TOLERANCE = {"emotion_valence": 0.25, "emotion_arousal": 0.125, "quality": 1.0}
"""Two raters agree on these within so much; on every other field only when equal.
An eighth of the axis for valence and arousal: one step on the nine-point scale of the Self-Assessment Manikin.
One star for quality: the guide names 5, 3 and 1 only, and nobody has to settle whether a loop lies just above 3."""
WEIGHT_TOLERANCE = 0.25
"""Genres are agreed on while no more than a quarter of the weight lies elsewhere: 60 % funk and 40 % soul says the
same as half and half, funk alone does not."""
_ROUNDING = 1e-9
"""0.35 and 0.6 lie 0.25 apart in decimals, a little more in binary."""

OF_SCORES = ("score_profile",)
"""Fields that say how a loop is scored and nothing of its music, so that it waits to be labelled all the same."""
ANNOTATED = "annotated"
"""Status, where loops are listed and shown, of what a data set says and nobody has decided on: people made it, so it is
no suggestion. The event itself is stored as suggested."""
LOOP_STATUS_ORDER = ("disputed", "draft", "approved", "rejected", ANNOTATED, "suggested")


def shown_status(status: str, source: str) -> str:
    """The status as a person reads it: ANNOTATED for a data set's word that nobody has decided on."""
    annotated = status == "suggested" and source.partition(":")[0] == IMPORT
    return ANNOTATED if annotated else status


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One row of the truth. `supersedes` is the event the writer saw (None: saw nothing),
    `action_id` the human action it was part of (None for suggestions and imports)."""

    id: int
    loop_id: str
    field: str
    value: LabelValue
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
    def shown_status(self) -> str:
        """The status as a person reads it, see `shown_status`."""
        return shown_status(self.status, self.source)

    @property
    def rank(self) -> int:
        """Precedence, 0 wins."""
        return rank_of(self.source, self.status)


@dataclass(frozen=True, slots=True)
class CurrentLabel:
    """What counts for one loop and field. `value` is None when it was rejected."""

    value: LabelValue
    status: str
    event_id: int
    source: str
    confidence: float | None
    note: str

    @property
    def shown_status(self) -> str:
        """The status as a person reads it, see `shown_status`."""
        return shown_status(self.status, self.source)

    @property
    def rank(self) -> int:
        """Precedence among the labels of other fields, 0 wins; a settled one counts as approved."""
        return rank_of(self.source, self.status)


def rank_of(source: str, status: str) -> int:
    """Precedence of what a source says with a status, 0 wins."""
    kind = source.partition(":")[0]
    own = {SETTLED: SETTLED_RANK, "approved": APPROVED_RANK} if kind == HUMAN else {}
    return own.get(status, KIND_RANK[kind])


def agree(field: str, first: LabelValue, second: LabelValue) -> bool:
    """Whether two values of a field say the same within AGREEMENT_TOLERANCE, weights within WEIGHT_TOLERANCE."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return weight_apart(first, second) <= WEIGHT_TOLERANCE + _ROUNDING
    tolerance = AGREEMENT_TOLERANCE.get(field)
    if tolerance is None or first is None or second is None:
        return bool(first == second)
    # Fields with a tolerance hold numbers.
    return abs(float(cast(float, first)) - float(cast(float, second))) <= tolerance + _ROUNDING


def weight_apart(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """The share of the weight that lies elsewhere: half the sum of the differences, 0 to 1 where weights sum to 1."""
    return sum(abs(first.get(code, 0.0) - second.get(code, 0.0)) for code in {*first, *second}) / 2.0


def disputed(standing: Sequence[LabelEvent]) -> bool:
    """Whether raters who made up their minds (approved or rejected) contradict each other, or the settlement
    that came before their vote.

    `standing` holds the newest event of each source for one loop and field.
    """
    votes = votes_of(standing)
    settlement = max((event for event in standing if event.status == SETTLED), key=lambda e: e.id, default=None)
    if settlement is not None:
        later = [event for event in votes if event.id > settlement.id]
        return not all(agree(event.field, _meant(event), settlement.value) for event in later)
    # Every pair: 2 and 4 lie apart though both agree with the 3 of a third.
    return any(not agree(a.field, _meant(a), _meant(b)) for a, b in combinations(votes, 2))


def votes_of(standing: Sequence[LabelEvent]) -> list[LabelEvent]:
    """What raters decided by themselves of a field, approved or rejected."""
    return [event for event in standing if event.kind == HUMAN and event.status in ("approved", "rejected")]


def _meant(vote: LabelEvent) -> LabelValue:
    """The value a vote stands for, None for a rejection of whatever value."""
    return None if vote.status == "rejected" else vote.value


def current_label(standing: Sequence[LabelEvent]) -> CurrentLabel:
    """What counts among the standing events of one loop and field, winner first."""
    winner = standing[0]
    value = _meant(winner)
    status = winner.status
    if status == SETTLED:
        status = "rejected" if value is None else "approved"
    return CurrentLabel(
        value=value,
        status="disputed" if disputed(standing) else status,
        event_id=winner.id,
        source=winner.source,
        confidence=winner.confidence,
        note=winner.note,
    )


def replay(events: Iterable[LabelEvent]) -> dict[str, dict[str, CurrentLabel]]:
    """Current labels, loop -> field -> label, by going through all events in order."""
    current: dict[str, dict[str, CurrentLabel]] = {}
    for (loop_id, field), ordered in standing_of(events).items():
        current.setdefault(loop_id, {})[field] = current_label(ordered)
    return current


def standing_of(events: Iterable[LabelEvent]) -> dict[tuple[str, str], list[LabelEvent]]:
    """For each (loop, field) the newest event of every source that still has an opinion, the one that counts first."""
    standing: dict[tuple[str, str], dict[str, LabelEvent]] = {}
    for event in events:
        of_source = standing.setdefault((event.loop_id, event.field), {})
        of_source.pop(event.source, None)
        if event.status != WITHDRAWN:
            of_source[event.source] = event
    return {
        place: sorted(of_source.values(), key=lambda event: (event.rank, -event.id))
        for place, of_source in standing.items()
        if of_source
    }


def loop_status(labels: Mapping[str, CurrentLabel]) -> str:
    """One status for a whole loop: the first of LOOP_STATUS_ORDER any field has.

    Fields that say nothing of the music (OF_SCORES) do not count; "" where there is no other.
    """
    found = {label.shown_status for name, label in labels.items() if name not in OF_SCORES}
    return next((status for status in LOOP_STATUS_ORDER if status in found), "")
