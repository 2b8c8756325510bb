"""One loop of the library in detail: facts, play, MIDI, labels, every measurement with its meaning."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.metrics import METRICS
from composer_core.pipeline import labelling, library
from composer_core.pipeline.export import loop_midi
from composer_core.pipeline.label_fields import LABEL_FIELDS
from composer_core.workspace import Workspace
from studio.import_words import shown_path
from studio.label_desk import play_key
from studio.label_words import field_name, value_text
from studio.library_frame import METRIC_PREFIX
from studio.loop_names import plain
from studio.names import instrument_name, metric_meaning, metric_name, metric_unit
from studio.text import t
from studio.widgets import play_button

_PATH_PARTS = 3
_UNSAFE = re.compile(r"[^\w-]+")


def draw_detail(workspace: Workspace, row: pd.Series[Any]) -> None:
    """The chosen loop; `row` is its row of the library frame."""
    loop_id, title = str(row["loop_id"]), str(row["title"])
    st.markdown(f"**{plain(title)}**")
    st.caption(plain_facts(workspace, row))
    with st.container(horizontal=True, gap="small"):
        play_button(lambda: library.load_loop(workspace, loop_id), title=title, key=play_key(loop_id), loop_id=loop_id)
        st.download_button(
            t("library.midi"),
            lambda: loop_midi(workspace, loop_id),
            file_name=_UNSAFE.sub("_", title).strip("_") + ".mid",
            mime="audio/midi",
            icon=":material/download:",
            key=f"library.midi.{loop_id}",
            help=t("library.midi_help"),
            on_click="ignore",
        )
    draw_labels(workspace, loop_id, str(row["instrument"]))
    draw_metrics(row)


def plain_facts(workspace: Workspace, row: pd.Series[Any]) -> str:
    """Instrument, tempo, metre, size and origin in one line, then where it came from; safe for Markdown."""
    tempo = f"{row['tempo_bpm']:.0f}"
    facts = t(
        "library.facts",
        instrument=instrument_name(row["instrument"]),
        tempo=tempo,
        meter=row["meter"],
        notes=row["n_notes"],
        origin=t(f"origin.{row['origin']}"),
    )
    extra = [t("library.varying_tempo")] if row["tempo_varies"] else []
    extra += [t("library.duplicate")] if isinstance(row["duplicate_of"], str) else []
    return "  \n".join(
        [t("library.dot").join([facts, *extra]), t("library.source", source=plain(source_text(workspace, row)))]
    )


def source_text(workspace: Workspace, row: pd.Series[Any]) -> str:
    """The end of the path a loop came from, with its place in an archive; the take of a generated one."""
    parts = shown_path(str(row["source"]), workspace).split("/")
    source = "/".join(parts if len(parts) <= _PATH_PARTS else ["…", *parts[-_PATH_PARTS:]])
    return f"{source} › {row['member']}" if row["member"] else source


def draw_labels(workspace: Workspace, loop_id: str, instrument: str) -> None:
    """Current labels of the loop, one line a status."""
    labels = labelling.current(workspace, loop_id).fields
    lines: dict[str, list[str]] = {}
    for field in (name for name in LABEL_FIELDS if name in labels):
        words = f"{field_name(field)} **{plain(value_text(field, labels[field].value, instrument))}**"
        lines.setdefault(labels[field].status, []).append(words)
    shown = [f"{t(f'status.{status}')}: {t('library.dot').join(words)}" for status, words in lines.items()]
    st.caption(f"**{t('library.labels')}**  \n" + "  \n".join(shown or [t("library.no_labels")]))


def draw_metrics(row: pd.Series[Any]) -> None:
    """Every metric of the loop by name with value, unit and meaning; undefined ones are left out."""
    st.caption(f"**{t('library.metrics')}**{t('library.dot')}{t('library.scores')}", help=t("library.scores_help"))
    rows = [
        (metric_name(name), value, metric_unit(name), metric_meaning(name))
        for name in METRICS
        if (value := _number(row.get(METRIC_PREFIX + name))) is not None
    ]
    titles = [t("library.metric"), t("library.value"), t("library.unit"), t("library.meaning")]
    st.dataframe(
        pd.DataFrame(rows, columns=titles),
        hide_index=True,
        height=260,
        column_config={
            titles[0]: st.column_config.TextColumn(width=150),
            titles[1]: st.column_config.NumberColumn(format="%.3g", width=60),
            titles[2]: st.column_config.TextColumn(width=104),
            titles[3]: st.column_config.TextColumn(width=420),
        },
    )


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
