"""The route that serves rendered audio."""

from __future__ import annotations

import asyncio
import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
from starlette.applications import Starlette

from composer_core.pipeline.generation import audition
from composer_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def routes() -> list[Any]:
    spec = importlib.util.spec_from_file_location("studio_entry", ROOT / "app.py")
    assert spec is not None and spec.loader is not None
    entry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entry)
    return list(entry.ROUTES)


def sound() -> bytes:
    """Half a second of a tone as FLAC: the cache gives nothing that cannot be decoded."""
    stream = io.BytesIO()
    soundfile.write(stream, np.sin(np.arange(22_050) / 20), 44_100, format="FLAC")
    return stream.getvalue()


CONTENT = sound()


@pytest.fixture
def audio_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    name = "ab" * 20 + ".flac"
    workspace = Workspace(tmp_path).create()
    (workspace.audio / name).write_bytes(CONTENT)
    assert audition.audio_path(workspace, name).read_bytes() == CONTENT
    return name


def get(routes: list[Any], path: str, **headers: str) -> Answer:
    """One GET through the ASGI interface, without a server."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path.partition("?")[0]),
        "raw_path": path.partition("?")[0].encode(),
        "query_string": path.partition("?")[2].encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()  # the caller never hangs up
        return {}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Starlette(routes=routes)(scope, receive, send))  # type: ignore[arg-type]
    fields = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], fields, b"".join(message.get("body", b"") for message in sent[1:]))


def test_audio_is_served_for_ever_under_its_hash(routes: list[Any], audio_name: str) -> None:
    answer = get(routes, f"/api/audio/{audio_name}")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["content-type"] == "audio/flac"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_range_is_answered_in_part(routes: list[Any], audio_name: str) -> None:
    answer = get(routes, f"/api/audio/{audio_name}", range="bytes=10-19")
    assert (answer.status, answer.body) == (206, CONTENT[10:20])
    assert answer.headers["content-range"] == f"bytes 10-19/{len(CONTENT)}"


@pytest.mark.parametrize(
    "name", ["cd" * 20 + ".flac", "..%2f..%2fsettings.json", "settings.json", "%2e%2e", "a.flac%00", "x" * 3000]
)
def test_any_other_name_is_not_found(routes: list[Any], audio_name: str, name: str) -> None:
    assert get(routes, f"/api/audio/{name}").status == 404


@pytest.mark.parametrize(("query", "target"), [("", "."), ("open=take.1", ".?open=take.1")])
def test_the_first_page_has_an_address_of_its_own_name(routes: list[Any], query: str, target: str) -> None:
    answer = get(routes, f"/generate?{query}" if query else "/generate")
    assert (answer.status, answer.headers["location"]) == (307, target)
