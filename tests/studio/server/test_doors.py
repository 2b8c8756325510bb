"""What passes the doors, what is refused, and what a browser is told with every answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from composer_core.pipeline.access import rights
from studio.access import visitor
from studio.server.addresses import read_hosts
from studio.server.doors import Doors, refuse
from studio.server.options import DoorOptions

OWN = {"host": "127.0.0.1:8501"}
ORIGIN = "http://127.0.0.1:8501"
FOREIGN: list[dict[str, str]] = [
    {"host": "evil.example.org"},
    {"host": "evil.example.org:8501"},
    {"host": "127.0.0.1:8502"},
    {"host": "127.0.0.1.example.org:8501"},
    {"host": "localhost@evil.example.org:8501"},
    {"host": ""},
    {**OWN, "origin": "http://evil.example.org"},
    {**OWN, "origin": "http://127.0.0.1:8502"},
    {**OWN, "origin": "https://127.0.0.1:8501"},
    {**OWN, "origin": "http://localhost:8501"},
    {**OWN, "origin": "null"},
    {"host": "evil.example.org:8501", "origin": "http://evil.example.org:8501"},
]
"""Twelve ways in which another site's page shows; the last is a name rebound to this machine."""


class Inside:
    """What lies behind the doors: it notes what reaches it, and answers."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
        else:
            await send(
                {"type": "http.response.start", "status": 200, "headers": [(b"access-control-allow-origin", b"*")]}
            )
            await send({"type": "http.response.body", "body": b"inside"})


def scope_of(kind: str = "http", server: str = "127.0.0.1", method: str = "GET", path: str = "/", scheme: str = "http",
             **headers: str) -> dict[str, Any]:  # fmt: skip
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scheme = scheme.replace("http", "ws") if kind == "websocket" else scheme
    return {"type": kind, "scheme": scheme, "server": (server, 8501), "client": ("127.0.0.1", 40000),
            "method": method, "path": path, "query_string": b"", "headers": fields}  # fmt: skip


def pass_through(scope: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """What was answered, and what reached the inside."""
    inside, sent = Inside(), list[Any]()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect" if scope["type"] == "websocket" else "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Doors(inside, DoorOptions())(scope, receive, send))  # type: ignore[arg-type]
    return sent, inside.scopes


@pytest.mark.parametrize("headers", FOREIGN, ids=repr)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_a_foreign_request_is_refused_and_never_reaches_streamlit(headers: dict[str, str], method: str) -> None:
    sent, inside = pass_through(scope_of(method=method, path="/_stcore/health", **headers))
    assert sent[0]["status"] == 403
    assert inside == []


@pytest.mark.parametrize("headers", FOREIGN, ids=repr)
def test_a_foreign_websocket_is_refused_before_it_is_accepted(headers: dict[str, str]) -> None:
    sent, inside = pass_through(scope_of("websocket", path="/_stcore/stream", **headers))
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert inside == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_this_computer_comes_in(name: str) -> None:
    headers = {"host": f"{name}:8501", "origin": f"http://{name}:8501"}
    for kind in ("http", "websocket"):
        sent, inside = pass_through(scope_of(kind, path="/_stcore/stream", **headers))
        assert len(inside) == 1
        assert sent[0].get("status", 200) == 200


def test_two_hosts_are_none() -> None:
    scope = scope_of(**OWN)
    scope["headers"].append((b"host", b"evil.example.org"))
    assert refuse(scope, DoorOptions())


def test_a_network_is_refused_where_nobody_signs_in_whatever_host_it_claims() -> None:
    scope = scope_of(server="192.168.1.5", **OWN)
    assert "not shared" in refuse(scope, DoorOptions())
    assert refuse(scope_of(server="192.168.1.5", host="192.168.1.5:8501"), DoorOptions(share=True)) == ""
    assert refuse(scope_of(server="192.168.1.5", host="192.168.1.6:8501"), DoorOptions(share=True))


def test_a_named_host_comes_in_behind_a_proxy_with_tls() -> None:
    options = DoorOptions(hosts=read_hosts("studio.example.org"))
    headers = {"host": "studio.example.org", "origin": "https://studio.example.org"}
    assert refuse(scope_of(scheme="https", **headers), options) == ""
    assert refuse(scope_of(scheme="http", **headers), options)


@pytest.mark.parametrize(
    ("mode", "dest", "method", "let_in"),
    [("navigate", "document", "GET", True), ("navigate", "iframe", "GET", False), ("no-cors", "script", "GET", False),
     ("no-cors", "image", "GET", False), ("navigate", "document", "POST", False)],
)  # fmt: skip
def test_another_site_may_link_here_and_nothing_else(mode: str, dest: str, method: str, let_in: bool) -> None:
    told = {"sec_fetch_site": "cross-site", "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    assert (refuse(scope_of(method=method, **OWN, **told), DoorOptions()) == "") is let_in


def test_streamlit_never_judges_an_origin_by_asking_for_addresses() -> None:
    _, (request,) = pass_through(scope_of(**OWN, origin=ORIGIN))
    assert b"origin" not in dict(request["headers"])
    _, (socket,) = pass_through(scope_of("websocket", path="/_stcore/stream", **OWN, origin=ORIGIN.upper().lower()))
    assert dict(socket["headers"])[b"origin"] == b"http://" + dict(socket["headers"])[b"host"]


def test_no_client_can_send_the_mark_of_the_doors() -> None:
    _, (scope,) = pass_through(scope_of(**OWN, x_composer_door="forged"))
    marks = [value for name, value in scope["headers"] if name == visitor.MARK.encode()]
    assert marks == [f"{visitor.TICKET} ".encode()]


def test_every_answer_says_what_a_page_may_do() -> None:
    for headers in (OWN, FOREIGN[0]):
        sent, _ = pass_through(scope_of(**headers))
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        policy = dict(part.strip().split(" ", 1) for part in told["content-security-policy"].split(";"))
        assert policy["frame-ancestors"] == "'none'"
        assert "'unsafe-inline'" not in policy["script-src"] and "'unsafe-eval'" not in policy["script-src"]
        assert policy["connect-src"] == "'self' data: blob:"
        assert "blob:" in policy["worker-src"]
        assert {"microphone=(self)", "midi=(self)", "camera=()"} <= set(told["permissions-policy"].split(", "))
        assert "access-control-allow-origin" not in told


def test_streamlits_interface_for_programs_is_not_served() -> None:
    sent, inside = pass_through(scope_of(path="/_stcore/agent/openapi.json", **OWN))
    assert (sent[0]["status"], inside) == (404, [])
    assert rights.route_roles("/_stcore/agent/mcp", "POST") == ()


def test_a_server_without_doors_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "visitor", lambda: visitor.NO_DOORS)
    from studio_app import open_studio

    app = open_studio()
    assert not app.title
    assert "scripts/studio" in app.error[0].value


@pytest.fixture(autouse=True)
def unshared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each test has a workspace of its own, and leaves the process as it was."""
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    yield
    visitor.share(None)
