"""Label loops: show what is suggested, store what a rater decides, and take it back."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from composer_core.errors import NotFound, require_choice
from composer_core.estimate import Suggestion
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.labels import overview
from composer_core.pipeline.labels.fields import FORM_FIELDS, check_values
from composer_core.pipeline.labels.kept_suggestions import suggestions_for
from composer_core.pipeline.labels.queue import unique_set
from composer_core.pipeline.library import loops as library_loops
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.queries import human_source
from composer_core.store.labels.records import Entry, LabelValue, Press, UndoResult
from composer_core.store.labels.store import open_labels
from composer_core.store.labels.view import (
    SETTLED,
    CurrentLabel,
    LabelEvent,
    disputed,
    loop_status,
    replay,
    standing_of,
    votes_of,
)
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

__all__ = [
    "ACTIONS",
    "LabelEvent",
    "LabelProgress",
    "LoopLabels",
    "Press",
    "check_rater",
    "contested",
    "contested_in",
    "current",
    "decide",
    "history",
    "labels_from",
    "people_statuses",
    "progress",
    "raters",
    "statuses",
    "suggestion",
    "taken_back",
    "undo",
]
ACTIONS = ("approve", "reject", "draft", "skip")
_STATUS_OF_ACTION = {"approve": "approved", "reject": "rejected", "draft": "draft"}


@dataclass(frozen=True, slots=True)
class LoopLabels:
    """The current labels of one loop, and the newest event of each field (`seen`), which `decide` needs."""

    loop_id: str
    status: str
    fields: dict[str, CurrentLabel] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, LabelValue]:
        """The current value of each field; rejected values are left out."""
        return {name: label.value for name, label in self.fields.items() if label.value is not None}


@dataclass(frozen=True, slots=True)
class LabelProgress:
    """The number of loops in the library (without exact duplicates), by status, and those one rater decided."""

    total: int
    approved: int
    rejected: int
    draft: int
    disputed: int
    mine: int

    @property
    def decided(self) -> int:
        """The number of loops that have left the queue for good."""
        return self.approved + self.rejected


def current(workspace: Workspace, loop_id: str) -> LoopLabels:
    """The current labels of a loop; the status is "unlabelled" when it has none."""
    return labels_from(loop_id, open_labels(workspace).history(loop_id))


def labels_from(loop_id: str, events: Sequence[LabelEvent]) -> LoopLabels:
    """The current labels of a loop out of all its events."""
    fields = replay(events).get(loop_id, {})
    seen = {event.field: event.id for event in events}
    return LoopLabels(loop_id, loop_status(fields) or "unlabelled", fields, seen)


def suggestion(workspace: Workspace, loop_id: str) -> dict[str, Suggestion]:
    """Suggest a value for each field of a loop by the estimators, with confidence and reasons.

    Suggestions are stored before they are returned, so that a rater's decision can refer to what was shown, and the
    history names the estimator. NotFound for an unknown loop.
    """
    loop = library_loops.load_loop(workspace, loop_id)
    return suggestions_for(workspace, {loop_id: loop})[loop_id]


@guarded("label")
def decide(
    workspace: Workspace,
    loop_id: str,
    *,
    rater: str,
    action: str,
    values: Mapping[str, object],
    seen: Mapping[str, int],
    note: str = "",
    press: Press | None = None,
) -> list[int]:
    """Store a rater's decision on a loop, all fields or none; returns the ids of the events.

    `approve` and `draft` store the given values; a field given as None that had a value is stored
    as rejected. `reject` rejects every field of the form and every given field. `skip` stores no
    label. `seen` is `current(...).seen` as the rater had it on screen. StoreError conflict (with
    `theirs`, `yours` and all `conflicts`) when somebody has changed a field since; InvalidValue for
    a bad value; NotFound for an unknown loop.

    A rater who approves or rejects a loop with a disputed field, and has no vote on that field,
    settles the dispute: this value (or none, after a rejection) counts from now on, and the votes
    stay. Of the other fields such an approval stores only the changed ones, because a rater who has
    seen the votes is no longer independent; such a rejection stores nothing for them.

    A `press` is stored once: sent again, it changes nothing and the ids of then are returned.
    """
    require_choice("action", action, ACTIONS)
    checked = check_values(values, _instrument(workspace, loop_id), vocabularies(workspace))
    store = open_labels(workspace)
    if action == "skip":
        return store.write(rater, action, loop_id, [], seen, note.strip(), press)
    events = store.history(loop_id)
    before = labels_from(loop_id, events).values
    entries = _entries(loop_id, action, checked, before)
    to_settle = [name for name, votes in contested_in(events).items() if not _has_voted(votes, rater)]
    if to_settle and action in ("approve", "reject"):
        entries = _settling(entries, to_settle, {} if action == "reject" else before)
    _log.debug("%s: %d fields of loop %s", action, len(entries), loop_id)
    return store.write(rater, action, loop_id, entries, seen, note.strip(), press)


def _instrument(workspace: Workspace, loop_id: str) -> str:
    row = LoopStore(workspace).rows([loop_id], ["loop_id", "instrument"]).get(loop_id)
    if row is None:
        raise NotFound("loop_missing", loop_id=loop_id, path=str(workspace.root))
    return str(row["instrument"])


def contested(workspace: Workspace, loop_id: str) -> dict[str, list[LabelEvent]]:
    """The votes on each field of a loop on which raters contradict each other."""
    return contested_in(open_labels(workspace).history(loop_id))


def contested_in(events: Sequence[LabelEvent]) -> dict[str, list[LabelEvent]]:
    """The same out of all events of the loop."""
    return {name: votes_of(said) for (_, name), said in standing_of(events).items() if disputed(said)}


@guarded("label")
def undo(
    workspace: Workspace, rater: str, press: Press | None = None, target: Press | None = None
) -> UndoResult | None:
    """Take back the rater's last decision or skip; a second call takes back the one before. None: nothing is left.

    `target` is the press of the decision that is meant, where it need not be the last. A `press` acts once.
    """
    return open_labels(workspace).undo(rater, press, target)


def taken_back(workspace: Workspace, rater: str, loop_id: str) -> tuple[dict[str, LabelValue], str]:
    """The values and the note of the decision on a loop that the rater has just undone.

    A value is None where the decision cleared a field. An undone rejection returns no values.
    """
    events = {event.id: event for event in history(workspace, loop_id) if event.source == human_source(rater)}
    last = events[max(events)].action_id if events else None
    undone = [events[event.supersedes] for event in events.values()
              if event.action_id == last and event.supersedes in events]  # fmt: skip
    kept = [event for event in undone if event.status != "rejected"]
    if not kept:
        return {}, ""
    return {event.field: None if event.status == "rejected" else event.value for event in undone}, kept[0].note


def history(workspace: Workspace, loop_id: str) -> list[LabelEvent]:
    """All label events of a loop, oldest first."""
    return open_labels(workspace).history(loop_id)


def statuses(workspace: Workspace) -> dict[str, str]:
    """The status of every loop that has a label or a suggestion."""
    store = open_labels(workspace)
    suggested = [loop_id for loop_id, said in overview.source_statements(store).items() if said.confidence is not None]
    return dict.fromkeys(suggested, "suggested") | dict(overview.statuses(store))


def people_statuses(workspace: Workspace) -> Mapping[str, str]:
    """The status of every loop of which a person has said something."""
    return overview.statuses(open_labels(workspace))


def progress(workspace: Workspace, rater: str) -> LabelProgress:
    """How much of the library is labelled, and how many loops this rater has decided."""
    store = open_labels(workspace)
    present = unique_set(workspace)
    found = [status for loop_id, status in overview.statuses(store).items() if loop_id in present]
    own = overview.acts(store, rater).values()
    decided = {loop_id for kind, loop_id in own if kind in ("approve", "reject")}
    mine = decided & present
    counts = {status: found.count(status) for status in ("approved", "rejected", "draft", "disputed")}
    return LabelProgress(total=len(present), mine=len(mine), **counts)


def check_rater(rater: str) -> None:
    """Raise InvalidValue unless `rater` is a valid name for labels."""
    human_source(rater)


def raters(workspace: Workspace) -> list[str]:
    """The names of all raters of the workspace."""
    return open_labels(workspace).raters()


def _has_voted(votes: Sequence[LabelEvent], rater: str) -> bool:
    return any(vote.author == rater for vote in votes)


def _settling(entries: Sequence[Entry], to_settle: Sequence[str], before: Mapping[str, Any]) -> list[Entry]:
    """Turn a decision into settlements of the disputed fields, and keep only real changes of the other fields."""
    made = []
    for entry in entries:
        rejected = entry.status == "rejected"
        if entry.field in to_settle:
            made.append(replace(entry, status=SETTLED, value=None if rejected else entry.value))
        elif entry.field in before if rejected else entry.value != before.get(entry.field):
            made.append(entry)
    return made


def _entries(loop_id: str, action: str, values: dict[str, Any], before: dict[str, Any]) -> list[Entry]:
    if action == "reject":
        names = dict.fromkeys((*FORM_FIELDS, *values))
        refused = {name: values.get(name) if values.get(name) is not None else before.get(name) for name in names}
        return [Entry(loop_id, name, value, "rejected") for name, value in refused.items()]
    status = _STATUS_OF_ACTION[action]
    given = [Entry(loop_id, name, value, status) for name, value in values.items() if value is not None]
    cleared = [name for name, value in values.items() if value is None and name in before]
    return given + [Entry(loop_id, name, before[name], "rejected") for name in cleared]
