"""Texts in MIDI files: bytes without a declared encoding, guessed."""

from __future__ import annotations

import re
import unicodedata

ENCODINGS = ("utf-8", "iso2022_jp", "cp932", "euc_jp")
"""In this order; latin-1, which accepts everything, comes last."""
MAX_NAME_LENGTH = 200
_VOICED_PAIR = re.compile("[ｳｶ-ﾄﾊ-ﾎ]ﾞ|[ﾊ-ﾎ]ﾟ")
_LONE_VOICING = re.compile("(?<![ｳｶ-ﾄﾊ-ﾎ])ﾞ|(?<![ﾊ-ﾎ])ﾟ")


def decode_text(data: bytes) -> str:
    """Text out of bytes: UTF-8, then the Japanese encodings, then latin-1. Never raises.

    cp932 also accepts most EUC-JP and much latin-1, so among the Japanese encodings the one
    that yields the most usual characters wins. EUC-JP read as cp932 is full of half-width
    katakana; only with voicing marks where they belong are these taken for meant. NUL and
    other control characters are dropped.
    """
    if data.isascii() and b"\x1b" not in data:
        return _clean(data.decode("ascii"))
    if (text := _try(data, "utf-8")) is not None and "\x1b" not in text:
        return _clean(text)
    if b"\x1b$" in data and (text := _try(data, "iso2022_jp")) is not None:
        return _clean(text)
    candidates = [text for name in ("cp932", "euc_jp") if (text := _try(data, name)) is not None]
    best = max(candidates, key=_likelihood, default=None)
    if best is not None and _likelihood(best) > 0.0:
        return _clean(best)
    return _clean(data.decode("latin-1"))


def short_name(data: bytes) -> str:
    """A track name: decoded, on one line, at most 200 characters."""
    return " ".join(decode_text(data[: 4 * MAX_NAME_LENGTH]).split())[:MAX_NAME_LENGTH]


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _likelihood(text: str) -> float:
    """How Japanese a text looks: the mean over its non-ASCII characters, above 0 when it does."""
    narrow = 0.9 if _VOICED_PAIR.search(text) and not _LONE_VOICING.search(text) else 0.3
    weights = [_weight(character, narrow) for character in text if not character.isascii()]
    return sum(weights) / len(weights) if weights else 0.0


def _weight(character: str, narrow: float) -> float:
    if "\u3041" <= character <= "\u30ff":
        return 1.0
    if "\u4e00" <= character <= "\u9fff":
        return 0.6
    if "\uff61" <= character <= "\uff9f":
        return narrow
    if unicodedata.east_asian_width(character) in "FW":
        return 0.5
    return -1.0


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text.replace("\x00", "")).strip()
