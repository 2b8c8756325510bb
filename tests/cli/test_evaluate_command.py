"""`composer evaluate`: refusals, and a report with its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.cli.evaluating import PARTS
from composer_core.lab.composer import evaluation

GROOVE = Path(__file__).resolve().parents[2].parent / "shared/data/cc-by/gmd"


def test_the_command_names_the_parts_the_evaluation_knows() -> None:
    assert PARTS == evaluation.PARTS


def test_data_that_are_not_there_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (
        ["--data", str(tmp_path / "none")],
        ["--data", str(tmp_path), "--judge-data", str(tmp_path / "no")],
    ):
        assert main(["evaluate", "composer-drums-tuned", *options]) == 1
        assert str(tmp_path / "no") in capsys.readouterr().err


@pytest.mark.slow
def test_a_part_is_measured_reported_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not GROOVE.is_dir():
        pytest.skip("the Groove MIDI Dataset is not here")
    options = ["--takes", "10", "--only", "validity", "-o", str(tmp_path / "out")]
    assert main(["evaluate", "composer-drums-tuned", "--data", str(GROOVE), *options]) == 0
    assert "Validity" in capsys.readouterr().out
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["validity"]["valid_rate"] == 1.0
    assert [row["kept"] for row in report["promises"]] == [True]
    assert "<h2>Validity</h2>" in (tmp_path / "out/report.html").read_text()
