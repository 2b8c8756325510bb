"""One label for many loops: the Library's selection or filter, shown as a preview, applied at once, with one undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.labels import decisions, review
from composer_core.pipeline.labels.fields import MAX_QUALITY, MIN_QUALITY
from composer_core.pipeline.labels.review import BulkPreview
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.workspace import Workspace
from studio import navigation, queries, session
from studio.label import queries as label_queries
from studio.label import state as label_state
from studio.label.presses import NOTE_CHARACTERS
from studio.label.words import field_title, value_text, who_text
from studio.rater import current_rater
from studio.widgets import worded
from studio.wording.names import genre_name, instrument_name, mood_name, tag_name, technique_name
from studio.wording.text import literally, t

BULK = "bulk"
SOURCE, FIELD, APPROVE, NOTE = "label.bulk.source", "label.bulk.field", "label.bulk.approve", "label.bulk.note"
VALUE = "label.bulk.value."
SELECTION, FILTER = "selection", "filter"
SOURCES = (SELECTION, FILTER)
AFFECT = {"emotion_valence": (-1.0, 1.0, 0.0), "emotion_arousal": (0.0, 1.0, 0.5)}
"""Lowest and highest value of a field of numbers, and where its slider starts."""
FIELDS = (
    *("emotion", "emotion_valence", "emotion_arousal", "genre", "technique", "quality"),
    *("key_mode", "section", "intensity", "swing_phase", "feel"),
)
MOST = 5000
"""Loops labelled by one click, in one transaction."""
ROWS_SHOWN, REFUSED_SHOWN = 200, 3
TABLE_PX = 380


def draw_bulk(workspace: Workspace, rater: str, shown_in_library: Filter) -> None:
    """Which loops, which value, the preview, and the button that stores it."""
    request, shown = st.columns([1, 1.9], gap="small")
    with request, st.container(border=True, key="label.bulk_request"):
        loop_ids = _choose_loops(workspace, shown_in_library)
        values = _choose_value(workspace)
        session.default_widgets({APPROVE: True, NOTE: ""})
        st.toggle(t("label.bulk_approve"), key=APPROVE, help=t("label.bulk_approve_help"), persist_state="session")
        st.text_input(t("label.note"), key=NOTE, max_chars=NOTE_CHARACTERS, persist_state="session")
        key = "label.bulk_preview_one" if len(loop_ids) == 1 else "label.bulk_preview"
        st.button(
            t(key, n=f"{len(loop_ids):,}"),
            key="label.bulk.preview",
            type="primary",
            icon=":material/preview:",
            disabled=not loop_ids or not values,
            on_click=_look,
            args=(workspace, loop_ids, values, rater),
            width="stretch",
        )
    with shown, st.container(border=True, key="label.bulk_preview"):
        _draw_preview(workspace, rater)


def _choose_loops(workspace: Workspace, filter: Filter) -> list[str]:
    """The loops of the Library's selection, or those its filters leave."""
    selected = session.selection()
    n_loops = {SELECTION: len(selected), FILTER: queries.count(workspace, filter)}
    session.default_widgets({SOURCE: SELECTION if selected else FILTER})
    source = st.segmented_control(
        t("label.bulk_source"),
        SOURCES,
        format_func=worded(SOURCES, lambda code: t(f"label.bulk_{code}", n=f"{n_loops[code]:,}")),
        key=SOURCE,
        required=True,
        on_change=_forget,
        persist_state="session",
        width="stretch",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(t("label.bulk_hint"), width="stretch")
        st.page_link(navigation.page("library"), label=t("label.to_library"))
    if n_loops[str(source)] > MOST:
        st.caption(t("label.bulk_limit", most=f"{MOST:,}"))
    if source == SELECTION:
        return selected[:MOST]
    found: list[str] = queries.cached_answer(workspace, browse.ids, filter, MOST)
    return found


def _choose_value(workspace: Workspace) -> dict[str, Any]:
    """The field and its value; empty while none is chosen."""
    session.default_widgets({FIELD: FIELDS[0]})
    words = worded(FIELDS, field_title)
    field = str(
        st.selectbox(t("label.field"), FIELDS, format_func=words, key=FIELD, on_change=_forget, persist_state="session")
    )
    if field in AFFECT:
        low, high, first = AFFECT[field]
        session.default_widgets({VALUE + field: first})
        return {field: st.slider(t("label.value"), low, high, step=0.05, key=VALUE + field, on_change=_forget)}
    if field == "quality":
        stars = range(MIN_QUALITY, MAX_QUALITY + 1)
        value = st.segmented_control(
            t("label.value"), stars, format_func=lambda n: f"{n} ★", key=VALUE + field, on_change=_forget
        )
        return {} if value is None else {field: value}
    return _choose_code(workspace, field)


def _choose_code(workspace: Workspace, field: str) -> dict[str, Any]:
    """A code of the vocabulary, or several techniques of one instrument."""
    codes, words = _codes(workspace, field)
    common: dict[str, Any] = {
        "format_func": words,
        "key": VALUE + field,
        "on_change": _forget,
        "placeholder": t("label.bulk_choose"),
    }
    if field == "technique":
        several = st.multiselect(t("label.value"), codes, select_all=False, **common)
        st.caption(t("label.bulk_whole_set"))
        return {field: [code.partition(":")[2] for code in several]} if several else {}
    chosen = st.selectbox(t("label.value"), codes, index=None, **common)
    if chosen is None:
        return {}
    return {field: {chosen: 1.0} if field == "genre" else chosen}


def _codes(workspace: Workspace, field: str) -> tuple[list[str], Callable[[str], str]]:
    """The codes a field can hold and their words. Techniques carry their instrument, as drums:ghost."""
    known = vocabularies(workspace)
    if field == "emotion":
        return list(known.moods), worded(known.moods, mood_name)
    if field == "genre":
        return list(known.genres), worded(known.genres, genre_name)
    if field == "technique":
        codes = [f"{instrument}:{code}" for instrument, of_it in known.techniques.items() for code in of_it]
        return codes, worded(codes, _technique_words)
    codes = list(known.tags[field])
    return codes, worded(codes, partial(tag_name, field))


def _technique_words(code: str) -> str:
    instrument, _, technique = code.partition(":")
    return t(
        "label.bulk_technique", instrument=instrument_name(instrument), technique=technique_name(instrument, technique)
    )


def _draw_preview(workspace: Workspace, rater: str) -> None:
    preview = label_state.label_preview()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{t('label.bulk_title')}**", width="stretch")
        st.button(t("label.bulk_undo"), key="label.bulk.undo", help=t("label.undo_help"), shortcut="U", on_click=_undo)
    if preview is None:
        st.caption(t("label.bulk_no_preview"))
        return
    figures = (preview.n_loops, preview.unchanged, preview.contradicted, len(preview.refused))
    names = ("changes", "unchanged", "contradicted", "refused")
    for place, name, figure in zip(st.columns(len(names)), names, figures, strict=True):
        place.metric(t(f"label.bulk_{name}"), f"{figure:,}", help=t(f"label.bulk_{name}_help"))
    key = "label.bulk_apply_one" if preview.n_loops == 1 else "label.bulk_apply"
    st.button(
        t(key, n=f"{preview.n_loops:,}"),
        key="label.bulk.apply",
        type="primary",
        icon=":material/done_all:",
        disabled=not preview.changes,
        on_click=_apply,
        args=(rater,),
    )
    _draw_rows(workspace, preview)


def _draw_rows(workspace: Workspace, preview: BulkPreview) -> None:
    """What changes, loop by loop, and why some loops cannot hold the value."""
    shown, refused = preview.changes[:ROWS_SHOWN], preview.refused[:REFUSED_SHOWN]
    loops = label_queries.loops(workspace, [change.loop_id for change in shown] + [one[0] for one in refused])
    rows = [
        {
            "loop": loops[change.loop_id].title,
            "before": value_text(change.field, change.before, loops[change.loop_id].instrument),
            "by": who_text(change.source) if change.source else "",
            "after": value_text(change.field, change.after, loops[change.loop_id].instrument),
        }
        for change in shown
    ]
    if rows:
        titles = {name: st.column_config.TextColumn(t(f"label.bulk_col_{name}")) for name in rows[0]}
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=TABLE_PX, column_config=titles)
    if len(preview.changes) > ROWS_SHOWN:
        st.caption(t("label.more", n=f"{len(preview.changes) - ROWS_SHOWN:,}"))
    for loop_id, _, reason in refused:
        st.caption(
            f":material/block: {t('common.named', name=literally(loops[loop_id].title), value=literally(reason))}"
        )


def _look(workspace: Workspace, loop_ids: Sequence[str], values: dict[str, Any], rater: str) -> None:
    try:
        label_state.set_label_preview(review.bulk_preview(workspace, loop_ids, values, rater))
    except ComposerError as error:
        session.set_problem(error)


def _apply(rater: str) -> None:
    preview = label_state.label_preview()
    if preview is None:
        return
    action, note = "approve" if session.widget(APPROVE) else "draft", str(session.widget(NOTE))
    _forget()
    try:
        stored = review.bulk_apply(session.workspace(), preview, rater=rater, action=action, note=note)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("label.bulk_done", n=f"{stored.n_loops if stored else 0:,}"))


def _undo() -> None:
    try:
        undone = decisions.undo(session.workspace(), current_rater())
    except ComposerError as error:
        session.set_problem(error)
        return
    _forget()
    if undone is None:
        session.notify(t("label.nothing_to_undo"))
    elif len(undone.loop_ids) > 1:
        session.notify(t("label.undone_bulk", n=f"{len(undone.loop_ids):,}"))
    else:
        session.notify(t(f"label.undone_{undone.action}"))


def _forget() -> None:
    """Another request has no preview yet."""
    label_state.set_label_preview(None)
