"""`-v` on every command: known everywhere, silent where it is not given."""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Iterator

import pytest

from composer_core.cli import build_parser, main


def parsers(parser: argparse.ArgumentParser, name: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command and action: the words that call it, and its help."""
    yield name, parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from parsers(inner, (*name, word))


ALL = dict(parsers(build_parser()))
SILENT = {
    "measure": ["measure", "{file}"],
    "ingest": ["ingest", "{file}"],
    "loops": ["loops"],
    "generate": ["generate", "--instrument", "drums", "--bars", "1", "-o", "{out}"],
    "render": ["render", "{file}", "-o", "{out}.flac"],
    "rescore": ["rescore"],
    "captions": ["captions"],
    "similar": ["similar", "{file}"],
    "estimate show": ["estimate", "show", "{file}"],
    "apply": ["apply", "{recipe}", "{file}", "-o", "{out}.mid"],
    "labels export": ["labels", "export", "{out}", "--format", "csv"],
    "backup": ["backup", "{out}"],
    "master": ["master", "-o", "{out}"],
    "dedupe": ["dedupe"],
    "models list": ["models", "list"],
    "doctor": ["doctor"],
}

PROGRESS = re.compile(r"\d+ of \d+( loops)?")
"""What some commands have always shown on standard error."""


@pytest.fixture(autouse=True)
def quiet_again():
    yield
    for name in ("composer_core", "studio"):
        root = logging.getLogger(name)
        root.setLevel(logging.NOTSET)
        for handler in list(root.handlers):
            root.removeHandler(handler)


@pytest.fixture
def words(workspace, tmp_path, monkeypatch):
    """What the braces of SILENT stand for."""
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(workspace.root))
    from composer_core.render.midi import loop_to_midi
    from small_library import rock

    (tmp_path / "one.mid").write_bytes(loop_to_midi(rock(4)))
    (tmp_path / "recipe.yaml").write_text("steps: [{rule: swing, percent: 58}]\n")
    return {"file": tmp_path / "one.mid", "recipe": tmp_path / "recipe.yaml", "out": tmp_path / "out"}


@pytest.mark.parametrize("name", ALL, ids=" ".join)
def test_the_help_of_every_command_shows_it(name):
    assert "-v, --verbose" in ALL[name]


def test_there_are_commands_to_look_at():
    assert len(ALL) > 30


@pytest.mark.parametrize("command", SILENT)
def test_a_command_that_succeeds_tells_nothing_unless_asked(command, words, capsys):
    assert main([part.format(**words) for part in SILENT[command]]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if not PROGRESS.fullmatch(line)]
    assert told == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["-v", "ingest", "{file}"],
        ["ingest", "{file}", "-v"],
        ["ingest", "--verbose", "{file}"],
        ["-v", "ingest", "{file}", "-v"],
    ],
)
def test_it_is_taken_before_and_after_the_command(arguments, words, capsys):
    assert main([part.format(**words) for part in arguments]) == 0
    err = capsys.readouterr().err
    assert "INFO" in err and "import begins: 1 files" in err


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        (["doctor"], 0),
        (["-v", "doctor"], 1),
        (["doctor", "-vv"], 2),
        (["-v", "doctor", "-v"], 2),
        (["-v", "models", "-v", "list", "-v"], 3),
    ],
)
def test_it_is_counted_wherever_it_stands(arguments, level, monkeypatch, words):
    seen = []
    monkeypatch.setattr("composer_core.logs.configure", seen.append)
    main(arguments)
    assert seen == [level]
