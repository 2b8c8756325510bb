"""The outer shape of a MIDI file: header, track chunks, and the RIFF wrapper some files wear."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from composer_core.errors import RefusedFile

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_RESOLUTION = 32767
_HEADER_BYTES = 14


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie in the bytes. `tracks` holds (start, end) of each track's events.

    `promised` is the track count the header names, `resolution` ticks a quarter.
    """

    kind: int
    promised: int
    resolution: int
    header_bytes: int
    tracks: tuple[tuple[int, int], ...]


def unwrap_riff(data: bytes, path: str) -> bytes:
    """The MIDI file inside a RIFF `.rmi` container (RP-029); other data come back as they are."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    position = 12
    while position + 8 <= len(data):
        tag, size = data[position : position + 4], struct.unpack_from("<I", data, position + 4)[0]
        if tag == b"data":
            if position + 8 + size > len(data):
                raise RefusedFile("truncated", path=path, what="the RIFF data chunk")
            return data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    raise RefusedFile("truncated", path=path, what="a RIFF container without a MIDI file in it")


def read_layout(data: bytes, path: str) -> Layout:
    """Header and track chunks; alien chunks are passed over, as the standard asks.

    Raises RefusedFile when it is no MIDI file, is cut off, or its resolution places no beat.
    """
    if not data:
        raise RefusedFile("empty_file", path=path)
    if data[:4] != b"MThd":
        raise RefusedFile("not_midi", path=path, found=_name_beginning(data))
    if len(data) < _HEADER_BYTES:
        raise RefusedFile("truncated", path=path, what="the header")
    size, kind, promised, division = struct.unpack_from(">IHHH", data, 4)
    if size < 6 or 8 + size > len(data):
        raise RefusedFile("truncated", path=path, what=f"a header of {size} bytes")
    if division & 0x8000:
        raise RefusedFile("smpte_resolution", path=path, value=f"0x{division:04x}")
    if not 1 <= division <= MAX_RESOLUTION:
        raise RefusedFile("bad_resolution", path=path, value=division)
    return Layout(kind, promised, division, 8 + size, _find_tracks(data, 8 + size, path))


def _find_tracks(data: bytes, position: int, path: str) -> tuple[tuple[int, int], ...]:
    tracks: list[tuple[int, int]] = []
    while position + 8 <= len(data):
        tag, size = data[position : position + 4], struct.unpack_from(">I", data, position + 4)[0]
        start, end = position + 8, position + 8 + size
        if tag == b"MTrk" and end > len(data):
            raise RefusedFile("truncated", path=path, what=f"track {len(tracks) + 1}")
        if tag == b"MTrk":
            tracks.append((start, end))
        position = end
    return tuple(tracks)


def _name_beginning(data: bytes) -> str:
    known = {
        b"\x1f\x8b": "gzip data",
        b"PK": "a zip archive",
        b"Rar!": "a rar archive",
        b"RIFF": "a RIFF file",
        b"ID3": "an MP3 file",
        b"OggS": "an Ogg file",
        b"fLaC": "a FLAC file",
        b"SMF2CLIP": "a MIDI 2.0 clip",
        b"XMF": "an XMF container",
        b"<": "a web page",
    }
    for magic, what in known.items():
        if data.startswith(magic):
            return what
    return repr(data[:8])[1:]
