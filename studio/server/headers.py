"""What every answer tells the browser: what the studio may load, who may frame it, and which devices it may use."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit

_INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
_INLINE = re.compile(r"<script>(.*?)</script>", re.S)
_DENIED = (
    *("accelerometer", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer"),
    *("payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
_OWN = ("autoplay", "clipboard-read", "clipboard-write", "fullscreen", "microphone", "midi")


@cache
def page_headers() -> tuple[tuple[bytes, bytes], ...]:
    """The headers of every answer, except where the answer itself says more strictly (the sign-in page)."""
    policy = {
        "default-src": "'self'",
        # Streamlit's own page has one inline script; components are modules it makes into blobs.
        "script-src": " ".join(["'self'", "blob:", "'wasm-unsafe-eval'", *_inline_hashes()]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "frame-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return common_headers("; ".join(f"{name} {value}" for name, value in policy.items()))


def common_headers(policy: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers beside a content security policy, which is given."""
    devices = [f"{name}=(self)" for name in _OWN] + [f"{name}=()" for name in _DENIED]
    headers = {
        "content-security-policy": policy,
        "permissions-policy": ", ".join(devices),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


def _inline_hashes() -> list[str]:
    """The hashes by which a policy names the inline scripts of Streamlit's page."""
    scripts = _INLINE.findall(_INDEX.read_text(encoding="utf-8"))
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
