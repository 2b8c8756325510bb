"""The studio as a person runs it: a server process on a free port, and a browser that watches what it does."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
START_SEC = 90
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


def chromium() -> str | None:
    """Where a Chromium is installed, None without one."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def studio_server(workspace: Path, *more: str, port: int = 0) -> Iterator[str]:
    """Run the studio over a workspace, with further arguments; gives its address and stops it at the end."""
    port = port or free_port()
    line = [sys.executable, "-m", "studio.server", "--server.port", str(port), "--server.headless", "true", *more]
    environment = {**os.environ, "COMPOSER_WORKSPACE": str(workspace)}
    workspace.mkdir(parents=True, exist_ok=True)
    with (workspace / "server.log").open("ab") as log:
        process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SEC
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not answer")


_PROBED = re.compile(r"^http://127\.0\.0\.1:\d+/\w+/_stcore/(health|host-config)$")


class Watch:
    """What a page said and asked for: console errors with addresses, uncaught errors, requests to other machines."""

    def __init__(self, page: Any) -> None:
        self.errors: list[str] = []
        self.strangers: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))

    def _console(self, message: Any) -> None:
        # A page opened by its own address makes Streamlit look for the server below that address first.
        probed = _PROBED.search(message.location["url"])
        if message.type == "error" and not probed:
            self.errors.append(f"{message.text} {message.location['url']}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.strangers.append(url)
