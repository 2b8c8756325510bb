"""One browser for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from studio_server import CHROMIUM_FLAGS, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from studio_browser import PATIENCE_MS, sync_api  # skips what asks for it where playwright is not installed

    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield opened
        opened.close()
