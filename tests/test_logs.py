"""The log: quiet unless asked, one file for many processes, nothing private in it."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import small_library
from composer_core import logs
from composer_core.cli import main
from composer_core.errors import NotFound
from composer_core.logs import configure, log_to, named, shown_path
from composer_core.pipeline.labels.decisions import current, decide
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.loops import table
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import ASSETS, Workspace

LOG = logging.getLogger("composer_core.sample")


@pytest.fixture(autouse=True)
def loggers_as_they_were():
    roots = [logging.getLogger(name) for name in ("composer_core", "studio")]
    before = [(root, root.level, list(root.handlers)) for root in roots]
    yield
    for root, level, handlers in before:
        for added in [one for one in root.handlers if one not in handlers]:
            added.close()
        root.handlers[:] = handlers
        root.setLevel(level)


def lines(workspace: Workspace, process: str = "studio") -> list[str]:
    path = workspace.logs / f"{process}.log"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_nothing_is_shown_unless_asked(capsys):
    configure(0)
    LOG.warning("a warning")
    LOG.error("an error")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("verbosity", "shown"), [(1, ["INFO"]), (2, ["DEBUG", "INFO"]), (5, ["DEBUG", "INFO"])])
def test_more_is_shown_the_more_is_asked(capsys, verbosity, shown):
    configure(verbosity)
    LOG.debug("a detail")
    LOG.info("a milestone")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split()[1] for line in err.splitlines()] == shown


def test_asking_again_changes_what_is_shown_and_doubles_nothing(capsys):
    configure(2)
    configure(1)
    LOG.debug("a detail")
    LOG.info("a milestone")
    assert len(capsys.readouterr().err.splitlines()) == 1
    configure(0)
    LOG.info("a milestone")
    assert capsys.readouterr().err == ""


def test_the_file_is_written_once_however_often_it_is_asked_for(tmp_path):
    workspace = Workspace(tmp_path)
    paths = {log_to(workspace, "studio") for _ in range(3)}
    LOG.info("a milestone")
    LOG.debug("a detail")
    assert paths == {workspace.logs / "studio.log"}
    (line,) = lines(workspace)
    assert line.endswith("composer_core.sample: a milestone")


def test_with_another_workspace_the_log_goes_on_there(tmp_path):
    first, second = Workspace(tmp_path / "first"), Workspace(tmp_path / "second")
    log_to(first, "studio")
    LOG.info("one")
    log_to(second, "studio")
    LOG.info("two")
    assert [len(lines(first)), len(lines(second))] == [1, 1]


def test_asking_for_the_file_makes_no_folder_before_something_is_told(tmp_path):
    log_to(Workspace(tmp_path / "absent"), "studio")
    assert not (tmp_path / "absent").exists()


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path, capsys):
    (tmp_path / "logs").write_text("a file where the folder should be")
    log_to(Workspace(tmp_path), "studio")
    LOG.info("a milestone")
    assert capsys.readouterr() == ("", "")


def test_old_lines_are_put_aside_and_at_last_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_BYTES", 2_000)
    log_to(Workspace(tmp_path), "studio")
    for number in range(200):
        LOG.info("line %04d of a log that grows", number)
    files = sorted(path.name for path in (tmp_path / "logs").glob("studio.log*"))
    assert files == ["studio.log", "studio.log.1", "studio.log.2"]
    assert all((tmp_path / "logs" / name).stat().st_size <= 2_000 for name in files)
    assert lines(Workspace(tmp_path))[-1].endswith("line 0199 of a log that grows")


WRITER = """
import logging, sys
from pathlib import Path
from composer_core import logs
from composer_core.workspace import Workspace
logs.MAX_BYTES, logs.N_FILES = 20_000, 50
logs.log_to(Workspace(Path(sys.argv[1])), "training")
for number in range(300):
    logging.getLogger("composer_core.sample").info("%s %04d", sys.argv[2], number)
"""


def test_several_processes_put_the_file_aside_without_losing_a_line(tmp_path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), f"writer{n}"]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    files = list((tmp_path / "logs").glob("training.log*"))
    told = [line.split(": ", 1)[1] for path in files for line in path.read_text().splitlines()]
    assert len(files) > 2
    assert sorted(told) == [f"writer{n} {number:04d}" for n in range(3) for number in range(300)]


def test_a_path_is_told_from_the_workspace_on_and_otherwise_not_at_all(tmp_path):
    workspace = Workspace(tmp_path / "mine")
    assert shown_path(workspace.backups / "old.sqlite", workspace) == "backups/old.sqlite"
    assert shown_path(ASSETS / "models" / "composer-base") == "assets/models/composer-base"
    outside = shown_path("/home/aki/secret songs/my song.mid", workspace)
    assert outside == shown_path(Path("/home/aki/secret songs/my song.mid"), workspace)
    assert len(outside) == len("01234567.mid") and outside.endswith(".mid")
    assert "." not in shown_path("/home/aki/songs/track.of a friend", workspace)
    assert "\n" not in shown_path(workspace.root / "two\nlines", workspace)
    assert "mine" not in shown_path(tmp_path / "mine-too" / "a.mid", workspace)


def test_an_error_is_told_by_its_code_or_by_the_line_it_came_from():
    assert named(NotFound("path_missing", path="/home/aki/secret.mid")) == "path_missing"
    try:
        Workspace(3).loops  # noqa: B018
    except TypeError as error:
        assert named(error).startswith("TypeError at composer_core/workspace.py:")
    assert named(ValueError("/home/aki/secret.mid")) == "ValueError"


TELL_TALES = ("telltale", "shyfolder", "whispered", "chorus", "kim_rater")


def test_neither_notes_nor_label_values_nor_paths_outside_are_told(tmp_path, monkeypatch, capsys):
    """Files of an outside folder are imported (one of them refused), labelled with a note, exported, taken back in
    and backed up; both the file of the studio and what -v shows are read."""
    outside, workspace = tmp_path / "shyfolder", Workspace(tmp_path / "workspace")
    outside.mkdir()
    (outside / "telltale song.mid").write_bytes(loop_to_midi(small_library.rock()))
    (outside / "telltale noise.mid").write_bytes(b"no MIDI at all")
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(workspace.root))
    log_to(workspace, "studio")
    configure(1)
    ingest([str(outside)], workspace, jobs=1)
    loop_id = str(table(workspace)["loop_id"].iloc[0])
    decide(
        workspace,
        loop_id,
        rater="kim_rater",
        action="approve",
        values={"section": "chorus"},
        seen=current(workspace, loop_id).seen,
        note="whispered about telltale",
    )
    for arguments in (
        ["labels", "export", str(outside / "telltale.csv"), "--format", "csv"],
        ["labels", "import", str(outside / "telltale.csv"), "--format", "csv"],
        ["loops", "--format", "csv", "-o", str(outside / "telltale loops.csv")],
        ["backup", str(outside / "telltale.backup")],
        ["restore", str(outside / "telltale.backup")],
        ["master", "-o", str(outside / "telltale master")],
        ["measure", str(outside / "telltale song.mid")],
        ["ingest", str(outside / "telltale absent.mid")],
    ):
        main([*arguments, "-v"])
    kept = lines(workspace)
    shown = [line for line in capsys.readouterr().err.splitlines() if " INFO [" in line or " WARNING [" in line]
    assert len(kept) > 8 and len(shown) > 8
    for told in (
        "refused",
        "not_midi",
        "labels exported",
        "labels imported",
        "backed up",
        "restored",
        "master data set",
    ):
        assert any(told in line for line in kept), told
    for word in (*TELL_TALES, str(tmp_path)):
        assert [line for line in [*kept, *shown] if word in line] == []
