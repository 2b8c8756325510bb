"""Workspaces that were damaged: named, used all the same, and mended; no label and no loop is lost without a word."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.errors import StoreError
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.files import back_up_labels, restore_labels
from composer_core.pipeline.library import browse, loops
from composer_core.pipeline.recovery.examine import examine
from composer_core.pipeline.recovery.look import harms, restore_line
from composer_core.pipeline.recovery.repair import LEFT, REBUILT, SET_ASIDE, repair
from composer_core.pipeline.settings import Settings, load_settings, save_settings, settings_or_defaults
from composer_core.store.loops import part_files
from composer_core.store.studios import announce
from composer_core.workspace import Workspace
from hostile import damage, kills, limits
from small_library import N_LOOPS, write_grooves

SOME = ("labels.sqlite", "settings.json", "library/catalogue/manifest.json", "runs/base/state.json")


def label(workspace: Workspace) -> str:
    first = str(loops.table(workspace)["loop_id"][0])
    decisions.decide(workspace, first, rater="aki", action="approve", values={"quality": 4}, seen={})
    return first


def test_a_whole_workspace_has_no_damage(workspace: Workspace) -> None:
    label(workspace)
    assert examine(workspace) == [] and harms(workspace) == []
    assert repair(workspace) == []


@pytest.mark.parametrize("kind", damage.DAMAGES)
def test_restore_works_over_damaged_labels_and_keeps_them(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    first = label(workspace)
    back_up_labels(workspace, tmp_path / "saved")
    broken = damage.DAMAGES[kind](workspace.labels.read_bytes())
    workspace.labels.write_bytes(broken)
    assert [harm.file for harm in examine(workspace)] == ["labels.sqlite"]
    with pytest.raises(StoreError):
        decisions.current(workspace, first)
    facts, kept = restore_labels(workspace, tmp_path / "saved")
    assert facts.n_events == 1 and kept is not None and kept.read_bytes() == broken
    assert kept.name.startswith("damaged-")
    assert decisions.current(workspace, first).values == {"quality": 4}
    assert examine(workspace) == []
    assert restore_line(workspace) == "composer restore FILE"  # what was damaged is offered to nobody as a backup


@pytest.mark.parametrize("left", [None, b""])
def test_labels_that_are_gone_are_not_begun_anew_unasked(
    workspace: Workspace, tmp_path: Path, left: bytes | None
) -> None:
    first = label(workspace)
    browse.count(workspace)
    back_up_labels(workspace, tmp_path / "saved")
    workspace.labels.unlink()
    if left is not None:
        workspace.labels.write_bytes(left)
    with pytest.raises(StoreError, match="missing or empty, though the library knew of"):
        decisions.current(workspace, first)
    assert browse.count(workspace) == N_LOOPS
    assert [harm.file for harm in harms(workspace)] == ["labels.sqlite"]
    (mended,) = repair(workspace)
    assert (mended.act, mended.todo) == (LEFT, "composer restore FILE")
    restore_labels(workspace, tmp_path / "saved")
    assert decisions.current(workspace, first).values == {"quality": 4}


def test_who_accepts_the_loss_begins_without_labels(workspace: Workspace) -> None:
    first = label(workspace)
    browse.count(workspace)
    workspace.labels.write_bytes(b"noise")
    (mended,) = repair(workspace, without_labels=True)
    assert mended.act == SET_ASIDE and Path(mended.place).read_bytes() == b"noise"
    assert decisions.current(workspace, first).values == {}


def test_a_log_of_other_labels_is_not_played_into_restored_ones(workspace: Workspace, tmp_path: Path) -> None:
    label(workspace)
    back_up_labels(workspace, tmp_path / "saved")
    workspace.labels.write_bytes(b"noise")
    log = workspace.labels.with_name("labels.sqlite-wal")
    log.write_bytes(b"a log of something else")
    _, kept = restore_labels(workspace, tmp_path / "saved")
    assert kept is not None and not log.exists()
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"a log of something else"
    assert examine(workspace) == []


_STUDIO = """
import sys, time
from pathlib import Path
from composer_core.store.loops import part_files
from composer_core.store.studios import announce
from composer_core.workspace import Workspace
announce(Workspace(Path(sys.argv[1])), "127.0.0.1:8501")
print("up", flush=True)
time.sleep(600)
"""


def test_a_studio_that_runs_on_the_workspace_stops_a_restore(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label(workspace)
    back_up_labels(workspace, tmp_path / "saved")
    studio = subprocess.Popen([sys.executable, "-c", _STUDIO, str(workspace.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert studio.stdout is not None and studio.stdout.readline() == "up\n"
        for line in (["restore", str(tmp_path / "saved")], ["repair"]):
            assert main([*line, "--workspace", str(workspace.root)]) == 1
            said = capsys.readouterr().err
            assert f"process {studio.pid}, 127.0.0.1:8501" in said and str(workspace.root) in said
    finally:
        studio.kill()
        studio.wait()
        assert studio.stdout is not None
        studio.stdout.close()
    assert main(["restore", str(tmp_path / "saved"), "--workspace", str(workspace.root)]) == 0
    assert list(workspace.studios.iterdir()) == []
    announce(workspace, "here")  # a studio does not stop itself
    restore_labels(workspace, tmp_path / "saved")


def test_a_damaged_part_leaves_the_rest_and_comes_back_by_the_import_that_is_named(
    made_library: Workspace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_files, "_CHECK_AGAIN_SEC", 0.0)  # a person takes longer than a second
    (part,) = workspace.loops.glob("part-*.parquet")
    first = label(workspace)
    write_grooves(workspace.root.parent / "grooves", files=1)
    assert main(["ingest", str(workspace.root.parent / "grooves"), "--workspace", str(workspace.root)]) == 0
    n_all = browse.count(workspace)
    assert n_all > N_LOOPS
    notes = workspace.notes / part.name
    notes.write_bytes(bytes(notes.stat().st_size))
    assert browse.count(workspace) == n_all - N_LOOPS
    for asked in (lambda: loops.table(workspace), lambda: loops.load_loop(workspace, first)):
        with pytest.raises(StoreError, match=part.name):
            asked()
    assert [harm.file for harm in harms(workspace)] == [f"library/notes/{part.name}"]
    (mended,) = repair(workspace)
    assert mended.act == SET_ASIDE and mended.todo.startswith("composer ingest '")
    assert not part.exists() and not notes.exists()
    assert {path.parent.name for path in (workspace.root / "set-aside").rglob(part.name)} == {"loops", "notes"}
    paths = [word for word in mended.todo.split("'")[1::2] if word.strip()]
    assert main(["ingest", *paths, "--workspace", str(workspace.root)]) == 0
    assert browse.count(workspace) == n_all
    assert decisions.current(workspace, first).values == {"quality": 4}, "labels stay with the loops they are of"
    assert made_library.root != workspace.root


def test_notes_of_other_loops_are_told_by_their_digests(workspace: Workspace) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (path,) = workspace.notes.glob("part-*.parquet")
    table = pq.read_table(path)
    place = table.schema.get_field_index("onset_ticks")
    later = pa.array([tick + 120 for tick in table.column("onset_ticks").to_pylist()], table.schema.field(place).type)
    pq.write_table(table.set_column(place, "onset_ticks", later), path)
    (harm,) = examine(workspace)
    assert harm.file == f"library/notes/{path.name}" and f"{N_LOOPS} loops" in harm.reason


def test_damaged_settings_are_set_aside_when_others_are_saved(workspace: Workspace) -> None:
    save_settings(workspace, Settings(rater="aki"))
    workspace.settings.write_text('{"rater": "ak')
    assert settings_or_defaults(workspace) == Settings()
    assert [harm.file for harm in harms(workspace)] == ["settings.json"]
    with pytest.raises(StoreError):
        load_settings(workspace)
    save_settings(workspace, Settings(rater="zoe"))
    assert load_settings(workspace).rater == "zoe" and harms(workspace) == []
    (kept,) = (workspace.root / "set-aside").rglob("settings.json")
    assert kept.read_text() == '{"rater": "ak'


def test_what_is_made_of_the_rest_is_made_anew(workspace: Workspace) -> None:
    browse.count(workspace)
    loops.load_loop(workspace, str(loops.table(workspace)["loop_id"][0]))
    workspace.loop_index.write_bytes(b"noise" * 1000)
    (mended,) = repair(workspace)
    assert (mended.file, mended.act) == ("library/index.sqlite", REBUILT)
    assert examine(workspace) == []


def test_the_doctor_names_damage_and_its_cure(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    workspace.settings.write_text("{")
    assert main(["doctor", "--workspace", str(workspace.root), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [(harm["file"], harm["cure"]) for harm in said["damaged"]] == [("settings.json", "composer repair")]
    assert main(["doctor", "--workspace", str(workspace.root)]) == 1
    assert "damaged   settings.json: " in capsys.readouterr().out
    assert main(["repair", "--workspace", str(workspace.root), "--json"]) == 0
    assert [file["act"] for file in json.loads(capsys.readouterr().out)["files"]] == [SET_ASIDE]
    assert main(["repair", "--workspace", str(workspace.root)]) == 0
    assert "nothing is damaged" in capsys.readouterr().out
    assert main(["repair", "--workspace", str(workspace.root / "none")]) == 1


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, int]]:
    made = damage.saved_workspace(tmp_path_factory.mktemp("saved"))
    counts, refused, tracebacks = damage.used(made)
    assert not refused and not tracebacks
    return made, counts


@pytest.mark.parametrize("file", SOME)
def test_a_damaged_file_is_named_and_cured(saved: tuple[Workspace, dict[str, int]], tmp_path: Path, file: str) -> None:
    case = damage.damage_one(*saved, Path(file), "noise", tmp_path / "case")
    assert case.is_good, case


@pytest.mark.slow
@pytest.mark.parametrize("kind", damage.DAMAGES)
def test_every_file_may_be_damaged(saved: tuple[Workspace, dict[str, int]], tmp_path: Path, kind: str) -> None:
    files = damage.damageable(saved[0])
    assert len(files) > 40
    cases = [damage.damage_one(*saved, file, kind, tmp_path / "case" / file.name) for file in files]
    assert [case for case in cases if not case.is_good] == []


@pytest.mark.slow
def test_fifty_killed_imports_leave_a_whole_library(tmp_path: Path) -> None:
    files = sorted(write_grooves(tmp_path / "grooves", files=6).iterdir())
    killed = kills.kill_while_importing(tmp_path, files, 50)
    assert killed.is_good, killed
    assert killed.n_killed


def test_a_full_disk_is_read_and_says_that_it_is_full(tmp_path: Path) -> None:
    done = limits.on_a_full_disk(tmp_path)
    assert done.wrong == ()
    assert set(done.refused) == set(limits.WRITES)


@pytest.mark.slow
def test_a_workspace_that_can_only_be_read_is_read(tmp_path: Path) -> None:
    done = limits.where_nothing_can_be_written(tmp_path)
    assert done.wrong == ()
    assert set(done.refused) == set(limits.WRITES)
    shutil.rmtree(tmp_path)
