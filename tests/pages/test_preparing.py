"""A library that takes a while to make ready: the page says how far it is, then shows the loops."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from composer_core.errors import StoreError
from composer_core.pipeline.library import browse
from composer_core.store.search import catalogue
from composer_core.workspace import Workspace
from searched_library import label
from studio import preparing as library_preparing
from studio_app import open_library, text, written

SECONDS = 60.0


def work_of(workspace: Workspace) -> library_preparing.Preparing:
    return library_preparing._under_way[workspace.root.resolve()]


def has_table(app: object) -> bool:
    return any(one.proto.component_name == "composer_loop_table" for one in app.get("bidi_component"))  # type: ignore[attr-defined]


def test_a_large_library_is_made_ready_while_the_page_says_so(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    prepare = browse.prepare

    def slowly(workspace: Workspace, told: Callable[[float], None]) -> None:
        told(0.25)
        assert go_on.wait(SECONDS)
        prepare(workspace, told)

    monkeypatch.setattr(catalogue, "_MOMENT_BYTES", 0)
    monkeypatch.setattr(browse, "prepare", slowly)
    app = open_library()
    assert text("library.preparing") in written(app) and not has_table(app)
    work = work_of(library_workspace)
    go_on.set()
    assert work.done.wait(SECONDS)
    assert work.share == 1.0
    app.run()
    assert has_table(app) and not app.exception and not browse.is_behind(library_workspace)


def test_what_stops_the_work_is_said_and_the_next_drawing_begins_anew(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def full(workspace: Workspace, _told: Callable[[float], None]) -> None:
        assert go_on.wait(SECONDS)
        raise StoreError("cannot_write", path=str(workspace.catalogue), reason="no space left")

    with monkeypatch.context() as broken:
        broken.setattr(catalogue, "_MOMENT_BYTES", 0)
        broken.setattr(browse, "prepare", full)
        app = open_library()
        work = work_of(library_workspace)
        go_on.set()
        assert work.done.wait(SECONDS)
        app.run()
        assert "no space left" in " ".join(error.value for error in app.error)
    app.run()
    assert has_table(app) and not app.exception


def test_labels_on_many_loops_wait_likewise(library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browse.count(library_workspace) and not browse.is_behind(library_workspace)
    monkeypatch.setattr(catalogue, "_MOMENT_EVENTS", 0)
    label(library_workspace, browse.ids(library_workspace, limit=1)[0], {"emotion": "calm"})
    assert browse.is_behind(library_workspace)
