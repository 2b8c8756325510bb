"""composer backup, restore and master."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_library
from composer_core.cli import main
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library import loops
from composer_core.workspace import Workspace


def test_labels_are_saved_restored_and_kept(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", str(workspace.root), "--json"]
    first = loops.table(workspace)["loop_id"][0]
    decisions.decide(workspace, first, rater="aki", action="approve", values={"emotion": "happy"}, seen={})
    assert main(["backup", str(tmp_path / "saved"), *place]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == 1
    decisions.undo(workspace, "aki")
    assert main(["restore", str(tmp_path / "saved"), *place]) == 0
    assert Path(json.loads(capsys.readouterr().out)["kept"]).is_file()
    assert decisions.current(workspace, first).values == {"emotion": "happy"}


def test_a_file_that_is_no_backup_is_refused(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("not a backup")
    assert main(["restore", str(tmp_path / "notes.txt"), "--workspace", str(workspace.root)]) == 1
    assert "no backup of labels" in capsys.readouterr().err


def test_the_master_data_set_is_written_and_read_back(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["master", "-o", str(tmp_path / "master"), "--workspace", str(workspace.root), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["loops"], facts["songs"]) == (small_library.N_LOOPS, len(small_library.FILES))
    assert sorted(path.name for path in (tmp_path / "master").iterdir()) == [
        "master.json", "master_dataset.jsonl", "master_dataset.parquet", "master_songs.jsonl", "master_songs.parquet",
    ]  # fmt: skip


def test_pairs_are_written_and_read_back(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["master", "-o", str(tmp_path / "master"), "--workspace", str(workspace.root)]) == 0
    asked = ["pairs", str(tmp_path / "master"), "-o", str(tmp_path / "pairs")]
    assert main(asked) == 0
    assert f"and {2 * small_library.N_LOOPS} texts in" in capsys.readouterr().out
    assert main([*asked, "--json", "--seed", "1", "--workspace", str(workspace.root)]) == 0
    assert json.loads(capsys.readouterr().out)["texts"] == 2 * small_library.N_LOOPS
    assert main([*asked, "--positives", "-1"]) == 2
    assert main(["pairs", str(tmp_path), "-o", str(tmp_path / "pairs")]) == 1
