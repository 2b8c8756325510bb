"""The outer shape of MIDI files: what is refused before any event is read, and why."""

from __future__ import annotations

import struct

import pytest

import smf
from composer_core.errors import RefusedFile
from composer_core.ingest.chunks import read_layout, unwrap_riff

GOOD = smf.drum_bars(1)


def refusal(data: bytes) -> str:
    with pytest.raises(RefusedFile) as caught:
        read_layout(data, "x.mid")
    assert "x.mid" in str(caught.value)
    return caught.value.code


def test_finds_tracks_and_passes_over_alien_chunks() -> None:
    alien = b"XFIH" + struct.pack(">I", 3) + b"abc"
    data = GOOD[:14] + alien + GOOD[14:]
    layout = read_layout(data, "x.mid")
    # 14 bytes of header, 8 + 3 of the alien chunk, 8 of the track's own head.
    assert layout.tracks == ((14 + 11 + 8, len(data)),)
    assert (layout.kind, layout.promised, layout.resolution) == (1, 1, 480)


def test_longer_header_is_read_by_its_own_length() -> None:
    data = b"MThd" + struct.pack(">IHHH", 8, 1, 1, 480) + b"\0\0" + GOOD[14:]
    assert read_layout(data, "x.mid").tracks == ((16 + 8, len(data)),)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"MThd", "truncated"),
        (GOOD[:-1], "truncated"),
        (GOOD[:30], "truncated"),
        (b"not a midi file", "not_midi"),
        (b"PK\x03\x04 and so on", "not_midi"),
        (smf.smf(resolution=0), "bad_resolution"),
        (smf.smf(resolution=0xE804), "smpte_resolution"),
        (b"MThd" + struct.pack(">IHHH", 4, 1, 1, 480), "truncated"),
    ],
)
def test_refusals(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_not_midi_says_what_it_found() -> None:
    with pytest.raises(RefusedFile, match="a zip archive"):
        read_layout(b"PK\x03\x04", "x.mid")
    with pytest.raises(RefusedFile, match="a web page"):
        read_layout(b"<!DOCTYPE html>", "x.mid")


def test_rmi_container() -> None:
    inner = struct.pack("<4sI", b"INFO", 3) + b"abc\0" + struct.pack("<4sI", b"data", len(GOOD)) + GOOD
    riff = b"RIFF" + struct.pack("<I", 4 + len(inner)) + b"RMID" + inner
    assert unwrap_riff(riff, "x.rmi") == GOOD
    assert unwrap_riff(GOOD, "x.mid") is GOOD
    for cut in (12, len(riff) - 1):
        with pytest.raises(RefusedFile) as caught:
            unwrap_riff(riff[:cut], "x.rmi")
        assert caught.value.code == "truncated"
