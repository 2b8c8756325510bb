"""Labels to a file and back on the Label page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import studio_app
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.files import FORMATS
from composer_core.pipeline.library import loops
from composer_core.workspace import Workspace
from studio.label import files as label_files
from studio.wording.text import dictionary

VALUES = {"emotion": "calm", "quality": 4}


def text(key: str, language: str = "en", **values: Any) -> str:
    return dictionary()[key][language == "ja"].format(**values)


def drum_loop(workspace: Workspace) -> str:
    table = loops.table(workspace)
    return str(table["loop_id"][table["instrument"] == "drums"].iloc[0])


def open_files(language: str) -> AppTest:
    app = studio_app.open_studio("generate", language)
    app.session_state["label.section"] = "files"
    app.switch_page("../pages/label.py").run()
    assert not app.exception
    return app


def read_file(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader(key="label.files.upload").set_value((name, content, "text/plain")).run()
    app.button(key="label.files.import").click().run()
    assert not app.exception
    return app


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_downloaded_can_be_read_again(library_workspace: Workspace, form: str) -> None:
    loop_id = drum_loop(library_workspace)
    decisions.decide(library_workspace, loop_id, rater="aki", action="approve", values=VALUES, seen={})
    content = label_files._exported(library_workspace, form)
    app = read_file(open_files("en"), label_files.FILE_NAMES[form], content)
    kept = 1 if form in ("tags", "mood") else len(VALUES)
    sources = {event.source for event in decisions.history(library_workspace, loop_id)}
    if form in ("tags", "mood"):
        # They do not say whose they are, and a person has labelled the field: that goes on counting.
        assert [metric.value for metric in app.metric] == [str(kept), "0", str(kept), "0"]
        assert sources == {"human:aki", f"import:{form}"}
    else:
        assert [metric.value for metric in app.metric] == ["0", str(kept), "0", "0"]
        assert sources == {"human:aki"}
    assert decisions.current(library_workspace, loop_id).fields["emotion"].source == "human:aki"


def test_rows_that_fit_no_loop_are_refused_in_the_language_of_the_page(
    library_workspace: Workspace, spoken: str
) -> None:
    rows = [
        {"loop_id": drum_loop(library_workspace), "field": "emotion", "value": "calm"},
        {"loop_id": "nowhere", "field": "emotion", "value": "sad"},
        {"loop_id": drum_loop(library_workspace), "field": "quality", "value": 9},
    ]
    app = open_files(spoken)
    app.text_input(key="label.files.source").set_value("friends").run()
    read_file(app, "labels.jsonl", "\n".join(map(json.dumps, rows)).encode())
    assert [metric.value for metric in app.metric] == ["1", "0", "0", "2"]
    reasons = list(app.dataframe[0].value["reason"])
    assert ("no loop" in reasons[0], "ループ" in reasons[0]) == (spoken == "en", spoken == "ja")
    assert decisions.current(library_workspace, rows[0]["loop_id"]).fields["emotion"].source == "import:friends"


def test_a_file_of_something_else_is_refused_with_its_name(library_workspace: Workspace, spoken: str) -> None:
    app = read_file(open_files(spoken), "tempos.csv", b"loop,tempo\nx,120\n")
    (message,) = app.error
    assert "tempos.csv" in message.value and "loop\\_id" in message.value and not app.metric
