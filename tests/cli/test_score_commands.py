"""`composer retry` and `composer rescore` as a person or a script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.loops import add_generated
from composer_core.workspace import Workspace
from small_library import N_LOOPS, loose_rock


def test_retry_shows_before_and_after_and_keeps_the_better_loop(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    loop_id = add_generated(workspace, [(loose_rock(), "take")])[0]
    where = ["--workspace", str(workspace.root)]
    assert main(["retry", loop_id, "--dry-run", *where]) == 0
    assert capsys.readouterr().out.startswith(f"{loop_id} ") and browse.count(workspace) == N_LOOPS + 1
    assert main(["retry", loop_id, "--json", *where]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["after"] > found["total"]["before"] and found["steps"]
    assert browse.rows(workspace, [found["kept_as"]])["origin"].tolist() == ["generated"]
    assert main(["rescore", *where]) == 0
    assert json.loads(capsys.readouterr().out)["rescored"] == 0


def test_retry_wants_either_loops_or_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["retry"], ["retry", "a", "--all"]):
        assert main([*arguments, "--workspace", str(tmp_path)]) != 0
        assert "--all" in capsys.readouterr().err
