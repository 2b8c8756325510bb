"""What a MIDI file holds: events with their ticks, and notes paired oldest first. Read here byte by byte, so that
neither our own reader nor another's vouches for itself."""

from __future__ import annotations

import struct
from collections import defaultdict

Event = tuple[int, int, bytes]
"""(tick, status, data); the data of a meta event begin with its kind."""
Note = tuple[int, int, int, int]
"""(onset, end, pitch, velocity) in the file's ticks; a note that never ends, ends at -1."""


def header(data: bytes) -> tuple[int, int]:
    """Format and resolution."""
    return struct.unpack(">H", data[8:10])[0], struct.unpack(">H", data[12:14])[0]


def event_lists(data: bytes) -> list[list[Event]]:
    """The events of each track."""
    tracks, position = [], 14
    while position < len(data):
        size = struct.unpack(">I", data[position + 4 : position + 8])[0]
        assert data[position : position + 4] == b"MTrk"
        tracks.append(_events(data[position + 8 : position + 8 + size]))
        position += 8 + size
    return tracks


def _events(body: bytes) -> list[Event]:
    found: list[Event] = []
    position = now = status = 0
    while position < len(body):
        delta, position = _quantity(body, position)
        now += delta
        if body[position] >= 0x80:
            status, position = body[position], position + 1
        if status >= 0xF0:
            kind = body[position : position + (status == 0xFF)]
            size, position = _quantity(body, position + len(kind))
            found.append((now, status, kind + body[position : position + size]))
        else:
            size = 1 if 0xC0 <= status < 0xE0 else 2
            found.append((now, status, body[position : position + size]))
        position += size
    return found


def _quantity(body: bytes, position: int) -> tuple[int, int]:
    value = body[position] & 0x7F
    while body[position] & 0x80:
        position += 1
        value = value << 7 | body[position] & 0x7F
    return value, position + 1


def is_note(event: Event) -> bool:
    """True for note-ons and note-offs."""
    return event[1] & 0xE0 == 0x80


def without_notes(data: bytes, track: int, channels: set[int]) -> list[list[Event]]:
    """The events of each track but for the notes of some channels of one."""
    return [
        [event for event in own if not (number == track and is_note(event) and event[1] & 15 in channels)]
        for number, own in enumerate(event_lists(data))
    ]


def notes_of(data: bytes, track: int, channel: int) -> list[Note]:
    """The notes of one channel of a track, in the order of their note-ons."""
    notes: list[Note] = []
    sounding: dict[int, list[int]] = defaultdict(list)
    for tick, status, data_bytes in event_lists(data)[track]:
        if status & 0xE0 != 0x80 or status & 15 != channel:
            continue
        pitch, velocity = data_bytes
        if status >= 0x90 and velocity:
            sounding[pitch].append(len(notes))
            notes.append((tick, -1, pitch, velocity))
        elif sounding[pitch]:
            at = sounding[pitch].pop(0)
            notes[at] = (notes[at][0], tick, *notes[at][2:])
    return notes


def n_notes(data: bytes) -> int:
    """Note-ons with a velocity."""
    return sum(status & 0xF0 == 0x90 and own[1] > 0 for track in event_lists(data) for _, status, own in track)
