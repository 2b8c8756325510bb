"""Settings of the whole test run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from composer_core.workspace import Workspace

# Small tensors on several threads wait for each other longer than they compute, most of all on a
# busy machine; set before torch is imported, and inherited by the processes the tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ("postgres_server",)
CANARIES = Path("/tmp/malformed_canary")
"""Where the hostile files of the corpus try to write."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """What an earlier run may have left is cleared away once, before any worker begins; the folder stays, for another
    run may be looking at it."""
    if not hasattr(session.config, "workerinput"):
        CANARIES.mkdir(exist_ok=True)
        for left in CANARIES.iterdir():
            left.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def canaries() -> Path:
    """The folder of the hostile files, empty as long as none of them did anything; for all workers the same."""
    return CANARIES


@pytest.fixture(scope="session")
def made_library(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small library, made once; only to be read."""
    import small_library

    return small_library.make_library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def workspace(made_library: Workspace, tmp_path: Path) -> Workspace:
    """The small library, copied for each test. Files that need another workspace have a fixture of this name."""
    shutil.copytree(made_library.root, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")
