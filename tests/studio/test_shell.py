"""What every page shares, opened through the router."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from composer_core.errors import ModelError
from composer_core.music.condition import Condition
from composer_core.pipeline.doctor import Finding
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.library.loops import table
from composer_core.pipeline.settings import Settings, save_settings
from composer_core.store.takes import Take
from composer_core.workspace import Workspace
from studio import first_start, session
from studio.navigation import PAGE_NAMES
from studio.wording.text import LANGUAGES, dictionary
from studio_app import SECONDS, SHELL, component_data, open_studio, written
from untrained_model import add_untrained_model


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    return Workspace(tmp_path).create()


def test_the_log_is_written_once_however_often_the_page_is_drawn(workspace: Workspace) -> None:
    app = open_studio("library")
    app.run()
    open_studio("label")
    save_settings(workspace, Settings(rater="kim"))
    kept = (workspace.logs / "studio.log").read_text(encoding="utf-8")
    assert kept.count("settings saved") == 1
    assert "kim" not in kept


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGE_NAMES)
def test_every_page_opens_in_both_languages(workspace: Workspace, page: str, language: str) -> None:
    app = open_studio(page, language)
    assert not app.exception and not app.error
    assert app.title[0].value == dictionary()[f"page.{page}"][LANGUAGES.index(language)]
    words = component_data(app, "composer_transport")["words"]
    assert words["play"] == dictionary()["transport.play"][LANGUAGES.index(language)]


def opened_again() -> AppTest:
    """A new session, in no language chosen yet."""
    fresh = AppTest.from_file(SHELL, default_timeout=SECONDS)
    fresh.session_state["studio.started"] = True
    return fresh.run()


def test_the_chosen_language_is_kept_by_the_browser_and_not_for_everybody(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_studio()
    assert component_data(app, "composer_spoken_names")["keep"] == "en"
    app.segmented_control(key="shell.language").set_value("ja").run()
    assert app.title[0].value == "生成"
    spoken = component_data(app, "composer_spoken_names")
    assert (spoken["keep"], spoken["cookie"]) == ("ja", "composer_language")
    assert not workspace.settings.exists()
    assert opened_again().title[0].value == "Generate"  # another browser
    monkeypatch.setattr(session, "kept_language", lambda: "ja")
    assert opened_again().title[0].value == "生成"  # the same one


def test_the_language_of_the_settings_is_for_browsers_that_have_chosen_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_settings(workspace, Settings(language="ja"))
    assert opened_again().title[0].value == "生成"
    monkeypatch.setattr(session, "kept_language", lambda: "en")
    assert opened_again().title[0].value == "Generate"


@pytest.mark.parametrize(("language", "words"), [("en", "cannot be written"), ("ja", "書き込めません")])
def test_a_workspace_that_cannot_be_made_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path / "file" / "workspace"))
    app = open_studio("generate", language)
    assert not app.exception
    assert words in app.error[0].value


def test_damaged_settings_are_a_message(workspace: Workspace) -> None:
    workspace.settings.write_text('{"langauge": "ja"}')
    app = AppTest.from_file(SHELL, default_timeout=SECONDS).run()
    assert not app.exception and not app.error  # it opens with the usual settings
    assert "settings.json" in written(app) and "langauge" in written(app)
    assert [block.value for block in app.code if "composer repair" in block.value]


def test_what_is_missing_is_said_with_its_cure(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Finding("fluidsynth", "missing", "not installed", "sudo apt-get install fluidsynth"),
        Finding("soundfont", "missing", "none found", "sudo apt-get install fluid-soundfont-gm"),
        Finding("models", "ok", "composer-drums"),
    ]
    monkeypatch.setattr(first_start, "diagnose", lambda _: found)
    app = open_studio("train")
    assert [warning.value for warning in app.warning] == [
        "FluidSynth is missing, so nothing can sound. This installs it:",
        "No SoundFont was found, so nothing can sound. This installs one:",
    ]
    assert {"sudo apt-get install fluidsynth", "sudo apt-get install fluid-soundfont-gm"} <= {c.value for c in app.code}


@pytest.fixture
def starter(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A first start of three takes by an untrained model; the list says which were made."""
    add_untrained_model(workspace)
    made: list[int] = []

    def make(index: int) -> Take:
        made.append(index)
        return generate(Condition("drums", bars=1), seed=index, model="untrained", workspace=workspace)[0]

    monkeypatch.setattr(first_start, "IDLE_SEC", 0.0)
    monkeypatch.setattr(first_start, "WORK_SEC", SECONDS)
    monkeypatch.setattr(first_start, "wants_starter", lambda _: True)
    monkeypatch.setattr(first_start, "starter_conditions", lambda: [None] * 3)
    monkeypatch.setattr(first_start, "starter_take", make)
    return made


def test_the_first_start_fills_the_library_once(workspace: Workspace, starter: list[int]) -> None:
    app = AppTest.from_file(SHELL, default_timeout=SECONDS).run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == [
        "3 loops were generated for your library; they are marked as generated."
    ]
    assert table(workspace)["origin"].tolist() == ["generated"] * 3
    app.run()
    assert starter == [0, 1, 2] and not app.toast


def test_the_first_start_makes_way_for_a_click_and_goes_on(
    workspace: Workspace, starter: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = iter([9.0, 0.0])
    monkeypatch.setattr(first_start, "IDLE_SEC", 1.0)
    monkeypatch.setattr(session, "idle_sec", lambda: next(idle, 9.0))
    app = AppTest.from_file(SHELL, default_timeout=SECONDS).run()
    assert starter == [0] and len(table(workspace)) == 0
    app.run()
    assert starter == [0, 1, 2] and len(table(workspace)) == 3


def test_a_first_start_that_fails_says_so_once(
    workspace: Workspace, starter: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise ModelError("damaged_model", path="composer-drums", reason="it is truncated")

    monkeypatch.setattr(first_start, "starter_take", fail)
    app = AppTest.from_file(SHELL, default_timeout=SECONDS).run()
    assert not app.exception
    assert [error.value for error in app.error] == ["the model composer-drums cannot be used: it is truncated."]
    assert app.title[0].value == "Generate"
    assert not app.run().error
