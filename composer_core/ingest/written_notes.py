"""The notes of a document with the events that write them, and which of them make up each part of a song.

Notes are paired as the readers pair them: note-offs end the oldest sounding note of their key first,
and only on their own track. The readers gather and convert notes without their events, so a part's notes
are found again among the written ones by what they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from composer_core.ingest.document import META, NOTE_OFF, NOTE_ON, FileEvent, MidiDocument
from composer_core.music.loop import Notes
from composer_core.music.timing import TICKS_PER_QUARTER

META_DEVICE, META_PORT = 0x09, 0x21
HANGING = -1
"""`end` and `off_at` of a note that its track never ends."""
NO_SOURCE = -1
_FIRST_DEVICE = 256
"""Ports by number are below, ports by the name of a device count from here."""
Row = tuple[int, int, int, int]
"""(onset_tick, duration_tick, pitch, velocity) at 480 a quarter."""
PlayedNotes = tuple[int, Notes]
"""Channel of a part (below 0 where it has several or none is known), and its notes."""
_Key = tuple[int, ...]


class WrittenNote(NamedTuple):
    """A note in the file's own ticks; `on_at` and `off_at` are the indices of its events in the track."""

    onset: int
    end: int
    pitch: int
    velocity: int
    track: int
    channel: int
    port: int
    on_at: int
    off_at: int


class PlacedEvent(NamedTuple):
    """A channel message: its track, its place `at` in the track, and the port it goes out at."""

    track: int
    at: int
    port: int
    event: FileEvent


def channel_events(document: MidiDocument) -> Iterator[PlacedEvent]:
    """All channel messages, track after track. A track's port is what it last named, by number or as a device."""
    devices: dict[bytes, int] = {}
    for number, track in enumerate(document.tracks):
        port = 0
        for index, event in enumerate(track.events):
            if event.status < 0xF0:
                yield PlacedEvent(number, index, port, event)
            elif event.status == META and event.data[0] == META_PORT and len(event.data) == 2:
                port = event.data[1]
            elif event.status == META and event.data[0] == META_DEVICE:
                port = devices.setdefault(event.data[1:], _FIRST_DEVICE + len(devices))


def written_notes(document: MidiDocument) -> list[WrittenNote]:
    """Notes in the order of their note-ons, track after track."""
    notes: list[WrittenNote] = []
    sounding: dict[tuple[int, int, int], deque[int]] = defaultdict(deque)
    for track, index, port, (tick, status, data) in channel_events(document):
        kind, channel = status & 0xF0, status & 0x0F
        if kind not in (NOTE_ON, NOTE_OFF):
            continue
        waiting = sounding[track, channel, data[0]]
        if kind == NOTE_ON and data[1]:
            waiting.append(len(notes))
            notes.append(WrittenNote(tick, HANGING, data[0], data[1], track, channel, port, index, HANGING))
        elif waiting:
            at = waiting.popleft()
            notes[at] = notes[at]._replace(end=tick, off_at=index)
    return notes


def song_tick(tick: int, resolution: int) -> int:
    """A tick of the file at 480 a quarter, rounded as the readers round."""
    return (2 * tick * TICKS_PER_QUARTER + resolution) // (2 * resolution)


def part_sources(
    parts: Sequence[PlayedNotes], notes: Sequence[WrittenNote], resolution: int
) -> tuple[list[list[int]], dict[int, list[int]]]:
    """For each part the index of the written note of each of its notes, NO_SOURCE where none is left.

    Where parts hold equal notes, those of one track and channel go to the part that most of that track's notes
    belong to, then to the part of that channel. Second come written notes that no part holds though they
    start with one of their pitch, track and channel that a part does hold: by that note's index.
    """
    rows = [own.rows() for _, own in parts]
    found = [[NO_SOURCE] * len(own) for own in rows]
    written = [_row(note, resolution) for note in notes]
    preferred = _preferred(parts, rows, notes, written)
    open_notes = sorted(range(len(notes)), key=lambda at: (notes[at].track, notes[at].channel))
    for fields in ((0, 1, 2, 3), (0, 2, 3), (0, 2)):
        slots = [_slots(own, taken, fields) for own, taken in zip(rows, found, strict=True)]
        left = []
        for at in open_notes:
            key = tuple(written[at][number] for number in fields)
            part = next((one for one in preferred[notes[at].track, notes[at].channel] if slots[one].get(key)), None)
            if part is None:
                left.append(at)
            else:
                found[part][slots[part][key].popleft()] = at
        open_notes = left
        if not open_notes:
            break
    return found, _doubles(notes, open_notes)


def _row(note: WrittenNote, resolution: int) -> Row:
    duration = 0 if note.end == HANGING else max(1, song_tick(note.end - note.onset, resolution))
    return song_tick(note.onset, resolution), duration, note.pitch, note.velocity


def _slots(rows: Sequence[Row], taken: Sequence[int], fields: Sequence[int]) -> dict[_Key, deque[int]]:
    """Notes of a part that have no source yet, by the fields they are to be found by."""
    slots: dict[_Key, deque[int]] = defaultdict(deque)
    for number, (row, source) in enumerate(zip(rows, taken, strict=True)):
        if source == NO_SOURCE:
            slots[tuple(row[field] for field in fields)].append(number)
    return slots


def _preferred(
    parts: Sequence[PlayedNotes], rows: Sequence[Sequence[Row]], notes: Sequence[WrittenNote], written: Sequence[Row]
) -> dict[tuple[int, int], list[int]]:
    """For each (track, channel) all parts, the one that shares most notes first."""
    holders: dict[Row, set[int]] = defaultdict(set)
    for number, own in enumerate(rows):
        for row in own:
            holders[row].add(number)
    votes: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for note, row in zip(notes, written, strict=True):
        ballot = votes[note.track, note.channel]
        for part in holders.get(row, ()):
            ballot[part] += 60 // len(holders[row])  # a note that several parts hold says less
    return {
        (track, channel): sorted(
            range(len(parts)),
            key=lambda one, ballot=ballot, channel=channel: (-ballot[one], parts[one][0] != channel, one),  # type: ignore[misc]
        )
        for (track, channel), ballot in votes.items()
    }


def _doubles(notes: Sequence[WrittenNote], left: Sequence[int]) -> dict[int, list[int]]:
    if not left:
        return {}
    unheld = set(left)
    leaders = {
        (note.track, note.channel, note.onset, note.pitch): at for at, note in enumerate(notes) if at not in unheld
    }
    doubles: dict[int, list[int]] = defaultdict(list)
    for at in left:
        note = notes[at]
        leader = leaders.get((note.track, note.channel, note.onset, note.pitch))
        if leader is not None:
            doubles[leader].append(at)
    return dict(doubles)
