"""The desk of the Label page: the queue, the current loop, and what a key press does with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer_core.errors import ComposerError, NotFound, StoreError
from composer_core.pipeline.labels import decisions, queue
from composer_core.pipeline.labels.decisions import LoopLabels
from composer_core.pipeline.labels.fields import LabelValue
from composer_core.pipeline.labels.queue import QueueItem
from composer_core.pipeline.library import loops
from composer_core.workspace import Workspace
from studio import session
from studio.components import transport
from studio.label import form as label_form
from studio.label import state as label_state
from studio.label.state import InHand, LabelDesk
from studio.queries import title_of
from studio.rater import current_rater
from studio.wording.text import t

AUTOPLAY = "label.autoplay"
ORDER = "label.order"
SECTION, DESK = "label.section", "desk"
MOST_QUEUED = 500
"""The most loops laid on the desk at once."""
SUGGEST_AT_ONCE = 300
"""The most loops that get suggestions when the queue is filled; the others get theirs the next time."""
_SETTLED = ("approved", "rejected")
ASKED = ("undone", "chosen", "to_settle", "from_chart", "against_model")
"""The reasons of loops that a person asked for: these are shown even when they are already decided."""


def open_desk(workspace: Workspace, rater: str, order: str) -> LabelDesk:
    """The desk for this rater and order, with a current loop as long as any is left."""
    desk = label_state.label_desk()
    if desk is not None and not desk.rater:
        desk.rater = rater  # Loops were laid on the desk before a rater was known.
    if desk is None or (desk.rater, desk.order) != (rater, order):
        desk = LabelDesk(rater, order)
        label_state.set_label_desk(desk)
    if desk.in_hand is None:
        take_next(workspace, desk)
    return desk


def take_next(workspace: Workspace, desk: LabelDesk) -> None:
    """Make the next loop of the queue the current one, skipping those that others have decided meanwhile."""
    desk.in_hand = None
    if not desk.waiting:
        decisions.suggest_missing(workspace, SUGGEST_AT_ONCE)
        desk.waiting.extend(queue.queue(workspace, rater=desk.rater, order=desk.order))
    while desk.waiting and desk.in_hand is None:
        item = desk.waiting.popleft()
        try:
            take_in_hand(workspace, desk, item)
        except NotFound:
            continue
        if item.reason not in ASKED and desk.in_hand and desk.in_hand.labels.status in _SETTLED:
            desk.in_hand = None


def take_in_hand(
    workspace: Workspace, desk: LabelDesk, item: QueueItem, said: Mapping[str, LabelValue] | None = None
) -> None:
    """Make a loop the current one and fill the form.

    Each field takes the first value there is of: `said`, the rater's own vote in a dispute, the current label, the
    suggestion.
    """
    loop = loops.load_loop(workspace, item.loop_id)
    suggestions = decisions.suggestion(workspace, item.loop_id)
    labels = decisions.current(workspace, item.loop_id)
    desk.in_hand = InHand(item, title_of(workspace, item.loop_id), loop, labels, suggestions)
    desk.conflict = None
    suggested = {name: made.value for name, made in suggestions.items()}
    label_form.fill(
        {**suggested, **labels.values, **votes_of_rater(workspace, labels, desk.rater), **(said or {})},
        note_of(labels, desk.rater),
    )


def votes_of_rater(workspace: Workspace, labels: LoopLabels, rater: str) -> dict[str, LabelValue]:
    """The rater's own votes on the disputed fields.

    The form shows these rather than the current labels, so that a rater who hears a loop again does not adopt another
    rater's value by accident.
    """
    if labels.status != "disputed":
        return {}
    contested = decisions.contested(workspace, labels.loop_id)
    own = {name: vote for name, votes in contested.items() for vote in votes if vote.author == rater}
    return {name: None if vote.status == "rejected" else vote.value for name, vote in own.items()}


def note_of(labels: LoopLabels, rater: str) -> str:
    """The rater's own note on the loop, if one of the rater's labels is a current one."""
    own = [label.note for label in labels.fields.values() if label.source == f"human:{rater}" and label.note]
    return own[0] if own else ""


def play_in_hand(desk: LabelDesk) -> None:
    """Play the current loop in the transport."""
    if desk.in_hand is not None:
        loop_id = desk.in_hand.item.loop_id
        desk.heard = loop_id
        transport.play(desk.in_hand.loop, title=desk.in_hand.title, loop_id=loop_id, key=play_key(loop_id))


def play_key(loop_id: str) -> str:
    """The key of a library loop in the transport, the same on every page."""
    return f"loop.{loop_id}"


def decide(action: str) -> None:
    """Approve, reject, skip or draft the current loop and take the next one. For the callback of a button."""
    desk, workspace = label_state.label_desk(), session.workspace()
    if desk is None or desk.in_hand is None:
        return
    held = desk.in_hand
    try:
        _store(workspace, desk, held, action, held.labels.seen)
    except StoreError as error:
        if error.code != "conflict":
            session.set_problem(error)
        else:
            desk.conflict, desk.refused_action = error, action
        return
    except ComposerError as error:
        session.set_problem(error)
        return
    _go_on(workspace, desk)


def _store(workspace: Workspace, desk: LabelDesk, held: InHand, action: str, seen: Mapping[str, int]) -> None:
    values: dict[str, Any] = {} if action == "skip" else label_form.read(held.loop.instrument)
    if action == "reject":
        del values["quality"]  # wrong labels say nothing about how good the loop is
    note = label_form.note()
    decisions.decide(workspace, held.item.loop_id, rater=desk.rater, action=action, values=values, seen=seen, note=note)


def _go_on(workspace: Workspace, desk: LabelDesk) -> None:
    take_next(workspace, desk)
    if session.widget(AUTOPLAY):
        play_in_hand(desk)


def keep_theirs() -> None:
    """Resolve a conflict by dropping one's own values: the form shows the current labels again."""
    desk = label_state.label_desk()
    if desk is not None and desk.in_hand is not None:
        take_in_hand(session.workspace(), desk, desk.in_hand.item)


def store_mine() -> None:
    """Resolve a conflict by storing one's own values, now that the rater has seen the other's."""
    desk, workspace = label_state.label_desk(), session.workspace()
    if desk is None or desk.in_hand is None:
        return
    held = desk.in_hand
    labels = decisions.current(workspace, held.item.loop_id)
    desk.in_hand, desk.conflict = replace(held, labels=labels), None
    decide(desk.refused_action)


def undo() -> None:
    """Take back the last decision and make its loop the current one again, or take back a whole bulk edit.

    For the callback of a button.
    """
    desk, workspace = label_state.label_desk(), session.workspace()
    if desk is None:
        return
    try:
        undone = decisions.undo(workspace, desk.rater)
        if undone is None:
            session.notify(t("label.nothing_to_undo"))
            return
        if len(undone.loop_ids) > 1:
            session.notify(t("label.undone_bulk", n=f"{len(undone.loop_ids):,}"))
            _look_again(workspace, desk)
            return
        if desk.in_hand is not None and desk.in_hand.item.loop_id != undone.loop_id:
            desk.waiting.appendleft(desk.in_hand.item)
        desk.waiting = deque(item for item in desk.waiting if item.loop_id != undone.loop_id)
        # Show the form as it was when the key was pressed: a rater undoes to correct it, not to type it all again.
        said, note = decisions.taken_back(workspace, desk.rater, undone.loop_id) if undone.fields else ({}, "")
        take_in_hand(workspace, desk, QueueItem(undone.loop_id, "undone"), said)
        if note:
            label_form.put_note(note)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t(f"label.undone_{undone.action}"))
    if session.widget(AUTOPLAY):
        play_in_hand(desk)


def _look_again(workspace: Workspace, desk: LabelDesk) -> None:
    """Show the current loop again, because its labels may have changed."""
    if desk.in_hand is not None:
        take_in_hand(workspace, desk, desk.in_hand.item)


def queue_loops(workspace: Workspace, loop_ids: Sequence[str], reason: str = "chosen") -> None:
    """Lay these loops on the desk, before those that wait there; `reason` is shown as `label.why_...`."""
    desk = label_state.label_desk()
    if desk is None:
        session.default_widgets({ORDER: queue.ORDERS[0]})
        desk = LabelDesk(current_rater(workspace), str(session.widget(ORDER)))
        label_state.set_label_desk(desk)
    if desk.in_hand is not None:
        desk.waiting.appendleft(desk.in_hand.item)
        desk.in_hand = None
    asked = set(loop_ids)
    desk.waiting = deque(item for item in desk.waiting if item.loop_id not in asked)
    session.set_widget(SECTION, DESK)
    desk.waiting.extendleft(QueueItem(loop_id, reason) for loop_id in reversed(loop_ids))
