"""Names out of bytes: Japanese in four encodings, latin-1, and bytes that are no text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.ingest.texts import MAX_NAME_LENGTH, decode_text, short_name

JAPANESE = (
    "ドラム",
    "ベース",
    "ピアノ右手",
    "ピアノ 左手",
    "アコースティックギター",
    "第1バイオリン",
    "弦楽四重奏",
    "メロディー",
    "イントロ",
    "サビ",
    "春の海",
    "君が代",
    "さくらさくら",
    "津軽三味線",
    "シンセ(パッド)",
    "トラック１",
    "オルガン／伴奏",
    "ストリングス",
    "エレキギター・ソロ",
    "夜想曲 第2番",
)


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "iso2022_jp"])
@pytest.mark.parametrize("text", JAPANESE)
def test_japanese_names(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize("text", JAPANESE)
def test_japanese_names_in_euc(text: str) -> None:
    assert decode_text(text.encode("euc_jp")) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"Piano", "Piano"),
        ("Flöte".encode("latin-1"), "Flöte"),
        ("Contrabasse à pédale".encode("latin-1"), "Contrabasse à pédale"),
        ("ﾄﾞﾗﾑ".encode("cp932"), "ﾄﾞﾗﾑ"),
        ("①髙橋".encode("cp932"), "①髙橋"),
        (b"a\x00b\x1b[31m", "ab [31m"),
    ],
)
def test_other_names(data: bytes, text: str) -> None:
    assert decode_text(data) == text


@given(st.binary(max_size=80))
def test_never_raises_and_shows_no_control_characters(data: bytes) -> None:
    text = decode_text(data)
    assert all(c.isprintable() or c in "\n\t" for c in text)


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=40))
def test_utf8_is_kept(text: str) -> None:
    assert decode_text(text.encode()) == text


def test_short_names_are_one_short_line() -> None:
    assert short_name(b"Lead\r\n  Guitar\t2 ") == "Lead Guitar 2"
    assert len(short_name(b"x" * 1_000_000)) == MAX_NAME_LENGTH
