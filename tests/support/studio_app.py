"""The studio opened without a browser, through its router."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from composer_core.pipeline.settings import Settings, save_settings
from composer_core.workspace import Workspace
from studio import session
from studio.wording.text import dictionary

ROOT = Path(__file__).resolve().parents[2]
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


def open_library(params: dict[str, str] | None = None) -> AppTest:
    """The Library page at an address with these parameters."""
    app = open_studio()
    app.query_params.update(params or {})
    app.switch_page("../pages/library.py").run()
    assert not app.exception
    return app


def open_label(
    workspace: Workspace, rater: str = "aki", language: str = "en", selected: Sequence[str] = (), **widgets: Any
) -> AppTest:
    """The Label page for a rater, without sound and with the newest loop first; `widgets` are set otherwise before."""
    save_settings(workspace, Settings(rater=rater))
    app = open_studio("generate", language)
    app.session_state[session.SELECTION] = list(selected)
    for name, value in {"autoplay": False, "order": "newest", **widgets}.items():
        app.session_state[f"label.{name}"] = value
    app.switch_page("../pages/label.py").run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    """Click a button."""
    app.button(key=key).click().run()
    assert not app.exception
    return app


def text(key: str, language: str = "en", **values: Any) -> str:
    """A sentence of the dictionary, filled in."""
    return dictionary()[key][language == "ja"].format(**values)


def written(app: AppTest) -> str:
    """Everything the page says in words."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.success, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def component_data(app: AppTest, name: str) -> dict[str, Any]:
    """What the one component of this name was given."""
    found = [element.proto for element in app.get("bidi_component") if element.proto.component_name == name]
    assert len(found) == 1
    data: dict[str, Any] = json.loads(found[0].json)
    return data
