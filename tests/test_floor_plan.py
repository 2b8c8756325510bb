"""Each check of the floor plan on a small tree that breaks it once, and on the nearest tree that does not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "floor_plan.py"


def load_script():
    """The script as a module. It finds source_tree.py beside itself, as it does when it is run."""
    spec = importlib.util.spec_from_file_location("floor_plan", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT.parent)
        spec.loader.exec_module(module)
    return module


plan = load_script()


@pytest.fixture
def found(tmp_path):
    """A function that writes files into an empty tree, runs one check on it and returns the findings as text."""

    def run(check, files: dict[str, str]) -> list[str]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return sorted(str(finding) for finding in check(plan.Tree.read(tmp_path)))

    return run


def many(folder: str, count: int) -> dict[str, str]:
    return {f"{folder}/__init__.py": "", **{f"{folder}/m{number}.py": "" for number in range(count)}}


# Folders


@pytest.mark.parametrize(
    ("folder", "limit"),
    [("composer_core/store", 25), ("tests/metrics", 25), ("composer_core/metrics", 40), ("composer_core/cli", 40)],
)
def test_a_folder_holds_its_limit_and_not_one_module_more(found, folder, limit):
    assert found(plan.crowded_folders, many(folder, limit)) == []
    too_many = found(plan.crowded_folders, many(folder, limit + 1))
    assert too_many == [f"{folder}:1: {limit + 1} modules in one folder; at most {limit}"]


def test_the_modules_of_an_inner_folder_are_not_counted_for_the_outer_one(found):
    assert found(plan.crowded_folders, many("studio", 20) | many("studio/library", 20)) == []


# Circles


def test_two_modules_that_import_each_other_are_a_circle(found):
    files = {
        "studio/a.py": "import json\nfrom studio.b import B\nimport studio.b\n",
        "studio/b.py": "from studio import a\n",
    }
    assert found(plan.circles, files) == ["studio/a.py:2: circle of 2 modules: studio.a -> studio.b -> studio.a"]
    assert found(plan.circles, {"studio/b.py": "from studio import c\n", "studio/c.py": ""}) == []


def test_an_import_inside_a_function_closes_a_circle(found):
    files = {"studio/a.py": "import studio.b\n", "studio/b.py": "def late():\n    import studio.a\n"}
    assert len(found(plan.circles, files)) == 1


@pytest.mark.parametrize(
    "guard", ["from typing import TYPE_CHECKING\nif TYPE_CHECKING", "import typing\nif typing.TYPE_CHECKING"]
)
def test_an_import_for_types_may_close_none_but_the_other_branch_does(found, guard, monkeypatch):
    monkeypatch.setattr(plan, "TYPING_MAKES_A_CIRCLE", False)
    files = {"studio/a.py": "import studio.b\n", "studio/b.py": f"{guard}:\n    import studio.a\n"}
    assert found(plan.circles, files) == []
    files["studio/b.py"] = f"{guard}:\n    pass\nelse:\n    import studio.a\n"
    assert len(found(plan.circles, files)) == 1


def test_imports_for_types_can_be_counted_too(found, monkeypatch):
    monkeypatch.setattr(plan, "TYPING_MAKES_A_CIRCLE", True)
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import studio.a\n"
    assert len(found(plan.circles, {"studio/a.py": "import studio.b\n", "studio/b.py": guarded})) == 1


def test_a_group_of_circles_is_reported_once_as_its_shortest(found):
    # a -> b -> c -> d -> a is a circle of four; c -> b shortens it to two.
    files = {
        "pages/a.py": "import pages.b",
        "pages/b.py": "import pages.c",
        "pages/c.py": "import pages.d\nimport pages.b",
        "pages/d.py": "import pages.a",
        "pages/outside.py": "import pages.a",
    }
    assert found(plan.circles, files) == [
        "pages/b.py:1: circle of 2 modules, the shortest among 4 that import one another: pages.b -> pages.c -> pages.b"
    ]


def test_circles_that_do_not_lead_into_each_other_both_ways_are_reported_separately(found):
    files = {f"studio/{x}{n}.py": f"import studio.{y}{n}" for n in (1, 2) for x, y in ("ab", "ba")}
    assert [line.split(":")[0] for line in found(plan.circles, files)] == ["studio/a1.py", "studio/a2.py"]
    files["studio/b1.py"] += "\nimport studio.a2"  # one way only
    assert [line.split(":")[0] for line in found(plan.circles, files)] == ["studio/a1.py", "studio/a2.py"]


def test_a_package_that_imports_its_member_is_in_a_circle_only_if_the_member_imports_it(found):
    files = {"studio/texts/__init__.py": "from .words import WORDS\n", "studio/texts/words.py": "from . import names\n"}
    files["studio/texts/names.py"] = ""
    assert found(plan.circles, files) == []
    files["studio/texts/words.py"] = "from studio.texts import other\n"
    assert len(found(plan.circles, files)) == 1


def test_tests_and_benchmarks_find_their_helpers_by_bare_names(found):
    files = {
        "tests/small.py": "import support_of_small",
        "tests/support/support_of_small.py": "from small import x",
        "benchmarks/one.py": "import two",
        "benchmarks/two.py": "import one",
        "studio/small.py": "import small",
    }
    assert [line.split(":")[0] for line in found(plan.circles, files)] == ["benchmarks/one.py", "tests/small.py"]


# Names of classes


def test_a_public_class_name_has_one_meaning(found):
    files = {"studio/a.py": "\nclass Take: ...\n", "composer_core/store/takes.py": "class Take: ...\n"}
    assert found(plan.doubled_classes, files) == [
        "composer_core/store/takes.py:1: class Take has another meaning in studio/a.py:2"
    ]


def test_private_and_inner_classes_and_those_of_tests_may_share_a_name(found):
    files = {
        "studio/a.py": "class _Row: ...\nclass Take: ...\n",
        "studio/b.py": "class _Row: ...\nclass Other:\n    class Take: ...\n",
        "tests/fake.py": "class Take: ...\n",
        "studio/c.py": "from studio.a import Take\n",
        "studio/d.py": "try:\n    class Only: ...\nexcept ImportError:\n    class Only: ...\n",
    }
    assert found(plan.doubled_classes, files) == []


# Lengths


@pytest.mark.parametrize("place", ["composer_core/a.py", "scripts/a.py", "benchmarks/a.py", "app.py"])
def test_a_function_has_at_most_fifty_lines(found, place):
    fifty = "@decorated\ndef long():\n" + "    x = 1\n" * 49
    assert found(plan.long_functions, {place: fifty}) == []
    assert found(plan.long_functions, {place: fifty + "    x = 2\n"}) == [f"{place}:2: long has 51 lines; at most 50"]


def test_a_method_and_a_function_inside_another_are_measured_and_tests_are_not(found):
    text = "class A:\n    async def method(self):\n" + "        x = 1\n" * 50
    inner = "def outer():\n    if True:\n        def inner():\n" + "            x = 1\n" * 50
    named = found(plan.long_functions, {"studio/a.py": text, "studio/b.py": inner, "tests/test_a.py": text})
    assert [line.split()[1] for line in named] == ["method", "outer", "inner"]


@pytest.mark.parametrize("place", ["studio/a.py", "tests/test_a.py", "scripts/a.py"])
def test_a_file_has_at_most_four_hundred_lines(found, place):
    assert found(plan.long_files, {place: "x = 1\n" * 400}) == []
    assert found(plan.long_files, {place: "x = 1\n" * 401}) == [f"{place}:1: 401 lines in one file; at most 400"]


# Any


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(a: int, b: Any) -> None: ...", "f (b)"),
        ("def f(a: Any, /, b: int, *, c: Any) -> None: ...", "f (a, c)"),
        ("async def f(*a: Any, **b: Any) -> dict[str, list[Any]]: ...", "f (a, b, the result)"),
        ("def f(a: 'dict[str, Any] | None') -> None: ...", "f (a)"),
        ("def f(a: typing.Any) -> None: ...", "f (a)"),
        ("class A:\n    def __init__(self, a: Callable[..., Any]) -> None: ...", "A.__init__ (a)"),
        ("@dataclass\nclass A:\n    facts: Mapping[str, Any]", "A.facts (the field)"),
        ("class A:\n    class B:\n        x: Any = 1", "A.B.x (the field)"),
        ("if True:\n    def f() -> Any: ...", "f (the result)"),
        ("Row = dict[str, Any]\ndef f(row: Row) -> Row: ...", "Row (the type that it names)"),
        ("Row: TypeAlias = 'dict[str, Any]'", "Row (the type that it names)"),
        ("_Row = dict[str, Any]\n_Rows = list[_Row]\ndef f(rows: _Rows) -> None: ...", "f (rows)"),
    ],
)
def test_any_is_found_in_everything_that_other_modules_see(found, text, message):
    (finding,) = found(plan.any_in_signatures, {"composer_core/a.py": text})
    assert finding.endswith(f"Any in the public {message}")


@pytest.mark.parametrize(
    "text",
    [
        "def _f(a: Any) -> Any: ...",
        "class _A:\n    x: Any\n    def f(self) -> Any: ...",
        "class A:\n    _x: Any\n    def _f(self) -> Any: ...",
        "def f() -> None:\n    x: Any = 1\n    def inner(a: Any) -> Any: ...",
        "def f(a: object, b: Literal['Any'], c: Annotated[int, 'not 1 type']) -> AnyStr: ...",
        "value = cast(Any, 1)",
        "table: dict[str, Any] = {}",
        "_Row = dict[str, Any]\ndef f(row: dict[str, int]) -> None: ...",
    ],
)
def test_any_is_allowed_in_what_other_modules_do_not_see(found, text):
    assert found(plan.any_in_signatures, {"composer_core/a.py": text, "tests/a.py": "def f() -> Any: ..."}) == []


def allowing(line: str, text: str = "import plotly.express\ndef f(event: Any) -> None: ...") -> dict[str, str]:
    return {"studio/charts.py": text, plan.ANY_ALLOWED: f"# The reasons\n\n{line}\n"}


def test_the_list_allows_any_at_the_edge_to_a_package(found):
    entry = "studio.charts:f  plotly  its events are plain dictionaries of mixed values"
    assert found(plan.any_in_signatures, allowing(entry)) == []
    for late in (
        "def f(event: Any) -> None:\n    import plotly",
        "if TYPE_CHECKING:\n    import plotly\ndef f() -> Any: ...",
    ):
        assert found(plan.any_in_signatures, allowing(entry, late)) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("studio.charts:f  numpy  a reason", "does not import numpy"),
        ("studio.charts:f  json  a reason", "no third-party interface"),
        ("studio.charts:f  yaml  a reason", "no third-party interface"),
        ("studio.charts:f  argparse  a reason", "no third-party interface"),
        ("studio.charts:f  studio  a reason", "no third-party interface"),
        ("studio.charts:f  plotly", "an entry has all of these"),
        ("studio.charts:g  plotly  a reason", "studio.charts:g needs no exception"),
        ("studio.charts:f  plotly  a reason\nstudio.charts:f  plotly  again", "is listed twice"),
    ],
)
def test_an_entry_without_a_package_a_reason_or_a_need_is_a_finding(found, line, message):
    text = "import argparse, json, yaml\nimport plotly\nimport studio.other\ndef f(event: Any) -> None: ..."
    problems = [p for p in found(plan.any_in_signatures, allowing(line, text)) if p.startswith(plan.ANY_ALLOWED)]
    assert len(problems) == 1
    assert message in problems[0]


def test_an_entry_does_not_outlive_its_any(found):
    entry = "studio.charts:f  plotly  its events are plain dictionaries of mixed values"
    assert found(plan.any_in_signatures, allowing(entry, "import plotly\ndef f(event: object) -> None: ...")) == [
        "scripts/any_allowed.txt:3: studio.charts:f needs no exception: remove this line"
    ]


# Small modules

SMALL = "def f(): ...\n"
PAIR = {"composer_core/store/small.py": SMALL, "studio/big.py": "from composer_core.store.small import f\n"}


def test_a_small_module_with_one_importer_needs_a_reason(found):
    (finding,) = found(plan.small_modules, PAIR)
    assert finding.startswith("composer_core/store/small.py:1: 1 lines that only studio.big imports: merge the two")
    listed = {plan.SMALL_MODULES: "composer_core.store.small  two programs share it\n"}
    assert found(plan.small_modules, PAIR | listed) == []


@pytest.mark.parametrize(
    "name",
    [
        "composer_core/store/__init__.py",
        "composer_core/__main__.py",
        "pages/p.py",
        "composer_core/ingest/datasets/s.py",
    ],
)
def test_packages_programs_pages_and_members_of_registries_need_no_reason(found, name):
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert found(plan.small_modules, {name: SMALL, "studio/big.py": f"import {module}\n"}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"app.py": "import composer_core.store.small\n"},
        {"pages/p.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import composer_core.store.small\n"},
        {"studio/big.py": ""},
        {"composer_core/store/small.py": SMALL * 100},
        {"composer_core/store/small.py": '"""Texts."""\nfrom typing import Final\nTEXTS: Final = {"a": ("b", "c")}\n'},
    ],
    ids=["two importers", "a second one for types", "no importer", "not small", "only texts"],
)
def test_a_module_that_is_large_or_shared_or_only_text_needs_no_reason(found, change):
    assert found(plan.small_modules, PAIR | change) == []


def test_a_test_is_not_counted_as_an_importer(found):
    assert len(found(plan.small_modules, PAIR | {"tests/test_small.py": "import composer_core.store.small\n"})) == 1


def test_an_entry_for_a_module_that_is_merged_or_gone_or_has_no_reason_is_a_finding(found):
    listed = {plan.SMALL_MODULES: "composer_core.store.small\nstudio.big  was small once\nstudio.gone  was there\n"}
    assert [line.partition(": ")[2] for line in found(plan.small_modules, PAIR | listed)][1:] == [
        "an entry has all of these: module reason",
        "studio.big needs no exception: remove this line",
        "studio.gone needs no exception: remove this line",
    ]


def test_at_most_thirty_small_modules_stay_even_with_reasons(found):
    def tree(count: int) -> dict[str, str]:
        names = [f"studio.s{number}" for number in range(count)]
        files = {f"studio/s{number}.py": SMALL for number in range(count)}
        files[plan.SMALL_MODULES] = "".join(f"{name}  a reason\n" for name in names)
        return files | {"app.py": "".join(f"import {name}\n" for name in names)}

    assert found(plan.small_modules, tree(30)) == []
    assert found(plan.small_modules, tree(31)) == [
        "scripts/small_modules.txt:1: 31 small modules have one importer; at most 30"
    ]


# The place of tests


def test_a_test_lies_where_its_source_does(found):
    files = {
        "composer_core/pipeline/labels/queue.py": "",
        "studio/library/state.py": "",
        "tests/test_docs.py": "",
        "tests/pipeline/test_all.py": "",
        "tests/pipeline/labels/test_queue.py": "",
        "tests/studio/library/test_state.py": "",
        "tests/browser/test_pages.py": "",
        "tests/support/deep/test_helpers.py": "",
        "tests/labels/helper.py": "",
    }
    assert found(plan.misplaced_tests, files) == []
    assert found(plan.misplaced_tests, files | {"tests/labels/test_queue.py": ""}) == [
        "tests/labels/test_queue.py:1: tests/labels mirrors neither composer_core/labels nor labels"
    ]


def test_a_source_folder_that_holds_only_a_cache_does_not_count(found):
    files = {"composer_core/old/__pycache__/a.pyc": "", "tests/old/test_a.py": ""}
    assert len(found(plan.misplaced_tests, files)) == 1


# The program


def test_the_program_prints_each_finding_of_every_check_and_fails(tmp_path):
    files = {
        "studio/a.py": "import studio.b\nclass Take: ...\n",
        "studio/b.py": "import studio.a\nclass Take: ...\n",
        "studio/broken.py": "x = (\n",
        "tests/nowhere/test_a.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
        "studio/a.py:1",  # the circle
        "studio/a.py:1",  # small, with one importer
        "studio/a.py:2",  # Take
        "studio/b.py:1",  # small, with one importer
        "studio/broken.py:1",
        "tests/nowhere/test_a.py:1",
    ]


def test_the_program_is_silent_about_a_lawful_tree(tmp_path):
    (tmp_path / "composer_core").mkdir()
    (tmp_path / "composer_core" / "errors.py").write_text("class ComposerError(Exception): ...\n")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_check_is_run():
    checks = {
        name for name, value in vars(plan).items() if getattr(value, "__annotations__", {}).keys() == {"tree", "return"}
    }
    assert {check.__name__ for check in plan.CHECKS} == checks
