"""What `streamlit run app.py` starts: the studio, and the route that serves its rendered audio."""

from __future__ import annotations

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from composer_core.errors import NotFound
from composer_core.pipeline.audition import audio_path
from composer_core.workspace import default_workspace

MEDIA_TYPES = {".flac": "audio/flac", ".wav": "audio/wav"}
FOR_EVER = "public, max-age=31536000, immutable"
"""The name is the hash of the content, so a cached answer is never stale."""


def audio(request: Request) -> Response:
    """One rendered loop out of the workspace's cache; FileResponse answers range requests."""
    try:
        path = audio_path(default_workspace(), request.path_params["name"])
    except NotFound as error:
        return PlainTextResponse(str(error), status_code=404)
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers=headers)


ROUTES = [Route("/api/audio/{name}", audio)]
app = st.App("studio/shell.py", routes=ROUTES)
