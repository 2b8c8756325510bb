"""What another site, a rebound name and hostile names can do in a real browser; the whole of it is `benchmarks.web`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.web_browser import foreign_page, hostile_workspace, injections, rebinding
from benchmarks.web_strings import STRINGS
from composer_core.pipeline.access.accounts import set_account
from composer_core.workspace import Workspace
from studio_browser import IN_BROWSER, open_page, patiently, settled
from studio_server import studio_server

pytestmark = IN_BROWSER
SOME = STRINGS[:2] + STRINGS[18:20] + STRINGS[26:27] + STRINGS[31:32]


def test_another_site_and_a_rebound_name_get_nothing(tmp_path: Path) -> None:
    with studio_server(tmp_path / "workspace") as address:
        port = int(urlsplit(address).port or 0)
        assert rebinding(port) == {"page": "403", "socket": "refused", "drawn": "0"}
        found = foreign_page(port)
    assert found.pop("frame") in ("", "403")
    assert found == dict.fromkeys(("fetch", "put", "socket", "script"), "refused")


def test_names_of_others_stay_text_on_every_page(tmp_path: Path) -> None:
    workspace = hostile_workspace(tmp_path, SOME, with_takes=False)
    with studio_server(workspace.root) as address:
        found = injections(address, SOME)
    assert found == {"ran": [], "dialogs": [], "broken": [], "outside": [], "shown": len(SOME)}


def test_own_pages_keep_microphone_midi_and_workers(browser: Any, workspace: Workspace) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_page(browser, f"{address}/library")
        page.context.grant_permissions(["midi", "microphone"], origin=address)
        settled(page)
        allowed = page.evaluate(
            "['microphone', 'midi', 'camera'].map((name) => document.featurePolicy.allowsFeature(name))"
        )
        assert allowed == [True, True, False]
        worker = """new Promise((done) => { const one = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"])));
            one.onmessage = () => done("works"); one.onerror = () => done("refused"); })"""
        assert page.evaluate(worker) == "works"
        assert watch.errors == [] and watch.strangers == []
        assert page.evaluate("fetch('https://example.org').then(() => 'left', () => 'stayed')") == "stayed"


def test_a_person_signs_in_works_and_signs_out(browser: Any, workspace: Workspace) -> None:
    set_account(workspace, "aki", "viewer", "a long password")
    with studio_server(workspace.root, "--share", "--server.address", "127.0.0.1") as address:
        page, watch = open_page(browser, f"{address}/library")
        assert urlsplit(page.url).path == "/sign-in"
        page.fill("#name", "aki")
        page.fill("#password", "a long password")
        page.click("button")
        page.get_by_role("heading", level=1).filter(has_text="Library").wait_for()
        settled(page)
        assert "viewer" in page.locator(".who").inner_text()
        assert watch.errors == []
        page.locator(".out").click()
        patiently(lambda: urlsplit(page.url).path == "/sign-in")
        page.goto(f"{address}/library")
        assert urlsplit(page.url).path == "/sign-in"
