"""Hostile files through every place that reads a file by others: refused with one of our errors, at once, or read."""

from __future__ import annotations

import argparse
import ast
import shutil
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from composer_core.cli import build_parser
from composer_core.errors import ComposerError
from composer_core.workspace import Workspace
from hostile.entry_points import ARGUMENTS, UPLOADS, EntryPoint, Place, entry_points, files_for
from hostile.files import HOSTILE, NO_PLAIN_TEXT
from read_here import TEXTS, read_here
from studio.wording.text import error_text

ROOT = Path(__file__).resolve().parents[1]
UPLOAD_CONTROLS = {"file_uploader", "chat_input", "camera_input", "audio_input"}
FILE_WORDS = ("FILE", "PATH", "DIR", "OUT", "CONFIG", "RUN", "MASTER", "REPORT", "RECIPE")
WRITTEN = {"workspace", "output", "out"}
"""Arguments that name what is written, and the workspace, whose files have tests of their own."""
HANG_CPU_SEC, HANG_SEC = 60, 900
"""Of this process's own work, and of waiting for others. Readers stop by themselves after ten seconds; this only ends
a test that would never end."""
QUICK = ("recipe", "labels.csv", "labels.jsonl", "labels.json", "labels.yaml", "apply", "train config", "settings",
         "saved recipe", "vocabulary mood")  # fmt: skip
"""Those that begin with text; in the short test each reads one of a few files."""
QUICK_FILES = ("alias bomb in a step", "6,000 digits in YAML", "half a surrogate pair in JSON", "deep JSON, whole")


def test_every_upload_of_the_studio_is_registered() -> None:
    drawn = set()
    for path in sorted([*(ROOT / "studio").rglob("*.py"), *(ROOT / "pages").glob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in UPLOAD_CONTROLS:
                drawn.add(path.relative_to(ROOT).as_posix())
    assert drawn == set(UPLOADS)


def file_arguments(parser: argparse.ArgumentParser, command: str = "") -> Iterator[str]:
    """Command and name of every argument that names a file or folder to be read."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from file_arguments(inner, f"{command} {name}".strip())
        elif action.dest not in WRITTEN:
            words = action.metavar if isinstance(action.metavar, str) else ""
            if action.type is Path or any(word in words for word in FILE_WORDS) or action.dest == "model":
                yield f"{command} {action.dest}"


def test_every_file_argument_of_a_command_is_registered() -> None:
    assert set(file_arguments(build_parser())) == set(ARGUMENTS)
    assert all(not isinstance(entry, str) or entry for entry in ARGUMENTS.values())


def test_the_collection_is_as_large_as_the_run_that_found_the_faults() -> None:
    assert len(entry_points()) >= 20
    assert sum(len(files_for(name)) for name in entry_points()) >= 475
    assert set(NO_PLAIN_TEXT) <= set(HOSTILE)


@contextmanager
def ended_when_it_hangs() -> Iterator[None]:
    def stop(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"still at it after {HANG_CPU_SEC} s of work or {HANG_SEC} s")

    before = [(name, signal.signal(name, stop)) for name in (signal.SIGALRM, signal.SIGPROF)]
    signal.alarm(HANG_SEC)
    signal.setitimer(signal.ITIMER_PROF, HANG_CPU_SEC)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for name, handler in before:
            signal.signal(name, handler)


def outcome(entry: EntryPoint, place: Place) -> str:
    """ "" where the entry point did what it should: one of our errors that both languages can say, or an answer."""
    try:
        with ended_when_it_hangs():
            entry(place)
    except ComposerError as error:
        said = [str(error), error_text(error)]
        for sentence in said:
            sentence.encode("utf-8")
        return "" if all(len(sentence) < 10_000 for sentence in said) else "a sentence of a whole file"
    except SystemExit as error:
        return "" if error.code == 2 else f"exit {error.code}"
    except BaseException:  # noqa: BLE001 - whatever else comes out is what is looked for
        return traceback.format_exc(limit=-4)
    return ""


def findings(names: list[str], files: list[str], workspace: Workspace, tmp_path: Path) -> dict[str, str]:
    """What went wrong, by entry point and file."""
    found = {}
    entries = entry_points()
    for name in names:
        for title in files:
            folder = tmp_path / "place"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "hostile").write_bytes(HOSTILE[title])
            wrong = outcome(entries[name], Place(folder / "hostile", workspace, folder))
            if wrong:
                found[f"{name}: {title}"] = wrong
    return found


@pytest.fixture
def hostile_workspace(made_library: Workspace, workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the small library, with its songs beside it."""
    shutil.copytree(made_library.root.parent / "files", tmp_path / "files")
    return workspace


def test_what_kept_the_web_process_busy_is_refused(hostile_workspace: Workspace, tmp_path: Path) -> None:
    """One file each, so that every reader meets one; all of them meet all in the long test."""
    for place, name in enumerate(QUICK):
        assert findings([name], [QUICK_FILES[place % len(QUICK_FILES)]], hostile_workspace, tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_all_that_kept_the_web_process_busy_is_refused(name: str, hostile_workspace: Workspace, tmp_path: Path) -> None:
    assert findings([name], list(QUICK_FILES), hostile_workspace, tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(entry_points()))
def test_no_hostile_file_comes_out_as_a_traceback(
    name: str, hostile_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Text is read in this process, where nothing hides behind a reader's death; the short test starts readers.
    read_here(monkeypatch, TEXTS)
    assert findings([name], files_for(name), hostile_workspace, tmp_path) == {}
