"""What others say against this rater, above the desk; and how tables and statements are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from composer_core.pipeline.labels import review
from composer_core.pipeline.labels.decisions import LabelEvent
from composer_core.pipeline.labels.review import Dispute
from composer_core.workspace import Workspace
from studio.label import queries as label_queries
from studio.label.desk import queue_loops
from studio.label.presses import stated
from studio.label.words import field_title, listed
from studio.wording.loop_names import plain
from studio.wording.text import t


def draw_elsewhere(workspace: Workspace, rater: str, on_screen: str) -> None:
    """Show what others decide against what this rater decided before, but for the loop on screen."""
    mine = [
        dispute
        for dispute in review.disputes(workspace)
        if dispute.loop_id != on_screen and any(vote.author == rater for vote in dispute.votes)
    ]
    if mine:
        _draw_elsewhere(workspace, mine, rater)


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
        st.button(t("label.look_again"), key="label.look_again", on_click=queue_loops, args=(loop_ids, "to_settle"))


def statement_text(event: LabelEvent, instrument: str) -> str:
    """What a rater said of a field, in words."""
    return stated(event.field, event.value, event.status, instrument)


def draw_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as text, readable by a screen reader; cells are Markdown already made safe."""
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(cell or " " for cell in row) + " |" for row in rows]
    st.markdown("\n".join(lines))
