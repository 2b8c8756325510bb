"""Review labels of several raters and many loops: votes, agreement, disputes to settle, and edits in bulk.

A dispute is a field of a loop on which the newest votes of two raters contradict each other.
Nobody settles a dispute of their own: it ends when one of those raters adopts the other's
value, or when somebody who has no vote in it hears the loop and decides (`decisions.decide`
stores that as a settlement, which counts over the votes). Either way it leaves `disputes` at
once, and a later vote against the settlement brings it back. Agreement is measured on the
votes alone, so that settling a dispute does not make raters look more alike than they are.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from composer_core.errors import ComposerError, InvalidValue, require_choice
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.labels import overview
from composer_core.pipeline.labels.agreement import (
    Agreement,
    alpha_with_interval,
    confusion,
    kappa_with_interval,
)
from composer_core.pipeline.labels.fields import LABEL_FIELDS, check_value
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.records import BulkEdit, Entry, LabelValue
from composer_core.store.labels.store import open_labels
from composer_core.store.labels.view import HUMAN, LabelEvent, disputed, votes_of
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

LEVEL_OF_FIELD = {
    "emotion_valence": "interval",
    "emotion_arousal": "interval",
    "tempo_bpm": "interval",
    "quality": "ordinal",
}
"""The scale of a field; all others are nominal."""
_BULK_STATUS = {"approve": "approved", "draft": "draft"}


@dataclass(frozen=True, slots=True)
class Dispute:
    """A field of a loop on which raters contradict each other, with what each of them says."""

    loop_id: str
    field: str
    votes: tuple[LabelEvent, ...]


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """Alpha over all raters of a field; of each pair who share loops kappa (nominal fields) and confusion (all but
    numbers): the loops on which the first said one value and the second another."""

    field: str
    level: str
    alpha: Agreement
    kappa: dict[tuple[str, str], Agreement]
    confusion: dict[tuple[str, str], dict[tuple[Hashable, Hashable], tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class RaterProgress:
    """What one rater has done that stands."""

    rater: str
    approved: int
    rejected: int
    drafts: int
    skipped: int
    last_at: str


@dataclass(frozen=True, slots=True)
class BulkChange:
    """What a bulk edit would do to one field of a loop: the value now, who gave it, and the value then."""

    loop_id: str
    field: str
    before: LabelValue
    source: str
    after: LabelValue


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """A bulk edit before it is stored. `contradicted` counts changes to what another person approved;
    `refused` names loops that cannot hold a value, with the reason; `seen` goes back to `bulk_apply`."""

    changes: tuple[BulkChange, ...]
    unchanged: int
    contradicted: int
    refused: tuple[tuple[str, str, str], ...]
    seen: dict[str, dict[str, int]]

    @property
    def n_loops(self) -> int:
        """Loops that would change."""
        return len({change.loop_id for change in self.changes})


def disputes(workspace: Workspace) -> list[Dispute]:
    """What has to be settled: every field on which raters who decided contradict each other."""
    people = overview.people(open_labels(workspace))
    return [
        Dispute(loop_id, name, tuple(votes_of(events)))
        for loop_id, said in people.items()
        if said.status == "disputed"
        for name, events in said.shared.items()
        if disputed(events)
    ]


def agreement(workspace: Workspace, field: str) -> FieldAgreement:
    """How far raters agree on a field, over the loops that two or more of them approved.

    Genres are compared by the heaviest code, techniques as whole sets. InvalidValue for an
    unknown field.
    """
    require_choice("field", field, LABEL_FIELDS)
    level = LEVEL_OF_FIELD.get(field, "nominal")
    by_loop = {
        loop_id: {event.author: _comparable(event.value) for event in said.shared[field] if _approved(event)}
        for loop_id, said in overview.people(open_labels(workspace)).items()
        if field in said.shared
    }
    loop_ids, ratings = list(by_loop), list(by_loop.values())
    names = sorted({rater for unit in ratings for rater in unit})
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :] if any(a in u and b in u for u in ratings)]
    met = {pair: confusion(ratings, *pair) for pair in pairs if level != "interval"}
    return FieldAgreement(
        field,
        level,
        alpha_with_interval(ratings, level),
        {pair: kappa_with_interval(ratings, *pair) for pair in pairs if level == "nominal"},
        {
            pair: {said: tuple(loop_ids[place] for place in places) for said, places in of_pair.items()}
            for pair, of_pair in met.items()
        },
    )


def progress_of_raters(workspace: Workspace) -> list[RaterProgress]:
    """What each rater has done, by name; what was taken back does not count, the last word on a loop does."""
    last: dict[str, dict[str, str]] = {}
    last_at: dict[str, str] = {}
    for action in open_labels(workspace).actions():
        last.setdefault(action.rater, {})[action.loop_id] = action.kind
        last_at[action.rater] = action.created_at
    made = []
    for rater, kinds in sorted(last.items()):
        count = list(kinds.values()).count
        made.append(
            RaterProgress(rater, count("approve"), count("reject"), count("draft"), count("skip"), last_at[rater])
        )
    return made


def bulk_preview(
    workspace: Workspace, loop_ids: Sequence[str], values: Mapping[str, object], rater: str
) -> BulkPreview:
    """What giving `values` to all these loops would change; stores nothing. InvalidValue for an unknown field."""
    for name, value in values.items():
        require_choice("field", name, LABEL_FIELDS)
        if value is None:
            raise InvalidValue("bad_format", name=name, value=value, expected="a value")
    store, words = open_labels(workspace), vocabularies(workspace)
    table = LoopStore(workspace).table(["loop_id", "instrument"], whole=False)
    instruments = dict(zip(table["loop_id"], table["instrument"], strict=True))
    wanted = list(dict.fromkeys(loop_ids))
    view, seen = store.view(wanted), store.seen(wanted)
    changes: list[BulkChange] = []
    refused: list[tuple[str, str, str]] = []
    unchanged = contradicted = 0
    for loop_id in wanted:
        for name, value in values.items():
            try:
                after = check_value(name, value, instruments.get(loop_id, ""), words)
            except ComposerError as error:
                refused.append((loop_id, name, str(error)))
                continue
            now = view.get(loop_id, {}).get(name)
            if now is not None and now.value == after and now.status == "approved":
                unchanged += 1
                continue
            contradicted += (
                now is not None
                and now.status == "approved"
                and now.source.startswith(f"{HUMAN}:")
                and now.source != f"{HUMAN}:{rater}"
            )
            before, source = (None, "") if now is None else (now.value, now.source)
            changes.append(BulkChange(loop_id, name, before, source, after))
    return BulkPreview(tuple(changes), unchanged, contradicted, tuple(refused), seen)


@guarded("label")
def bulk_apply(
    workspace: Workspace, preview: BulkPreview, *, rater: str, action: str = "approve", note: str = ""
) -> BulkEdit | None:
    """Store what a preview showed, in one transaction; None when it changes nothing.

    `decisions.undo` takes all of it back at once. StoreError conflict, with all conflicts,
    when someone changed one of the fields since the preview: then nothing is stored.
    """
    require_choice("action", action, tuple(_BULK_STATUS))
    entries = [Entry(c.loop_id, c.field, c.after, _BULK_STATUS[action]) for c in preview.changes]
    edit = open_labels(workspace).write_many(rater, action, entries, preview.seen, note.strip())
    if edit is not None:
        _log.info("%d labels of %d loops stored at once (%s)", edit.n_events, edit.n_loops, action)
    return edit


PROFILE_FIELD = "score_profile"
"""The label that says which profile a loop is judged by, where it is not the measured one."""


@guarded("label")
def set_profile(workspace: Workspace, loop_ids: Sequence[str], profile: str | None, rater: str) -> int:
    """Judge loops by a profile from now on (None: by the measured one again); how many change, in one transaction.

    The label is the rater's and approved, so it counts over what a data set says. `decisions.undo` takes all of it
    back at once. InvalidValue for an unknown profile; StoreError conflict when someone changed one meanwhile.
    """
    store = open_labels(workspace)
    if profile is not None:
        preview = bulk_preview(workspace, loop_ids, {PROFILE_FIELD: profile}, rater)
        edit = bulk_apply(workspace, preview, rater=rater)
        return edit.n_loops if edit is not None else 0
    wanted = list(dict.fromkeys(loop_ids))
    labels = {loop_id: fields.get(PROFILE_FIELD) for loop_id, fields in store.view(wanted).items()}
    entries = [
        Entry(loop_id, PROFILE_FIELD, label.value, "rejected")
        for loop_id, label in labels.items()
        if label is not None and label.value is not None and label.status != "rejected"
    ]
    edit = store.write_many(rater, "reject", entries, store.seen(wanted))
    return edit.n_loops if edit is not None else 0


def _approved(event: LabelEvent) -> bool:
    return event.kind == HUMAN and event.status == "approved"


def _comparable(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return str(max(sorted(value), key=lambda code: value[code]))
    return tuple(value) if isinstance(value, list) else value
