"""The studio opened without a browser, through its router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from studio import session

ROOT = Path(__file__).resolve().parent.parent
SHELL = str(ROOT / "studio" / "shell.py")
SECONDS = 60.0


def open_studio(page: str = "generate", language: str = "en") -> AppTest:
    """A session on a page, past the first start (which makes loops for an empty library)."""
    app = AppTest.from_file(SHELL, default_timeout=SECONDS)
    app.session_state[session.STARTED] = True
    app.session_state[session.LANGUAGE] = language
    app.run()
    if page != "generate":
        app.switch_page(f"../pages/{page}.py").run()
    return app


def component_data(app: AppTest, name: str) -> dict[str, Any]:
    """What the one component of this name was given."""
    found = [element.proto for element in app.get("bidi_component") if element.proto.component_name == name]
    assert len(found) == 1
    data: dict[str, Any] = json.loads(found[0].json)
    return data
