"""A library for the page tests: made once, copied for each test, its folder set as the studio's workspace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import small_library
from composer_core.workspace import ENVIRONMENT_VARIABLE, Workspace
from studio import session


@pytest.fixture(scope="session")
def made_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_library.make_library(tmp_path_factory.mktemp("library")).root


@pytest.fixture
def library_workspace(made_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    root = tmp_path / "workspace"
    shutil.copytree(made_library, root)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(root))
    return Workspace(root)


@pytest.fixture
def empty_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "empty"))
    return Workspace(tmp_path / "empty")


@pytest.fixture(params=["en", "ja"])
def spoken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both languages in turn. Pinned for the whole test: AppTest formats options outside of any session."""
    monkeypatch.setattr(session, "chosen_language", lambda: request.param)
    return str(request.param)
