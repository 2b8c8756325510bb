"""`composer reread` as a person or a script calls it, on a workspace of an earlier release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.cli.rereading import _WORDS
from composer_core.pipeline.library.changes import CLASSES
from small_library import unpack_misread


@pytest.fixture
def misread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack_misread(tmp_path)
    monkeypatch.chdir(tmp_path / "misread")
    monkeypatch.setenv("COMPOSER_WORKSPACE", "workspace")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(["reread", *arguments]) == status
    return capsys.readouterr().out


@pytest.mark.usefixtures("misread")
def test_preview_re_read_and_undo(capsys: pytest.CaptureFixture[str]) -> None:
    # 1: a file could not be read, and it is named.
    said = printed(capsys, "--preview", "--jobs", "1", status=1)
    assert "not read  files/gone.mid: the file is not there any more" in said
    assert "files/xg kit.mid: 1 another instrument" in said and "7 of 9 files change" in said
    assert "7 loops would be set aside, 7 would be put in" in said and said.endswith("do it: composer reread\n")
    done = json.loads(printed(capsys, "--json", "--jobs", "1", status=1))
    assert (done["applied"], done["files"], done["files_changed"]) == (True, 9, 7)
    assert (done["loops_set_aside"], done["loops_put_in"]) == (7, 7) and set(done["classes"]) <= set(CLASSES)
    again = printed(capsys, "--jobs", "1", status=1)
    assert "nothing changes: 1 loops of 1 files were read by an earlier reading" in again
    undone = printed(capsys, "--undo")
    assert "7 loops are back with their labels, 7 set aside" in undone
    assert printed(capsys, "--undo") == "no re-read to take back\n"
    assert json.loads(printed(capsys, "--undo", "--json")) == {"undone": None}


@pytest.mark.usefixtures("misread")
def test_ingest_of_a_file_that_is_read_better(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "files/xg kit.mid", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert "0 loops added" in said and "improved  files/xg kit.mid" in said
    assert "1 files are in the library by an earlier reading and are read better today" in said
    assert "composer reread --preview" in said


def test_an_empty_workspace_has_nothing_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "--workspace", str(tmp_path / "w"))
    assert said == "nothing changes: 0 loops of 0 files were read by an earlier reading\n"


def test_undo_and_preview_exclude_each_other() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["reread", "--undo", "--preview"])
    assert caught.value.code == 2


def test_every_way_to_change_is_said_in_words() -> None:
    assert tuple(_WORDS) == CLASSES
