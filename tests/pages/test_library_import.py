"""Data sets and earlier imports on the Library page."""

from __future__ import annotations

import shutil
from pathlib import Path

from streamlit.testing.v1 import AppTest

import dataset_folders
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library import import_history, loops
from composer_core.store.songs import SongStore
from composer_core.workspace import Workspace
from studio_app import open_library, press


def test_a_data_set_keeps_its_labels_on_the_page(empty_workspace: Workspace, tmp_path: Path, spoken: str) -> None:
    folder = dataset_folders.make("gmd", tmp_path)
    packed = shutil.make_archive(str(tmp_path / "groove"), "zip", folder)
    app = open_library()
    app.file_uploader(key="library.uploads.0").set_value(
        [("groove.zip", Path(packed).read_bytes(), "application/zip")]
    ).run()
    press(app, "library.import_now")
    assert any("Groove MIDI Dataset" in line.value for line in app.markdown)
    table = loops.table(empty_workspace)
    values = [decisions.current(empty_workspace, loop_id) for loop_id in table["loop_id"]]
    assert dataset_folders.LABELS["gmd"] in [one.values for one in values]
    # They are called what they are.
    assert {one.status for one in values if one.values} == {"annotated"}
    assert SongStore(empty_workspace).table()["dataset"].tolist() == ["gmd"]


def test_an_import_is_deleted_and_brought_back_from_the_history(library_workspace: Workspace) -> None:
    app = open_library()
    app.segmented_control(key="library.section").set_value("import").run()
    before = len(loops.table(library_workspace))
    (entry,) = import_history.imports(library_workspace)
    choose_import(app, 0)
    press(app, "library.import_delete_now")
    assert len(loops.table(library_workspace)) == 0
    assert import_history.imports(library_workspace)[0]["state"] == "deleted"
    choose_import(app, 0)
    press(app, "library.import_back")
    assert len(loops.table(library_workspace)) == before == entry["n_loops"]


def choose_import(app: AppTest, row: int) -> None:
    """Choose a row of the history, as a click on it does."""
    app.session_state["library.history"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    app.run()
