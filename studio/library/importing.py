"""Import into the library, by upload or from a path, with progress and a named result for each file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.drum_maps import AUTOMATIC, DRUM_MAPS
from composer_core.music.timing import BARS_CHOICES
from composer_core.pipeline.datasets.imports import dataset_names, dataset_title, ingest_with_facts
from composer_core.pipeline.library import import_history
from composer_core.pipeline.library.uploads import keep_upload
from composer_core.workspace import Workspace
from studio import session
from studio.access.offer import may, why_not
from studio.library import state as library_state
from studio.library.import_words import refusal_text, shown_path, warning_text
from studio.library.rereading import draw_undo
from studio.redraw import redraw
from studio.widgets import translate_uploader, worded
from studio.wording.loop_names import plain
from studio.wording.text import error_text, t

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

SECTION, BROWSE, IMPORT = "library.section", "browse", "import"
UPLOADS, FOLDER, BARS, DEFAULT_BARS = "library.uploads", "library.folder", "library.bars", 4
DRUM_MAP, DRUM_MAP_CHOICES = "library.drum_map_choice", (AUTOMATIC, *DRUM_MAPS)
DATASET, FOUND_BY_ITSELF = "library.dataset_choice", "auto"
PLAIN = "folder"
"""The data set that is none: the names of the folders are all it says."""
DATASET_CHOICES = (FOUND_BY_ITSELF, *dataset_names())
SUFFIXES = ["mid", "midi", "kar", "rmi", "zip", "tar", "gz", "tgz", "bz2", "xz"]
MOST_ROWS, MOST_WORDS = 500, 30
REFUSED, IMPROVED, WARNED, ACCEPTED = RESULTS = ("refused", "improved", "warned", "accepted")
SHOWN_RESULTS = "library.results"
HISTORY = "library.history"
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
    uploads, wanted = _draw_form()
    if wanted:
        folder, bars = str(session.widget(FOLDER)).strip(), int(session.widget(BARS))
        how = ImportChoices(bars, str(session.widget(DRUM_MAP)), str(session.widget(DATASET)))
        if run_import(workspace, uploads, folder, how):
            redraw()
    report = library_state.import_report()
    if report is not None:
        draw_report(workspace, report)
    draw_history(workspace)
    draw_undo(workspace)


def _draw_form() -> tuple[list[UploadedFile], bool]:
    """Draw what to import and how; the files dropped on it, and whether the import is to begin."""
    with st.container(border=True, key="library.import_form"):
        translate_uploader()
        # A key of its own for every round: what was imported leaves the box, and a second press imports nothing.
        uploads = st.file_uploader(
            t("library.upload"),
            SUFFIXES,
            accept_multiple_files=True,
            key=f"{UPLOADS}.{library_state.import_round()}",
            help=t("library.upload_help"),
        )
        places = st.columns([2.0, 1.3, 1.1, 1.1, 1], vertical_alignment="bottom", gap="small")
        path_place, bars_place, map_place, set_place, button_place = places
        path_place.text_input(
            t("library.folder"),
            placeholder=t("library.folder_hint"),
            key=FOLDER,
            disabled=not may("import_path"),
            help=why_not("import_path"),
        )
        session.default_widgets({BARS: DEFAULT_BARS, DRUM_MAP: AUTOMATIC, DATASET: FOUND_BY_ITSELF})
        bars_place.segmented_control(t("library.bars_a_loop"), BARS_CHOICES, key=BARS, required=True)
        map_place.selectbox(
            t("library.drum_map"),
            DRUM_MAP_CHOICES,
            format_func=worded(DRUM_MAP_CHOICES, drum_map_name),
            key=DRUM_MAP,
            help=t("library.drum_map_help"),
        )
        set_place.selectbox(
            t("library.dataset_facts"),
            DATASET_CHOICES,
            format_func=worded(DATASET_CHOICES, dataset_name),
            key=DATASET,
            help=t("library.dataset_help"),
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
    return list(uploads or []), bool(wanted)


def drum_map_name(code: str) -> str:
    """What a choice of the drums' note map is called."""
    return t("library.drum_map_auto") if code == AUTOMATIC else DRUM_MAPS[code].label


def dataset_name(code: str) -> str:
    """What a choice of the data set is called: by its own title, which nobody translates."""
    if code == FOUND_BY_ITSELF:
        return t("library.dataset_auto")
    return t("library.dataset_folder") if code == PLAIN else dataset_title(code)


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """How files are read: bars a loop, the note map of drums, the data set whose labels they carry."""

    bars: int = DEFAULT_BARS
    drum_map: str = AUTOMATIC
    dataset: str = FOUND_BY_ITSELF


def run_import(workspace: Workspace, uploads: Sequence[UploadedFile], folder: str, how: ImportChoices) -> bool:
    """Keep the uploads, import everything with what data sets say of it, and keep the report; whether that was done.
    An error becomes a message."""
    library_state.set_import_report(None)
    if not uploads and not folder:
        st.warning(t("library.nothing_chosen"))
        return False
    bar = st.progress(0.0, text=t("library.reading"))

    def show(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=t("library.importing", done=f"{done:,}", total=f"{total:,}"))

    try:
        paths = [str(keep_upload(workspace, upload.name, upload.getvalue())) for upload in uploads]
        paths += [str(Path(folder).expanduser())] if folder else []
        report = ingest_with_facts(
            paths,
            workspace,
            dataset=None if how.dataset == FOUND_BY_ITSELF else how.dataset,
            bars=how.bars,
            progress=show,
            drum_map=how.drum_map,
        )
    except ComposerError as error:
        st.error(error_text(error))
        return False
    finally:
        bar.empty()
    library_state.set_import_report(report.to_json())
    library_state.next_import_round()
    return True


def draw_report(workspace: Workspace, report: Mapping[str, object]) -> None:
    """Counts, then every refused file and every warning by name."""
    if report.get("files_improved"):
        st.info(t("reread.improved", n=f"{report['files_improved']:,}"))
    if report["loops_added"]:
        seconds = f"{report['seconds']:.1f}"
        loops, accepted = f"{report['loops_added']:,}", f"{report['files_accepted']:,}"
        st.success(t("library.report", loops=loops, accepted=accepted, seconds=seconds))
        st.button(t("library.browse_now"), key="library.browse_now", on_click=show_section, args=(BROWSE,))
    elif report["files_accepted"] and not report["warnings"]:
        if not report.get("files_improved"):
            st.info(t("library.report_known"))
    elif not report.get("files_improved"):
        st.warning(t("library.report_nothing"))
    found: Mapping[str, Any] = report
    if found.get("names_added"):
        st.caption(t("library.names_added", n=f"{found['names_added']:,}"))
    counts = {
        "files_accepted": found["files_accepted"],
        "files_refused": len(found["files_refused"]),
        "files_skipped": found["files_skipped"],
        "duplicates": found["duplicates"]["exact"],
    }
    for place, (name, count) in zip(st.columns(len(counts)), counts.items(), strict=True):
        place.metric(t(f"library.{name}"), f"{count:,}", help=t(f"library.{name}_help"))
    for described in found.get("datasets", ()):
        _draw_dataset(workspace, described)
    draw_results(workspace, report)


def _draw_dataset(workspace: Workspace, found: Mapping[str, Any]) -> None:
    """What one path's data set said: labels and facts that came along, and what led nowhere, by name."""
    labels = found["labels"]
    if not found["rows"] or (found["name"] == PLAIN and not labels["rows"]):
        return
    title = t("library.dataset_folder") if found["name"] == PLAIN else found["title"]
    name = shown_path(found["path"], workspace)
    st.markdown(f":material/dataset: **{plain(t('library.dataset_said', title=title, path=name))}**")
    words = t(
        "library.dataset_counts",
        matched=f"{found['matched']:,}",
        labels=f"{labels['written']:,}",
        songs=f"{found['songs_changed']:,}",
    )
    if labels["behind_people"]:
        words += t("library.dataset_behind", n=f"{labels['behind_people']:,}")
    st.caption(words if found["changed"] else t("library.dataset_known"))
    if found["unknown_words"]:
        listed = t("library.comma").join(plain(word) for word in list(found["unknown_words"])[:MOST_WORDS])
        st.caption(t("library.dataset_unknown", words=listed))
    issues = [(row["place"], t(f"dataset_issue.{row['reason']}"), row["word"]) for row in _issues(found)]
    n_issues = found["n_unmatched"] + found["n_refused"]
    if issues:
        with st.expander(t("library.dataset_issues", n=f"{n_issues:,}")):
            columns = [t("library.col_file"), t("library.col_reason"), t("library.col_word")]
            st.dataframe(pd.DataFrame(issues[:MOST_ROWS], columns=columns), hide_index=True)


def _issues(found: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Refused rows first, then files and rows that found nothing."""
    return [*found["refused"], *found["unmatched"]]


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
    """(file, code of the result, sentence) of every refused file, every improved one, every warning, every other
    accepted file."""
    found: Mapping[str, Any] = report

    def name(row: Mapping[str, Any]) -> str:
        """The file below the folder that was named: what tells it from the others comes first."""
        return shown_path(row["path"], workspace, found.get("paths", ()))

    rows = [(name(row), REFUSED, refusal_text(row)) for row in found["files_refused"]]
    improved = found.get("improved", ())
    rows += [(name({"path": path}), IMPROVED, t("reread.improved_file")) for path in improved]
    rows += [(name(row), WARNED, warning_text(row)) for row in found["warnings"]]
    told = {row["path"] for row in found["warnings"]} | set(improved)
    for row in found.get("accepted", []):
        if row["path"] not in told:
            key = "library.cut_one" if row["loops"] == 1 else "library.cut_into"
            rows.append((name(row), ACCEPTED, t(key, loops=row["loops"])))
    return rows


def draw_history(workspace: Workspace) -> None:
    """Earlier imports, the newest first."""
    with st.expander(t("library.import_history"), key="library.import_history"):
        imports: list[dict[str, Any]] = import_history.imports(workspace)[:MOST_ROWS]
        if not imports:
            st.caption(t("library.no_imports"))
            return
        number = st.column_config.NumberColumn
        picked: Any = st.dataframe(
            pd.DataFrame([_history_row(workspace, entry) for entry in imports]),
            hide_index=True,
            key=HISTORY,
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                "at": st.column_config.DatetimeColumn(t("library.when"), format=_SHORT, width=130),
                "paths": st.column_config.TextColumn(t("library.paths"), width="large"),
                "bars": number(t("library.bars_a_loop"), width=110),
                "files": number(t("library.files_accepted"), width=135),
                "refused": number(t("library.files_refused"), width=135),
                "loops": number(t("library.loops_added"), width=90),
                "seconds": number(t("library.seconds"), format="%.1f", width=70),
                "state": st.column_config.TextColumn(t("library.import_state"), width=190),
            },
        )
        chosen = [imports[row] for row in picked["selection"]["rows"] if row < len(imports)]
        if chosen:
            _draw_chosen(workspace, chosen[0])
        else:
            st.caption(t("library.import_choose"))


def _draw_chosen(workspace: Workspace, entry: Mapping[str, Any]) -> None:
    """What can be done with one import: delete it with its loops, or bring it back."""
    if reason := why_not("delete_import"):
        st.caption(reason)
        return
    state, n_loops = entry["state"], f"{entry['n_loops']:,}"
    if state == import_history.HERE:
        with st.popover(t("library.import_delete"), icon=":material/delete:", key="library.import_delete"):
            st.markdown(t("library.import_delete_ask", n=n_loops, days=import_history.KEPT_DAYS))
            st.button(
                t("library.import_delete_now", n=n_loops),
                type="primary",
                key="library.import_delete_now",
                on_click=_change_import,
                args=(workspace, import_history.delete_import, entry["id"]),
            )
    elif state == import_history.DELETED:
        st.button(
            t("library.import_back", n=n_loops),
            icon=":material/undo:",
            key="library.import_back",
            on_click=_change_import,
            args=(workspace, import_history.bring_back, entry["id"]),
        )
    else:
        st.caption(t(f"library.import_{state}"))


def _change_import(workspace: Workspace, change: Callable[[Workspace, str], object], import_id: str) -> None:
    try:
        change(workspace, import_id)
    except ComposerError as error:
        session.set_problem(error)
        return
    word = "deleted" if change is import_history.delete_import else "back"
    session.notify(t(f"library.import_{word}_done"))


def _history_row(workspace: Workspace, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": datetime.fromisoformat(entry["at"]).astimezone(),
        "paths": ", ".join(shown_path(path, workspace) for path in entry["paths"]),
        "bars": entry["bars"],
        "files": entry["files_accepted"],
        "refused": len(entry["files_refused"]),
        "loops": entry["loops_added"],
        "seconds": entry["seconds"],
        "state": t(f"library.import_state_{entry['state']}", until=str(entry["until"])[:10]),
    }
