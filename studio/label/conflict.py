"""Two people on one loop: both values side by side, before anything is stored over the other's, and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.decisions import LabelEvent
from composer_core.pipeline.labels.review import Dispute
from composer_core.workspace import Workspace
from studio import session
from studio.label import form as label_form
from studio.label import queries as label_queries
from studio.label import state as label_state
from studio.label.desk import keep_theirs, queue_loops, store_mine
from studio.label.state import InHand, LabelDesk
from studio.label.words import field_title, listed, value_text
from studio.redraw import redraw
from studio.widgets import errors_as_messages
from studio.wording.loop_names import plain
from studio.wording.text import t

WATCH_SEC = 4.0
"""How often a page that is open asks what others have decided meanwhile."""


def draw_conflict(desk: LabelDesk, held: InHand) -> None:
    """Both values of every field that another person changed meanwhile, and the choice between them."""
    if desk.conflict is None:
        return
    with st.container(border=True, key="label.conflict"):
        st.warning(t("label.conflict"), icon=":material/sync_problem:")
        rows = [
            (
                field_title(row["field"]),
                plain(_value_text(row["field"], row["theirs"], row["status"], held.loop.instrument)),
                plain(row["rater"]),
                plain(value_text(row["field"], row["yours"], held.loop.instrument)),
            )
            for row in cast(list[dict[str, Any]], desk.conflict.values["conflicts"])
        ]
        draw_table([t(f"label.conflict_{name}") for name in ("field", "theirs", "by", "yours")], rows)
        with st.container(horizontal=True):
            st.button(t("label.keep_theirs"), key="label.keep_theirs", shortcut="T", on_click=keep_theirs)
            st.button(t("label.store_mine"), key="label.store_mine", shortcut="M", type="primary", on_click=store_mine)


def draw_votes(workspace: Workspace, rater: str, held: InHand) -> None:
    """What each rater said of the fields in dispute, each value to take over, and who may settle it."""
    if held.labels.status != "disputed":
        return
    contested = decisions.contested(workspace, held.item.loop_id)
    own = any(vote.author == rater for votes in contested.values() for vote in votes)
    with st.container(border=True, key="label.votes", gap="small"):
        st.markdown(f":material/balance: **{t('label.votes')}**  \n:small[{t(_rule_for(own))}]")
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            for name, votes in contested.items():
                with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
                    st.markdown(field_title(name), width="content")
                    for vote in votes:
                        _draw_vote(vote, held.loop.instrument)


def _rule_for(own: bool) -> str:
    return "label.votes_own" if own else "label.votes_settle"


def _draw_vote(vote: LabelEvent, instrument: str) -> None:
    st.button(
        t("label.vote", rater=plain(vote.author), value=plain(statement_text(vote, instrument))),
        key=f"label.take.{vote.field}.{vote.author}",
        help=plain(vote.note) if vote.note else t("label.take_help"),
        on_click=label_form.put,
        args=(vote.field, None if vote.status == "rejected" else vote.value),
    )


@st.fragment(run_every=WATCH_SEC)
def watch_others(workspace: Workspace, rater: str) -> None:
    """Show at once what others decide: on the loop in hand, and against what this rater decided before."""
    with errors_as_messages():
        desk = label_state.label_desk()
        if desk is None or desk.conflict is not None:
            return
        if desk.in_hand is not None:
            _draw_arrived(workspace, desk.in_hand, rater)
        held = desk.in_hand.item.loop_id if desk.in_hand else ""
        mine = [
            dispute
            for dispute in label_queries.disputes(workspace)
            if dispute.loop_id != held and any(vote.author == rater for vote in dispute.votes)
        ]
        if mine:
            _draw_elsewhere(workspace, mine, rater)


def _draw_arrived(workspace: Workspace, held: InHand, rater: str) -> None:
    """What another person has written on the loop in hand since it came on screen, beside the form's values."""
    now = decisions.current(workspace, held.item.loop_id)
    arrived = {
        name: label
        for name, label in now.fields.items()
        if label.source.startswith("human:")
        and label.source != f"human:{rater}"
        and label.event_id > held.labels.seen.get(name, 0)
    }
    if not arrived:
        return
    form = label_form.read(held.loop.instrument)
    rows = []
    for name, label in arrived.items():
        theirs = _value_text(name, label.value, label.status, held.loop.instrument)
        yours = value_text(name, form.get(name), held.loop.instrument)
        rows.append((field_title(name), plain(theirs), plain(label.source.partition(":")[2]), plain(yours)))
    with st.container(border=True, key="label.arrived"):
        st.markdown(f":material/group: **{t('label.arrived')}**")
        draw_table([t(f"label.conflict_{name}") for name in ("field", "theirs", "by", "in_form")], rows)


def _draw_elsewhere(workspace: Workspace, disputes: Sequence[Dispute], rater: str) -> None:
    """How many loops others see differently, and the newest of them with both values; in one line above the desk."""
    loop_ids = list(dict.fromkeys(dispute.loop_id for dispute in disputes))
    newest = max(disputes, key=lambda dispute: max(vote.id for vote in dispute.votes))
    loop = label_queries.loops(workspace, [newest.loop_id])[newest.loop_id]
    said = {vote.author: plain(statement_text(vote, loop.instrument)) for vote in newest.votes}
    others = [t("label.vote", rater=plain(name), value=value) for name, value in said.items() if name != rater]
    words = t(
        "label.elsewhere_newest",
        loop=plain(loop.title),
        field=field_title(newest.field),
        yours=said[rater],
        others=listed(others),
    )
    key = "label.elsewhere_one" if len(loop_ids) == 1 else "label.elsewhere"
    with st.container(border=True, key="label.elsewhere", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/balance: **{t(key, n=len(loop_ids))}**  \n:small[{words}]", width="stretch")
        look = partial(_look_again, workspace, loop_ids)
        if st.button(t("label.look_again"), key="label.look_again", on_click=look):
            redraw()


def _look_again(workspace: Workspace, loop_ids: Sequence[str]) -> None:
    try:
        queue_loops(workspace, loop_ids, "to_settle")
    except ComposerError as error:
        session.set_problem(error)


def statement_text(event: LabelEvent, instrument: str) -> str:
    """What a rater said of a field, in words."""
    return _value_text(event.field, event.value, event.status, instrument)


def _value_text(field: str, value: Any, status: str, instrument: str) -> str:
    """A value with what its rater thinks of it where that is no."""
    text = value_text(field, value, instrument)
    return t("label.rejected_value", value=text) if status == "rejected" else text


def draw_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as text, readable by a screen reader; cells are Markdown already made safe."""
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(cell or " " for cell in row) + " |" for row in rows]
    st.markdown("\n".join(lines))
