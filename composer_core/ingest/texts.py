"""Texts by other people: bytes without a declared encoding, guessed."""

from __future__ import annotations

import codecs
import re
import unicodedata

from composer_core.ingest.kanji import COMMON_KANJI

MAX_NAME_LENGTH = 200
_SAMPLE_BYTES = 20_000
"""So much of a table decides its encoding."""
_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_VOICEABLE, _HALF_VOICEABLE = "ｳｶ-ﾄﾊ-ﾎ", "ﾊ-ﾎ"
_VOICED_PAIR = re.compile(f"[{_VOICEABLE}]ﾞ|[{_HALF_VOICEABLE}]ﾟ")
_IMPOSSIBLE_NARROW = re.compile(
    f"(?<![{_VOICEABLE}])ﾞ|(?<![{_HALF_VOICEABLE}])ﾟ"  # a voicing mark on what cannot be voiced
    "|(?<![ｦ-ﾟ])[ｧ-ｯｰ]"  # small kana and the long mark begin no word
    "|[ｧ-ｫ][ｧ-ｫ]|ｯ(?![ｶ-ﾄﾊ-ﾎ])|ｰｰ|ﾝﾝ|[｡-･]|(?<![ｦ-ﾟ])[ｦﾝ]"
)
_NARROW = re.compile("[ｦ-ﾟ]")


def decode_text(data: bytes) -> str:
    """Text out of bytes: UTF-8, UTF-16, then the Japanese encodings, then latin-1. Never raises.

    cp932 also accepts most EUC-JP and much latin-1, so among the Japanese encodings the one
    that yields the most usual characters wins: kana and everyday kanji before rare kanji, and
    half-width katakana only where they could be read aloud. NUL and other control characters
    are dropped.
    """
    if data.isascii() and b"\x1b" not in data:
        return _clean(data.decode("ascii"))
    encoding = guess_encoding(data)
    mark = next((mark for mark in (*_UTF16_MARKS, codecs.BOM_UTF8) if data.startswith(mark)), b"")
    return _clean(data[len(mark) :].decode(encoding, errors="replace"))


def decode_table(data: bytes) -> str:
    """Text of a whole table, a mark at its beginning taken off; nothing is dropped from it."""
    encoding = "ascii" if data.isascii() else guess_encoding(data)
    return data.decode(encoding, errors="replace").removeprefix("\ufeff")


def guess_encoding(data: bytes) -> str:
    """The Python name of the encoding in which `data` looks most like text; latin-1 when in none."""
    for mark, name in _UTF16_MARKS.items():
        if data.startswith(mark):
            return name
    if (text := _try(data, "utf-8")) is not None and "\x1b" not in text and not unicodedata.combining(text[:1]):
        return "utf-8"
    if b"\x1b$" in data and _try(data, "iso2022_jp") is not None:
        return "iso2022_jp"
    names = [name for name in ("cp932", "euc_jp", *_wide_names(data)) if _try(data, name) is not None]
    likelihood = {name: _likelihood(_sample(data, name)) for name in names}
    best = max(names, key=lambda name: likelihood[name], default=None)
    return best if best is not None and likelihood[best] > 0.0 else "latin-1"


def short_name(data: bytes) -> str:
    """A track name: decoded, on one line, at most 200 characters."""
    return " ".join(decode_text(data[: 4 * MAX_NAME_LENGTH]).split())[:MAX_NAME_LENGTH]


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _wide_names(data: bytes) -> list[str]:
    """UTF-16 without a mark is thought of only where it gives nothing but ASCII, kana and everyday kanji."""
    if len(data) % 2 or len(data) < 4:
        return []
    return [name for name in ("utf-16-be", "utf-16-le") if _usual(_sample(data, name))]


def _usual(text: str) -> bool:
    return all(" " <= c <= "~" or "\u3041" <= c <= "\u30ff" or c in COMMON_KANJI or c in "\r\n\t\0" for c in text)


def _sample(data: bytes, encoding: str) -> str:
    """Enough non-ASCII text to judge by."""
    return data[:_SAMPLE_BYTES].decode(encoding, errors="ignore")


def _likelihood(text: str) -> float:
    """How Japanese a text looks: the mean over its non-ASCII characters, above 0 when it does."""
    narrow = _narrow_weight(text)
    weights = [_weight(character, narrow) for character in text if not character.isascii()]
    return sum(weights) / len(weights) if weights else 0.0


def _narrow_weight(text: str) -> float:
    """Of half-width katakana: meant when they could be read aloud, most surely with a voiced sound or long vowel."""
    if _IMPOSSIBLE_NARROW.search(text) or len(_NARROW.findall(text)) < 2:
        return 0.2
    return 0.95 if _VOICED_PAIR.search(text) or "ｰ" in text else 0.7


def _weight(character: str, narrow: float) -> float:
    if "\u3041" <= character <= "\u30ff" or character in COMMON_KANJI:
        return 1.0
    if "\u4e00" <= character <= "\u9fff":
        return 0.5 if _first_level(character) else 0.1
    if "\uff61" <= character <= "\uff9f":
        return narrow
    if unicodedata.east_asian_width(character) in "FW" or character in "〜…―※♪♭♯":
        return 0.5
    return -1.0


def _first_level(character: str) -> bool:
    """Whether a kanji is one of the 2,965 of JIS X 0208's first level (lead bytes B0 to CF in EUC)."""
    try:
        return 0xB0 <= character.encode("euc_jp")[0] <= 0xCF
    except UnicodeEncodeError:
        return False


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text.replace("\x00", "")).strip()
