"""A damaged workspace on every page: the page works, and the file and its cure are named in both languages."""

from __future__ import annotations

import pytest

from composer_core.workspace import Workspace
from studio_app import open_studio, text, written

PAGES = ("library", "label", "generate", "train")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_damaged_files_are_named_on_every_page(library_workspace: Workspace, page: str, language: str) -> None:
    (notes,) = library_workspace.notes.glob("part-*.parquet")
    notes.write_bytes(notes.read_bytes()[:100])
    library_workspace.settings.write_text("{")
    app = open_studio(page, language)
    assert not app.exception
    said = written(app)
    assert text("start.damaged", language) in said
    assert f"library/notes/{notes.name}".replace("_", r"\_") in said and "settings.json" in said
    assert [block.value for block in app.code if "composer repair" in str(block.value)]


def test_damaged_labels_are_named_with_the_command_that_restores_them(library_workspace: Workspace) -> None:
    from composer_core.pipeline.labels import decisions
    from composer_core.pipeline.labels.files import back_up_labels
    from composer_core.pipeline.library import loops

    first = str(loops.table(library_workspace)["loop_id"][0])
    decisions.decide(library_workspace, first, rater="aki", action="approve", values={"quality": 4}, seen={})
    saved = library_workspace.backups / "before-restore-1.sqlite"
    back_up_labels(library_workspace, saved)
    library_workspace.labels.write_bytes(bytes(8192))
    for page in ("label", "library"):
        app = open_studio(page)
        assert not app.exception
        assert "labels.sqlite" in written(app)
        assert f"composer restore '{saved}'" in [str(block.value) for block in app.code]
