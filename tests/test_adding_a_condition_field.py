"""CONTRIBUTING's example of a new condition field still works: a patch adds one, and the contract of all fields holds.

The patch is applied to a copy of the source with `git apply`; what it says is what the page tells a newcomer to write.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PATCH = ROOT / "tests" / "patches" / "add_condition_field.patch"
NEW_FIELD = "note_length"
MOST_SOURCE_FILES = 4
TEXTS = "studio/wording/texts/"
SOURCE = ("composer_core", "studio", "pages", "app.py")
COPIED = (*SOURCE, "docs", "pyproject.toml", "tests/support", "tests/music", "tests/test_docs.py")
CONTRACT = "tests/music/test_condition_fields.py"
COMMANDS = "tests/test_docs.py::test_the_page_of_commands_is_what_the_commands_say"
HELD_TO = (
    "test_a_number_out_of_range_is_refused_by_name_and_unit",
    "test_the_field_survives_json",
    "test_the_command_has_an_option_for_it",
    "test_the_page_has_a_control_for_it",
    "test_the_address_brings_the_control_back",
    "test_the_encoder_sees_a_number_only_when_it_is_given",
    "test_a_new_model_learns_it_and_one_that_did_not_is_not_changed_by_it",
    "test_a_number_is_measured_on_windows_and_compared_in_its_unit",
    "test_a_take_is_compared_with_what_was_asked",
    "test_its_words_are_there_in_both_languages",
)
"""Parts of the contract that the new field must have been among."""


def touched() -> list[str]:
    """The files that the patch changes."""
    return re.findall(r"^\+\+\+ b/(.+)$", PATCH.read_text(encoding="utf-8"), re.M)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the source and of the tests it is held to; the assets, which nothing writes to, are linked."""
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    return tmp_path


def environment(root: Path) -> dict[str, str]:
    """This one without what belongs to the test run that is going on; modules and git's folders end at the copy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COMPOSER", "GIT_"))}
    return {**kept, "PYTHONPATH": str(root), "GIT_CEILING_DIRECTORIES": str(root.parent), "OMP_NUM_THREADS": "1"}


def apply_patch(root: Path) -> None:
    done = subprocess.run(
        ["git", "apply", str(PATCH)], cwd=root, env=environment(root), capture_output=True, text=True, check=False
    )
    if done.returncode:
        named = PATCH.relative_to(ROOT)
        pytest.fail(
            f"{named} no longer applies: the source moved on. Add {NEW_FIELD} anew, as CONTRIBUTING says under "
            f"'Add a condition field', store `git diff` as {named}, and mend the recipe if it changed.\n{done.stderr}",
            pytrace=False,
        )


def test_a_new_field_touches_few_files() -> None:
    source = [path for path in touched() if path.startswith(SOURCE) and not path.startswith(TEXTS)]
    assert 0 < len(source) <= MOST_SOURCE_FILES, source
    assert any(path.startswith(TEXTS) for path in touched())


def test_a_new_field_is_held_to_the_contract_of_all(copied: Path) -> None:
    apply_patch(copied)
    # The copy has no conftest: that one clears a folder which the tests of the run that is going on watch.
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "--noconftest",
        "--color=no",
        "-p",
        "no:cacheprovider",
        CONTRACT,
        COMMANDS,
    ]
    run = subprocess.run(command, cwd=copied, env=environment(copied), capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"with {NEW_FIELD} the contract of all fields is broken:\n{run.stdout[-6000:]}"
    passed = re.findall(rf"::(\w+)\[(?:[^\]]*-)?{NEW_FIELD}(?:-[^\]]*)?\] PASSED", run.stdout)
    assert set(HELD_TO) <= set(passed)
