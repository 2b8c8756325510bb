"""The desk of the Label page on the server: the queue, and the loops made ready before they come on screen."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence

from composer_core.errors import ComposerError
from composer_core.pipeline.labels import decisions, queue
from composer_core.pipeline.labels.decisions import LoopLabels
from composer_core.pipeline.labels.fields import LabelValue
from composer_core.pipeline.labels.kept_suggestions import suggest_missing
from composer_core.pipeline.labels.prepared import first_values, prepare_loops
from composer_core.pipeline.labels.queue import QueueItem
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.workspace import Workspace
from studio import session
from studio.components import transport
from studio.label import state as label_state
from studio.label.state import InHand, LabelDesk
from studio.rater import current_rater
from studio.wording.loop_names import loop_title
from studio.wording.text import error_text

AUTOPLAY = "label.autoplay"
ORDER = "label.order"
SECTION, DESK = "label.section", "desk"
MOST_QUEUED = 500
"""The most loops laid on the desk at once."""
SUGGEST_AT_ONCE = 300
"""The most loops ahead that get suggestions; the others get theirs when these are used up."""
OPEN_SEC, IDLE_SEC = 1.0, 0.25
"""So long suggestions are made when a queue is filled, and each time the page is idle, before the desk is drawn."""
AHEAD, AT_ONCE = 5, 4
"""Loops made ready behind the one on screen at least; and how many more, because several at once cost little more."""
RENDER_SEC = 0.4
"""So long loops are rendered in one run of the desk; the rest come with the next runs."""
_SETTLED = ("approved", "rejected")
ASKED = ("undone", "chosen", "to_settle", "from_chart", "against_model")
"""The reasons of loops that a person asked for: these are shown even when they are already decided."""


def current_desk(rater: str, order: str) -> LabelDesk:
    """The desk for this rater and order; a new one when either has changed."""
    desk = label_state.label_desk()
    if desk is not None and not desk.rater:
        desk.rater = rater  # Loops were laid on the desk before a rater was known.
    if desk is None or (desk.rater, desk.order) != (rater, order):
        answers = desk.answers if desk is not None else {}
        desk = LabelDesk(rater, order, answers=answers)  # The browser may not have heard all answers yet.
        label_state.set_label_desk(desk)
    return desk


def fill(workspace: Workspace, desk: LabelDesk, *, idle: bool = True) -> None:
    """Make the next loops ready when fewer than AHEAD lie behind the first, as long as the queue has any.

    Where rendering is slow, loops get their sound only while the person is `idle`: no decision waits for sound.
    """
    _drop_settled(workspace, desk)
    while len(desk.hands) <= AHEAD:
        if not desk.waiting and not _queue_up(workspace, desk):
            break
        n_missing = AHEAD + AT_ONCE - len(desk.hands)
        items = [desk.waiting.popleft() for _ in range(min(n_missing, len(desk.waiting)))]
        desk.hands += [hand for hand in take_in_hand(workspace, desk.rater, items) if _is_open(hand)]
    held = {hand.item.loop_id for hand in desk.hands}
    desk.sounds = {loop_id: sound for loop_id, sound in desk.sounds.items() if loop_id in held}
    desk.drawn = {loop_id: drawn for loop_id, drawn in desk.drawn.items() if loop_id in held}
    _render_next(desk, idle)
    sound = desk.sounds.get(desk.hands[0].item.loop_id, "") if desk.hands else ""
    if session.widget(AUTOPLAY) and not isinstance(sound, str):
        transport.hold(sound)


def take_in_hand(workspace: Workspace, rater: str, items: Sequence[QueueItem]) -> list[InHand]:
    """Loops made ready, in this order; those that are no longer in the library are left out."""
    made = prepare_loops(workspace, [item.loop_id for item in items])
    words = vocabularies(workspace)
    hands = []
    for item in items:
        prepared = made.get(item.loop_id)
        if prepared is not None:
            hands.append(InHand(item, prepared, first_values(prepared, rater, words), note_of(prepared.labels, rater)))
    return hands


def note_of(labels: LoopLabels, rater: str) -> str:
    """The rater's own note on the loop, if one of the rater's labels is a current one."""
    own = [label.note for label in labels.fields.values() if label.source == f"human:{rater}" and label.note]
    return own[0] if own else ""


def title_of_hand(hand: InHand) -> str:
    """What the loop is called, in the current language."""
    return loop_title(hand.prepared.row)


def play_key(loop_id: str) -> str:
    """The key of a library loop in the transport, the same on every page."""
    return f"loop.{loop_id}"


def take_off(desk: LabelDesk, loop_id: str) -> None:
    """Take a loop off the desk, because it was decided or is to be shown anew."""
    desk.hands = [hand for hand in desk.hands if hand.item.loop_id != loop_id]
    desk.waiting = deque(item for item in desk.waiting if item.loop_id != loop_id)


def lay_in_front(
    workspace: Workspace, desk: LabelDesk, loop_id: str, said: Mapping[str, LabelValue], note: str
) -> None:
    """Put a loop that was taken back before all others, its form as it was when it was decided."""
    take_off(desk, loop_id)
    for hand in take_in_hand(workspace, desk.rater, [QueueItem(loop_id, "undone")]):
        desk.hands.insert(0, InHand(hand.item, hand.prepared, {**hand.values, **said}, note or hand.note, tuple(said)))


def look_again(desk: LabelDesk) -> None:
    """Make the loops on the desk ready anew, because their labels may have changed."""
    desk.waiting.extendleft(hand.item for hand in reversed(desk.hands))
    desk.hands = []


def queue_loops(loop_ids: Sequence[str], reason: str = "chosen") -> None:
    """Lay these loops on the desk, before those that wait there; `reason` is shown as `label.why_...`."""
    desk = label_state.label_desk()
    if desk is None:
        session.default_widgets({ORDER: queue.ORDERS[0]})
        desk = LabelDesk(current_rater(), str(session.widget(ORDER)))
        label_state.set_label_desk(desk)
    look_again(desk)
    asked = set(loop_ids)
    desk.waiting = deque(item for item in desk.waiting if item.loop_id not in asked)
    session.set_widget(SECTION, DESK)
    desk.waiting.extendleft(QueueItem(loop_id, reason) for loop_id in reversed(loop_ids))


def suggest_ahead(workspace: Workspace) -> None:
    """Make some more suggestions while nobody waits for anything."""
    suggest_missing(workspace, SUGGEST_AT_ONCE, seconds=IDLE_SEC)


def _queue_up(workspace: Workspace, desk: LabelDesk) -> bool:
    """Fill the queue again; False when nothing is left that does not lie on the desk."""
    suggest_missing(workspace, SUGGEST_AT_ONCE, seconds=OPEN_SEC)
    held = {hand.item.loop_id for hand in desk.hands}
    found = queue.queue(workspace, rater=desk.rater, order=desk.order)
    desk.waiting.extend(item for item in found if item.loop_id not in held)
    return bool(desk.waiting)


def _is_open(hand: InHand) -> bool:
    return hand.item.reason in ASKED or hand.labels.status not in _SETTLED


def _drop_settled(workspace: Workspace, desk: LabelDesk) -> None:
    """Pass over what others have decided meanwhile. What is on screen stays: there both values are shown."""
    if len(desk.hands) < 2:
        return
    settled = decisions.people_statuses(workspace)
    on_screen = {desk.hands[0].item.loop_id, desk.screen}
    desk.hands = [
        hand
        for hand in desk.hands
        if hand.item.loop_id in on_screen or hand.item.reason in ASKED or settled.get(hand.item.loop_id) not in _SETTLED
    ]


def _render_next(desk: LabelDesk, idle: bool) -> None:
    """Render loops before they are on screen, the one that is there first, for about RENDER_SEC."""
    missing = [hand for hand in desk.hands if hand.item.loop_id not in desk.sounds]
    missing.sort(key=lambda hand: hand.item.loop_id != desk.screen)
    started = time.monotonic()
    for hand in missing:
        spent = time.monotonic() - started
        if spent >= RENDER_SEC or (desk.renders_slowly and not idle):
            return
        _render(desk, hand)
        desk.renders_slowly = time.monotonic() - started - spent >= RENDER_SEC


def _render(desk: LabelDesk, hand: InHand) -> None:
    """Render one loop; an error is kept in its place and shown beside the loop."""
    loop_id = hand.item.loop_id
    try:
        desk.sounds[loop_id] = transport.prepared(
            hand.loop, title=title_of_hand(hand), loop_id=loop_id, key=play_key(loop_id)
        )
    except ComposerError as error:
        desk.sounds[loop_id] = error_text(error)
