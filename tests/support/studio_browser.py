"""What the browser tests share: a page with its watch, what the transport plays, and waiting for states."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from studio_server import Watch, chromium

sync_api = pytest.importorskip("playwright.sync_api")

IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium here"),
]
PATIENCE_MS = 240_000
TRY_MS = 20_000
LEAST_LEVEL, SILENCE = 0.002, 0.0001
"""Root mean square in the analyser: silence measures 0, a soft loop about 0.01."""
AT_REST = "[data-testid='stApp'][data-test-script-state='notRunning']"


def open_page(
    browser: Any, address: str, *, locale: str = "en-US", height: int = 950, width: int = 1440, script: str = ""
) -> tuple[Any, Watch]:
    """A new visitor's page at an address, and the watch over it. `script` runs in it before anything else."""
    page = browser.new_context(locale=locale, viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    if script:
        page.add_init_script(script)
    watch = Watch(page)
    page.goto(address)
    return page, watch


def settled(page: Any) -> None:
    """Wait until no run draws the page: what is clicked or typed while a part is replaced goes unheard."""
    page.locator(AT_REST).wait_for()


def click(page: Any, target: Any) -> None:
    """Click once nothing draws the page."""
    settled(page)
    target.click()


def insist(act: Callable[[], None], shown: Callable[[int], None], what: str) -> None:
    """Act until it shows: a run that began of itself may take the part away under the mouse, and Streamlit then drops
    the click or the key. `shown` waits for as many milliseconds as it is given and raises Playwright's error."""
    for _ in range(PATIENCE_MS // TRY_MS):
        try:
            act()
            shown(TRY_MS)
        except sync_api.Error:
            continue
        return
    raise AssertionError(what)


def transport(page: Any) -> dict[str, Any]:
    """What the transport says of itself."""
    state: dict[str, Any] = page.evaluate("window.composerTransport.state()")
    return state


def wait_until(page: Any, expression: str) -> None:
    """Wait for an expression over `s`, what the transport says of itself."""
    page.wait_for_function(f"() => {{ const s = window.composerTransport.state(); return {expression}; }}")


def patiently(question: Callable[[], bool]) -> None:
    """Wait until the question is answered with yes."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.2)
