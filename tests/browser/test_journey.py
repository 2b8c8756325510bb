"""A newcomer's way through the studio, in a real browser against a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from composer_core.pipeline.generation.approval import starter_conditions
from composer_core.pipeline.generation.takes import list_takes
from composer_core.pipeline.labels.decisions import statuses
from composer_core.pipeline.library import loops as library_loops
from composer_core.pipeline.models import models
from composer_core.pipeline.training import runs
from composer_core.workspace import Workspace
from small_library import write_grooves
from studio_browser import (
    IN_BROWSER,
    LEAST_LEVEL,
    TRY_MS,
    click,
    insist,
    open_page,
    patiently,
    settled,
    sync_api,
    transport,
    wait_until,
)
from studio_server import Watch, studio_server

pytestmark = [
    *IN_BROWSER,
    pytest.mark.skipif(not models(None, "drums"), reason="no shipped drums model"),
]
N_STARTER = len(starter_conditions())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("studio"))


def open_studio(browser: Any, address: str, locale: str) -> tuple[Any, Watch]:
    page, watch = open_page(browser, address, locale=locale)
    page.get_by_role("heading", level=1).wait_for()
    return page, watch


def go_to(page: Any, name: str) -> None:
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text=name)
    heading = page.get_by_role("heading", level=1).filter(has_text=name)
    insist(lambda: click(page, link), lambda ms: heading.wait_for(timeout=ms), f"{name} did not open")


def generate(page: Any, button: str, play: str) -> None:
    click(page, page.get_by_test_id("stMain").get_by_role("button", name=button, exact=True))
    card = page.locator("[class*='st-key-card-']").nth(1)
    click(page, card.get_by_role("button", name=play))


def test_generate_play_switch_pages_and_approve(browser: Any, workspace: Workspace) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_studio(browser, address, "en-US")
        generate(page, "Generate", "Play")
        wait_until(page, f"s.playing && s.level > {LEAST_LEVEL}")
        sounding = transport(page)
        assert sounding["title"].startswith("Take 2 · Drums")

        for name in ("Library", "Train", "Label", "Generate"):
            go_to(page, name)
            assert transport(page)["playing"]
            if name in ("Library", "Train"):
                now = transport(page)
                assert (now["source"], now["starts"]) == (sounding["source"], sounding["starts"])
        wait_until(page, f"s.playing && s.level > {LEAST_LEVEL}")

        playing = transport(page)["playing"]
        page.get_by_role("heading", level=1).click()
        page.keyboard.press("Space")
        wait_until(page, "!s.playing")
        page.keyboard.press("Space")
        wait_until(page, "s.playing")
        assert playing

        approve(page, workspace, loops=5)
        assert watch.errors == []
        assert watch.strangers == []
        assert len(list_takes(workspace)) >= 4
    assert approved(workspace) == 5

    with studio_server(workspace.root) as address:  # started anew: the labels are there
        page, watch = open_studio(browser, address, "en-US")
        go_to(page, "Label")
        page.get_by_role("button", name="aki", exact=True).click()  # another browser is offered who has labelled
        page.get_by_text(f"5 of {N_STARTER} loops decided").wait_for()
        assert watch.errors == [] and watch.strangers == []


def approve(page: Any, workspace: Workspace, loops: int) -> None:
    """Approve by keyboard, once the starter library is there."""
    patiently(lambda: len(library_loops.table(workspace)) == N_STARTER)
    page.get_by_text("loops for your library").wait_for(state="hidden")
    go_to(page, "Label")
    page.get_by_label("Your name").fill("aki")  # the browser is asked once
    page.get_by_label("Your name").press("Enter")
    page.locator(".desk .title").wait_for()
    click(page, page.get_by_role("heading", level=1))
    for count in range(1, loops + 1):
        page.keyboard.press("Enter")
        page.get_by_text(f"{count} of {N_STARTER} loops decided").wait_for()
        assert approved(workspace) == count


def approved(workspace: Workspace) -> int:
    return sum(status == "approved" for status in statuses(workspace).values())


def test_both_languages_and_a_swing_change_while_it_plays(browser: Any, workspace: Workspace) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_studio(browser, address, "ja-JP")
        assert page.get_by_role("heading", level=1).inner_text() == "生成"
        generate(page, "生成する", "再生")
        wait_until(page, f"s.playing && s.level > {LEAST_LEVEL}")
        before = transport(page)
        settled(page)
        page.get_by_role("slider", name="テンポ").press("ArrowRight")
        wait_until(page, f"s.playing && s.source > {before['source']} && s.loopSec < {before['loopSec']}")
        settled(page)
        after = transport(page)
        assert after["key"] == before["key"]

        click(page, page.get_by_text("English", exact=True))
        page.get_by_role("heading", level=1).filter(has_text="Generate").wait_for()
        assert transport(page)["source"] == after["source"]
        for name in ("Library", "Label", "Train"):
            go_to(page, name)
        assert watch.errors == []
        assert watch.strangers == []


def test_the_pad_is_dragged_typed_and_walked(browser: Any, workspace: Workspace) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_studio(browser, address, "en-US")
        pad = page.get_by_role("slider", name="Feeling: valence and arousal")
        valence, arousal = (
            page.get_by_label(name, exact=True).locator("visible=true") for name in ("Valence", "Arousal")
        )
        settled(page)  # the pad moves no more
        box = pad.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.2, steps=5)
        assert pad.get_attribute("aria-valuenow") == "-0.5"  # drawn before it is committed
        page.mouse.up()
        pad.press("ArrowRight")  # valence goes in steps of 0.1, its axis being twice as long
        sync_api.expect(valence).to_have_value("-0.40")
        arousal.fill("0.3")
        arousal.press("Enter")
        sync_api.expect(pad).to_have_attribute("aria-valuetext", "Valence -0.4, Arousal 0.3, Sad")
        page.get_by_label("Takes").fill("1")
        page.get_by_label("Takes").press("Enter")
        click(page, page.get_by_test_id("stMain").get_by_role("button", name="Generate", exact=True))
        panel = page.locator(".st-key-panel")
        sync_api.expect(panel.get_by_role("row", name="Valence")).to_contain_text("-0.40")
        sync_api.expect(panel.get_by_role("row", name="Arousal")).to_contain_text("0.30")
        assert watch.errors == [] and watch.strangers == []


def test_a_training_outlives_the_browser(browser: Any, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    grooves = write_grooves(tmp_path / "midi")
    try:
        with studio_server(workspace.root) as address:
            page, _ = open_studio(browser, address, "en-US")
            start_training(page, str(grooves))
            page.get_by_text("Training loss").wait_for()
            page.context.close()
            page, watch = open_studio(browser, address, "en-US")
            go_to(page, "Train")
            page.get_by_role("button", name="Use in Generate").first.wait_for()
            press_away(page, "Stop")
            page.get_by_role("button", name="Resume").wait_for()
            stopped = runs.status(workspace, "mine")
            assert stopped.state == "stopped" and stopped.pid is None
            press_away(page, "Resume")
            page.get_by_role("button", name="Stop", exact=True).wait_for()
            use_in_generate(page)
            generate(page, "Generate", "Play")
            wait_until(page, "s.playing")
            assert "mine" in {take.model for take in list_takes(workspace)}
            assert watch.errors == [] and watch.strangers == []
        # the server is gone, the training is not
        patiently(lambda: runs.status(workspace, "mine").step > stopped.step)
        assert runs.status(workspace, "mine").state == "running"
    finally:
        runs.stop(workspace, "mine")
    patiently(lambda: runs.status(workspace, "mine").state == "stopped")


def press_away(page: Any, name: str) -> None:
    """Press a button of a part that draws itself anew until it is gone, for the state it belongs to is over."""
    button = page.get_by_role("button", name=name, exact=True)
    button.wait_for()

    def press() -> None:
        settled(page)
        if button.is_visible():
            button.click(timeout=TRY_MS)

    insist(press, lambda ms: button.wait_for(state="hidden", timeout=ms), f"{name} is unheard")


def use_in_generate(page: Any) -> None:
    """Click until the page changes: Streamlit drops a click on a part of the page that a run is replacing."""
    heading = page.get_by_role("heading", level=1).filter(has_text="Generate")
    button = page.get_by_role("button", name="Use in Generate").first
    insist(button.click, lambda ms: heading.wait_for(timeout=ms), "no click led to Generate")


def start_training(page: Any, folder: str) -> None:
    """A tiny model on a folder, long enough to be stopped in between."""
    go_to(page, "Train")
    click(page, page.get_by_text("A folder"))
    for label, text in (("Folder of MIDI files", folder), ("Name", "mine")):
        page.get_by_label(label, exact=True).fill(text)
        page.get_by_label(label, exact=True).press("Enter")
    click(page, page.get_by_label("Size"))
    page.get_by_role("option").filter(has_text="tiny").click()
    click(page, page.get_by_text("Set the number of steps"))
    page.get_by_label("Steps", exact=True).fill("20000")
    page.get_by_label("Steps", exact=True).press("Enter")
    sync_api.expect(page.get_by_test_id("stCode").first).to_contain_text("--steps 20000")
    click(page, page.get_by_role("button", name="Start training"))


def test_an_address_outside_the_cache_is_not_served(browser: Any, tmp_path: Path) -> None:
    with studio_server(tmp_path) as address:
        page = browser.new_context().new_page()
        for name in ("..%2Fsettings.json", "%2e%2e%2fserver.log", "server.log", "a" * 40 + ".flac"):
            assert page.request.get(f"{address}/api/audio/{name}").status in (400, 404)
        assert page.request.get(f"{address}/_stcore/health").ok
