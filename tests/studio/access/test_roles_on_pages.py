"""What a role may not do is not offered on its pages, with the reason, in both languages."""

from __future__ import annotations

import pytest

from composer_core.pipeline.access.rights import CURATOR, OWNER, VIEWER
from composer_core.workspace import Workspace
from studio.access import visitor
from studio.access.visitor import Visitor
from studio_app import open_studio, text, written


def be(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, role: str) -> None:
    """Look at pages as somebody of a role."""
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(workspace.root))
    monkeypatch.setattr(visitor, "visitor", lambda: Visitor("kim", role))


def reason(role: str, language: str = "en") -> str:
    return text("access.needs", language, role=text(f"access.{role}", language))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_viewer_sees_every_page_and_is_told_what_is_not_offered(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace, language: str
) -> None:
    be(monkeypatch, workspace, VIEWER)
    app = open_studio("generate", language)
    assert not app.exception and not app.error
    button = app.button(key="generate.generate")
    assert button.disabled and button.help == reason(CURATOR, language)
    for page, whose in (("label", CURATOR), ("train", OWNER)):
        app = open_studio(page, language)
        assert not app.exception and not app.error
        assert reason(whose, language) in written(app)
    app = open_studio("generate", language)
    app.session_state["library.section"] = "import"
    app.switch_page("../pages/library.py").run()
    assert not app.exception and not app.error
    assert reason(CURATOR, language) in written(app)
    assert not app.get("file_uploader")


def test_a_curator_works_and_does_not_name_paths_of_the_server(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    be(monkeypatch, workspace, CURATOR)
    assert not open_studio("generate").button(key="generate.generate").disabled
    app = open_studio("library")
    app.session_state["library.section"] = "import"
    app.run()
    assert app.text_input(key="library.folder").disabled
    app.session_state["library.folder"] = "/etc"
    app.button(key="library.import_now").click().run()
    assert not app.exception
    assert any("owner" in error.value for error in app.error)


def test_an_owner_is_offered_everything(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    be(monkeypatch, workspace, OWNER)
    app = open_studio("library")
    app.session_state["library.section"] = "import"
    app.run()
    assert not app.text_input(key="library.folder").disabled
    assert reason(OWNER) not in written(open_studio("train"))


def test_labels_of_a_shared_studio_carry_the_account(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    be(monkeypatch, workspace, CURATOR)
    monkeypatch.setattr(visitor, "is_shared", lambda: True)
    app = open_studio("label")
    assert not app.exception
    assert "kim" in written(app)


def test_a_session_that_is_over_sees_nothing(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(workspace.root))
    monkeypatch.setattr(visitor, "visitor", lambda: visitor.NOBODY)
    app = open_studio()
    assert not app.title
    assert "not signed in" in app.error[0].value
