"""docs/settings.md against the code: every variable of the environment, every setting, every option of Streamlit."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from composer_core.pipeline.settings import Settings, load_settings
from composer_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
SHELL_OWN = {"BASH_SOURCE", "SECONDS", "PATH"}
READS = ("get", "pop", "setdefault", "getenv")


def table(heading: str, number: int = 0) -> dict[str, list[str]]:
    """A table of the page by its first column: the other cells, without the signs of code."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    body = re.findall(r"^\|---.*\n((?:\|.*\n)+)", section, re.M)[number]
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in body.splitlines()]
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0].strip(" |`"): [cell.strip(" |`") for cell in row[1:]] for row in rows}


def constants(tree: ast.Module) -> dict[str, str]:
    """Names that a module gives to texts, also several in one line."""
    found: dict[str, str] = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=True))
        for name, text in pairs:
            if isinstance(name, ast.Name) and isinstance(text, ast.Constant) and isinstance(text.value, str):
                found[name.id] = text.value
    return found


def is_environment(node: ast.AST) -> bool:
    return ast.unparse(node) in ("os.environ", "environ")


def used(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Each use of a variable of the environment: "read" or "set", and the expression that names it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS:
            if is_environment(node.func.value) or ast.unparse(node.func) == "os.getenv":
                yield "read", node.args[0]
        elif isinstance(node, ast.Subscript) and is_environment(node.value):
            yield "set" if isinstance(node.ctx, ast.Store) else "read", node.slice
        elif isinstance(node, ast.Compare) and any(is_environment(other) for other in node.comparators):
            yield "read", node.left
        elif isinstance(node, ast.Dict):
            unpacked = [value for key, value in zip(node.keys, node.values, strict=True) if key is None]
            if any(is_environment(value) for value in unpacked):
                yield from (("set", key) for key in node.keys if key is not None)


def in_python(how: str) -> set[str]:
    """Variables that the source reads or sets; one that is named by no constant fails."""
    paths = [
        ROOT / "app.py",
        *(p for room in ("composer_core", "studio", "pages", "scripts") for p in (ROOT / room).rglob("*.py")),
    ]
    found = set()
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = constants(tree)
        for kind, name in used(tree):
            text = name.value if isinstance(name, ast.Constant) else known.get(ast.unparse(name))
            assert isinstance(text, str), f"{path.name}:{name.lineno} names no variable a reader could look up"
            if kind == how:
                found.add(text)
    return found


def in_scripts(how: str) -> set[str]:
    """Variables that the shell scripts read without having set them, or set for a program they call."""
    text = "\n".join(
        path.read_text() for path in [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"] if not path.suffix
    )
    own = set(re.findall(r"^\s*(?:export )?([A-Z_]+)=", text, re.M)) | set(re.findall(r"\b([A-Z_]{3,})=\(", text))
    if how == "set":
        return set(re.findall(r"\benv ([A-Z_]+)=", text))
    return set(re.findall(r"\$\{?([A-Z][A-Z_]{2,})\b", text)) - own - SHELL_OWN


def test_the_page_names_every_variable_that_is_read_and_no_other():
    assert set(table("Environment variables")) == in_python("read") | in_scripts("read")


def test_the_page_names_every_variable_that_is_set_and_no_other():
    assert set(table("Environment variables", 1)) == in_python("set") | in_scripts("set")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("os.environ.get('A', '')", [("read", "A")]),
        ("os.environ['A']", [("read", "A")]),
        ("os.environ['A'] = '1'", [("set", "A")]),
        ("os.environ.setdefault('A', '1')", [("read", "A")]),
        ("os.getenv('A')", [("read", "A")]),
        ("'A' in os.environ", [("read", "A")]),
        ("{**os.environ, 'A': '1'}", [("set", "A")]),
        ("{**other, 'A': '1'}", []),
        ("settings.get('A')", []),
    ],
)
def test_every_way_of_reading_and_setting_is_seen(line, found):
    assert [(kind, name.value) for kind, name in used(ast.parse(line))] == found


def test_the_page_names_every_setting_with_its_default_and_an_example_that_is_taken(tmp_path):
    rows = table("The workspace's settings.json")
    assert set(rows) == {spec.name for spec in fields(Settings)}
    plain = Settings()
    for name, (_, default, example) in rows.items():
        assert json.loads(default) == getattr(plain, name), name
        assert json.loads(example) != getattr(plain, name), name
    workspace = Workspace(tmp_path)
    workspace.settings.write_text(json.dumps({name: json.loads(row[2]) for name, row in rows.items()}))
    assert load_settings(workspace) == Settings(**{name: json.loads(row[2]) for name, row in rows.items()})


def options(section: dict[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in section.items():
        if isinstance(value, dict):
            yield from options(value, f"{before}{name}.")
        else:
            yield before + name, value


def test_the_page_names_every_option_of_streamlit_with_its_value():
    asked = dict(options(tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))))
    assert {name: json.loads(row[0]) for name, row in table("Streamlit").items()} == asked
