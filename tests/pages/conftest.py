"""Workspaces of the page tests, set as the studio's."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer_core.workspace import ENVIRONMENT_VARIABLE, Workspace
from studio import session


@pytest.fixture
def library_workspace(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy of the small library."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(workspace.root))
    return workspace


@pytest.fixture
def empty_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "empty"))
    return Workspace(tmp_path / "empty")


@pytest.fixture(params=["en", "ja"])
def spoken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both languages in turn. Pinned for the whole test: AppTest formats options outside of any session."""
    monkeypatch.setattr(session, "chosen_language", lambda: request.param)
    return str(request.param)
