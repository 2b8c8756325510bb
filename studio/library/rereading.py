"""Say that files are read better today than when they were imported, show what would change, do it, take it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.library import loops, reread
from composer_core.pipeline.library.changes import CLASSES
from composer_core.pipeline.library.reread import Outlook, RereadReport
from composer_core.workspace import Workspace
from studio import session
from studio.access.offer import why_not
from studio.library import state as library_state
from studio.library.import_words import refusal_text, shown_path
from studio.redraw import redraw
from studio.widgets import show_error
from studio.wording.text import literally, t

_NAMED = 50
"""So many files are named in the notice."""


def draw_notice(workspace: Workspace) -> None:
    """What a re-read would improve, or has; nothing where every loop is of today's reading."""
    report = library_state.reread_report()
    if report is not None:
        _draw_report(workspace, report)
        return
    found = _outlook(str(workspace.root), loops.digest(workspace))
    if not found.n_loops:
        return
    n_loops, files = f"{found.n_loops:,}", f"{found.n_files:,}"
    if found.n_files == found.n_missing:
        st.caption(t("reread.only_missing", loops=n_loops, files=files))
        _draw_files(t("reread.missing_title", n=files), [shown_path(path, workspace) for path in found.missing])
        _draw_look(workspace)
        return
    with st.container(border=True, key="reread.notice"):
        st.markdown(f":material/auto_fix_high: {t('reread.needed', loops=n_loops, files=files)}")
        if found.missing:
            title = t("reread.missing_title", n=f"{found.n_missing:,}")
            _draw_files(title, [shown_path(path, workspace) for path in found.missing])
        _draw_look(workspace)


@st.cache_resource(max_entries=4, show_spinner=False)
def _outlook(root: str, library: str) -> Outlook:
    """What an earlier reading cut, looked for once for each state of the library."""
    assert library
    return reread.outlook(Workspace(Path(root)))


def _draw_look(workspace: Workspace) -> None:
    reason = why_not("reread")
    if st.button(t("reread.look"), key="reread.look", help=reason or t("reread.look_help"), disabled=bool(reason)):
        _run(workspace, reread.preview)


def draw_undo(workspace: Workspace) -> None:
    """The button that takes the newest re-read back; nothing where there is none."""
    newest = reread.newest_reread(workspace)
    if newest is None:
        return
    at = datetime.fromisoformat(newest.at).astimezone().strftime("%Y-%m-%d %H:%M")
    counts = {"out": newest.about.get("loops_set_aside", 0), "put_in": newest.about.get("loops_put_in", 0)}
    words = t("reread.undo_help", at=at, **counts)
    with st.container(horizontal=True, vertical_alignment="center", key="reread.standing"):
        reason = why_not("reread")
        st.button(
            t("reread.undo"),
            icon=":material/undo:",
            key="reread.undo",
            help=reason,
            disabled=bool(reason),
            on_click=_undo,
            args=(workspace,),
        )
        st.caption(words)


def _run(workspace: Workspace, act: Callable[..., RereadReport]) -> None:
    """Read again with a progress bar, keep the report and draw the page with it; an error becomes a message."""
    bar = st.progress(0.0, text=t("reread.title"))

    def show(done: int, total: int) -> None:
        words = t("reread.reading", done=f"{done:,}", total=f"{total:,}")
        bar.progress(done / max(total, 1), text=words)

    try:
        library_state.set_reread_report(act(workspace, progress=show).to_json())
    except ComposerError as error:
        bar.empty()
        show_error(error)
        return
    redraw()


def _undo(workspace: Workspace) -> None:
    try:
        undone = reread.undo(workspace)
    except ComposerError as error:
        session.set_problem(error)
        return
    library_state.set_reread_report(None)
    if undone is not None:
        session.notify(t("reread.undone", out=undone.about.get("loops_set_aside", 0)))


def _draw_report(workspace: Workspace, report: Mapping[str, Any]) -> None:
    counts = {
        "changed": f"{report['files_changed']:,}",
        "files": f"{report['files']:,}",
        "out": f"{report['loops_set_aside']:,}",
        "put_in": f"{report['loops_put_in']:,}",
        **{name: f"{count:,}" for name, count in report["labels"].items()},
    }
    with st.container(border=True, key="reread.report"):
        st.markdown(f"**{t('reread.title')}**")
        if not report["files_changed"]:
            st.markdown(t("reread.no_change", **counts))
        elif report["applied"]:
            st.success(t("reread.applied", **counts))
        else:
            st.markdown(t("reread.changes", **counts))
            st.markdown(t("reread.labels", **counts))
        _draw_classes(report["classes"])
        if report["not_reread"]:
            rows = [
                t("common.named", name=shown_path(row["path"], workspace), value=refusal_text(row))
                for row in report["not_reread"]
            ]
            _draw_files(t("reread.not_read", n=f"{len(rows):,}"), rows)
        wanted = False
        with st.container(horizontal=True):
            if not report["applied"]:
                wanted = st.button(t("reread.apply"), type="primary", key="reread.apply", help=t("reread.apply_help"))
            words = t("common.close" if report["applied"] else "reread.later")
            st.button(words, key="reread.close", on_click=library_state.set_reread_report, args=(None,))
        if report["applied"] and report["exchange"]:
            draw_undo(workspace)
        if wanted:
            _run(workspace, reread.reread)


def _draw_classes(classes: Mapping[str, int]) -> None:
    rows = [(t(f"reread.class_{name}"), classes[name]) for name in CLASSES if classes.get(name)]
    if rows:
        st.dataframe(
            pd.DataFrame(rows, columns=["class", "loops"]),
            hide_index=True,
            column_config={
                "class": st.column_config.TextColumn(t("reread.col_class"), width="medium"),
                "loops": st.column_config.NumberColumn(t("reread.col_loops"), width=90),
            },
        )


def _draw_files(title: str, names: Sequence[str]) -> None:
    with st.expander(title):
        more = [t("reread.more", n=f"{len(names) - _NAMED:,}")] if len(names) > _NAMED else []
        st.markdown("\n".join(f"- {literally(name)}" for name in [*names[:_NAMED], *more]))
