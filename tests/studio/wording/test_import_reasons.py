"""What readers say of damaged files, in Japanese: no English sentence inside a Japanese one."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from composer_core.errors import RefusedFile
from composer_core.ingest.archive import read_members
from composer_core.ingest.chunks import _name_beginning
from studio.wording.value_names import in_japanese

ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


@pytest.mark.parametrize(
    ("said", "japanese"),
    [
        ("Bad CRC-32 for file 'a.mid'", "CRC-32 が合いません"),
        ("194515 bytes become 200000000 or more", "194515 バイトが 200000000 バイト以上になります"),
        ("track 3", "トラック 3"),
        ("a header of 14854 bytes", "14854 バイトのヘッダー"),
        ("Get velocity=153", "ベロシティ = 153"),
        ("Get pitch_bend=8289", "ピッチベンド = 8289"),
        ("Message length 7205 exceeds maximum length 1000000", "メッセージの長さ 7205 が上限の 1000000 を超えています"),
    ],
)
def test_words_of_readers(said: str, japanese: str) -> None:
    assert in_japanese(said) == japanese


@pytest.mark.parametrize("beginning", [b"PK34", b"Rar!", b"ID3\x04", b"OggS", b"fLaC", b"SMF2CLIP", b"XMF_", b"<html>"])
def test_what_a_file_is_instead_of_midi(beginning: bytes) -> None:
    assert not ENGLISH.search(in_japanese(_name_beginning(beginning + bytes(8))))


def test_damaged_zips(tmp_path: Path) -> None:
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.mid", bytes(range(256)) * 40)
    data = whole.read_bytes()
    changed = data[:300] + b"?" + data[301:]
    cases = {"text.zip": b"not a zip at all", "cut.zip": data[: len(data) - 30], "changed.zip": changed}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        reason = refusal(tmp_path / name).values["reason"]
        assert not ENGLISH.search(in_japanese(reason)), reason


def refusal(path: Path) -> RefusedFile:
    """The first refusal an archive or one of its members gives."""
    try:
        return next(member.refusal for member in read_members(str(path), "zip") if member.refusal is not None)
    except RefusedFile as error:
        return error
