"""Documentation that cannot drift: made pages, links, the tree, the packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from composer_core.cli.reference import reference

ROOT = Path(__file__).resolve().parents[1]
READMES = [ROOT / "README.md", ROOT / "README.ja.md"]
PAGES = [*READMES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_page_of_commands_is_what_the_commands_say():
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_is_short_and_names_both_commands(readme):
    text = readme.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    assert "scripts/studio" in text
    assert "scripts/test" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith("http")]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_tree_shows_every_room_and_no_other(readme):
    tree = re.search(r"```\napp\.py.*?```", readme.read_text(encoding="utf-8"), re.S)[0]
    shown = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("  ")}
    core = ROOT / "composer_core"
    there = {path.name for path in core.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert shown == there | {path.name for path in core.glob("*.py") if path.name != "__init__.py"}


def test_both_readmes_have_the_same_shape():
    headings = [len(re.findall(r"^## ", path.read_text(encoding="utf-8"), re.M)) for path in READMES]
    blocks = [re.findall(r"^composer .*", path.read_text(encoding="utf-8"), re.M) for path in READMES]
    assert headings[0] == headings[1]
    assert [line.split("#")[0].split() for line in blocks[0]] == [line.split("#")[0].split() for line in blocks[1]]


def test_every_package_is_justified_and_no_other():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    text = (ROOT / "docs" / "decisions" / "0001-runtime-packages.md").read_text(encoding="utf-8")
    table = text.split("## Packages")[1].split("##")[0]
    assert set(re.findall(r"^\| ([\w-]+) \|", table, re.M)) - {"package"} == needed


def test_every_package_is_used_by_the_code_or_as_a_peer():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = {"pyfluidsynth": "fluidsynth", "pyyaml": "yaml"}
    rooms = ("composer_core", "studio", "pages", "benchmarks")
    sources = [path.read_text(encoding="utf-8") for room in rooms for path in (ROOT / room).rglob("*.py")]
    unused = []
    for line in project["dependencies"]:
        name = re.match(r"[\w-]+", line)[0].lower()
        spelling = module.get(name, name)
        imported = re.compile(rf"^\s*(import|from) {spelling}\b|find_spec\(\"{spelling}\"", re.M)
        if not any(imported.search(source) for source in sources):
            unused.append(name)
    assert unused == []


def test_no_more_than_eight_pages():
    assert len(list((ROOT / "docs").glob("*.md"))) <= 8


def test_the_page_of_data_sets_names_every_adapter_and_every_warning():
    from composer_core.ingest.datasets.registry import tested_table
    from composer_core.ingest.warnings import WARNINGS

    page = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    assert f"tested_table -->\n{tested_table()}\n<!-- end -->" in page
    named = set(re.findall(r"warning `(\w+)`", page))
    assert named <= set(WARNINGS) and len(named) >= 8
