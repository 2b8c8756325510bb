"""The name of a library loop on screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from studio.wording.text import t, unlinked

_SEPARATORS = re.compile(r"[/\\!]")
_SUFFIX = re.compile(r"\.(mid|midi|kar|rmi)$", re.I)
_TAKE_CHARACTERS = 6


def file_stem(source: str) -> str:
    """The bare name of a file: 'songs/fill.mid' gives 'fill'."""
    return _SUFFIX.sub("", _SEPARATORS.split(source)[-1])


def bars_text(start_bar: int, bars: int) -> str:
    """Which bars of its file a loop is, counted from 1: '5–8' or '3'."""
    first = start_bar + 1
    return str(first) if bars == 1 else f"{first}–{start_bar + bars}"


def loop_name(row: Mapping[str, object]) -> str:
    """A loop's file (the member of an archive), or its take; `row` is its row of the library table."""
    if row["origin"] == "generated":
        return t("library.take_name", take=str(row["take_id"])[:_TAKE_CHARACTERS])
    return file_stem(str(row["member"] or row["source"]))


def loop_title(row: Mapping[str, object]) -> str:
    """A loop's name with its bars."""
    if row["origin"] == "generated":
        return loop_name(row)
    bars = bars_text(int(cast(int, row["start_bar"])), int(cast(int, row["bars"])))
    key = "library.loop_title_bar" if row["bars"] == 1 else "library.loop_title"
    return t(key, name=loop_name(row), bars=bars)


def plain(text: str) -> str:
    """Text out of files for a place that reads Markdown: every sign is shown as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=])", r"\\\1", unlinked(" ".join(text.split())))
