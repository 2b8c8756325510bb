"""What a screen reader says of the controls: each has a name, and on a Japanese page a Japanese one."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from composer_core.workspace import Workspace
from studio.rater import offered_raters
from studio_browser import IN_BROWSER, click, insist, open_page, patiently, settled
from studio_server import studio_server

pytestmark = IN_BROWSER
CONTROLS = {"button", "slider", "combobox", "textbox", "spinbutton", "switch", "checkbox", "radio", "searchbox"}
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
SAID_AS_THEY_ARE = re.compile(r"[\d★ ]*|MIDI|WAV|A/B|English")
"""Numbers and names that are the same in both languages."""


def names_of_controls(page: Any) -> list[str]:
    """The name of every control as the browser hands it to a screen reader, the insides of components too."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    shown = [node for node in tree if not node["ignored"] and node["role"]["value"] in CONTROLS]
    return [node.get("name", {}).get("value", "").strip() for node in shown]


def test_every_control_has_a_name_in_the_language_of_the_page(browser: Any, workspace: Workspace) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_page(browser, address, locale="ja-JP")
        for number in range(4):
            link = page.get_by_test_id("stSidebarNavLink").nth(number)
            heading = page.get_by_role("heading", level=1).filter(has_text=link.inner_text().strip())
            insist(partial(click, page, link), lambda ms, one=heading: one.wait_for(timeout=ms), f"page {number}")
            settled(page)
            patiently(lambda: "" not in names_of_controls(page))  # a part just drawn is named a moment later
            names = names_of_controls(page)
            assert len(names) > 10 and "" not in names
            # People are called what they are called in every language: the desk offers who may be labelling.
            people = set(offered_raters(workspace))
            foreign = {name for name in names if not JAPANESE.search(name)} - people
            assert {name for name in foreign if not SAID_AS_THEY_ARE.fullmatch(name)} == set()
            pictures = page.get_by_test_id("stMain").locator("img").all()
            assert all(JAPANESE.search(picture.get_attribute("alt") or "") for picture in pictures)
        assert page.evaluate("document.documentElement.lang") == "ja"
        assert watch.errors == []
