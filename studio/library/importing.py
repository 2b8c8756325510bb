"""Import into the library, by upload or from a path, with progress and a named result for each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.drum_maps import AUTOMATIC, DRUM_MAPS
from composer_core.music.timing import BARS_CHOICES
from composer_core.pipeline.library import imports as library_imports
from composer_core.pipeline.library.uploads import keep_upload
from composer_core.workspace import Workspace
from studio import session
from studio.access.offer import may, why_not
from studio.library import state as library_state
from studio.library.import_words import refusal_text, shown_path, warning_text
from studio.widgets import translate_uploader, worded
from studio.wording.text import error_text, t

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

SECTION, BROWSE, IMPORT = "library.section", "browse", "import"
UPLOADS, FOLDER, BARS, DEFAULT_BARS = "library.uploads", "library.folder", "library.bars", 4
DRUM_MAP, DRUM_MAP_CHOICES = "library.drum_map_choice", (AUTOMATIC, *DRUM_MAPS)
SUFFIXES = ["mid", "midi", "kar", "rmi", "zip", "tar", "gz", "tgz", "bz2", "xz"]
MOST_ROWS = 500
REFUSED, WARNED, ACCEPTED = RESULTS = ("refused", "warned", "accepted")
SHOWN_RESULTS = "library.results"
_SHORT = "YYYY-MM-DD HH:mm"


def show_section(section: str) -> None:
    """Switch between the loops and the import; for a callback."""
    session.set_widget(SECTION, section)


def draw_import(workspace: Workspace) -> None:
    """The form, the last result and the history."""
    if reason := why_not("import_files"):
        st.info(reason)
        draw_history(workspace)
        return
    with st.container(border=True, key="library.import_form"):
        translate_uploader()
        uploads = st.file_uploader(
            t("library.upload"), SUFFIXES, accept_multiple_files=True, key=UPLOADS, help=t("library.upload_help")
        )
        places = st.columns([2.4, 1.3, 1.2, 1], vertical_alignment="bottom", gap="medium")
        path_place, bars_place, map_place, button_place = places
        path_place.text_input(
            t("library.folder"),
            placeholder=t("library.folder_hint"),
            key=FOLDER,
            disabled=not may("import_path"),
            help=why_not("import_path"),
        )
        session.default_widgets({BARS: DEFAULT_BARS, DRUM_MAP: AUTOMATIC})
        bars_place.segmented_control(t("library.bars_a_loop"), BARS_CHOICES, key=BARS, required=True)
        map_place.selectbox(
            t("library.drum_map"),
            DRUM_MAP_CHOICES,
            format_func=worded(DRUM_MAP_CHOICES, drum_map_name),
            key=DRUM_MAP,
            help=t("library.drum_map_help"),
        )
        wanted = button_place.button(
            t("library.import_now"),
            type="primary",
            icon=":material/download:",
            key="library.import_now",
            width="stretch",
            on_click=show_section,
            args=(IMPORT,),
        )
    if wanted:
        folder, bars = str(session.widget(FOLDER)).strip(), int(session.widget(BARS))
        run_import(workspace, uploads or [], folder, bars, str(session.widget(DRUM_MAP)))
    report = library_state.import_report()
    if report is not None:
        draw_report(workspace, report)
    draw_history(workspace)


def drum_map_name(code: str) -> str:
    """What a choice of the drums' note map is called."""
    return t("library.drum_map_auto") if code == AUTOMATIC else DRUM_MAPS[code].label


def run_import(
    workspace: Workspace, uploads: Sequence[UploadedFile], folder: str, bars: int, drum_map: str = AUTOMATIC
) -> None:
    """Keep the uploads, import everything, and keep the report; an error becomes a message."""
    library_state.set_import_report(None)
    if not uploads and not folder:
        st.warning(t("library.nothing_chosen"))
        return
    bar = st.progress(0.0, text=t("library.reading"))

    def show(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=t("library.importing", done=f"{done:,}", total=f"{total:,}"))

    try:
        paths = [str(keep_upload(workspace, upload.name, upload.getvalue())) for upload in uploads]
        paths += [str(Path(folder).expanduser())] if folder else []
        report = library_imports.ingest(paths, workspace, bars=bars, progress=show, drum_map=drum_map)
        library_state.set_import_report(report.to_json())
    except ComposerError as error:
        st.error(error_text(error))
    finally:
        bar.empty()


def draw_report(workspace: Workspace, report: Mapping[str, object]) -> None:
    """Counts, then every refused file and every warning by name."""
    if report["loops_added"]:
        seconds = f"{report['seconds']:.1f}"
        loops, accepted = f"{report['loops_added']:,}", f"{report['files_accepted']:,}"
        st.success(t("library.report", loops=loops, accepted=accepted, seconds=seconds))
        st.button(t("library.browse_now"), key="library.browse_now", on_click=show_section, args=(BROWSE,))
    elif report["files_accepted"] and not report["warnings"]:
        st.info(t("library.report_known"))
    else:
        st.warning(t("library.report_nothing"))
    found: Mapping[str, Any] = report
    counts = {
        "files_accepted": found["files_accepted"],
        "files_refused": len(found["files_refused"]),
        "files_skipped": found["files_skipped"],
        "duplicates": found["duplicates"]["exact"],
    }
    for place, (name, count) in zip(st.columns(len(counts)), counts.items(), strict=True):
        place.metric(t(f"library.{name}"), f"{count:,}", help=t(f"library.{name}_help"))
    draw_results(workspace, report)


def draw_results(workspace: Workspace, report: Mapping[str, object]) -> None:
    """A row per file: refused ones first, then those with warnings, then the rest; a choice of which."""
    rows = result_rows(workspace, report)
    found = {result: sum(row[1] == result for row in rows) for result in RESULTS}
    if not rows:
        return
    session.default_widgets({SHOWN_RESULTS: None})
    shown = st.pills(
        t("library.col_result"),
        [result for result in RESULTS if found[result]],
        format_func=worded(RESULTS, lambda code: t("library.result_count", result=t(f"result.{code}"), n=found[code])),
        key=SHOWN_RESULTS,
        label_visibility="collapsed",
    )
    words = [(name, t(f"result.{result}"), reason) for name, result, reason in rows if shown in (None, result)]
    st.dataframe(
        pd.DataFrame(words[:MOST_ROWS], columns=["file", "result", "reason"]),
        hide_index=True,
        height=min(460, 37 + 35 * min(len(words), MOST_ROWS)),
        column_config={
            "file": st.column_config.TextColumn(t("library.col_file"), width="medium"),
            "result": st.column_config.TextColumn(t("library.col_result"), width=90),
            "reason": st.column_config.TextColumn(t("library.col_reason"), width="large"),
        },
    )
    if len(words) > MOST_ROWS:
        st.caption(t("library.more_rows", shown=f"{MOST_ROWS:,}", total=f"{len(words):,}"))


def result_rows(workspace: Workspace, report: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """(file, code of the result, sentence) of every refused file, every warning, every other accepted file."""
    found: Mapping[str, Any] = report

    def name(row: Mapping[str, Any]) -> str:
        """The file below the folder that was named: what tells it from the others comes first."""
        return shown_path(row["path"], workspace, found.get("paths", ()))

    rows = [(name(row), REFUSED, refusal_text(row)) for row in found["files_refused"]]
    rows += [(name(row), WARNED, warning_text(row)) for row in found["warnings"]]
    warned = {row["path"] for row in found["warnings"]}
    for row in found.get("accepted", []):
        if row["path"] not in warned:
            key = "library.cut_one" if row["loops"] == 1 else "library.cut_into"
            rows.append((name(row), ACCEPTED, t(key, loops=row["loops"])))
    return rows


def draw_history(workspace: Workspace) -> None:
    """Earlier imports, the newest first."""
    with st.expander(t("library.import_history"), key="library.import_history"):
        imports = library_imports.imports(workspace)
        if not imports:
            st.caption(t("library.no_imports"))
            return
        number = st.column_config.NumberColumn
        st.dataframe(
            pd.DataFrame([_history_row(workspace, entry) for entry in imports[:MOST_ROWS]]),
            hide_index=True,
            column_config={
                "at": st.column_config.DatetimeColumn(t("library.when"), format=_SHORT, width=130),
                "paths": st.column_config.TextColumn(t("library.paths"), width="large"),
                "bars": number(t("library.bars_a_loop"), width=110),
                "files": number(t("library.files_accepted"), width=135),
                "refused": number(t("library.files_refused"), width=135),
                "loops": number(t("library.loops_added"), width=90),
                "seconds": number(t("library.seconds"), format="%.1f", width=70),
            },
        )


def _history_row(workspace: Workspace, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": datetime.fromisoformat(entry["at"]).astimezone(),
        "paths": ", ".join(shown_path(path, workspace) for path in entry["paths"]),
        "bars": entry["bars"],
        "files": entry["files_accepted"],
        "refused": len(entry["files_refused"]),
        "loops": entry["loops_added"],
        "seconds": entry["seconds"],
    }
