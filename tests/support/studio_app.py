"""The studio opened without a browser, through its router."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from composer_core.workspace import Workspace
from studio import session
from studio.components import desk as browser
from studio.rater import RATER
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
    assert workspace.root.exists()
    app = open_studio("generate", language)
    app.session_state[session.SELECTION] = list(selected)
    app.session_state[RATER] = rater  # what the browser would tell
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


def desk_data(app: AppTest) -> dict[str, Any]:
    """What the browser's desk was given."""
    return component_data(app, "composer_desk")


def on_screen(app: AppTest) -> dict[str, Any]:
    """The loop on the desk, as the browser has it."""
    hand: dict[str, Any] = desk_data(app)["hands"][0]
    return hand


def form_of(hand: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What Approve stores of an untouched form: the values shown but those of which an estimator is 0 % sure."""
    return {name: value for name, value in hand["values"].items() if name not in hand["unsure"]} | changes


def decide_in_browser(app: AppTest, kind: str, note: str | None = None, **values: Any) -> dict[str, Any]:
    """Press a decision on the loop on screen, the form changed by `values`; gives the answer."""
    hand = on_screen(app)
    given = {} if kind == "skip" else form_of(hand, **values)
    said = {"kind": kind, "loop": hand["id"], "values": given, "seen": hand["seen"]}
    return send(app, {**said, "note": hand["note"] if note is None else note})


def undo_in_browser(app: AppTest) -> dict[str, Any]:
    """Press U on a page that has just been opened: it knows of no decision of its own."""
    return send(app, {"kind": "undo", "loop": "", "target": None})


def send(app: AppTest, *presses: dict[str, Any]) -> dict[str, Any]:
    """Send presses as the browser does, numbered and with the rater on screen where they have none; gives the answer
    to the last."""
    try:
        count = int(app.session_state["presses"])
    except KeyError:
        count = 0
    rater = desk_data(app)["rater"]
    listed = [
        {"client": "browser", "press": count + number, "rater": rater, **press}
        for number, press in enumerate(presses, start=1)
    ]
    app.session_state["presses"] = count + len(presses)
    app.session_state[browser.KEY] = {"queue": {"presses": listed, "screen": presses[-1]["loop"], "at": count + 1}}
    app.run()
    assert not app.exception
    answer: dict[str, Any] = desk_data(app)["answers"][-1]
    return answer


def look(app: AppTest) -> AppTest:
    """Ask for news, as the browser does while nothing is pressed."""
    hands = desk_data(app)["hands"]
    app.session_state[browser.KEY] = {"look": {"screen": hands[0]["id"] if hands else "", "at": 10**15}}
    app.run()
    assert not app.exception
    return app
