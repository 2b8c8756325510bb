"""Ask a language model for captions, at an OpenAI-compatible address the user names; without one nothing is sent.

Only the labels are sent, in words: no notes, no names of files or people.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from composer_core.errors import EndpointError, InvalidValue, Unavailable, require_range
from composer_core.pipeline.labels.fields import CAPTIONS, check_value

URL_VARIABLE, MODEL_VARIABLE, KEY_VARIABLE = "COMPOSER_CAPTION_URL", "COMPOSER_CAPTION_MODEL", "COMPOSER_CAPTION_KEY"
MAX_ANSWER_BYTES = 64 * 1024
DEFAULT_TIMEOUT_SEC, MAX_TIMEOUT_SEC = 60.0, 600.0
_MAX_MODEL_NAME = 80
_MAX_REASON = 200
_PATH = "/chat/completions"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_FENCE = re.compile(r"^```(?:json)?\s*|\s*```$")
_TASK = (
    "You describe music loops for a catalogue. You get what is known of one loop as JSON. Answer with one JSON object "
    'and nothing else: {"caption_en": "one English sentence", "caption_ja": "同じ内容の日本語の一文"}. '
    "Each sentence has at most 200 characters. Say only what is given: no instrument, number, key, style or mood that "
    "is not there."
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where captions are asked for. `url` is the address before /chat/completions, such as http://localhost:11434/v1.

    Raises InvalidValue for an address that is none, that holds a password, or that would carry
    the key unencrypted to another machine. The key is shown in no message and no repr.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout_sec: float = DEFAULT_TIMEOUT_SEC

    def __post_init__(self) -> None:
        parts = _split(self.url)
        if not (0 < len(self.model) <= _MAX_MODEL_NAME and self.model.isprintable() and self.model.strip()):
            raise InvalidValue("bad_format", name="model", value=self.model, expected="the model's name")
        require_range("timeout", self.timeout_sec, 0.1, MAX_TIMEOUT_SEC, " s")
        if self.key and not (self.key.isascii() and self.key.isprintable()):
            raise InvalidValue("bad_format", name=KEY_VARIABLE, value="(not shown)", expected="a key in ASCII")
        if self.key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            reason = "over http the key can be read on its way; use https"
            raise InvalidValue("contradiction", first=KEY_VARIABLE, second=self.url, reason=reason)

    @property
    def source(self) -> str:
        """Who said so: the model's name and where it runs."""
        return f"model:{self.model}@{_split(self.url).hostname}"


def endpoint_of(url: str = "", model: str = "", timeout_sec: float | None = None) -> Endpoint:
    """The endpoint of the options given, else of the environment; Unavailable where neither names one."""
    url = url or os.environ.get(URL_VARIABLE, "")
    model = model or os.environ.get(MODEL_VARIABLE, "")
    if not (url and model):
        raise Unavailable("endpoint_unset", url_variable=URL_VARIABLE, model_variable=MODEL_VARIABLE)
    timeout = DEFAULT_TIMEOUT_SEC if timeout_sec is None else timeout_sec
    return Endpoint(url, model, os.environ.get(KEY_VARIABLE, ""), timeout)


def ask(endpoint: Endpoint, facts: Mapping[str, object]) -> dict[str, str]:
    """`caption_en` and `caption_ja` of a loop as the model words its `facts`.

    Raises EndpointError: not reachable, refused, too slow (the whole exchange has
    `timeout_sec`), too long, no JSON, no caption, or a caption with a number that is not among the facts.
    """
    messages = [
        {"role": "system", "content": _TASK},
        {"role": "user", "content": json.dumps(facts, ensure_ascii=False, sort_keys=True)},
    ]
    body = json.dumps({"model": endpoint.model, "messages": messages, "temperature": 0.3, "stream": False})
    return _captions(endpoint, _content(endpoint, _exchange(endpoint, body.encode())), facts)


def _exchange(endpoint: Endpoint, body: bytes) -> bytes:
    """Send one request; the body of its answer. Redirects are not followed: the key goes nowhere else."""
    parts = _split(endpoint.url)
    connection = _connection(parts, endpoint.timeout_sec)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    over = threading.Event()
    # The socket's own limit is for each wait; an answer that trickles needs one for the whole.
    timer = None
    try:
        connection.connect()
        # The socket is kept here, for the connection forgets it once the head of an answer is read.
        timer = threading.Timer(endpoint.timeout_sec, _hang_up, (connection.sock, over))
        timer.daemon = True
        timer.start()
        connection.request("POST", parts.path.rstrip("/") + _PATH, body, headers)
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        if over.is_set() or isinstance(error, TimeoutError):
            raise EndpointError("endpoint_slow", url=endpoint.url, limit=endpoint.timeout_sec) from error
        reason = _clean(endpoint, str(error) or type(error).__name__)
        raise EndpointError("endpoint_unreachable", url=endpoint.url, reason=reason) from error
    finally:
        if timer is not None:
            timer.cancel()
        connection.close()
    if over.is_set():
        raise EndpointError("endpoint_slow", url=endpoint.url, limit=endpoint.timeout_sec)
    if response.status != http.client.OK:
        reason = _clean(endpoint, _refusal_text(answer) or response.reason)
        raise EndpointError("endpoint_refused", url=endpoint.url, status=response.status, reason=reason)
    if len(answer) > MAX_ANSWER_BYTES:
        raise _no_caption(endpoint, f"it is longer than {MAX_ANSWER_BYTES} bytes")
    return answer


def _connection(parts: SplitResult, timeout_sec: float) -> http.client.HTTPConnection:
    host = str(parts.hostname)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout_sec, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port, timeout=timeout_sec)


def _hang_up(connected: socket.socket, over: threading.Event) -> None:
    over.set()
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _content(endpoint: Endpoint, answer: bytes) -> str:
    try:
        content = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise _no_caption(endpoint, "it is no chat completion in JSON") from error
    if not isinstance(content, str):
        raise _no_caption(endpoint, "its message holds no text")
    return content


def _captions(endpoint: Endpoint, content: str, facts: Mapping[str, Any]) -> dict[str, str]:
    try:
        found = json.loads(_FENCE.sub("", content.strip()))
    except (ValueError, RecursionError) as error:
        raise _no_caption(endpoint, f"its text is no JSON object: {_clean(endpoint, content)!r}") from error
    if not isinstance(found, dict):
        raise _no_caption(endpoint, f"its text is no JSON object: {_clean(endpoint, content)!r}")
    given = [float(number) for number in _NUMBER.findall(json.dumps(facts))]
    known = {*given, *(float(round(number)) for number in given)}
    made = {}
    for name in CAPTIONS:
        try:
            made[name] = str(check_value(name, found.get(name), ""))
        except InvalidValue as error:
            raise _no_caption(endpoint, f"{name} is no sentence: {_clean(endpoint, str(found.get(name)))!r}") from error
        invented = [number for number in _NUMBER.findall(made[name]) if float(number) not in known]
        if invented:
            raise _no_caption(endpoint, f"{name} says {invented[0]}, which is not known of the loop")
    if not _JAPANESE.search(made["caption_ja"]):
        raise _no_caption(endpoint, f"caption_ja is not Japanese: {_clean(endpoint, made['caption_ja'])!r}")
    return made


def _refusal_text(answer: bytes) -> str:
    """What a refusal says, where it says so as OpenAI does."""
    try:
        error = json.loads(answer)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _clean(endpoint: Endpoint, text: str) -> str:
    """Text of another machine for a message: one short printable line without the key, which some servers repeat."""
    shown = text.replace(endpoint.key, "***") if endpoint.key else text
    line = "".join(letter if letter.isprintable() else " " for letter in shown)
    return line if len(line) <= _MAX_REASON else line[: _MAX_REASON - 1] + "…"


def _no_caption(endpoint: Endpoint, reason: str) -> EndpointError:
    return EndpointError("endpoint_answer", url=endpoint.url, reason=reason)


def _split(url: str) -> SplitResult:
    """The parts of an address; InvalidValue unless it is http(s)://HOST[:PORT][/PATH]."""
    expected = "an address such as http://localhost:11434/v1"
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    # A password typed into the address must not end in a log.
    shown = url if "@" not in url else "(not shown, for it holds an @)"
    if not known or not url.isprintable() or " " in url:
        raise InvalidValue("bad_format", name="endpoint", value=shown, expected=expected)
    if parts.username is not None or parts.query or parts.fragment:
        expected += f" and no more; the key goes into {KEY_VARIABLE}"
        raise InvalidValue("bad_format", name="endpoint", value=shown, expected=expected)
    return parts
