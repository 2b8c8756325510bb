"""What the scores of loops judge: say it, let it be chosen for a loop or a selection, and score old loops again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.estimate.scores.profiles import PERFORMED, PROFILES
from composer_core.pipeline.labels.review import set_profile
from composer_core.pipeline.library import rescoring
from composer_core.pipeline.library.query import JUDGED_PROFILE, LABELLED_PROFILE, MEASURED_PROFILE
from composer_core.workspace import Workspace
from studio import queries, session
from studio.access.offer import may, why_not
from studio.rater import current_rater
from studio.redraw import redraw
from studio.widgets import show_error, worded
from studio.wording.text import t

MEASURED = "measured"
_CHOICES = (MEASURED, *PROFILES)
RESCORE = "library.rescore"


def profile_of(row: Mapping[str, object]) -> str:
    """The profile that a loop of the library is judged by."""
    code = row.get(JUDGED_PROFILE)
    return code if isinstance(code, str) and code else PERFORMED


def draw_profile(row: Mapping[str, object]) -> None:
    """What the scores of a loop judge: its profile as a badge, and what that means."""
    measured, words = row.get(MEASURED_PROFILE), t(f"profile.{profile_of(row)}_judges")
    if _chosen(row) != MEASURED:
        by_rule = t(f"profile.{measured}") if isinstance(measured, str) and measured else t("profile.unknown")
        words = f"{words} ({t('profile.by_hand', profile=by_rule)})"
    st.caption(f":violet-badge[{t(f'profile.{profile_of(row)}')}] {words}")


def _chosen(row: Mapping[str, object]) -> str:
    """What somebody says of a loop's profile; MEASURED where nobody does."""
    said = row.get(LABELLED_PROFILE)
    return said if isinstance(said, str) and said else MEASURED


def choose_profile(row: Mapping[str, object]) -> None:
    """The choice of another profile for a loop."""
    loop_id, chosen = str(row["loop_id"]), _chosen(row)
    key = f"library.profile.{loop_id}"
    session.set_widget(key, chosen)
    st.segmented_control(
        t("profile.choose"),
        _CHOICES,
        format_func=worded(_CHOICES, lambda code: t(f"profile.{code}")),
        key=key,
        required=True,
        help=why_not("label") or t("profile.choose_help"),
        disabled=not may("label"),
        on_change=lambda: _choose(loop_id, str(session.widget(key))),
    )


def draw_selection_profile(n_selected: int) -> None:
    """The same choice for all selected loops."""
    st.caption(t("profile.selection_hint", n=f"{n_selected:,}"))
    with st.container(horizontal=True, gap="small"):
        for code in _CHOICES:
            st.button(
                t(f"profile.{code}"),
                key=f"library.judge_as.{code}",
                help=why_not("label"),
                disabled=not may("label"),
                on_click=_choose_for_selection,
                args=(code,),
            )


def draw_rescoring(workspace: Workspace) -> None:
    """A notice while loops are scored by other calibrations, or by no profile, and the button that scores them."""
    n_waiting = queries.cached_answer(workspace, rescoring.n_to_rescore)
    if not n_waiting:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="library.rescoring"):
        st.info(t("rescore.waiting", n=f"{n_waiting:,}"), icon=":material/update:")
        if st.button(t("rescore.now"), key=RESCORE, help=why_not("rescore"), disabled=not may("rescore")):
            _rescore(workspace)


def _rescore(workspace: Workspace) -> None:
    bar = st.progress(0.0, t("rescore.running", percent=0))

    def tell(done: int, total: int) -> None:
        """Show how many parts of the library are done."""
        bar.progress(done / total, t("rescore.running", percent=round(100 * done / total)))

    try:
        counts = rescoring.rescore(workspace, progress=tell)
    except ComposerError as error:
        show_error(error)
        return
    session.notify(t("rescore.done", n=f"{counts['rescored']:,}"))
    redraw()


def _choose(loop_id: str, code: str) -> None:
    _store([loop_id], code)


def _choose_for_selection(code: str) -> None:
    n_changed = _store(session.selection(), code)
    if n_changed is not None:
        session.notify(t("profile.set", n=f"{n_changed:,}"))


def _store(loop_ids: Sequence[str], code: str) -> int | None:
    """Keep the choice as a label; None where it could not be kept, which is said."""
    workspace = session.workspace()
    rater = current_rater()
    if not rater:
        session.notify(t("profile.no_rater"))
        return None
    try:
        return set_profile(workspace, loop_ids, None if code == MEASURED else code, rater)
    except ComposerError as error:
        session.set_problem(error)
        return None
