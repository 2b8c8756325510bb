"""Small widgets that more than one page uses."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import TypeVar

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.loop import Loop
from studio.components import transport
from studio.wording.text import error_text, literally, t

Code = TypeVar("Code")


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Show a ComposerError raised in the block as a message. Fragments need this: the shell never sees their errors."""
    try:
        yield
    except ComposerError as error:
        show_error(error)


def show_error(error: ComposerError) -> None:
    """Show a ComposerError in the current language, with its values as they are."""
    st.error(literally(error_text(error)))


def worded(codes: Iterable[Code], name: Callable[[Code], str]) -> Callable[[Code], str]:
    """A `format_func` that looks up all names now, because Streamlit also calls it later, outside any session."""
    names = {code: name(code) for code in codes}
    return lambda code: names.get(code, str(code))


def play_button(load: Callable[[], Loop], *, title: str, key: str, loop_id: str = "", label: str | None = None) -> None:
    """A button that puts a loop into the transport; `load` is called only on a click."""

    def start() -> None:
        transport.play(load(), title=title, loop_id=loop_id, key=key)

    held = transport.now_playing() == key
    st.button(
        t("common.play") if label is None else label,
        key=f"play.{key}",
        icon=":material/graphic_eq:" if held else ":material/play_arrow:",
        type="primary" if held else "secondary",
        on_click=start,
    )


def icon_button(
    name: str,
    icon: str,
    *,
    key: str,
    on_click: Callable[..., None],
    args: Sequence[object],
    disabled: bool = False,
    why_not: str | None = None,
) -> None:
    """A button that shows only its icon.

    Its name is read out and shown as a hint. Its key becomes "icon." + `key`. With a reason `why_not` it is disabled,
    and the hint says why.
    """
    st.button(
        name,
        icon=icon,
        key=f"icon.{key}",
        help=why_not or name,
        on_click=on_click,
        args=tuple(args),
        disabled=disabled or why_not is not None,
    )


def picture(svg: str, name: str) -> None:
    """Draw an SVG as wide as its container, as an image with a name for screen readers."""
    data = base64.b64encode(svg.encode()).decode()
    st.html(f'<img class="picture" alt="{escape(name)}" src="data:image/svg+xml;base64,{data}">')


def translate_uploader() -> None:
    """Replace the uploader's built-in English text by ours; the texts are constants of the dictionary."""
    size = st.get_option("server.maxUploadSize")
    button, limit = t("common.upload_button"), t("common.upload_limit", size=size)
    zone = '[data-testid="stFileUploaderDropzone"]'
    instructions = '[data-testid="stFileUploaderDropzoneInstructions"]'
    st.html(
        f"<style>{zone} button p, {instructions} * {{font-size: 0;}}"
        f'{zone} button p::after {{content: "{button}"; font-size: 0.9rem;}}'
        f'{instructions}::after {{content: "{limit}"; font-size: 0.85rem;}}</style>'
    )
