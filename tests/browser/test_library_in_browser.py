"""A curator's way through the Library, in a real browser: filters in the address, row play, lasso, A/B."""

from __future__ import annotations

from typing import Any

import small_library
from composer_core.workspace import Workspace
from studio_browser import IN_BROWSER, LEAST_LEVEL, click, insist, open_page, settled, sync_api, transport, wait_until
from studio_server import Watch, studio_server

pytestmark = IN_BROWSER


def open_at(browser: Any, address: str) -> tuple[Any, Watch]:
    page, watch = open_page(browser, address, height=1800)
    page.locator(".pages .span").first.wait_for()
    return page, watch


def test_filter_play_compare_and_lasso(browser: Any, workspace: Workspace) -> None:
    expect = sync_api.expect
    with studio_server(workspace.root) as address:
        page, watch = open_at(browser, f"{address}/library")
        expect(page.locator("tbody .title")).to_have_count(small_library.N_LOOPS)

        page.locator(".option", has_text="Bass").locator("input").check()
        page.wait_for_url("**instrument=bass*")
        expect(page.locator("tbody .title")).to_have_count(1)
        again, _ = open_at(browser, page.url)  # the link reproduces the view
        expect(again.locator("tbody .title")).to_have_text(["bass *line*"])
        again.context.close()
        page.locator(".rail .clear").click()
        expect(page.locator("tbody .title")).to_have_count(small_library.N_LOOPS)

        page.locator(".search input").fill("shuffle")
        page.wait_for_url("**q=shuffle*")
        expect(page.locator("tbody .title")).to_have_text(["=shuffle"])
        page.locator("tbody .play").click()
        wait_until(page, f"s.playing && s.level > {LEAST_LEVEL}")
        expect(page.locator("tbody tr")).to_have_class("sounding")
        page.locator(".rail .clear").click()
        expect(page.locator("tbody .title")).to_have_count(small_library.N_LOOPS)

        for name in ("=shuffle", "bass *line*"):
            page.locator("tbody tr", has_text=name).locator(".mark-cell input").check()
        click(page, page.get_by_role("button", name="Compare A/B"))
        wait_until(page, "s.playing && s.gains.length === 2")
        before = transport(page)
        page.keyboard.press("x")
        wait_until(page, "s.side === 1 && s.gains[1] === 1 && s.gains[0] === 0")
        after = transport(page)
        # Nothing was started anew: both loops run on from one start, so the place in the bar is kept.
        assert (after["source"], after["startedAt"]) == (before["source"], before["startedAt"])
        assert after["title"].startswith("bass *line*") and before["title"].startswith("=shuffle")
        click(page, page.get_by_role("button", name="Close"))
        click(page, page.locator("[class*='st-key-library-unselect_all'] button"))

        expect(page.get_by_text("selected", exact=False)).to_have_count(0)
        lasso_everything(page)
        # A page opened by its own address asks for the server's health below that address first.
        probed = tuple(f"{address}/library/_stcore/{name}" for name in ("health", "host-config"))
        assert [error for error in watch.errors if not error.endswith(probed)] == [] and watch.strangers == []


def lasso_everything(page: Any) -> None:
    """Draw a lasso around the whole scatter; once more when the chart was drawn anew under the mouse."""

    def draw() -> None:
        settled(page)
        plot = page.locator("[class*='st-key-library-plane_card'] .nsewdrag").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        if box is None:
            return
        left, top, right, low = box["x"] + 3, box["y"] + 3, box["x"] + box["width"] - 3, box["y"] + box["height"] - 3
        page.mouse.move(left, top)
        page.mouse.down()
        for x, y in ((right, top), (right, low), (left, low), (left, top + 4)):
            page.mouse.move(x, y, steps=8)
        page.mouse.up()

    selection = page.locator("[class*='st-key-library-selection']", has_text="5 selected")
    insist(draw, lambda ms: selection.wait_for(timeout=ms), "a lasso around all loops selected none of them")
