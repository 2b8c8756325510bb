"""The text of every screen in English and Japanese."""

from __future__ import annotations

import pkgutil
import re
from functools import cache
from importlib import import_module

import streamlit as st

from composer_core.errors import ComposerError, sayable
from studio import session
from studio.session import Language
from studio.wording import texts
from studio.wording.value_names import in_japanese

_MARKDOWN = re.compile(r"([\\`*_\[\]$<>~#|]|:(?=[A-Za-z]))")
_READ_AS_MORE = re.compile(r"https?:(?=//)|:(?=material/)|www(?=\.)|(?<=[\w.+-])@(?=\w)", re.I)
_JOINER = "\u2060"
"""The word joiner takes no room and breaks no line."""
LANGUAGES: tuple[Language, ...] = ("en", "ja")


@cache
def dictionary() -> dict[str, tuple[str, str]]:
    """Every entry (English, Japanese) of the screens' dictionaries; a key defined twice is refused."""
    merged: dict[str, tuple[str, str]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(texts.__path__)):
        for key, entry in import_module(f"{texts.__name__}.{module}").TEXTS.items():
            if key in merged:
                raise ValueError(f"text key {key!r} is defined twice, again in {module}")
            merged[key] = entry
    return merged


def language() -> Language:
    """The person's choice, else Japanese where the browser asks for it, else English."""
    return session.chosen_language() or browser_language()


def browser_language() -> Language:
    """The language the browser asks for, English unless it is Japanese."""
    return "ja" if (st.context.locale or "").lower().startswith("ja") else "en"


def t(key: str, **values: object) -> str:
    """The text of a key in the current language with its fields filled in; KeyError for an unknown key."""
    return dictionary()[key][LANGUAGES.index(language())].format(**values)


def error_text(error: ComposerError) -> str:
    """What went wrong in the current language; names of values are translated too."""
    said = {key: sayable(value) for key, value in error.values.items()}
    values = {key: translated_value(value) if type(value) is str else value for key, value in said.items()}
    return t(f"error.{error.code}", **values)


def translated_value(value: str) -> str:
    """A word the core says (a device's name, a reason) in the current language."""
    return in_japanese(value) if language() == "ja" else value


def literally(text: str) -> str:
    """Text of others (a file's name, a message) so that Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", unlinked(text))


def unlinked(text: str) -> str:
    """Text with an invisible sign in what becomes a link or an icon although every sign of Markdown is escaped.

    Addresses and Streamlit's icons are looked for in the text that is left after Markdown was read.
    """
    return _READ_AS_MORE.sub(lambda found: found[0] + _JOINER, text)
