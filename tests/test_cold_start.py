"""What a fresh process leaves unloaded until it is needed; the figures are those of `benchmarks`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from composer_core.music.loop import Loop, Notes
from composer_core.render.midi import loop_to_midi

ROOT = Path(__file__).resolve().parents[1]
FIRST_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from studio import session
app = AppTest.from_file("studio/shell.py", default_timeout=60)
app.session_state[session.STARTED] = True
app.run()
assert not app.exception and app.selectbox(key="generate.model.drums").options
print([name for name in ("torch",) if name in sys.modules])
"""
PARSER = """
import sys
from composer_core.cli import build_parser
build_parser()
print([name for name in ("numpy", "torch", "composer_core.estimate", "composer_core.metrics") if name in sys.modules])
"""
MEASURE = """
import sys
from composer_core.cli import main
assert main(["measure", sys.argv[1]]) == 0
print([name for name in ("lightgbm", "pandas", "scipy", "torch") if name in sys.modules])
"""


def printed(code: str, workspace: Path, *arguments: str) -> str:
    """The last line that a fresh Python prints which runs this in the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COMPOSER_WORKSPACE": str(workspace)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_the_first_page_is_drawn_without_torch(tmp_path: Path) -> None:
    """Whether a request is possible and which notices it will carry stands in a model's configuration."""
    assert printed(FIRST_PAGE, tmp_path) == "[]"


def test_measures_are_printed_without_what_explains_scores_and_keeps_loops(tmp_path: Path) -> None:
    """Explanations are printed with --json alone, so LightGBM waits for it; pandas and scipy come with LightGBM."""
    loop = Loop("drums", Notes.from_rows([(0, 60, 36, 100), (480, 60, 38, 90)]), bars=1, source="made")
    (tmp_path / "loop.mid").write_bytes(loop_to_midi(loop))
    assert printed(MEASURE, tmp_path, str(tmp_path / "loop.mid")) == "[]"


def test_the_parser_of_all_commands_needs_no_arrays(tmp_path: Path) -> None:
    """The options of `composer generate` are declared with the fields of a condition, which hold plain numbers."""
    assert printed(PARSER, tmp_path) == "[]"
