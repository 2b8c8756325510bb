"""One loop of the library in detail: its notes, labels, scores, measurements, history and similar loops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.estimate.scores import axes as scores_axes
from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.metrics import METRICS
from composer_core.music.chords import chords_of
from composer_core.music.key import ROOT_NAMES
from composer_core.music.loop import Loop
from composer_core.pipeline import scoring
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.library import loops
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.loops import loop_midi
from composer_core.pipeline.library.query import JUDGED_PREFIX
from composer_core.pipeline.library.similar import BY_FINGERPRINT, WAYS, Similar
from composer_core.pipeline.settings import settings_or_defaults
from composer_core.workspace import Workspace
from studio import queries, session
from studio.components.loop_table import Column, PageOf, Row, loop_table
from studio.figures.roll import roll
from studio.figures.score_bars import explanation_lines, score_bars
from studio.label.desk import play_key
from studio.label.panels import draw_history
from studio.label.words import confidence_text, field_name, value_text
from studio.library.compare import choose_for_comparison
from studio.library.import_words import shown_path
from studio.library.measured import draw_measured
from studio.library.mending import draw_mending
from studio.library.profiles import choose_profile, draw_profile, profile_of
from studio.library.rows import number, sub_line
from studio.library.selection import is_selected, toggle_selected
from studio.library.view import ask
from studio.widgets import icon_button, picture, play_button, worded
from studio.wording.declared import declared_text, key_name
from studio.wording.loop_names import loop_name, loop_title, plain
from studio.wording.names import instrument_name
from studio.wording.text import t

N_SIMILAR = 20
_HEIGHT = "21rem"


def draw_similar(workspace: Workspace, loop_id: str) -> None:
    """The loops most similar to one of the library, the nearest first."""
    _draw(workspace, "library.similar", lambda by: queries.similar(workspace, loop_id, N_SIMILAR, by))


def _draw(workspace: Workspace, key: str, search: Callable[[str], Sequence[Similar]]) -> None:
    way = f"{key}.by"
    session.default_widgets({way: BY_FINGERPRINT})
    by = st.segmented_control(
        t("similar.by"),
        WAYS,
        format_func=worded(WAYS, lambda code: t(f"similar.by_{code}")),
        key=way,
        label_visibility="collapsed",
        required=True,
        persist_state="session",
    )
    found = search(str(by))
    if not found:
        st.caption(t("similar.none"))
        return
    rows = queries.rows(workspace, tuple(one.loop_id for one in found))
    column = Column("near", t("similar.distance"), "number", "", 1, t(f"similar.distance_{by}"))
    draw_list(key, rows, column, [{"near": f"{one.distance:.2f}"} for one in found])
    st.caption(t(f"similar.hint_{by}"))


def draw_list(key: str, rows: pd.DataFrame, column: Column, cells: Sequence[Mapping[str, object]]) -> None:
    """Loops of the library as a short table: name, tempo and one column more, whose cells are given."""
    from studio.library.acts import on_row

    columns = [
        Column("name", t("library.col_name"), "name"),
        Column("tempo", t("library.col_tempo"), "number"),
        column,
    ]
    drawn = [
        Row(
            str(row["loop_id"]),
            loop_name(row),
            sub_line(row),
            str(row["member"] or row["source"]),
            {"tempo": f"{number(row['tempo_bpm']) or 0:.0f}", **more},
        )
        for row, more in zip(queries.records(rows), cells, strict=True)
    ]
    loop_table(
        key=key,
        columns=columns,
        rows=drawn,
        page=PageOf(0, 1, ""),
        sort=("", True),
        on_event=on_row,
        height=_HEIGHT,
    )


TAB = "library.detail_tab"
OVERVIEW, MEASURED, SIMILAR, SAME_FILE, HISTORY = TABS = ("overview", "measured", "similar", "same_file", "history")
_PATH_PARTS = 3
_UNSAFE = re.compile(r"[^\w-]+")


def draw_scored(workspace: Workspace, row: Mapping[str, object], loop: Loop) -> None:
    """The scores of the loop with what pulled them down, or why it has none; a bad one can be mended."""
    profile = profile_of(row)
    scores = {axis: number(row.get(JUDGED_PREFIX + axis)) for axis in SCORE_NAMES}
    reasons = scoring.missing(loop.instrument, len(loop.notes), profile)
    if all(value is None for value in scores.values()):
        why = t(f"missing.{next(iter(reasons.values()))}") if reasons else t("library.no_scores_help")
        st.caption(f"{t('library.no_scores')} – {why}", help=t("library.no_scores_help"))
        return
    draw_profile(row)
    st.html(score_bars(scores, settings_or_defaults(workspace).pass_mark))
    for reason in dict.fromkeys(reasons.values()):
        axes = t("library.comma").join(t(f"score.{axis}") for axis, why in reasons.items() if why == reason)
        st.caption(t("missing.axes", axes=axes, why=t(f"missing.{reason}")))
    metrics = {name: value for name in METRICS if (value := number(row.get(f"metrics.{name}"))) is not None}
    sentences = explanation_lines(scoring.explain(loop, metrics, profile))
    if sentences:
        st.caption("  \n".join(sentences), help=t("library.why_help"))
    choose_profile(row)
    draw_mending(workspace, str(row["loop_id"]), scores[scores_axes.TOTAL])


def draw_same_source(workspace: Workspace, row: Mapping[str, object]) -> None:
    """The loops of the same file in the order they are played."""
    if row["origin"] == "generated":
        st.caption(t("library.no_source"))
        return
    filter = Filter(sources=(str(row["source"]),))
    found = queries.page(workspace, filter, (("member", False), ("start_bar", False)), 0)
    column = Column("notes", t("library.col_notes"), "number")
    cells = [{"notes": f"{int(notes):,}"} for notes in found.rows["n_notes"]]
    draw_list("library.same_file", found.rows, column, cells)
    if found.total > 1:
        st.button(
            t("library.filter_source", n=f"{found.total:,}"), key="library.filter_source", on_click=ask, args=(filter,)
        )


def draw_detail(workspace: Workspace, loop_id: str) -> None:
    """Everything known about one loop; NotFound when the library has none of that id."""
    row = queries.row(workspace, loop_id)
    loop = loops.load_loop(workspace, loop_id)
    title = loop_title(row)
    st.markdown(f"**{plain(title)}**")
    st.caption(facts(row))
    _draw_buttons(workspace, loop_id, title, loop)
    session.default_widgets({TAB: OVERVIEW})
    tab = st.segmented_control(
        t("library.detail_section"),
        TABS,
        format_func=lambda code: t(f"library.tab_{code}"),
        key=TAB,
        label_visibility="collapsed",
        required=True,
        persist_state="session",
    )
    if tab == MEASURED:
        draw_measured(workspace, row)
    elif tab == SIMILAR:
        draw_similar(workspace, loop_id)
    elif tab == SAME_FILE:
        draw_same_source(workspace, row)
    elif tab == HISTORY:
        draw_history(workspace, loop_id, loop.instrument)
    else:
        _draw_overview(workspace, row, loop)


def _draw_buttons(workspace: Workspace, loop_id: str, title: str, loop: Loop) -> None:
    selected = is_selected(loop_id)
    with st.container(horizontal=True, gap="small"):
        play_button(lambda: loop, title=title, key=play_key(loop_id), loop_id=loop_id)
        st.button(
            "A/B",
            icon=":material/compare_arrows:",
            key="library.beside",
            help=t("library.beside_help"),
            on_click=choose_for_comparison,
            args=(loop_id,),
        )
        icon_button(
            t("library.unselect" if selected else "library.select"),
            ":material/check_box:" if selected else ":material/check_box_outline_blank:",
            key="library.pick",
            on_click=toggle_selected,
            args=(loop_id,),
        )
        st.download_button(
            "MIDI",
            lambda: loop_midi(workspace, loop_id),
            file_name=_UNSAFE.sub("_", title).strip("_") + ".mid",
            mime="audio/midi",
            icon=":material/download:",
            key=f"library.midi.{loop_id}",
            help=t("library.midi_help"),
            on_click="ignore",
        )


def _draw_overview(workspace: Workspace, row: Mapping[str, Any], loop: Loop) -> None:
    picture(roll(loop, chord_symbols(loop)), t("common.notes_of", name=loop_title(row)))
    declared = declared_text(loop, _estimates_of(workspace, row))
    if declared:
        st.caption(declared)
    draw_labels(workspace, str(row["loop_id"]), loop.instrument)
    draw_scored(workspace, row, loop)
    st.caption(t("library.source", source=plain(source_text(workspace, row))))
    others = loops.other_names(workspace, str(row["source_digest"]))
    if others:
        shown = [source_text(workspace, {"source": source, "member": member}) for source, member in others]
        st.caption(t("library.other_names", names=plain(t("library.comma").join(shown))))
    if isinstance(row["duplicate_of"], str) and row["duplicate_of"]:
        st.caption(f":material/content_copy: {t('library.duplicate')}")
    if isinstance(row["excluded"], str) and row["excluded"]:
        reason = t(f"exclusion.{row['excluded']}")
        st.caption(f":material/block: {t('library.left_out', reason=reason)}")


def _estimates_of(workspace: Workspace, row: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The estimated key and metre of a loop and how sure they are, in words, by "key" and "meter" where there are."""
    root, sure = number(row["key_root"]), number(row["key_confidence"])
    found = {}
    if root is not None and root >= 0:
        found["key"] = key_name(ROOT_NAMES[int(root)], str(row["key_mode"])), confidence_text(sure)
    meter = decisions.current(workspace, str(row["loop_id"])).fields.get("meter")
    if meter is not None and meter.source.startswith("model:"):
        found["meter"] = str(meter.value), confidence_text(meter.confidence)
    return found


def chord_symbols(loop: Loop) -> Sequence[str]:
    """Symbols of the chords heard, one a bar, "" where none is; nothing for drums."""
    if loop.is_drums:
        return ()
    found = chords_of([loop.notes], loop.bars, loop.meter.bar_tick)
    return ["" if chord is None else str(chord) for chord in found]


def facts(row: Mapping[str, object]) -> str:
    """Instrument, tempo, metre, size and origin in one line."""
    tempo = number(row["tempo_bpm"]) or 0.0
    line = t(
        "library.facts",
        instrument=instrument_name(str(row["instrument"])),
        tempo=f"{tempo:.0f}",
        meter=row["meter"],
        notes=row["n_notes"],
        origin=t(f"origin.{row['origin']}"),
    )
    return t("library.dot").join([line, t("library.varying_tempo")]) if row["tempo_varies"] else line


def source_text(workspace: Workspace, row: Mapping[str, object]) -> str:
    """The end of the path a loop came from, with its place in an archive; the take of a generated one."""
    parts = shown_path(str(row["source"]), workspace).split("/")
    source = "/".join(parts if len(parts) <= _PATH_PARTS else ["…", *parts[-_PATH_PARTS:]])
    return f"{source} › {row['member']}" if row["member"] else source


def draw_labels(workspace: Workspace, loop_id: str, instrument: str) -> None:
    """Current labels of the loop, one line a status."""
    labels = decisions.current(workspace, loop_id).fields
    lines: dict[str, list[str]] = {}
    for field in (name for name in LABEL_FIELDS if name in labels):
        words = f"{field_name(field)} **{plain(value_text(field, labels[field].value, instrument))}**"
        lines.setdefault(labels[field].shown_status, []).append(words)
    shown = [
        t("common.named", name=t(f"status.{status}"), value=t("library.dot").join(words))
        for status, words in lines.items()
    ]
    st.caption(f"**{t('library.labels')}**  \n" + "  \n".join(shown or [t("library.no_labels")]))
