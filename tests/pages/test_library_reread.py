"""The Library's notice that files are read better today, the import's, and what files declare, on both pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import smf
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.library import loops, reread
from composer_core.pipeline.library.changes import CLASSES
from composer_core.pipeline.library.imports import ingest
from composer_core.workspace import ENVIRONMENT_VARIABLE, Workspace
from small_library import unpack_misread
from studio.library import importing
from studio.library import state as library_state
from studio.wording.declared import declared_text
from studio_app import on_screen, open_label, open_library, press, text, written
from wild_songs import line


@pytest.fixture
def misread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace of an earlier release, set as the studio's."""
    workspace = unpack_misread(tmp_path)
    monkeypatch.chdir(tmp_path / "misread")
    # Whole: pages keep answers by the path of the workspace, and here it is "workspace" in every test.
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(workspace.root.absolute()))
    return workspace


def test_the_notice_leads_through_a_re_read_and_back(misread: Workspace, spoken: str) -> None:
    before = list(loops.table(misread)["loop_id"])
    app = open_library()
    assert text("reread.needed", spoken, loops="14", files="9") in written(app)
    gone = [one.label for one in app.expander if any("gone.mid" in line.value for line in one.markdown)]
    assert gone == [text("reread.missing_title", spoken, n="1")]
    press(app, "reread.look")
    said = text("reread.changes", spoken, changed="7", files="9", out="7", put_in="7")
    assert said in written(app) and list(loops.table(misread)["loop_id"]) == before
    shown = next(table.value for table in app.dataframe if list(table.value.columns) == ["class", "loops"])
    assert dict(zip(shown["class"], shown["loops"], strict=True))[text("reread.class_longer", spoken)] == 3
    press(app, "reread.apply")
    n_drafts = app.session_state[library_state.REREAD_REPORT]["labels"]["drafts"]
    applied = text("reread.applied", spoken, out="7", put_in="7", drafts=f"{n_drafts:,}")
    assert n_drafts > 0 and applied in written(app)
    after = list(loops.table(misread)["loop_id"])
    assert len(set(after) - set(before)) == 7 and reread.newest_reread(misread) is not None
    press(app, "reread.undo")
    assert list(loops.table(misread)["loop_id"]) == before
    assert text("reread.needed", spoken, loops="14", files="9") in written(app)


def test_not_now_leaves_everything(misread: Workspace) -> None:
    before = list(loops.table(misread)["loop_id"])
    app = press(open_library(), "reread.look")
    press(app, "reread.close")
    assert list(loops.table(misread)["loop_id"]) == before
    assert text("reread.needed", loops="14", files="9") in written(app)


def test_files_that_are_all_gone_are_named(misread: Workspace) -> None:
    shutil.rmtree("files")
    shutil.rmtree(misread.sources)
    app = open_library()
    assert text("reread.only_missing", loops="14", files="9") in written(app)
    assert "files/packed.zip" in written(app)
    press(app, "reread.look")  # they may have come back
    assert text("reread.no_change", files="9") in written(app)
    assert [one.label for one in app.expander][:1] == [text("reread.not_read", n="9")]


def test_a_library_of_today_says_nothing(library_workspace: Workspace) -> None:
    app = open_library()
    assert "reread" not in " ".join(str(one.key) for one in app.button)


def test_the_import_says_what_is_read_better(misread: Workspace, spoken: str) -> None:
    app = open_library()
    app.segmented_control(key=importing.SECTION).set_value(importing.IMPORT).run()
    app.text_input(key=importing.FOLDER).set_value("files").run()
    press(app, "library.import_now")
    assert text("reread.improved", spoken, n="6") in written(app)
    assert text("library.report_known", spoken) not in written(app)
    results = next(table.value for table in app.dataframe if "result" in table.value.columns)
    improved = results[results["result"] == text("result.improved", spoken)]
    assert "files/rest at end.mid" in set(improved["file"]) and len(improved) == 6
    assert set(improved["reason"]) == {text("reread.improved_file", spoken)}


def test_every_way_to_change_has_its_words() -> None:
    from studio.wording.text import dictionary

    assert {key.removeprefix("reread.class_") for key in dictionary() if key.startswith("reread.class_")} == set(
        CLASSES
    )


def declaring(tmp_path: Path, fifths: int, minor: bool, numerator: int) -> Workspace:
    path = tmp_path / "x.mid"
    head = (smf.meter(numerator, 2), smf.meta(0x59, bytes((fifths & 0xFF, minor))), smf.program(33, 0))
    path.write_bytes(smf.smf(smf.notes(line(bars=3), *head)))
    workspace = Workspace(tmp_path / "declaring")
    assert ingest([str(path)], workspace, jobs=1).loops_added == 1
    return workspace


def test_declared_key_and_metre_stand_beside_the_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: str
) -> None:
    workspace = declaring(tmp_path, 4, False, 3)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(workspace.root))
    row = loops.table(workspace).iloc[0]
    mode = text("mode.major", spoken)
    key = text(
        "declared.file",
        spoken,
        value=text("declared.or", spoken).join([f"E {mode}", "D♭ " + text("mode.minor", spoken)]),
    )
    estimate = text("declared.estimate", spoken, value=f"E {mode}", confidence=f"{100 * row['key_confidence']:.0f} %")
    meter = text("declared.file", spoken, value="3/4")
    for said in (written(open_library()), on_screen(open_label(workspace, language=spoken))["declared"]):
        assert key in said and meter in said and estimate in said, said


def test_a_belied_declaration_says_so_and_none_is_silent() -> None:
    notes = Notes.from_rows([(0, 480, 60, 90)])
    assert declared_text(Loop("piano", notes, 1), {"key": ("C major", "90 %")}) == ""
    loop = Loop("piano", notes, 1, extra={"declared_meter": {"meter": "1/4", "doubtful": True}})
    assert declared_text(loop, {}) == f"{text('declared.meter')}: {text('declared.doubtful', value='1/4')}"
