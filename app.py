"""The application: the studio behind its doors, and the route that serves its rendered audio.

`scripts/studio` starts it. `streamlit run app.py` is as safe for this computer, and refuses to serve a network.
"""

from __future__ import annotations

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from composer_core.errors import NotFound
from composer_core.pipeline.generation.audition import audio_path
from composer_core.workspace import default_workspace
from studio.navigation import PAGE_NAMES
from studio.server.doors import Doors
from studio.server.options import check_start

MEDIA_TYPES = {".flac": "audio/flac", ".wav": "audio/wav"}
FOR_EVER = "public, max-age=31536000, immutable"
"""The name is the hash of the content, so a cached answer is never stale."""


def audio(request: Request) -> Response:
    """Serve one rendered loop from the workspace's cache. FileResponse handles range requests."""
    try:
        path = audio_path(default_workspace(), request.path_params["name"])
    except NotFound as error:
        return PlainTextResponse(str(error), status_code=404)
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers=headers)


def first_page(request: Request) -> Response:
    """Redirect the first page's own name to the bare address, where Streamlit serves it, and keep the query."""
    return RedirectResponse(f".?{request.url.query}" if request.url.query else ".")


ROUTES = [Route("/api/audio/{name}", audio), Route(f"/{PAGE_NAMES[0]}", first_page)]
check_start()
app = st.App("studio/shell.py", routes=ROUTES, middleware=[Middleware(Doors)])
