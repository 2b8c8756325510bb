"""Export and import labels: for other programs, other people, and the predecessor's tags."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.pipeline.labels.files import export_labels, import_label_file, label_studio_configuration
from composer_core.pipeline.labels.imports import LabelImport
from composer_core.pipeline.labels.plain_files import FORMATS
from composer_core.pipeline.library.uploads import safe_name
from composer_core.workspace import Workspace
from studio.access.offer import why_not
from studio.label import queries as label_queries
from studio.label.words import field_title
from studio.widgets import show_error, translate_uploader
from studio.wording.text import error_text, t

FILES = "files"
CONFIGURATION = "label-studio.xml"
UPLOAD, SOURCE = "label.files.upload", "label.files.source"
FILE_NAMES = {
    "spreadsheet": "labels-by-loop.csv",
    "csv": "labels.csv",
    "jsonl": "labels.jsonl",
    "label-studio": "label-studio.json",
    "tags": "tags.yaml",
    "mood": "mood.yaml",
}
_FORM_OF_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".json": "label-studio",
    ".yaml": "tags",
    ".yml": "tags",
}
"""The predecessor's tags.yaml and mood.yaml are read alike."""
_LONGEST_NAME = 60
REFUSED_SHOWN = 200


def draw_files(workspace: Workspace) -> None:
    """A download for each format, and the reading of one."""
    left, right = st.columns(2, gap="small")
    with left, st.container(border=True, key="label.files_export"):
        _draw_export(workspace)
    with right, st.container(border=True, key="label.files_import"):
        _draw_import(workspace)


def _draw_export(workspace: Workspace) -> None:
    """The file is made when its button is pressed."""
    st.markdown(f"**{t('label.files_export')}**")
    st.caption(t("label.files_export_hint"))
    for form in FORMATS:
        if form == "label-studio":
            _draw_configuration(workspace)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"label.files.{form}"):
            st.markdown(f"**{FILE_NAMES[form]}**  \n:small[:gray[{t(f'label.files_{form}')}]]", width="stretch")
            st.download_button(
                t("label.files_download"),
                partial(_exported, workspace, form),
                file_name=FILE_NAMES[form],
                mime="application/octet-stream",
                key=f"label.files.export.{form}",
                icon=":material/download:",
                on_click="ignore",
            )


def _draw_configuration(workspace: Workspace) -> None:
    """What a project of Label Studio needs before it reads the tasks."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="label.files.configuration"):
        st.markdown(f"**{CONFIGURATION}**  \n:small[:gray[{t('label.files_configuration')}]]", width="stretch")
        st.download_button(
            t("label.files_download"),
            partial(label_studio_configuration, workspace),
            file_name=CONFIGURATION,
            mime="application/xml",
            key="label.files.export.configuration",
            icon=":material/download:",
            on_click="ignore",
        )


def _exported(workspace: Workspace, form: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAMES[form]
        export_labels(workspace, path, form)
        return path.read_bytes()


def _draw_import(workspace: Workspace) -> None:
    st.markdown(f"**{t('label.files_import')}**")
    if reason := why_not("import_labels"):
        st.info(reason)
        return
    st.caption(t("label.files_import_hint"))
    translate_uploader()
    suffixes = [suffix[1:] for suffix in _FORM_OF_SUFFIX]
    upload = st.file_uploader(t("label.files_upload"), suffixes, key=UPLOAD, label_visibility="collapsed")
    source = st.text_input(
        t("label.files_source"),
        key=SOURCE,
        placeholder=t("label.files_source_hint"),
        max_chars=_LONGEST_NAME,
        help=t("label.files_source_help"),
    )
    wanted = st.button(
        t("label.files_read"),
        key="label.files.import",
        type="primary",
        icon=":material/upload:",
        disabled=upload is None,
    )
    if wanted and upload is not None:
        try:
            report = read_labels(workspace, upload.name, upload.getvalue(), str(source).strip())
        except ComposerError as error:
            show_error(error)
            return
        _draw_report(workspace, report)


def read_labels(workspace: Workspace, name: str, content: bytes, source: str) -> LabelImport:
    """Store the labels of an uploaded file as an import called `source`, else as the file says who said them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / safe_name(name)
        path.write_bytes(content)
        form = _FORM_OF_SUFFIX.get(path.suffix.lower(), FORMATS[0])
        return import_label_file(workspace, path, form, f"import:{source}" if source else "")


def _draw_report(workspace: Workspace, report: LabelImport) -> None:
    """What was stored, and every row that was not with its reason."""
    figures = {
        "written": report.written,
        "unchanged": report.unchanged,
        "behind": report.behind_people,
        "refused": report.n_refused,
    }
    for place, (name, figure) in zip(st.columns(len(figures)), figures.items(), strict=True):
        place.metric(t(f"label.files_{name}"), f"{figure:,}", help=t(f"label.files_{name}_help"))
    shown = report.refused[:REFUSED_SHOWN]
    if not shown:
        return
    loops = label_queries.loops(workspace, [one.loop_id for one in shown if one.loop_id])
    rows: list[dict[str, Any]] = [
        {
            "where": one.origin,
            "loop": loops[one.loop_id].title if one.loop_id else "",
            "field": _field(one.field),
            "reason": error_text(one.error),
        }
        for one in shown
    ]
    titles = {name: st.column_config.TextColumn(t(f"label.files_col_{name}")) for name in rows[0]}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=titles)
    if report.n_refused > len(shown):
        st.caption(t("label.more", n=f"{report.n_refused - len(shown):,}"))


def _field(name: str) -> str:
    """A field in words; one that is none of ours as it stands in the file."""
    try:
        return field_title(name) if name else ""
    except KeyError:
        return name
