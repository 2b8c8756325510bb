"""What a fresh process leaves unloaded until it is needed; the figures are those of `benchmarks`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def printed(code: str, workspace: Path) -> str:
    """What a fresh Python prints that runs this in the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COMPOSER_WORKSPACE": str(workspace)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_first_page_is_drawn_without_torch(tmp_path: Path) -> None:
    """Whether a request is possible and which notices it will carry stands in a model's configuration."""
    assert printed(FIRST_PAGE, tmp_path) == "[]"
