"""What a loop of the library is called on screen."""

from __future__ import annotations

import re

from composer_core.music.loop import Loop
from studio.text import t

_ARCHIVE_MEMBER = re.compile(r"[/\\!]")
_SUFFIX = re.compile(r"\.(mid|midi|kar|rmi)$", re.I)


def file_stem(source: str) -> str:
    """The bare name of a source file: 'songs.zip!a/fill.mid' gives 'fill'."""
    return _SUFFIX.sub("", _ARCHIVE_MEMBER.split(source)[-1])


def bars_text(start_bar: int, bars: int) -> str:
    """Which bars of its file a loop is, counted from 1: '5-8' or '3'."""
    first = start_bar + 1
    return str(first) if bars == 1 else f"{first}–{start_bar + bars}"


def loop_title(loop: Loop) -> str:
    """A loop's file and bars."""
    return t("library.loop_title", name=file_stem(loop.source), bars=bars_text(loop.start_bar, loop.bars))


def plain(text: str) -> str:
    """Text out of files for a place that reads Markdown: every sign is shown as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=])", r"\\\1", " ".join(text.split()))
