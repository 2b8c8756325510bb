"""Signing in with an identity provider: who is let in, and one whole way there and back with a provider of our own."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from composer_core.pipeline.access.accounts import Account, Password, set_account
from composer_core.workspace import Workspace
from studio.server.gate import COOKIE
from studio.server.provider import account_of
from studio_server import free_port, studio_server

KNOWN = {
    one.name: one
    for one in (
        Account("kim@example.org", "owner"),
        Account("sub-7", "viewer"),
        Account("aki@example.org", "owner", Password("00", "00")),
    )
}


@pytest.mark.parametrize(
    ("person", "name"),
    [
        ({"email": "kim@example.org", "email_verified": True, "sub": "1"}, "kim@example.org"),
        ({"email": "KIM@example.org", "email_verified": True, "sub": "1"}, "kim@example.org"),
        ({"sub": "sub-7"}, "sub-7"),
        ({"email": "kim@example.org", "sub": "1"}, None),  # nobody says that the address is theirs
        ({"email": "kim@example.org", "email_verified": False, "sub": "1"}, None),
        ({"email": "kim@example.org", "email_verified": "true", "sub": "1"}, None),
        ({"email": "aki@example.org", "email_verified": True, "sub": "1"}, None),  # has a password of her own
        ({"email": "who@example.org", "email_verified": True, "sub": "1"}, None),
        ({"name": "kim@example.org", "sub": "1"}, None),
        ({}, None),
    ],
)
def test_only_a_verified_address_or_the_providers_own_identifier_names_an_account(
    person: dict[str, object], name: str | None
) -> None:
    found = account_of(person, KNOWN)
    assert (found.name if found else None) == name


class Provider:
    """An identity provider on this machine; `person` is who signs in next."""

    def __init__(self) -> None:
        from joserfc.jwk import RSAKey

        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.person: dict[str, Any] = {}
        self.nonces: dict[str, str] = {}
        provider = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(provider.answer(self.path, ""))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self._answer(provider.answer(self.path, body))

            def _answer(self, told: tuple[str, object]) -> None:
                kind, value = told
                self.send_response(302 if kind == "redirect" else 200)
                if kind == "redirect":
                    self.send_header("location", str(value))
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(value).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, body: str) -> tuple[str, object]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            told: dict[str, object] = {name: f"{self.address}/{place}" for name, place in names.items()}
            return "json", told | {"issuer": self.address, "id_token_signing_alg_values_supported": ["RS256"]}
        if parts.path == "/authorize":
            code = secrets.token_hex(8)
            self.nonces[code] = query["nonce"]
            return "redirect", f"{query['redirect_uri']}?code={code}&state={query['state']}"
        if parts.path == "/keys":
            return "json", {"keys": [self.key.as_dict(private=False)]}
        code = parse_qs(body)["code"][0]
        return "json", {"access_token": "a", "token_type": "Bearer", "id_token": self._signed(self.nonces.pop(code))}

    def _signed(self, nonce: str) -> str:
        from joserfc import jwt

        now = int(time.time())
        claims = {"iss": self.address, "aud": "studio", "iat": now, "exp": now + 600, "nonce": nonce, **self.person}
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)


@pytest.fixture
def provider() -> Iterator[Provider]:
    pytest.importorskip("authlib")
    made = Provider()
    yield made
    made.server.shutdown()


class Visitor:
    """A browser that follows redirects and keeps the studio's cookies."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def open(self, url: str) -> tuple[int, str, str]:
        """Status, address and body of what a person ends up with."""
        for _ in range(8):
            parts = urlsplit(url)
            connection = http.client.HTTPConnection(parts.netloc, timeout=60)
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request("GET", f"{parts.path}?{parts.query}", headers={"Cookie": cookie, "Accept": "text/html"})
            answer = connection.getresponse()
            for line in answer.headers.get_all("set-cookie") or []:
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            body = answer.read().decode()
            if answer.status not in (302, 303):
                return answer.status, url, body
            target = str(answer.getheader("location"))
            url = target if target.startswith("http") else f"{parts.scheme}://{parts.netloc}{target}"
        raise AssertionError("round and round")


@pytest.mark.slow
def test_one_goes_to_the_provider_and_back_and_only_with_an_account_in(provider: Provider, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace").create()
    set_account(workspace, "kim@example.org", "viewer", None)
    port = free_port()
    secret_file = tmp_path / "secrets.toml"
    secret_file.write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{secrets.token_hex(16)}"\n'
        f'client_id = "studio"\nclient_secret = "x"\n'
        f'server_metadata_url = "{provider.address}/.well-known/openid-configuration"\n'
    )
    more = ("--share", "--server.address", "127.0.0.1", "--secrets.files", str(secret_file))
    with studio_server(workspace.root, *more, port=port) as address:
        guest, kim = Visitor(), Visitor()
        _, _, form = guest.open(address)
        way = re.search(r'class="way" href="([^"]+)"', form)
        assert way is not None and 'type="password"' not in form
        provider.person = {"sub": "2", "email": "who@example.org", "email_verified": True}
        status, where, page = guest.open(address + way[1].replace("&amp;", "&"))
        assert (status, urlsplit(where).path) == (200, "/sign-in") and "role" in page
        assert COOKIE not in guest.cookies
        provider.person = {"sub": "1", "email": "kim@example.org", "email_verified": True}
        status, where, page = kim.open(address + way[1].replace("&amp;", "&"))
        assert (status, urlsplit(where).path) == (200, "/") and 'id="root"' in page
        assert COOKIE in kim.cookies
        signed = next(value for name, value in kim.cookies.items() if name == "_streamlit_user")
        stranger = Visitor()
        stranger.cookies = {"_streamlit_user": signed}  # the provider's word alone opens nothing
        assert urlsplit(stranger.open(address)[1]).path == "/sign-in"
