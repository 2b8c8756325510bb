"""Signing in: which visit a request belongs to, the sign-in and sign-out routes, and the end of visits."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from composer_core.errors import StoreError
from composer_core.logs import named
from composer_core.pipeline.access import accounts
from composer_core.pipeline.access.accounts import Account
from composer_core.pipeline.access.rights import EVERYBODY, route_roles
from composer_core.workspace import Workspace
from studio.access.visits import Visit, Visits
from studio.server import provider
from studio.server.sign_in_page import sign_in_page, sign_out_page
from studio.server.tries import Tries

_log = logging.getLogger(__name__)

COOKIE: Final = "composer_session"
SIGN_IN, SIGN_OUT, SESSION = "/sign-in", "/sign-out", "/session"
SWEEP_SEC: Final = 2.0
_MAX_FORM_BYTES: Final = 8192
_SIDE_BY_SIDE: Final = 2
"""So many passwords are looked at at once; each needs 32 MiB for a moment."""


class Gate:
    """What a shared studio asks of everybody before anything is served."""

    def __init__(self, workspace: Workspace, visits: Visits, tries: Tries | None = None) -> None:
        self.workspace, self.visits = workspace, visits
        self._tries = tries or Tries()
        self._checking = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._sweeper: asyncio.Task[None] | None = None

    def visit_of(self, scope: Scope) -> Visit | None:
        """The visit whose token a request or a connection carries, while it lasts."""
        self._keep_sweeping()
        token = _cookie(scope, COOKIE)
        return self.visits.of_token(token) if token else None

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Visit | None:
        """Answer what is the gate's own or is refused; the visit of a request that may go on to the studio.

        For a path that belongs to everybody the request goes on at once, without a visit.
        """
        request = Request(scope, receive)
        visit = self.visit_of(scope)
        own = await self._own_route(request, visit)
        roles = route_roles(scope["path"], scope["method"])
        if own is not None:
            await own(scope, receive, send)
        elif scope["path"] == provider.CALLBACK:
            await app(scope, receive, self._signing_in(request, send))
        elif EVERYBODY in roles:
            await app(scope, receive, send)
        elif visit is None:
            await _ask_to_sign_in(request)(scope, receive, send)
        elif visit.account.role not in roles:
            await PlainTextResponse("This is not for your role.", status_code=403)(scope, receive, send)
        else:
            return visit
        return None

    async def _own_route(self, request: Request, visit: Visit | None) -> Response | None:
        path, method = request.url.path, request.method
        accept = request.headers.get("accept-language", "")
        if path == SESSION:
            return Response(status_code=204 if visit is not None else 401, headers={"cache-control": "no-store"})
        if path == SIGN_OUT:
            return self._sign_out(request, visit) if method == "POST" else sign_out_page(accept)
        if path != SIGN_IN:
            return None
        if method == "POST":
            return await self._sign_in(request)
        if visit is not None:
            return RedirectResponse(own_path(request.query_params.get("next", "")), status_code=303)
        trouble = "access.not_invited" if "uninvited" in request.query_params else ""
        return self._form(request, own_path(request.query_params.get("next", "")), trouble)

    def _form(self, request: Request, target: str, trouble: str = "", status: int = 200, wait_min: int = 0) -> Response:
        known = _accounts(self.workspace).values()
        return sign_in_page(
            request.headers.get("accept-language", ""),
            target,
            trouble,
            status=status,
            password=any(one.password for one in known),
            provider_href=provider.login_href() if any(one.password is None for one in known) else "",
            wait_min=wait_min,
        )

    async def _sign_in(self, request: Request) -> Response:
        body = await _limited_body(request)
        if body is None:
            return PlainTextResponse("Too large.", status_code=413)
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        name, password, target = (fields.get(key, [""])[0] for key in ("name", "password", "next"))
        address = request.client.host if request.client else ""
        wait_sec = self._tries.wait_sec(address, name)
        if wait_sec:
            minutes = math.ceil(wait_sec / 60)
            refused = self._form(request, own_path(target), "access.slow_down", 429, minutes)
            refused.headers["retry-after"] = str(math.ceil(wait_sec))
            return refused
        self._tries.failed(address, name)
        account = await self._checked(name, password)
        if account is None:
            _log.warning("a sign-in was refused")
            return self._form(request, own_path(target), "access.wrong", 401)
        self._tries.passed(address, name)
        _log.info("somebody has signed in, role %s", account.role)
        response = RedirectResponse(own_path(target), status_code=303)
        self._give_cookie(request, response.headers, account)
        return response

    async def _checked(self, name: str, password: str) -> Account | None:
        async with self._checking:
            try:
                return await run_in_threadpool(accounts.check_password, self.workspace, name, password)
            except StoreError as error:
                _log.error("nobody can sign in: %s", named(error))
                return None

    def _give_cookie(self, request: Request, headers: MutableHeaders, account: Account) -> None:
        old = _cookie(request.scope, COOKIE)
        known = self.visits.of_token(old) if old else None
        if known is not None:
            self.visits.end(known.key)
        headers.append("set-cookie", _set_cookie(request, self.visits.begin(account)))

    def _sign_out(self, request: Request, visit: Visit | None) -> Response:
        if visit is not None:
            self.visits.end(visit.key)
        response = RedirectResponse(SIGN_IN, status_code=303)
        response.headers.append("set-cookie", _set_cookie(request, "", 0))
        for name in request.cookies:
            if name.startswith(provider.COOKIES):
                response.delete_cookie(name, path="/")
        response.headers["clear-site-data"] = '"cache"'
        return response

    def _signing_in(self, request: Request, send: Send) -> Send:
        """Begin a visit where the identity provider's answer names somebody with an account; else turn it away."""

        async def turned(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                person = provider.person_of(headers.getlist("set-cookie"))
                account = provider.account_of(person, _accounts(self.workspace))
                if account is not None:
                    _log.info("somebody has signed in with the provider, role %s", account.role)
                    self._give_cookie(request, headers, account)
                else:
                    _log.warning("a sign-in with the provider was refused")
                    kept = [(key, value) for key, value in message["headers"] if key.lower() != b"set-cookie"]
                    message = {**message, "status": 303, "headers": kept}
                    MutableHeaders(scope=message)["location"] = f"{SIGN_IN}?uninvited"
            await send(message)

        return turned

    def _keep_sweeping(self) -> None:
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SEC)
            self.visits.sweep(await run_in_threadpool(_accounts, self.workspace))


def own_path(target: str) -> str:
    """A path of this studio to go on to; the first page for anything else (another site, a path of the gate)."""
    foreign = not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable()
    return "/" if foreign or "\\" in target or target.partition("?")[0] in (SIGN_IN, SIGN_OUT, SESSION) else target


def _accounts(workspace: Workspace) -> Mapping[str, Account]:
    """The accounts, none while they cannot be read: then nobody is let in."""
    try:
        return accounts.accounts(workspace)
    except StoreError as error:
        _log.error("the accounts cannot be read: %s", named(error))
        return {}


def _ask_to_sign_in(request: Request) -> Response:
    if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
        query = f"?{request.url.query}" if request.url.query else ""
        target = quote(own_path(request.url.path + query), safe="/")
        return RedirectResponse(f"{SIGN_IN}?next={target}" if target != "/" else SIGN_IN, status_code=303)
    return PlainTextResponse("Sign in first.", status_code=401, headers={"cache-control": "no-store"})


def _cookie(scope: Scope, name: str) -> str:
    """A cookie's value, "" for none. Where several are sent, none counts: one may be planted by another port."""
    found = []
    for key, value in scope["headers"]:
        if key == b"cookie":
            for part in value.decode("latin-1").split(";"):
                begin, _, rest = part.strip().partition("=")
                if begin == name:
                    found.append(rest)
    return found[0] if len(found) == 1 else ""


def _set_cookie(request: Request, token: str, seconds: int | None = None) -> str:
    cookie: SimpleCookie = SimpleCookie({COOKIE: token})
    morsel = cookie[COOKIE]
    morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Lax"
    if request.url.scheme == "https":
        morsel["secure"] = True
    if seconds is not None:
        morsel["max-age"] = seconds
    return morsel.OutputString()


async def _limited_body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            return None
    return body


def is_redrawn_by_itself(data: bytes) -> bool:
    """Whether a message of the browser is a part of a page that redraws itself, and not what a person did."""
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except Exception:  # noqa: BLE001 - protobuf has no types; what it cannot read is a protocol error to Streamlit too
        return False
    return bool(message.rerun_script.is_auto_rerun)
