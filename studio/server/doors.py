"""The doors: what every request and every WebSocket passes before Streamlit sees it.

Streamlit itself would take a request for any Host, and to judge a foreign Origin it asks a public service for the
address of this machine. Here the connection, the Host and the Origin are judged from what is at hand; a refused
request never reaches Streamlit.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import cache

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from composer_core.pipeline.access.rights import route_roles
from composer_core.workspace import default_workspace
from studio.access import visitor
from studio.access.visits import Visit, Visits
from studio.server.addresses import Local, is_own_host, is_own_origin, read_authority
from studio.server.gate import Gate, is_redrawn_by_itself
from studio.server.headers import page_headers
from studio.server.options import DoorOptions, chosen

_log = logging.getLogger(__name__)

_POLICY_VIOLATION = 1008
_FOREIGN_SITES = ("cross-site", "same-site")
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Doors:
    """ASGI middleware; the options are those of the process where none are given."""

    def __init__(self, app: ASGIApp, options: DoorOptions | None = None) -> None:
        self._app = app
        self._options = options or chosen()
        self.gate: Gate | None = None
        if self._options.share:
            visits = Visits(self._options.idle_min * 60, self._options.session_hours * 3600)
            self.gate = Gate(default_workspace(), visits)
        visitor.share(self.gate.visits if self.gate is not None else None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, sign in, or hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = refuse(scope, self._options)
        if refusal:
            _log.warning("a connection was refused: %s", refusal)
        if scope["type"] == "websocket":
            await self._websocket(refusal, scope, receive, send)
        else:
            await self._request(refusal, scope, receive, _with_headers(send))

    async def _request(self, refusal: str, scope: Scope, receive: Receive, send: Send) -> None:
        if refusal:
            await PlainTextResponse(f"Refused: {refusal}.", status_code=403)(scope, receive, send)
            return
        visit: Visit | None = None
        if self.gate is not None:
            visit = await self.gate.serve(self._app, _marked(scope, ""), receive, send)
            if visit is None:
                return
            self.gate.visits.touch(visit)
        elif not route_roles(scope["path"], scope["method"]):
            await PlainTextResponse("Not served here.", status_code=404)(scope, receive, send)
            return
        await self._app(_marked(scope, visit.key if visit else ""), receive, send)

    async def _websocket(self, refusal: str, scope: Scope, receive: Receive, send: Send) -> None:
        visit: Visit | None = None
        if not refusal and self.gate is not None:
            visit = self.gate.visit_of(scope)
            if visit is None or visit.account.role not in route_roles(scope["path"]):
                refusal = "nobody has signed in"
        if refusal:
            await receive()  # the handshake; closing before it is accepted answers 403
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        if visit is None or self.gate is None:
            await self._app(_marked(scope, ""), receive, send)
            return
        ended, loop = asyncio.Event(), asyncio.get_running_loop()

        def end() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

        number = self.gate.visits.watch(visit, end)
        watched = _Watched(receive, send, self.gate.visits, visit, ended)
        try:
            await self._app(_marked(scope, visit.key), watched.receive, send)
        finally:
            self.gate.visits.unwatch(visit, number)


class _Watched:
    """Receives for a visit: each message but a page's own redrawing keeps it awake, and its end ends the connection."""

    def __init__(self, receive: Receive, send: Send, visits: Visits, visit: Visit, ended: asyncio.Event) -> None:
        self._receive, self._send, self._visits, self._visit, self._ended = receive, send, visits, visit, ended

    async def receive(self) -> Message:
        """The next message; a disconnection once the visit has ended."""
        coming = asyncio.ensure_future(self._receive())
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((coming, ending), return_when=asyncio.FIRST_COMPLETED)
            if self._ended.is_set() or self._visits.of_key(self._visit.key) is None:
                await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
                return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
            message = coming.result()
        finally:
            for task in (coming, ending):
                task.cancel()
        if message["type"] == "websocket.receive" and not is_redrawn_by_itself(message.get("bytes") or b""):
            self._visits.touch(self._visit)
        return message


def refuse(scope: Scope, options: DoorOptions) -> str:
    """Why a request or connection is not for this studio, "" for one that is."""
    server = scope.get("server")
    if server is None or server[1] is None:
        return "it comes from no network address"
    local = Local(server[0], server[1])
    if not local.is_loopback and not options.share:
        return "this studio is not shared with the network"
    headers, scheme = Headers(scope=scope), _SCHEMES[scope["scheme"]]
    hosts = headers.getlist("host")
    host = read_authority(hosts[0]) if len(hosts) == 1 else None
    own = (local.name, *_own_names()) if options.share else ()
    if host is None or not is_own_host(host, scheme, local, options.hosts, own):
        return "its Host is not this studio's (COMPOSER_HOSTS names further ones)"
    origins = headers.getlist("origin")
    if len(origins) > 1 or (origins and not is_own_origin(origins[0], scheme, host)):
        return "its Origin is another site"
    if headers.get("sec-fetch-site") in _FOREIGN_SITES and not _is_opened(scope, headers):
        return "a page of another site asks"
    return ""


def _is_opened(scope: Scope, headers: Headers) -> bool:
    """Whether a person opens the address in a tab, for instance by a link elsewhere; then nothing is sent along."""
    dest = headers.get("sec-fetch-dest")
    return scope.get("method") == "GET" and headers.get("sec-fetch-mode") == "navigate" and dest == "document"


@cache
def _own_names() -> tuple[str, ...]:
    """The names other machines of the network know this one by."""
    name = socket.gethostname().lower()
    return (name, f"{name}.local") if name else ()


def _marked(scope: Scope, key: str) -> Scope:
    """The scope as Streamlit gets it: with the mark of the doors instead of whatever mark was sent.

    A request's Origin has been judged, so it is taken out: Streamlit would judge it anew by asking for addresses.
    A WebSocket keeps it, as long as it reads like the Host: then Streamlit asks nobody.
    """
    mark = visitor.MARK.encode()
    headers = [(name, value) for name, value in scope["headers"] if name != mark and name != b"origin"]
    if scope["type"] == "websocket" and any(name == b"origin" for name, _ in scope["headers"]):
        host = next(value for name, value in headers if name == b"host")
        headers.append((b"origin", _SCHEMES[scope["scheme"]].encode() + b"://" + host))
    headers.append((mark, f"{visitor.TICKET} {key}".encode()))
    return {**scope, "headers": headers}


def _with_headers(send: Send) -> Send:
    """Answers with what every answer tells the browser, unless it says so itself; another site is never let in."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in page_headers():
                headers.setdefault(name.decode(), value.decode())
            del headers["access-control-allow-origin"]
        await send(message)

    return told
