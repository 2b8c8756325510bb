"""A musician's way through the Generate page, in a real browser: an ensemble, its stems, one bar anew, undo."""

from __future__ import annotations

from typing import Any

import pytest

from composer_core.pipeline.generation.takes import list_takes
from composer_core.pipeline.models import models
from composer_core.store.takes import Take
from composer_core.workspace import Workspace
from studio_browser import IN_BROWSER, LEAST_LEVEL, SILENCE, click, open_page, sync_api, transport, wait_until
from studio_server import studio_server

pytestmark = [
    *IN_BROWSER,
    pytest.mark.skipif(not (models(None, "drums") and models(None, "bass")), reason="no shipped models"),
]


def ask_for_an_ensemble(page: Any) -> None:
    """One ensemble of drums and bass, each part the best of two."""
    click(page, page.get_by_role("button", name="Bass", exact=True))
    page.get_by_role("button", name="Generate an ensemble").wait_for()
    page.get_by_label("Takes", exact=True).fill("1")
    page.get_by_label("Takes", exact=True).press("Enter")
    click(page, page.get_by_label("Best of", exact=True))
    page.get_by_role("option", name="2", exact=True).click()
    click(page, page.get_by_role("button", name="Generate an ensemble"))
    page.locator(".st-key-panel").wait_for()


def rows_outside(take: Take, bar: int) -> list[tuple[int, ...]]:
    bar_tick = take.grid.meter.bar_tick
    return [row for row in take.grid.notes.rows() if row[0] // bar_tick != bar]


def test_an_ensemble_is_heard_muted_edited_and_undone(browser: Any, workspace: Workspace) -> None:
    expect = sync_api.expect
    with studio_server(workspace.root) as address:
        page, watch = open_page(browser, address)
        ask_for_an_ensemble(page)
        cards = page.locator("[class*='st-key-card-']")
        expect(cards).to_have_count(1)
        made = {take.condition.instrument: take for take in list_takes(workspace)}
        assert set(made) == {"drums", "bass"} and {take.candidates for take in made.values()} == {2}

        click(page, cards.first.get_by_role("button", name="Play"))
        wait_until(page, f"s.playing && s.level > {LEAST_LEVEL}")
        assert transport(page)["stems"] == ["drums", "bass"]
        page.get_by_role("button", name="Mute Drums").click()
        page.get_by_role("button", name="Mute Bass").click()
        wait_until(page, f"s.playing && s.level < {SILENCE} && !s.heard[0] && !s.heard[1]")
        page.get_by_role("button", name="Solo Drums").click()
        wait_until(page, f"s.heard[0] && !s.heard[1] && s.level > {LEAST_LEVEL}")
        before = transport(page)

        panel = page.locator(".st-key-panel")
        click(page, panel.get_by_role("button", name="2", exact=True))
        expect(panel.get_by_role("button", name="Rewrite")).to_be_enabled()
        click(page, panel.get_by_role("button", name="Rewrite"))
        expect(page.locator(".st-key-lineage")).to_contain_text("Drums: bars 2")
        wait_until(page, f"s.playing && s.key === '{before['key']}' && s.source > {before['source']}")
        edited = next(take for take in list_takes(workspace) if take.parent)
        assert edited.parent == made["drums"].take_id
        assert rows_outside(edited, 1) == rows_outside(made["drums"], 1)

        after = transport(page)
        undo = page.locator(".st-key-icon-generate-undo").get_by_role("button")
        click(page, undo)
        wait_until(page, f"s.playing && s.source > {after['source']}")
        expect(undo).to_be_disabled()
        assert watch.errors == [] and watch.strangers == []
