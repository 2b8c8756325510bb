"""The retry queue in the Library: pass mark and weights with a preview, and loops mended by rules, heard both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.estimate.scores.axes import AXES
from composer_core.estimate.scores.profiles import PROFILES
from composer_core.pipeline.editing import mending
from composer_core.pipeline.editing.mending import Mended
from composer_core.pipeline.editing.recipes import keep_recipe
from composer_core.pipeline.library import rescoring
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.settings import save_settings, settings_or_defaults
from composer_core.workspace import Workspace
from studio import queries, session
from studio.access.offer import may, why_not
from studio.components import transport
from studio.figures.score_bars import score_bars
from studio.library import state as library_state
from studio.library.rows import number
from studio.library.view import ask, current_view
from studio.widgets import show_error, worded
from studio.wording.text import t

MARK, WEIGHTED, WEIGHT, OF = "retry.mark", "retry.weighted", "retry.weight.", "retry.of"
ALL = "all"
_OF = (ALL, *PROFILES)
_CHART_PX = 260
MOST_SHOWN = 100_000
"""By weights the queue is named loop by loop; of a longer one the worst are shown."""


def pass_mark(workspace: Workspace) -> float:
    """The pass mark of the settings."""
    return settings_or_defaults(workspace).pass_mark


def draw_queue(workspace: Workspace) -> None:
    """How many loops wait, the settings with what they would change, and the way to the queue."""
    stored = settings_or_defaults(workspace)
    weights = stored.score_weights or dict.fromkeys(AXES, 1.0)
    # First values are given with each widget: one put into the session's state is lost while the popover is closed.
    st.slider(t("retry.pass_mark"), 0.0, 100.0, stored.pass_mark, 1.0, "%.0f", key=MARK, help=t("retry.pass_mark_help"))
    st.toggle(t("retry.weighted"), stored.score_weights is not None, key=WEIGHTED, help=t("retry.weighted_help"))
    if session.widget(WEIGHTED):
        for axis in AXES:
            st.slider(t(f"score.{axis}"), 0.0, 1.0, float(weights.get(axis, 0.0)), 0.1, key=WEIGHT + axis)
    session.default_widgets({OF: ALL})
    st.segmented_control(
        t("retry.of"),
        _OF,
        format_func=worded(_OF, lambda code: t("retry.of_all" if code == ALL else f"profile.{code}")),
        key=OF,
        required=True,
        persist_state="session",
    )
    mark, asked, of = float(session.widget(MARK)), _chosen_weights(), Filter(profiles=_chosen_profiles())
    try:
        now = queries.preview(workspace, stored.pass_mark, stored.score_weights, of)
        then = queries.preview(workspace, mark, asked, of)
    except ComposerError as error:
        show_error(error)
        return
    change = then.n_below - now.n_below
    st.metric(t("retry.waiting"), f"{then.n_below:,}", f"{change:+,}" if change else None, delta_color="off")
    st.caption(t("retry.counts", passing=f"{then.n_passing:,}", without=f"{then.n_without:,}"))
    frame = pd.DataFrame({t("retry.now"): now.counts, t("retry.then"): then.counts}, index=then.edges[:-1].astype(int))
    st.bar_chart(frame, stack=False, height=_CHART_PX, x_label=t("score.total"), y_label=t("library.n_loops"))
    with st.container(horizontal=True):
        st.button(t("retry.save"), key="retry.save", type="primary", on_click=_save, args=(mark, asked),
                  disabled=not may("settings"), help=why_not("settings"))  # fmt: skip
        st.button(t("retry.show"), key="retry.show", on_click=_show, disabled=not now.n_below)


def _chosen_profiles() -> tuple[str, ...]:
    """The profile whose loops are shown; all of them where none is chosen."""
    chosen = str(session.widget(OF))
    return () if chosen == ALL else (chosen,)


def _chosen_weights() -> dict[str, float] | None:
    if not session.widget(WEIGHTED):
        return None
    return {axis: round(float(session.widget(WEIGHT + axis)), 2) for axis in AXES}


def _save(mark: float, weights: Mapping[str, float] | None) -> None:
    workspace = session.workspace()
    try:
        changed = replace(settings_or_defaults(workspace), pass_mark=mark, score_weights=weights)
        save_settings(workspace, changed)
        session.notify(t("retry.saved"))
    except ComposerError as error:
        session.set_problem(error)


def _show() -> None:
    """Show the queue in the table: below the mark, or by weights the very loops, at most as many as a selection."""
    workspace = session.workspace()
    settings = settings_or_defaults(workspace)
    asked = replace(current_view().filter, below_total=settings.pass_mark, profiles=_chosen_profiles())
    if settings.score_weights is not None:
        waiting = rescoring.retry_queue(workspace, settings, Filter(profiles=_chosen_profiles()))
        asked = replace(asked, below_total=None, loop_ids=tuple(waiting[:MOST_SHOWN]))
    ask(asked)


def draw_mending(workspace: Workspace, loop_id: str, total: float | None) -> None:
    """For a loop below the pass mark: mend it, hear both, keep the better one."""
    settings = settings_or_defaults(workspace)
    if total is None or total >= settings.pass_mark:
        return
    st.button(t("retry.mend"), icon=":material/healing:", key="retry.mend", help=t("retry.mend_help"),
              on_click=_mend, args=(loop_id,))  # fmt: skip
    mended = library_state.mended()
    if mended is None or mended.loop_id != loop_id:
        return
    if not mended.better:
        st.info(t("retry.none_better"))
        return
    st.caption(t("retry.done", steps=", ".join(_rule_names(mended))))
    before, after = st.columns(2)
    for place, word, scores in (
        (before, "retry.before", mended.scores_before),
        (after, "retry.after", mended.scores_after),
    ):
        place.caption(t(word))
        place.html(score_bars({axis: number(value) for axis, value in scores.items()}, settings.pass_mark))
    with st.container(horizontal=True):
        st.button(t("retry.hear"), icon=":material/compare_arrows:", key="retry.hear", on_click=_hear, args=(mended,))
        st.button(t("retry.keep"), icon=":material/add:", key="retry.keep", on_click=_keep, args=(loop_id,),
                  disabled=not may("add_loops"), help=why_not("add_loops"))  # fmt: skip
        st.button(t("retry.recipe"), icon=":material/save:", key="retry.recipe", on_click=_save_recipe,
                  args=(mended,), disabled=not may("save_recipe"), help=why_not("save_recipe"))  # fmt: skip


def _rule_names(mended: Mended) -> list[str]:
    steps = mended.recipe.steps if mended.recipe else ()
    return list(dict.fromkeys(t(f"rule.{step.rule}") for step in steps))


def _mend(loop_id: str) -> None:
    try:
        library_state.set_mended(mending.retry(session.workspace(), [loop_id], keep=False)[0])
    except ComposerError as error:
        session.set_problem(error)


def _hear(mended: Mended) -> None:
    pair = ((mended.before, t("retry.before"), mended.loop_id), (mended.after, t("retry.after"), mended.loop_id))
    transport.compare(pair, key=f"retry.{mended.loop_id}")


def _save_recipe(mended: Mended) -> None:
    assert mended.recipe is not None
    try:
        session.notify(t("generate.recipe_kept", path=keep_recipe(session.workspace(), mended.recipe)))
    except ComposerError as error:
        session.set_problem(error)


def _keep(loop_id: str) -> None:
    try:
        kept = mending.retry(session.workspace(), [loop_id])[0]
        session.notify(t("retry.kept", total=f"{kept.total_after:.0f}"))
    except ComposerError as error:
        session.set_problem(error)
