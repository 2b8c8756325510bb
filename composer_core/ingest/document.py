"""A MIDI file as lists of events that can be changed and written back, everything else as it was.

`midi` reads what a file means; this module keeps how it is written. Tracks nobody changed are
written back byte for byte, in a changed one every other event keeps its tick and its place
among the events of that tick. Resolution, format and alien chunks stay.

Where a track breaks the standard, data bytes above 127 count as 127, as the lenient reader has
it; at bytes that are no event the list ends, and `broken` says so. Running status goes on
after a meta event, which some writers use and the standard forbids.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from composer_core.errors import RefusedFile
from composer_core.ingest.chunks import Layout, read_layout
from composer_core.ingest.events import META_END

META, SYSEX, SYSEX_MORE = 0xFF, 0xF0, 0xF7
_LONG = frozenset((META, SYSEX, SYSEX_MORE))
"""Status of events that say how long they are."""
NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL, PROGRAM, PRESSURE, BEND = range(0x80, 0x100 - 0x10, 0x10)
"""Status of each kind of channel message on channel 1."""
MAX_DOCUMENT_EVENTS = 2_000_000
_MAX_TICK = 2**40
_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}
for _status in range(0x80, 0xF0):
    _DATA_BYTES[_status] = 1 if _status & 0xF0 in (PROGRAM, PRESSURE) else 2
"""Data bytes after each status byte that has a fixed number of them."""
_SHORT = [bytes((value,)) for value in range(0x80)]


class FileEvent(NamedTuple):
    """One event: `tick` from the track's start in the file's own ticks, status byte, data.

    The data of a meta event are its kind and its payload, those of a system exclusive message its
    payload; lengths are left out.
    """

    tick: int
    status: int
    data: bytes

    def is_meta(self, kind: int) -> bool:
        """True for a meta event of this kind."""
        return self.status == META and self.data[0] == kind


@dataclass(slots=True)
class DocumentTrack:
    """Events of one track chunk up to its End of Track (included), and the bytes they were read from.

    `n_clipped` counts data bytes above 127; `broken` is the offset in the chunk of the first byte
    that is no event, None where all are; `trailing` holds what follows the End of Track.
    """

    events: list[FileEvent]
    body: bytes
    n_clipped: int = 0
    broken: int | None = None
    trailing: bytes = b""
    runs_on: bool = False
    """Whether the file leaves out repeated status bytes."""
    edits: TrackEdits | None = None

    @property
    def end_tick(self) -> int:
        """Tick of the last event, which is the End of Track where there is one."""
        return self.events[-1].tick if self.events else 0

    def edit(self) -> TrackEdits:
        """The track's edits, to be added to."""
        if self.edits is None:
            self.edits = TrackEdits()
        return self.edits

    def edited(self) -> list[FileEvent]:
        """The events with all edits made."""
        return self.events if self.edits is None else _merged(self.events, self.edits)


@dataclass(slots=True)
class TrackEdits:
    """Changes to one track: indices of events left out, events that take another's place (at the same tick), and
    new events of each rank. At one tick note-offs come first, then the events that were there up to their
    first note-on, new controllers, the rest, and new note-ons last. The End of Track moves to `end_tick` if it
    or an event comes later."""

    removed: set[int] = field(default_factory=set)
    replaced: dict[int, FileEvent] = field(default_factory=dict)
    offs: list[FileEvent] = field(default_factory=list)
    controls: list[FileEvent] = field(default_factory=list)
    ons: list[FileEvent] = field(default_factory=list)
    end_tick: int = 0


@dataclass(slots=True)
class MidiDocument:
    """A file: `gaps` are the bytes before each track chunk and after the last, the first of them with the header."""

    resolution: int
    tracks: list[DocumentTrack]
    gaps: list[bytes]

    def to_bytes(self) -> bytes:
        """The file with all edits made. Without edits it is the file that was read, but for a wrong track count."""
        pieces = []
        for gap, track in zip(self.gaps, self.tracks, strict=False):
            body = track.body if track.edits is None else _track_body(track)
            pieces += [gap, b"MTrk", struct.pack(">I", len(body)), body]
        data = b"".join([*pieces, self.gaps[-1]])
        return data[:10] + struct.pack(">H", min(len(self.tracks), 0xFFFF)) + data[12:]


def read_document(data: bytes, name: str) -> MidiDocument:
    """The events of a MIDI file (out of its RIFF container). RefusedFile as `read_layout`, and for too many events."""
    layout = read_layout(data, name)
    tracks = []
    left = MAX_DOCUMENT_EVENTS
    for start, end in layout.tracks:
        tracks.append(_read_track(data[start:end], left, name))
        left -= len(tracks[-1].events)
    return MidiDocument(layout.resolution, tracks, _gaps(data, layout))


def _gaps(data: bytes, layout: Layout) -> list[bytes]:
    edges = [0, *(edge for start, end in layout.tracks for edge in (start - 8, end)), len(data)]
    return [data[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _read_track(body: bytes, limit: int, name: str) -> DocumentTrack:
    track = DocumentTrack([], body)
    position = 0
    try:
        while position < len(body):
            position = _read_run(body, position, track)
            if position < len(body):
                position = _read_long(body, position, track)
            if len(track.events) > limit:
                raise RefusedFile("too_many_events", path=name, count=len(track.events), limit=limit)
            if track.events[-1].is_meta(META_END):
                track.trailing = body[position:]
                break
    except _NoEvent as found:
        track.broken = found.position
    return track


class _NoEvent(Exception):
    """Bytes that are no event, from `position` of the chunk on."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


def _read_run(body: bytes, position: int, track: DocumentTrack) -> int:
    """Read channel messages (and the rare system ones of a fixed length) up to the next of any length; its place."""
    events, sizes = track.events, _DATA_BYTES
    tick = events[-1].tick if events else 0
    running = next((event.status for event in reversed(events) if event.status < 0xF0), 0)
    end = len(body)
    while position < end:
        start = position
        delta = body[position]
        position += 1
        if delta >= 0x80:
            delta, position = _quantity(body, start, start)
        if position >= end:
            raise _NoEvent(start)
        status = body[position]
        if status < 0x80:
            status = running
            track.runs_on = True
        elif status in _LONG:
            return start
        else:
            position += 1
        size = sizes.get(status, end)
        data = body[position : position + size]
        tick += delta
        if len(data) != size or tick > _MAX_TICK:
            raise _NoEvent(start)
        if not data.isascii():
            track.n_clipped += sum(byte > 127 for byte in data)
            data = bytes(min(byte, 127) for byte in data)
        events.append(FileEvent(tick, status, data))
        running = status if status < 0xF0 else running
        position += size
    return position


def _read_long(body: bytes, position: int, track: DocumentTrack) -> int:
    """Read one meta or system exclusive event; the place behind it."""
    start = position
    delta, position = _quantity(body, position, start)
    status = body[position]
    kind = body[position + 1 : position + 2] if status == META else b""
    length, position = _quantity(body, position + 1 + len(kind), start)
    if position + length > len(body):
        raise _NoEvent(start)
    tick = delta + (track.events[-1].tick if track.events else 0)
    track.events.append(FileEvent(tick, status, kind + body[position : position + length]))
    return position + length


def _quantity(body: bytes, start: int, event_at: int) -> tuple[int, int]:
    """A variable-length quantity of at most 4 bytes, of the event at `event_at`, and the place after it."""
    value = 0
    for position in range(start, min(start + 4, len(body))):
        byte = body[position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position + 1
    raise _NoEvent(event_at)


def _merged(events: list[FileEvent], edits: TrackEdits) -> list[FileEvent]:
    """The events with the edits made, End of Track last."""
    kept = [edits.replaced.get(index, event) for index, event in enumerate(events) if index not in edits.removed]
    end = kept.pop() if kept and kept[-1].is_meta(META_END) else FileEvent(0, META, bytes([META_END]))
    new = {event.tick for group in (edits.offs, edits.controls, edits.ons) for event in group}
    groups = [_by_tick(group) for group in (edits.offs, edits.controls, edits.ons)]
    ticks = [event.tick for event in kept]
    result: list[FileEvent] = []
    done = 0
    for tick in sorted(new):
        first, last = bisect_left(ticks, tick, done), bisect_right(ticks, tick, done)
        strike = next((at for at in range(first, last) if kept[at].status & 0xF0 == NOTE_ON and kept[at].data[1]), last)
        offs, controls, ons = (group.get(tick, []) for group in groups)
        result += [*kept[done:first], *offs, *kept[first:strike], *controls, *kept[strike:last], *ons]
        done = last
    result += kept[done:]
    last_tick = max(result[-1].tick if result else 0, end.tick, edits.end_tick)
    return [*result, end._replace(tick=last_tick)]


def _by_tick(events: Iterable[FileEvent]) -> dict[int, list[FileEvent]]:
    found: dict[int, list[FileEvent]] = {}
    for event in events:
        found.setdefault(event.tick, []).append(event)
    return found


def _track_body(track: DocumentTrack) -> bytes:
    return b"".join(_encoded(track.edited(), track.runs_on)) + track.trailing


def _encoded(events: Iterable[FileEvent], runs_on: bool) -> Iterator[bytes]:
    now, running = 0, 0
    for tick, status, data in events:
        yield quantity(tick - now)
        now = tick
        if status == META:
            yield bytes((META, data[0])) + quantity(len(data) - 1) + data[1:]
        elif status in (SYSEX, SYSEX_MORE):
            yield bytes((status,)) + quantity(len(data)) + data
        elif runs_on and status == running:
            yield data
        else:
            yield bytes((status,)) + data
        running = status if status < 0xF0 else 0


def quantity(value: int) -> bytes:
    """A variable-length quantity: seven bits a byte, most significant first, bit 7 set on all but the last."""
    if value < 0x80:
        return _SHORT[value]
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | (value & 0x7F))
    return bytes(reversed(groups))
