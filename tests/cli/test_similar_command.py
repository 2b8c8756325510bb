"""`composer similar`: loops like one of the library and like those of a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_library
from composer_core.cli import main
from composer_core.pipeline.library import browse


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("similar")
    small_library.make_library(root)
    return root


def run(capsys: pytest.CaptureFixture[str], root: Path, *words: str) -> dict[str, object]:
    assert main(["similar", *words, "--workspace", str(root / "workspace"), "--json"]) == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("by", ["fingerprint", "metrics"])
def test_a_file_finds_itself(root: Path, capsys: pytest.CaptureFixture[str], by: str) -> None:
    path = str(root / "files" / "=shuffle.mid")
    said = run(capsys, root, path, "--by", by, "-k", "2")
    (answer,) = said["answers"]  # type: ignore[misc]
    assert said["by"] == by and answer["of"]["instrument"] == "drums"
    assert len(answer["similar"]) == 2
    nearest = answer["similar"][0]
    assert nearest["source"] == path and nearest["distance"] == pytest.approx(0, abs=1e-3)


def test_a_loop_by_its_id(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = browse.page(browse.Workspace(root / "workspace"), columns=("loop_id", "source")).rows
    loop_id = table["loop_id"][table["source"].str.endswith("七拍子<b>.mid")].iloc[0]
    (answer,) = run(capsys, root, loop_id)["answers"]  # type: ignore[misc]
    assert answer["of"] == {"loop_id": loop_id} and len(answer["similar"]) == 3


def test_words_for_people(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(root / "files" / "rock=beat.mid")
    assert main(["similar", path, "-k", "1", "--workspace", str(root / "workspace")]) == 0
    lines = capsys.readouterr().out.splitlines()
    # Eight bars make two loops of four; each finds itself.
    assert len(lines) == 4 and lines[1].startswith("  0.000") and lines[3].endswith("rock=beat.mid")


def test_what_is_neither_is_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(root / "workspace")]
    assert main(["similar", "0123456789abcdef", *place]) == 1
    assert "no loop" in capsys.readouterr().err
    (tmp_path / "no.mid").write_bytes(b"no MIDI")
    assert main(["similar", str(tmp_path / "no.mid"), *place]) == 1
    assert "no.mid" in capsys.readouterr().err
    assert main(["similar", str(root / "files" / "=shuffle.mid"), "--instrument", "piano", *place]) == 1
    assert "no notes for piano" in capsys.readouterr().err
