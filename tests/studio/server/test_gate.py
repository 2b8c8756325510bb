"""Signing in to a shared studio: what is asked of whom, how sessions begin and end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import urlencode

import pytest
from streamlit.web.server.starlette.starlette_app import create_streamlit_routes

from composer_core.pipeline.access import accounts, rights
from composer_core.pipeline.access.rights import CURATOR, OWNER, VIEWER
from composer_core.workspace import Workspace
from studio.access import visitor
from studio.access.visits import Visits
from studio.server import gate as gates
from studio.server.doors import Doors
from studio.server.gate import COOKIE, own_path
from studio.server.options import DoorOptions
from studio.server.tries import MAX_OF_ADDRESS, MAX_OF_NAME, WINDOW_SEC, Tries

PASSWORDS = {role: f"long enough {role}" for role in rights.ROLES}
OPEN = {"/_stcore/health", "/auth/login", "/auth/logout", "/oauth2callback"}
"""What Streamlit serves to somebody who has not signed in."""


class House:
    """Doors over nothing: who comes in leaves a note."""

    def __init__(self, root: Path) -> None:
        self.doors = Doors(self._inside, DoorOptions(share=True))  # type: ignore[arg-type]
        assert self.doors.gate is not None
        self.gate = self.doors.gate
        self.came_in: list[dict[str, Any]] = []
        self.socket_messages: list[dict[str, Any]] = []

    async def _inside(self, scope: Any, receive: Any, send: Any) -> None:
        self.came_in.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                self.socket_messages.append(message)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(
        self,
        path: str,
        token: str = "",
        method: str = "GET",
        form: dict[str, str] | None = None,
        client: str = "192.168.1.9",
        scheme: str = "http",
        **headers: str,
    ) -> tuple[int, list[tuple[str, str]], str]:
        body = urlencode(form or {}).encode()
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.doors(scope_of("http", path, token, method, client, scheme, **headers), receive, send)  # type: ignore[arg-type]
        fields = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return sent[0]["status"], fields, b"".join(one.get("body", b"") for one in sent[1:]).decode()

    async def sign_in(self, role: str, **more: Any) -> str:
        status, fields, _ = await self.ask(
            "/sign-in", method="POST", form={"name": role, "password": PASSWORDS[role], "next": "/"}, **more
        )
        assert status == 303
        return re.search(rf"{COOKIE}=([^;]+)", dict(fields)["set-cookie"])[1]  # type: ignore[index]

    async def reaches(self, path: str, token: str, method: str) -> bool:
        before = len(self.came_in)
        status, _, _ = await self.ask(path, token, method)
        assert (status == 200) is (len(self.came_in) > before) or path == "/oauth2callback"
        return len(self.came_in) > before


def scope_of(kind: str, path: str, token: str, method: str = "GET", client: str = "192.168.1.9", scheme: str = "http",
             **headers: str) -> dict[str, Any]:  # fmt: skip
    told = {"host": "192.168.1.5:8501", **({"cookie": f"{COOKIE}={token}"} if token else {}), **headers}
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in told.items()]
    return {"type": kind, "scheme": scheme, "server": ("192.168.1.5", 8501), "client": (client, 40000), "path": path,
            "method": method, "query_string": b"", "headers": fields}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(accounts, "_COST", 2)  # the hash is not what is tested here
    made = Workspace(tmp_path).create()
    for role, password in PASSWORDS.items():
        accounts.set_account(made, role, role, password)
    return made


@pytest.fixture
def house(workspace: Workspace) -> Iterator[House]:
    yield House(workspace.root)
    visitor.share(None)


def served() -> list[tuple[str, str]]:
    """Every path and method of Streamlit's own table of routes and ours, with something in place of its parameters."""
    import app

    found = [("/library", "GET"), ("/static/js/index.js", "GET")]
    for route in [*app.ROUTES, *create_streamlit_routes(MagicMock())]:
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        found += [(path, method) for method in sorted(getattr(route, "methods", None) or ["GET"])]
    return found


def test_every_route_asks_and_obeys_the_table(house: House) -> None:
    async def walk() -> dict[tuple[str, str], set[str]]:
        tokens = {"": "", **{role: await house.sign_in(role) for role in rights.ROLES}}
        return {
            (path, method): {role for role, token in tokens.items() if await house.reaches(path, token, method)}
            for path, method in served()
        }

    found = asyncio.run(walk())
    assert len(found) > 25
    for (path, method), roles in found.items():
        assert ("" in roles) is (path in OPEN), (path, method)
        expected = set(rights.route_roles(path, method)) & set(rights.ROLES)
        assert roles - {""} == expected, (path, method)
    assert found["/_stcore/upload_file/x/x", "PUT"] == {CURATOR, OWNER}
    assert found["/api/audio/x", "GET"] == found["/media/x", "GET"] == found["/library", "GET"] == {*rights.ROLES}
    assert found["/_stcore/metrics", "GET"] == {OWNER}
    assert found["/_stcore/agent/interact", "POST"] == set()


def test_a_page_leads_to_the_form_and_back(house: House) -> None:
    async def go() -> None:
        status, fields, _ = await house.ask("/library", accept="text/html")
        assert (status, dict(fields)["location"]) == (303, "/sign-in?next=/library")
        status, _, page = await house.ask("/sign-in", accept_language="ja,en;q=0.5")
        assert status == 200 and "パスワード" in page and "<script" not in page
        status, fields, _ = await house.ask(
            "/sign-in", method="POST", form={"name": VIEWER, "password": PASSWORDS[VIEWER], "next": "/library"}
        )
        assert (status, dict(fields)["location"]) == (303, "/library")
        cookie = dict(fields)["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
        assert (await house.ask("/session"))[0] == 401

    asyncio.run(go())


def test_the_cookie_is_secure_behind_tls(house: House) -> None:
    async def go() -> str:
        house.doors._options = DoorOptions(share=True)
        _, fields, _ = await house.ask(
            "/sign-in", method="POST", scheme="https", host="192.168.1.5:8501",
            form={"name": OWNER, "password": PASSWORDS[OWNER], "next": "/"},
        )  # fmt: skip
        return dict(fields)["set-cookie"]

    assert "Secure" in asyncio.run(go())


@pytest.mark.parametrize(
    ("name", "password"),
    [(OWNER, "wrong"), (OWNER, ""), ("nobody", PASSWORDS[OWNER]), ("", ""), (OWNER, PASSWORDS[VIEWER])],
)
def test_a_wrong_password_gives_nothing(house: House, name: str, password: str) -> None:
    status, fields, page = asyncio.run(
        house.ask("/sign-in", method="POST", form={"name": name, "password": password, "next": "/"})
    )
    assert status == 401
    assert "set-cookie" not in dict(fields)
    assert "wrong" in page


def test_what_was_typed_does_not_become_part_of_the_page(house: House) -> None:
    form = {"name": "<script>1</script>", "password": "x", "next": '/"><script>alert(1)</script>'}
    _, _, page = asyncio.run(house.ask("/sign-in", method="POST", form=form))
    assert "<script" not in page


def test_after_too_many_tries_even_the_right_password_waits(house: House) -> None:
    async def go() -> list[int]:
        form = {"name": OWNER, "password": "wrong", "next": "/"}
        found = [(await house.ask("/sign-in", method="POST", form=form))[0] for _ in range(MAX_OF_ADDRESS + 1)]
        right = {**form, "password": PASSWORDS[OWNER]}
        status, fields, _ = await house.ask("/sign-in", method="POST", form=right)
        assert int(dict(fields)["retry-after"]) <= WINDOW_SEC
        elsewhere = await house.ask("/sign-in", method="POST", form=right, client="192.168.1.10")
        return [*found, status, elsewhere[0]]

    assert asyncio.run(go()) == [401] * MAX_OF_ADDRESS + [429, 429, 303]


def test_tries_are_counted_by_address_and_by_name_and_forgotten() -> None:
    now = [0.0]
    tries = Tries(lambda: now[0])
    for number in range(MAX_OF_NAME):
        assert tries.wait_sec(f"10.0.0.{number}", "kim") == 0
        tries.failed(f"10.0.0.{number}", "kim")
    assert tries.wait_sec("10.9.9.9", "kim") == WINDOW_SEC
    assert tries.wait_sec("10.9.9.9", "aki") == 0
    now[0] = WINDOW_SEC
    assert tries.wait_sec("10.9.9.9", "kim") == 0
    tries.failed("10.1.1.1", "kim")
    tries.passed("10.1.1.1", "kim")
    assert tries.wait_sec("10.1.1.1", "kim") == 0


def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    async def go() -> None:
        token = await house.sign_in(CURATOR)
        assert (await house.ask("/session", token))[0] == 204
        status, fields, _ = await house.ask("/sign-out", token, "POST")
        assert (status, dict(fields)["location"]) == (303, "/sign-in")
        assert (await house.ask("/session", token))[0] == 401
        assert not await house.reaches("/media/x", token, "GET")

    asyncio.run(go())


def test_a_session_ends_when_idle_and_after_its_whole_time() -> None:
    now = [0.0]
    visits = Visits(60.0, 1000.0, lambda: now[0])
    account = accounts.Account("kim", VIEWER)
    token = visits.begin(account)
    for sec in range(50, 1000, 50):  # an act every 50 s keeps it awake
        now[0] = float(sec)
        visit = visits.of_token(token)
        assert visit is not None
        visits.touch(visit)
    now[0] = 1000.0
    assert visits.of_token(token) is None
    token = visits.begin(account)
    now[0] += 59.9
    assert visits.of_token(token) is not None
    now[0] += 0.1
    assert visits.of_token(token) is None
    assert visits.of_token("forged") is None


@pytest.mark.parametrize("change", ["removed", "role", "password"])
def test_a_changed_account_ends_its_sessions_and_no_others(house: House, workspace: Workspace, change: str) -> None:
    async def go() -> tuple[int, int]:
        hers, his = await house.sign_in(CURATOR), await house.sign_in(VIEWER)
        if change == "removed":
            accounts.remove_account(workspace, CURATOR)
        else:
            password = "another password" if change == "password" else PASSWORDS[CURATOR]
            accounts.set_account(workspace, CURATOR, VIEWER if change == "role" else CURATOR, password)
        house.gate.visits.sweep(accounts.accounts(workspace))
        return (await house.ask("/session", hers))[0], (await house.ask("/session", his))[0]

    assert asyncio.run(go()) == (401, 204)


def test_damaged_accounts_let_nobody_in(house: House, workspace: Workspace) -> None:
    workspace.accounts.write_text("{")
    form = {"name": OWNER, "password": PASSWORDS[OWNER], "next": "/"}
    assert asyncio.run(house.ask("/sign-in", method="POST", form=form))[0] == 401


def test_a_websocket_needs_a_session_and_ends_with_it(house: House) -> None:
    async def go() -> None:
        sent: list[dict[str, Any]] = []
        coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        coming.put_nowait({"type": "websocket.connect"})
        await house.doors(scope_of("websocket", "/_stcore/stream", "", scheme="ws"), coming.get, send)  # type: ignore[arg-type]
        assert sent == [{"type": "websocket.close", "code": 1008}] and not house.came_in
        sent.clear()
        token = await house.sign_in(VIEWER)
        scope = scope_of("websocket", "/_stcore/stream", token, scheme="ws")
        connection = asyncio.create_task(house.doors(scope, coming.get, send))  # type: ignore[arg-type]
        coming.put_nowait({"type": "websocket.receive", "bytes": b""})
        while not house.socket_messages:
            await asyncio.sleep(0)
        await house.ask("/sign-out", token, "POST")
        await asyncio.wait_for(connection, 10)
        assert sent == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1008}]

    asyncio.run(go())


def test_a_page_that_redraws_itself_does_not_keep_a_session_awake() -> None:
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.rerun_script.page_name = "train"
    assert not gates.is_redrawn_by_itself(message.SerializeToString())
    message.rerun_script.is_auto_rerun = True
    assert gates.is_redrawn_by_itself(message.SerializeToString())
    assert not gates.is_redrawn_by_itself(b"\xff\xff")


def test_a_second_cookie_of_the_name_is_not_guessed_about(house: House) -> None:
    async def go() -> int:
        token = await house.sign_in(OWNER)
        return (await house.ask("/session", cookie=f"{COOKIE}={token}; {COOKIE}=planted"))[0]

    assert asyncio.run(go()) == 401


@pytest.mark.parametrize(
    ("target", "path"),
    [("/library?f=1", "/library?f=1"), ("", "/"), ("//evil.example.org", "/"), ("/\\evil.example.org", "/"),
     ("/a\\b", "/"), ("https://evil.example.org", "/"), ("/sign-out", "/"), ("/sign-in?next=/x", "/"),
     ("/a\r\nset-cookie: x", "/")],
)  # fmt: skip
def test_after_signing_in_one_stays_here(target: str, path: str) -> None:
    assert own_path(target) == path
