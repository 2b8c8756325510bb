"""Compare raters: what each has done, how far they agree, and the disputes that are still open."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from composer_core.pipeline.labels.agreement import Agreement
from composer_core.pipeline.labels.fields import CAPTIONS, LABEL_FIELDS
from composer_core.pipeline.labels.review import Dispute, FieldAgreement
from composer_core.pipeline.library import loops as library_loops
from composer_core.workspace import Workspace
from studio import session
from studio.figures import labels as figures_labels
from studio.figures.labels import Cell
from studio.label import queries as label_queries
from studio.label.click import chart_to_queue
from studio.label.conflict import draw_table, statement_text
from studio.label.desk import MOST_QUEUED, play_key, queue_loops
from studio.label.queries import LoopWords
from studio.label.words import code_text, field_title, listed, time_text
from studio.widgets import play_button, worded
from studio.wording.loop_names import plain
from studio.wording.text import t

AGREEMENT = "agreement"
FIELD, PAIR, WHOSE = "label.agreement.field", "label.agreement.pair", "label.disputes.whose"
ALL, OTHERS, OWN = "all", "others", "own"
FIELDS = tuple(name for name in LABEL_FIELDS if name not in CAPTIONS)
DISPUTES_SHOWN = 20
RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff (2004), chapter 11: conclusions from 0.800 on, tentative ones from 0.667 on."""


def draw_agreement(workspace: Workspace, rater: str) -> None:
    """What raters have done, how far they agree on one field, and the disputes."""
    left, right = st.columns([1, 1.25], gap="small")
    with left:
        with st.container(border=True, key="label.raters"):
            _draw_raters(workspace)
        with st.container(border=True, key="label.coefficients"):
            _draw_coefficients(workspace)
    with right, st.container(border=True, key="label.disputes"):
        _draw_disputes(workspace, rater)


def _draw_raters(workspace: Workspace) -> None:
    st.markdown(f"**{t('label.raters')}**")
    rows = [
        (
            plain(one.rater),
            *(f"{count:,}" for count in (one.approved, one.rejected, one.drafts, one.skipped)),
            plain(time_text(one.last_at)),
        )
        for one in label_queries.raters(workspace)
    ]
    if not rows:
        st.caption(t("label.no_raters"))
        return
    names = ("rater", "n_approved", "n_rejected", "n_drafts", "n_skipped", "last_at")
    draw_table([t(f"label.{name}") for name in names], rows)


def _draw_coefficients(workspace: Workspace) -> None:
    session.default_widgets({FIELD: "emotion"})
    words = worded(FIELDS, field_title)
    field = str(st.selectbox(t("label.agreement_field"), FIELDS, format_func=words, key=FIELD, persist_state="session"))
    found = label_queries.agreement(workspace, field)
    if found.alpha.value is None:
        st.caption(t("label.no_variety", n=found.alpha.n_units) if found.alpha.n_units > 1 else t("label.no_agreement"))
        return
    st.metric(t("label.alpha"), coefficient_text(found.alpha), help=t("label.alpha_help"))
    reading = t(f"label.alpha_{_grade(found.alpha.value)}", n=f"{found.alpha.n_units:,}")
    st.caption(f"{reading}  \n{t(f'label.level_{found.level}')}")
    if found.kappa:
        rows = [(plain(f"{a} / {b}"), coefficient_text(one), f"{one.n_units:,}") for (a, b), one in found.kappa.items()]
        draw_table([t("label.pair"), t("label.kappa"), t("label.n_shared")], rows)
    if found.confusion:
        _draw_confusion(found)


def _draw_confusion(found: FieldAgreement) -> None:
    """Which values two raters take for one another; who they are can be chosen where there are more than two."""
    pairs = {f"{a}\n{b}": (a, b) for a, b in found.confusion}
    names = list(pairs)
    if session.widget_or_none(PAIR) not in pairs:
        session.set_widget(PAIR, names[0])
    if len(pairs) > 1:
        words = worded(names, lambda name: " / ".join(pairs[name]))
        st.selectbox(t("label.pair"), names, format_func=words, key=PAIR, persist_state="session")
    pair = pairs[str(session.widget(PAIR))]
    first, second = (t("label.said_by", rater=rater) for rater in pair)
    cells = [
        Cell(_words(found.field, a), _words(found.field, b), len(loop_ids), (found.field, *pair, *_coded(a, b)))
        for (a, b), loop_ids in found.confusion[pair].items()
    ]
    st.caption(t("label.confusion_hint"))
    # Another table has another key: what was chosen in one is not chosen in the next.
    key = f"label.confusion.{found.field}.{list(pairs).index(str(session.widget(PAIR)))}"
    chart_to_queue(figures_labels.confusion(cells, first, second), key, loops_of_cell)


def loops_of_cell(workspace: Workspace, leads_to: Sequence[str]) -> tuple[str, ...]:
    """The loops on which two raters said the values of a cell; none where they say something else by now."""
    field, first, second, *codes = leads_to
    table = label_queries.agreement(workspace, field).confusion.get((first, second), {})
    return next((loop_ids for said, loop_ids in table.items() if _coded(*said) == codes), ())


def _coded(first: Hashable, second: Hashable) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in (first, second)]


def _words(field: str, value: Any) -> str:
    if isinstance(value, tuple):
        return listed([code_text(field, str(code)) for code in value]) or t("label.none")
    return code_text(field, str(value))


def coefficient_text(found: Agreement) -> str:
    """A coefficient with its interval; a dash where it cannot be computed."""
    if found.value is None or found.low is None or found.high is None:
        return "–"
    return t("label.coefficient", value=f"{found.value:.2f}", low=f"{found.low:.2f}", high=f"{found.high:.2f}")


def _grade(alpha: float) -> str:
    return "reliable" if alpha >= RELIABLE else "tentative" if alpha >= TENTATIVE else "unreliable"


def _draw_disputes(workspace: Workspace, rater: str) -> None:
    """The loops in dispute: those this rater may settle, and those in which they have a vote."""
    by_loop: dict[str, list[Dispute]] = {}
    for dispute in label_queries.disputes(workspace):
        by_loop.setdefault(dispute.loop_id, []).append(dispute)
    own = [loop_id for loop_id, disputes in by_loop.items() if _is_party(disputes, rater)]
    loops_of = {ALL: list(by_loop), OTHERS: [one for one in by_loop if one not in own], OWN: own}
    st.markdown(f"**{t('label.disputes', n=f'{len(by_loop):,}')}**  \n:small[{t('label.dispute_rule')}]")
    if not by_loop:
        st.caption(t("label.no_disputes"))
        return
    session.default_widgets({WHOSE: ALL})
    words = worded(tuple(loops_of), lambda code: t(f"label.disputes_{code}", n=f"{len(loops_of[code]):,}"))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        whose = st.segmented_control(
            t("label.disputes_whose"),
            tuple(loops_of),
            format_func=words,
            key=WHOSE,
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        asked = loops_of[str(whose)]
        st.button(
            t("label.settle_all", n=f"{min(len(asked), MOST_QUEUED):,}"),
            key="label.settle_all",
            type="primary",
            icon=":material/balance:",
            disabled=not asked or not rater,
            on_click=_to_desk,
            args=(asked,),
        )
    shown = asked[:DISPUTES_SHOWN]
    loops = label_queries.loops(workspace, shown)
    for loop_id in shown:
        _draw_dispute(workspace, loops[loop_id], by_loop[loop_id], rater)
    if len(asked) > len(shown):
        st.caption(t("label.more", n=f"{len(asked) - len(shown):,}"))


def _is_party(disputes: Sequence[Dispute], rater: str) -> bool:
    return any(vote.author == rater for dispute in disputes for vote in dispute.votes)


def _draw_dispute(workspace: Workspace, loop: LoopWords, disputes: Sequence[Dispute], rater: str) -> None:
    """One loop with what each rater said, to hear and to settle."""
    loop_id = disputes[0].loop_id
    lines = [f"**{plain(loop.title)}**"]
    for dispute in disputes:
        said = listed(
            [
                t("label.vote", rater=plain(vote.author), value=plain(statement_text(vote, loop.instrument)))
                for vote in dispute.votes
            ]
        )
        lines.append(f":small[:gray[{field_title(dispute.field)}] {said}]")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"label.dispute.{loop_id}"):
        st.markdown("  \n".join(lines), width="stretch")
        load = partial(library_loops.load_loop, workspace, loop_id)
        play_button(load, title=loop.title, key=play_key(loop_id), loop_id=loop_id)
        st.button(
            t("label.look_again" if _is_party(disputes, rater) else "label.settle"),
            key=f"label.settle.{loop_id}",
            disabled=not rater,
            on_click=_to_desk,
            args=([loop_id],),
        )


def _to_desk(loop_ids: Sequence[str]) -> None:
    queue_loops(list(loop_ids)[:MOST_QUEUED], "to_settle")
