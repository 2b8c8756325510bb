"""The two pages that are drawn without Streamlit: the form that asks for a password, and the one that ends a session.

They hold no script, load nothing, and are in the language the browser asks for first.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

from studio.server.headers import common_headers
from studio.wording.text import dictionary

_STYLE = (
    "body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.6 system-ui,'Hiragino Sans',"
    "'Yu Gothic UI','Noto Sans CJK JP',sans-serif;background:#14131c;color:#eceaf6}"
    "main{width:min(22rem,88vw)}h1{font-size:1.4rem}label{display:block;margin:.8rem 0 .2rem}"
    "input{width:100%;box-sizing:border-box;padding:.55rem .7rem;border:1px solid #6a6688;border-radius:.6rem;"
    "background:#1f1d2b;color:inherit;font:inherit}"
    "button,.way{display:block;width:100%;box-sizing:border-box;margin:1.2rem 0 0;padding:.6rem;border:0;"
    "border-radius:.6rem;background:#7d6cf2;color:#fff;font:inherit;text-align:center;text-decoration:none}"
    ":focus-visible{outline:3px solid #b3a8ff;outline-offset:2px}[role=alert]{color:#ffb4ab}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def language_of(accept: str) -> int:
    """The place of the language in the dictionary's entries: 1 (Japanese) where a browser asks for it first, else 0."""
    return 1 if accept.strip().lower().startswith("ja") else 0


def sign_in_page(accept: str, target: str, trouble: str = "", *, status: int = 200, password: bool = True,
                 provider_href: str = "", wait_min: int = 0) -> HTMLResponse:  # fmt: skip
    """The form. `trouble` is a key of the dictionary ("" for none), `target` the path to go on to."""
    place = language_of(accept)
    parts = [f"<h1>{_word('common.app_name', place)}</h1>"]
    if trouble:
        parts.append(f'<p role="alert">{_word(trouble, place, minutes=wait_min)}</p>')
    if password:
        parts.append(
            '<form method="post" action="/sign-in">'
            f'<input type="hidden" name="next" value="{escape(target, quote=True)}">'
            f'<label for="name">{_word("access.name", place)}</label>'
            '<input id="name" name="name" autocomplete="username" autocapitalize="none" required autofocus>'
            f'<label for="password">{_word("access.password", place)}</label>'
            '<input id="password" name="password" type="password" autocomplete="current-password" required>'
            f"<button>{_word('access.sign_in', place)}</button></form>"
        )
    if provider_href:
        parts.append(
            f'<a class="way" href="{escape(provider_href, quote=True)}">{_word("access.with_provider", place)}</a>'
        )
    return _page(place, "access.sign_in", "".join(parts), status)


def sign_out_page(accept: str) -> HTMLResponse:
    """One button that ends the session."""
    place = language_of(accept)
    body = f'<form method="post" action="/sign-out"><button>{_word("access.sign_out", place)}</button></form>'
    return _page(place, "access.sign_out", f"<h1>{_word('common.app_name', place)}</h1>{body}", 200)


def _word(key: str, place: int, **values: object) -> str:
    return escape(dictionary()[key][place].format(**values))


def _page(place: int, title: str, body: str, status: int) -> HTMLResponse:
    language = ("en", "ja")[place]
    html = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{_word(title, place)}</title><style>{_STYLE}</style>'
        f"<main>{body}</main></html>"
    )
    response = HTMLResponse(html, status_code=status)
    for name, value in (*common_headers(_POLICY), (b"cache-control", b"no-store")):
        response.headers[name.decode()] = value.decode()
    return response
