"""Callbacks for clicks in the Library: show a loop, play it, sort, turn the page, select."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.errors import ComposerError
from composer_core.pipeline.library import loops
from studio import queries, session
from studio.components import transport
from studio.label.desk import play_key
from studio.library.selection import mark
from studio.library.view import change_view


def show(loop_id: str) -> None:
    """Show a loop in detail."""
    change_view(loop=loop_id)


def play(loop_id: str) -> None:
    """Show a loop in detail and play it."""
    show(loop_id)
    workspace = session.workspace()
    try:
        title = queries.title_of(workspace, loop_id)
        loop = loops.load_loop(workspace, loop_id)
    except ComposerError as error:
        session.set_problem(error)
        return
    transport.play(loop, title=title, loop_id=loop_id, key=play_key(loop_id))


def on_row(event: Mapping[str, object]) -> None:
    """Something was done in a table of loops."""
    told: Mapping[str, Any] = event
    kind = told["kind"]
    if kind == "choose":
        show(str(event["id"]))
    elif kind == "play":
        play(str(event["id"]))
    elif kind == "mark":
        mark([str(loop_id) for loop_id in told["ids"]], bool(told["on"]))
    elif kind == "page":
        change_view(page=int(told["page"]))
    elif kind == "sort":
        change_view(sort=str(event["by"]), descending=bool(event["descending"]), page=0)
