"""Whether the studio's doors are closed: what the row "web" of the design's reliability table asks, by one command.

    python -m benchmarks.web [--without-browser] [--work DIR]

It starts studios of its own over invented libraries and tries them from outside, over plain sockets:

- 12 foreign Host and Origin variants, each by HTTP and as a WebSocket;
- a name rebound to this machine, and the page of another local port, in Chromium;
- 40 strings as names of files, raters, recipes and as notes, on every page in Chromium;
- every route of the server's own table, for nobody and for each role, in a shared studio;
- connections the server makes while all of that provokes it, watched by strace.

Prints one line a question and then one JSON object; the exit status is 1 where a door was open, and 2 where a part
could not be tried (no Chromium, no strace).
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import urlencode

from benchmarks.session_client import open_session
from benchmarks.sessions import server
from benchmarks.web_strings import STRINGS
from composer_core.pipeline.access import accounts, rights
from composer_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
EVIL = "evil.example.org"
_WEBSOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "streamlit",
}
_PASSWORD = "a password of {role}"


def free_port() -> int:
    """A port nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def foreign(port: int) -> list[tuple[str, str | None]]:
    """Twelve pairs of Host and Origin (None: not sent) as they come from elsewhere."""
    own = f"127.0.0.1:{port}"
    return [
        (EVIL, None),
        (f"{EVIL}:{port}", None),
        (f"127.0.0.1.{EVIL}:{port}", None),
        (f"127.0.0.1:{port + 1}", None),
        (f"localhost@{EVIL}:{port}", None),
        (f"{EVIL}:{port}", f"http://{EVIL}:{port}"),
        (own, f"http://{EVIL}"),
        (own, f"http://{EVIL}:{port}"),
        (own, f"http://127.0.0.1:{port + 1}"),
        (own, f"https://127.0.0.1:{port}"),
        (own, f"http://localhost:{port}"),
        (own, "null"),
    ]


def asked(port: int, host: str, origin: str | None, path: str = "/_stcore/health", more: dict[str, str] | None = None,
          method: str = "GET") -> int:  # fmt: skip
    """The status of one request with exactly these headers."""
    headers = {"Host": host, **({"Origin": origin} if origin is not None else {}), **(more or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(4096).split(b" ", 2)[1])


def hosts_and_origins(port: int) -> dict[str, Any]:
    """How many of the twelve are refused, by HTTP and as a WebSocket; and that one's own address comes in."""
    refused = {"http": 0, "websocket": 0}
    for host, origin in foreign(port):
        refused["http"] += 400 <= asked(port, host, origin) < 500
        refused["websocket"] += 400 <= asked(port, host, origin, "/_stcore/stream", _WEBSOCKET) < 500
    own = f"127.0.0.1:{port}"
    comes_in = (asked(port, own, f"http://{own}"), asked(port, own, f"http://{own}", "/_stcore/stream", _WEBSOCKET))
    return {
        **refused,
        "of": len(foreign(port)),
        "own": comes_in,
        "ok": comes_in == (200, 101) and set(refused.values()) == {12},
    }


def routes() -> list[tuple[str, str]]:
    """Path and method of every route the server has, by its own table, with something in place of parameters."""
    from streamlit.web.server.starlette.starlette_app import create_streamlit_routes

    import app

    found = [(path, "GET") for path in ("/", "/library", "/label", "/train", "/static/js/index.js")]
    for route in [*app.ROUTES, *create_streamlit_routes(MagicMock())]:
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        found += [(path, method) for method in sorted(getattr(route, "methods", None) or ["WEBSOCKET"]) if path]
    return list(dict.fromkeys(found))


def signed_in(port: int, role: str) -> str:
    """The cookie of somebody of a role."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    form = urlencode({"name": role, "password": _PASSWORD.format(role=role), "next": "/"})
    connection.request("POST", "/sign-in", form, {"Content-Type": "application/x-www-form-urlencoded"})
    return str(connection.getresponse().getheader("set-cookie")).split(";")[0]


def passwords(port: int) -> dict[str, Any]:
    """Every route for nobody and for each role: where somebody came in who should not, or was kept out."""
    cookies = {"nobody": "", **{role: signed_in(port, role) for role in rights.ROLES}}
    wrong, n_asked = [], 0
    for path, method in routes():
        roles = rights.route_roles(path, method)
        for who, cookie in cookies.items():
            n_asked += 1
            more = {"Cookie": cookie} if cookie else {}
            socketed = method == "WEBSOCKET"
            more |= _WEBSOCKET if socketed else {"Content-Length": "0"}
            status = asked(port, f"127.0.0.1:{port}", None, path, more, "GET" if socketed else method)
            may = who in roles or (rights.EVERYBODY in roles)
            # What is let in is answered by Streamlit: also by 404, or by 403 for an upload without its own token.
            kept_out = status in (401, 303) if who == "nobody" and not socketed else status == 403
            if kept_out is may and not (may and status in (303, 403)):
                wrong.append(f"{method} {path} as {who}: {status}")
    guessed = [
        asked(port, f"127.0.0.1:{port}", None, "/", {"Cookie": f"composer_session={value}"})
        for value in ("", "x", "0" * 43)
    ]
    return {"routes": len(routes()), "asked": n_asked, "wrong": wrong, "ok": not wrong and set(guessed) == {401}}


def connections_of(trace: Path) -> list[str]:
    """Connections to other machines in strace's account, also those a datagram socket only prepares."""
    found = []
    for path in trace.parent.glob(trace.name + "*"):
        for line in path.read_text(errors="replace").splitlines():
            if "AF_INET" in line and not re.search(r'"127\.|"::1"|"::ffff:127\.', line):
                found.append(line.strip()[:160])
    return found


def outgoing(work: Path) -> dict[str, Any]:
    """What the server connects to, from its start on, while foreign requests and own sessions provoke it."""
    if shutil.which("strace") is None:
        return {"ok": None, "why": "no strace"}
    from benchmarks.web_browser import hostile_workspace

    workspace, port = hostile_workspace(work / "traced", STRINGS[:2], with_takes=False), free_port()
    trace = work / "strace.out"
    watched = ["strace", "-ff", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(trace)]
    line = [*watched, sys.executable, "-m", "studio.server", "--server.port", str(port), "--server.headless", "true"]
    environment = {**os.environ, "COMPOSER_WORKSPACE": str(workspace.root), "PYTHONPATH": str(ROOT)}
    with (work / "traced.log").open("ab") as log:
        process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 240
        while time.monotonic() < until:
            try:
                asked(port, f"127.0.0.1:{port}", None)
                break
            except OSError:
                time.sleep(0.5)
        hosts_and_origins(port)
        asyncio.run(_look_at_pages(port))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
    found = connections_of(trace)
    return {"ok": not found, "connections": found[:5], "n": len(found)}


async def _look_at_pages(port: int) -> None:
    for page in ("", "library", "label", "train"):
        session = await open_session(port, page)
        await session.socket.close()


def shared(work: Path) -> Workspace:
    """A workspace with an account of each role."""
    workspace = Workspace(work / "shared").create()
    for role in rights.ROLES:
        accounts.set_account(workspace, role, role, _PASSWORD.format(role=role))
    return workspace


def doors(work: Path, with_browser: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """What another site can do."""
    port = free_port()
    with server(Workspace(work / "plain").create().root, port):
        yield "12 Hosts and Origins", hosts_and_origins(port)
        if not with_browser:
            return
        from benchmarks.web_browser import foreign_page, rebinding

        rebound = rebinding(port)
        yield "a rebound name", {**rebound, "ok": rebound == {"page": "403", "socket": "refused", "drawn": "0"}}
        page = foreign_page(port)
        refused = all(page[name] == "refused" for name in ("fetch", "put", "socket", "script"))
        yield "another site's page", {**page, "ok": refused and page["frame"] in ("", "403")}


def names(work: Path) -> dict[str, Any]:
    """What strings do on the pages."""
    from benchmarks.web_browser import hostile_workspace, injections

    with server(hostile_workspace(work / "hostile").root, port := free_port()):
        strings = injections(f"http://127.0.0.1:{port}")
    clean = not (strings["ran"] or strings["dialogs"] or strings["broken"] or strings["outside"])
    return {**strings, "ok": clean and strings["shown"] == 40}


def try_all(work: Path, with_browser: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every question with its answer, as soon as it is there; `ok` None where it could not be tried."""
    yield from doors(work, with_browser)
    with server(shared(work).root, port := free_port(), "--share", "--server.address", "127.0.0.1"):
        yield "password matrix", passwords(port)
    if with_browser:
        yield "40 strings", names(work)
    else:
        for name in ("a rebound name", "another site's page", "40 strings"):
            yield name, {"ok": None, "why": "no Chromium"}
    yield "outgoing connections", outgoing(work)


def main() -> int:
    """Try all and print; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without-browser", action="store_true", help="leave out what needs Chromium")
    parser.add_argument("--work", type=Path, help="an empty folder for the libraries and logs, kept")
    arguments = parser.parse_args()
    from benchmarks.web_browser import chromium

    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as made:
        for name, answer in try_all(arguments.work or Path(made), not arguments.without_browser and bool(chromium())):
            found[name] = answer
            state = {True: "closed", False: "OPEN", None: "not tried"}[answer["ok"]]
            told = ", ".join(f"{key} {value}" for key, value in answer.items() if key != "ok")
            print(f"{state:<9} {name:<22} {told[:300]}", flush=True)
    print(json.dumps(found, ensure_ascii=False))
    states = {answer["ok"] for answer in found.values()}
    return 1 if False in states else 2 if None in states else 0


if __name__ == "__main__":
    sys.exit(main())
