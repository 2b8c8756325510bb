"""`composer loops`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from composer_core.cli import main
from composer_core.workspace import Workspace
from searched_library import add, record, small_library


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    root = tmp_path_factory.mktemp("browsing") / "w"
    small_library(Workspace(root))
    return ["--workspace", str(root)]


def test_a_table(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loops", *place, "--where", "instrument=drums and tempo_bpm>=100", "--limit", "2"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].split("\t")[:3] == ["loop_id", "instrument", "meter"]
    assert [line.split("\t")[0] for line in lines[1:]] == ["e", "c"]
    assert "2 of 3 loops" in printed.err


def test_control_characters_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(Workspace(tmp_path / "w"), record("a", source="x\x1b[31m\n.mid"))
    assert main(["loops", "--workspace", str(tmp_path / "w"), "--columns", "source"]) == 0
    assert capsys.readouterr().out == "source\nx\\x1b[31m\\n.mid\n"


def test_files(place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.jsonl"
    assert main(["loops", *place, "--where", "genre=jazz", "--format", "jsonl", "-o", str(out)]) == 0
    assert [json.loads(line)["loop_id"] for line in out.read_text().splitlines()] == ["a", "b"]
    assert "2 loops written" in capsys.readouterr().out


def test_a_file_to_the_terminal(place: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["loops", *place, "--format", "csv", "--columns", "loop_id,source", "--where", "meter=6/8"]) == 0
    assert capfdbinary.readouterr().out.decode("utf-8-sig") == "loop_id,source\nd,'=evil.mid\n"


def test_columns_are_listed(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["loops", *place, "--list-columns"]) == 0
    kinds = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert (kinds["tempo_bpm"], kinds["labels.technique"], kinds["source"]) == ("number", "set", "text")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--where", "speed>1"], "known are instrument"),
        (["--columns", "nonsense"], "nonsense"),
        (["-o", "x"], "--format"),
        (["--limit", "0"], "limit is 0"),
    ],
)
def test_wrong_usage(place: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(["loops", *place, *arguments]) == 2
    assert said in capsys.readouterr().err
