"""The notes of a document with the events that write them, and which of them make up each part of a song.

Notes are paired as the readers pair them: note-offs end the oldest sounding note of their key first,
and only on their own track. The readers gather and convert notes without their events, so a part's notes
are found again among the written ones by what they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from composer_core.ingest.document import META, NOTE_ON, FileEvent, MidiDocument
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
    rows: list[list[int]] = []
    sounding: dict[tuple[int, int, int], deque[list[int]]] = defaultdict(deque)
    for track, index, port, (tick, status, data) in channel_events(document):
        if status >= 0xA0:
            continue
        key = (track, status & 0x0F, data[0])
        if status >= NOTE_ON and data[1]:
            rows.append([tick, HANGING, data[0], data[1], track, key[1], port, index, HANGING])
            sounding[key].append(rows[-1])
        elif waiting := sounding.get(key):
            row = waiting.popleft()
            row[1], row[8] = tick, index
    return [WrittenNote(*row) for row in rows]


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
    for key_of in (_whole, itemgetter(0, 2, 3), itemgetter(0, 2)):
        slots = [_slots(own, taken, key_of) for own, taken in zip(rows, found, strict=True)]
        left = []
        for at in open_notes:
            key = key_of(written[at])
            for part in preferred[notes[at].track, notes[at].channel]:
                if waiting := slots[part].get(key):
                    found[part][waiting.pop()] = at
                    break
            else:
                left.append(at)
        open_notes = left
        if not open_notes:
            break
    return found, _doubles(notes, open_notes)


def _row(note: WrittenNote, resolution: int) -> Row:
    duration = 0 if note.end == HANGING else max(1, song_tick(note.end - note.onset, resolution))
    return song_tick(note.onset, resolution), duration, note.pitch, note.velocity


def _whole(row: Row) -> _Key:
    return row


def _slots(rows: Sequence[Row], taken: Sequence[int], key_of: Callable[[Row], _Key]) -> dict[_Key, list[int]]:
    """Notes of a part that have no source yet, by what they are to be found by, the first of them last."""
    slots: dict[_Key, list[int]] = {}
    for number in range(len(rows) - 1, -1, -1):
        if taken[number] == NO_SOURCE:
            slots.setdefault(key_of(rows[number]), []).append(number)
    return slots


def _preferred(
    parts: Sequence[PlayedNotes], rows: Sequence[Sequence[Row]], notes: Sequence[WrittenNote], written: Sequence[Row]
) -> dict[tuple[int, int], list[int]]:
    """For each (track, channel) all parts, the one that shares most notes first."""
    holders: dict[Row, list[int]] = {}
    for number, own in enumerate(rows):
        for row in set(own):
            holders.setdefault(row, []).append(number)
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
