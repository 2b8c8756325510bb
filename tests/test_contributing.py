"""The worked examples of CONTRIBUTING.md, done in a copy of the code as a newcomer would, and checked by the tests
they name."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = ("A metric", "A rule", "A data set", "A page")
COPIED = ("composer_core", "studio", "pages", "tests", "benchmarks", "docs", "scripts", ".streamlit")
COPIED += ("app.py", "pyproject.toml")
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*_cache", "saved", "images")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def new_files(text: str) -> dict[str, str]:
    """Files that a section gives whole: the path before the block, and its content."""
    return dict(re.findall(r"^`([\w./]+)`, new:\n\n```python\n(.*?)```$", text, re.M | re.S))


def changes(text: str) -> list[str]:
    return re.findall(r"^```diff\n(.*?)^```$", text, re.M | re.S)


def commands(text: str) -> list[str]:
    return [line for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S) for line in block.splitlines()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code in another place; what is large and only read is linked."""
    house = tmp_path / "house"
    house.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, house / name, ignore=NOT_COPIED)
        else:
            shutil.copy(source, house / name)
    (house / "assets").symlink_to(ROOT / "assets")
    return house


def run(house: Path, line: list[str], **options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(house), "GIT_CEILING_DIRECTORIES": str(house.parent)}
    return subprocess.run(line, cwd=house, env=environment, capture_output=True, text=True, check=False, **options)


def follow(house: Path, title: str) -> None:
    """Do what a section says: write its new files and make its changes."""
    for name, content in new_files(section(title)).items():
        assert not (house / name).exists(), f"{name} is there already"
        (house / name).write_text(content, encoding="utf-8")
    for change in changes(section(title)):
        done = run(house, ["git", "apply", "--recount", "-"], input=change)
        assert done.returncode == 0, f"{done.stderr}\n{change}"


@pytest.mark.slow
@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_done_in_a_copy_passes_the_tests_it_names(copy: Path, title: str) -> None:
    follow(copy, title)
    lines = commands(section(title))
    assert any("pytest" in line for line in lines)
    for line in lines:
        shell, _, target = line.partition(" > ")
        program, *arguments = shlex.split(shell)
        assert program == "python"
        if arguments[:2] == ["-m", "pytest"]:
            arguments += ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
        done = run(copy, [sys.executable, *arguments])
        assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
        if target:
            (copy / target).write_text(done.stdout, encoding="utf-8")


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_keeps_to_the_plan_and_the_format(copy: Path, title: str) -> None:
    before = set(run(copy, [sys.executable, "scripts/floor_plan.py"]).stdout.splitlines())
    follow(copy, title)
    after = set(run(copy, [sys.executable, "scripts/floor_plan.py"]).stdout.splitlines())
    named = {re.sub(r":\d+:", ":", line) for line in after} - {re.sub(r":\d+:", ":", line) for line in before}
    assert named == set()
    ruff = Path(sys.executable).with_name("ruff")
    for arguments in (["check", "--no-cache", "."], ["format", "--no-cache", "--check", "."]):
        done = run(copy, [str(ruff), *arguments])
        assert done.returncode == 0, done.stdout


def test_every_block_of_an_example_is_one_that_is_tested() -> None:
    for title in EXAMPLES:
        text = section(title)
        assert text.count("```") == 2 * (len(new_files(text)) + len(changes(text)) + text.count("```sh"))


def test_both_readmes_lead_here() -> None:
    for name in ("README.md", "README.ja.md"):
        assert "](CONTRIBUTING.md)" in (ROOT / name).read_text(encoding="utf-8")
