"""One loop of the library in detail: its notes, labels, scores, measurements, history and its likes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from composer_core.music.chords import chords_of
from composer_core.music.loop import Loop
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.library import loops
from composer_core.pipeline.library.export import loop_midi
from composer_core.workspace import Workspace
from studio import session
from studio.figures.roll import roll
from studio.label.desk import play_key
from studio.label.panels import draw_history
from studio.label.words import field_name, value_text
from studio.library import near as library_near
from studio.library import queries as library_queries
from studio.library.compare import put_beside
from studio.library.import_words import shown_path
from studio.library.measured import draw_measured
from studio.library.rows import number
from studio.library.scored import draw_scored
from studio.library.selection import is_selected, toggle_selected
from studio.library.similar_loops import draw_similar
from studio.widgets import icon_button, picture, play_button
from studio.wording.loop_names import loop_title, plain
from studio.wording.names import instrument_name
from studio.wording.text import t

TAB = "library.detail_tab"
OVERVIEW, MEASURED, SIMILAR, SAME_FILE, HISTORY = TABS = ("overview", "measured", "similar", "same_file", "history")
_PATH_PARTS = 3
_UNSAFE = re.compile(r"[^\w-]+")


def draw_detail(workspace: Workspace, loop_id: str) -> None:
    """Everything known about one loop; NotFound when the library has none of that id."""
    row = library_queries.row(workspace, loop_id)
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
        library_near.draw_same_source(workspace, row)
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
            on_click=put_beside,
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
    draw_labels(workspace, str(row["loop_id"]), loop.instrument)
    draw_scored(workspace, row, loop)
    st.caption(t("library.source", source=plain(source_text(workspace, row))))
    if isinstance(row["duplicate_of"], str) and row["duplicate_of"]:
        st.caption(f":material/content_copy: {t('library.duplicate')}")
    if isinstance(row["excluded"], str) and row["excluded"]:
        reason = t(f"exclusion.{row['excluded']}")
        st.caption(f":material/block: {t('library.left_out', reason=reason)}")


def chord_symbols(loop: Loop) -> Sequence[str]:
    """Symbols of the chords heard, one a bar, "" where none is; nothing for drums."""
    if loop.is_drums:
        return ()
    found = chords_of([loop.notes], loop.bars, loop.meter.bar_tick)
    return ["" if chord is None else str(chord) for chord in found]


def facts(row: Mapping[str, Any]) -> str:
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


def source_text(workspace: Workspace, row: Mapping[str, Any]) -> str:
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
        lines.setdefault(labels[field].status, []).append(words)
    shown = [
        t("common.named", name=t(f"status.{status}"), value=t("library.dot").join(words))
        for status, words in lines.items()
    ]
    st.caption(f"**{t('library.labels')}**  \n" + "  \n".join(shown or [t("library.no_labels")]))
