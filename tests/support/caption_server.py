"""A local server that answers as an OpenAI-compatible one does, or fails in every way one can."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = {"caption_en": "A calm drum loop for a late evening.", "caption_ja": "夜更けに似合う穏やかなドラムループ。"}


def completion(content: Any) -> bytes:
    """The body of a chat completion that says `content`."""
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


class CaptionServer:
    """`url` to ask, `requests` as (path, headers, body), and `answer`, what a request is answered with."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = says(json.dumps(GOOD, ensure_ascii=False))
        self.closing = threading.Event()


def says(content: Any) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with a chat completion."""
    return sends(200, completion(content))


def sends(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with these bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def caption_server() -> Iterator[CaptionServer]:
    """A server for the time of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.requests.append((self.path, dict(self.headers), body))
            # Clients that have had enough close the connection.
            with suppress(BrokenPipeError, ConnectionResetError):
                made.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = CaptionServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.closing.set()
            server.shutdown()
            thread.join()
