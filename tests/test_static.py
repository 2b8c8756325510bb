"""What the source may not contain, read from its syntax trees."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = [
    ROOT / "app.py",
    *(
        path
        for room in ("composer_core", "studio", "pages", "benchmarks")
        for path in sorted((ROOT / room).rglob("*.py"))
    ),
]
CORE = [path for path in CODE if ROOT / "composer_core" in path.parents]
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != Path(__file__).resolve()]
SCRIPTS = [ROOT / "scripts" / name for name in ("studio", "test", "check")] + [ROOT / ".ci" / "run"]
FORBIDDEN_CALLS = {
    "pickle.load": "runs code that the file brings",
    "pickle.loads": "runs code that the file brings",
    "joblib.load": "runs code that the file brings",
    "yaml.load": "builds any object; use yaml.safe_load",
    "eval": "runs text as code",
    "exec": "runs text as code",
    "os.system": "goes through a shell",
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_trees: dict[Path, ast.Module] = {}


def tree(path: Path) -> ast.Module:
    if path not in _trees:
        _trees[path] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return _trees[path]


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def keyword(call: ast.Call, name: str) -> object:
    """The constant given for a keyword, None when it is absent or no constant."""
    return next((k.value.value for k in call.keywords if k.arg == name and isinstance(k.value, ast.Constant)), None)


def dangerous(path: Path) -> list[str]:
    found = []
    for call, name in calls(path):
        if name in FORBIDDEN_CALLS:
            found.append(f"{place(path, call)} {name}: {FORBIDDEN_CALLS[name]}")
        elif name.endswith(".extractall"):
            found.append(f"{place(path, call)} extractall: writes outside the folder")
        elif name == "torch.load" and keyword(call, "weights_only") is not True:
            found.append(f"{place(path, call)} torch.load without weights_only=True")
        if keyword(call, "shell") is True:
            found.append(f"{place(path, call)} shell=True")
        if keyword(call, "unsafe_allow_html") is True:
            found.append(f"{place(path, call)} unsafe_allow_html=True")
    return found


def test_nothing_dangerous_is_called():
    assert [problem for path in CODE for problem in dangerous(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "pickle.loads(data)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text, Loader)",
        "archive.extractall(folder)",
        "subprocess.run('ls', shell=True)",
        "eval(text)",
        "exec(text)",
        "st.markdown(x, unsafe_allow_html=True)",
    ],
)
def test_the_check_sees_what_it_forbids(line, monkeypatch):
    path = ROOT / "composer_core" / "sample.py"
    monkeypatch.setitem(_trees, path, ast.parse(line))
    assert len(dangerous(path)) == 1


def test_harmless_relatives_are_allowed(monkeypatch):
    path = ROOT / "composer_core" / "sample.py"
    text = "torch.load(path, weights_only=True)\nmodel.eval()\nyaml.safe_load(text)\njson.load(stream)"
    monkeypatch.setitem(_trees, path, ast.parse(text))
    assert dangerous(path) == []


def described_names(scope: ast.AST) -> set[str]:
    """Functions that get their docstring by assignment, because it depends on what they are made for."""
    assigned = [node.targets[0] for node in ast.walk(scope) if isinstance(node, ast.Assign)]
    return {ast.unparse(t.value) for t in assigned if isinstance(t, ast.Attribute) and t.attr == "__doc__"}


def undocumented(path: Path) -> Iterator[str]:
    """Modules, and classes and functions in them and in one another, that say nothing of themselves; what has a
    private name is left out with all that is inside it."""
    module = tree(path)
    if not ast.get_docstring(module):
        yield f"{path.relative_to(ROOT)}:1 module"
    described = described_names(module)
    inside = list(ast.iter_child_nodes(module))
    for node in inside:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            if node.name.startswith("_"):
                continue
            if not ast.get_docstring(node) and node.name not in described:
                yield f"{place(path, node)} {node.name}"
        inside += ast.iter_child_nodes(node)


def test_the_core_says_what_each_public_thing_does():
    assert [problem for path in CORE for problem in undocumented(path)] == []


def test_a_function_inside_another_is_looked_at_too(monkeypatch):
    path = ROOT / "composer_core" / "sample.py"
    text = (
        '"""Module."""\ndef maker():\n    "Makes."\n    def made(): ...\n    def told(): ...\n    told.__doc__ = "x"\n'
    )
    monkeypatch.setitem(_trees, path, ast.parse(text))
    assert list(undocumented(path)) == ["composer_core/sample.py:4 made"]


def test_only_commands_and_benchmarks_print():
    allowed = (ROOT / "composer_core" / "cli", ROOT / "benchmarks")
    quiet = [path for path in CODE if not any(folder in path.parents for folder in allowed)]
    assert [place(path, call) for path in quiet for call, name in calls(path) if name == "print"] == []


def test_only_redraw_runs_a_page_again():
    """`st.rerun` alone puts its page in the place of a page that was clicked meanwhile."""
    pages = [path for path in CODE if ROOT / "composer_core" not in path.parents and "benchmarks" not in path.parts]
    found = {path.name for path in pages for _, name in calls(path) if name == "st.rerun"}
    assert found == {"redraw.py"}


def test_only_its_own_room_imports_torch_and_streamlit():
    rooms = {"torch": [ROOT / "composer_core" / "model"], "streamlit": [ROOT / "studio", ROOT / "pages"]}
    found = []
    for path in [path for path in CODE if "benchmarks" not in path.parts]:
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                package = name.split(".")[0]
                own = any(room in path.parents for room in rooms.get(package, [])) or path == ROOT / "app.py"
                if package in rooms and not own:
                    found.append(f"{place(path, node)} {name}")
    assert found == []


def test_nothing_is_left_for_later_and_no_machine_is_named():
    words = re.compile(r"\b(TODO|FIXME|XXX)\b|(?<![\w.])/(work|root)/\w", re.ASCII)
    found = []
    for path in [*CODE, *TESTS, *SCRIPTS, ROOT / "scripts" / "setup", *sorted((ROOT / "docs").rglob("*.md"))]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if words.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert found == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_strict_executable_and_well_formed(script):
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
    subprocess.run(["bash", "-n", script, ROOT / "scripts" / "setup"], check=True)


@pytest.fixture
def copied(tmp_path):
    """The scripts in a house of their own, whose environment is marked as made and only tells its arguments."""
    house = tmp_path / "a house"
    shutil.copytree(ROOT / "scripts", house / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, house)
    commands = house / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name in ("python", "streamlit", "ruff", "mypy", "lint-imports"):
        (commands / name).write_text(f'#!/bin/sh\necho "{name} $PWD $*"\nexit "${{STATUS:-0}}"\n')
        (commands / name).chmod(0o755)
    stamp = ["bash", "-c", "set -euo pipefail; source scripts/setup; wanted_stamp dev"]
    made = subprocess.run(stamp, cwd=house, check=True, capture_output=True, text=True).stdout
    (house / ".venv" / ".composer-stamp").write_text(made)
    return house


def lines_of(script: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [script, *arguments],
        cwd="/",
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_the_studio_is_started_from_anywhere_with_further_options(copied):
    status, lines = lines_of(copied / "scripts" / "studio", "--server.port", "8600")
    assert status == 0
    assert lines[-1] == f"python {copied} -m studio.server --server.port 8600"


def test_tests_are_chosen_and_options_passed_on(copied):
    _, lines = lines_of(copied / "scripts" / "test", "-k", "two words")
    assert re.sub(r"-n \d", "-n N", lines[-1]) == (
        f"python {copied} -m pytest -n N --dist loadfile -m not slow and not browser -k two words"
    )
    _, lines = lines_of(copied / "scripts" / "test", "--all", "-x")
    assert [re.sub(r"-n \d", "-n N", line) for line in lines[-2:]] == [
        f"python {copied} -m pytest -n N --dist loadfile -m not browser -x",
        f"python {copied} -m pytest -m browser -x",
    ]


@pytest.mark.parametrize(("statuses", "told"), [("0 0", 0), ("0 5", 0), ("5 0", 0), ("5 5", 5), ("1 0", 1), ("0 2", 2)])
def test_both_halves_of_the_tests_are_run_and_any_failure_fails(copied, statuses, told):
    python = copied / ".venv" / "bin" / "python"
    cases = '*"not browser"*) exit "${STATUSES% *}";; *"-m browser"*) exit "${STATUSES#* }";;'
    python.write_text(f'#!/bin/sh\ncase "$*" in {cases} esac\n')
    assert lines_of(copied / "scripts" / "test", "--all", STATUSES=statuses)[0] == told


def test_every_check_is_run_and_any_finding_fails(copied):
    status, lines = lines_of(copied / "scripts" / "check")
    assert (status, [line.split()[0] for line in lines]) == (0, ["ruff", "ruff", "python", "mypy", "lint-imports"])
    for name in ("mypy", "lint-imports"):
        (copied / ".venv" / "bin" / name).write_text(f"#!/bin/sh\necho {name}\nexit 1\n")
    status, lines = lines_of(copied / "scripts" / "check")
    assert (status, len(lines)) == (1, 5)
