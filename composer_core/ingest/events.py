"""A walk over the raw events of a track: where its meta events lie, which channels play.

Channel messages are passed over by one compiled pattern at C speed, so that a whole file
costs little more than its meta events; symusic, which reads the notes, keeps neither
channel numbers nor the bytes of texts.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

_DELTA = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
_DATA = rb"[\x00-\x7f]"
_TWO = rb"[\x80-\xbf\xe0-\xef]" + _DATA + _DATA
_ONE = rb"[\xc0-\xdf]" + _DATA
_EXPLICIT = re.compile(rb"(?:" + _DELTA + rb"(?:" + _TWO + rb"|" + _ONE + rb"))*+")
_RUNNING = re.compile(
    rb"(?:" + _DELTA + rb"(?:" + _TWO + rb"(?:" + _DELTA + _DATA + _DATA + rb")*+"
    rb"|" + _ONE + rb"(?:" + _DELTA + _DATA + rb")*+))*+"
)
_STATUS_RUN = re.compile(
    _DELTA + rb"(?:([\x80-\xbf\xe0-\xef])(" + _DATA + _DATA + rb"(?:" + _DELTA + _DATA + _DATA + rb")*+)"
    rb"|([\xc0-\xdf])(" + _DATA + rb"(?:" + _DELTA + _DATA + rb")*+))"
)
_CONTINUED_NOTE = re.compile(rb"(?:^|" + _DELTA + rb")" + _DATA + rb"([\x00-\x7f])")
_QUIET = (
    rb"[\x80-\x8f\xa0-\xbf\xe0-\xef]" + _DATA + _DATA + rb"|[\xd0-\xdf]" + _DATA + rb"|[\x90-\x9f]" + _DATA + rb"\x00"
)
_NOTE_OR_PROGRAM = re.compile(
    rb"(?:"
    + _DELTA
    + rb"(?:"
    + _QUIET
    + rb"))*+"
    + _DELTA
    + rb"([\x90-\x9f](?="
    + _DATA
    + rb"[\x01-\x7f])|[\xc0-\xcf])"
    rb"(?:(?<=[\x90-\x9f])" + _DATA + _DATA + rb"|(?<=[\xc0-\xcf])" + _DATA + rb")"
)
META_SEQUENCE, META_TEXT_FIRST, META_TEXT_LAST = 0x00, 0x01, 0x0F
META_COPYRIGHT, META_TRACK_NAME, META_INSTRUMENT, META_LYRIC, META_MARKER = 0x02, 0x03, 0x04, 0x05, 0x06
META_END, META_TEMPO, META_SMPTE_OFFSET, META_METER, META_KEY = 0x2F, 0x51, 0x54, 0x58, 0x59


@dataclass(frozen=True, slots=True)
class Meta:
    """One meta event: its type, where the type byte lies, and where its payload lies."""

    kind: int
    type_at: int
    start: int
    end: int


@dataclass(slots=True)
class TrackEvents:
    """What a walk found in one track chunk.

    `note_ons` counts note-ons with a velocity, and `programs` program changes, by channel;
    `whole` is False where the walk met bytes that are no event; `trailing` is True when
    bytes follow the End of Track.
    """

    metas: list[Meta] = field(default_factory=list)
    note_ons: Counter[int] = field(default_factory=Counter)
    programs: Counter[int] = field(default_factory=Counter)
    whole: bool = True
    trailing: bool = False


def walk_track(data: bytes, start: int, end: int) -> TrackEvents:
    """Walk the events between two offsets, up to the End of Track; never raises."""
    found = TrackEvents()
    position = start
    while position < end:
        position = _pass_channel_events(data, position, end, found)
        if position >= end:
            break
        meta_end = _read_other_event(data, position, end, found)
        if meta_end is None:
            found.whole = False
            break
        position = meta_end
        if found.metas and found.metas[-1].kind == META_END and found.metas[-1].end == position:
            found.trailing = position < end
            break
    return found


def read_length(data: bytes, position: int, end: int) -> tuple[int, int] | None:
    """A variable-length quantity of at most 4 bytes: (value, offset behind it), or None."""
    value = 0
    for offset in range(position, min(position + 4, end)):
        value = value << 7 | data[offset] & 0x7F
        if data[offset] < 0x80:
            return value, offset + 1
    return None


def _pass_channel_events(data: bytes, position: int, end: int, found: TrackEvents) -> int:
    explicit = _EXPLICIT.match(data, position, end)
    running = _RUNNING.match(data, position, end)
    assert explicit is not None and running is not None  # both match the empty run
    if explicit.end() == running.end():
        _count(found, Counter(_NOTE_OR_PROGRAM.findall(data, position, running.end())))
    else:
        _count_running(data, position, running.end(), found)
    return running.end()


def _count(found: TrackEvents, statuses: Counter[bytes]) -> None:
    for status, n in statuses.items():
        (found.note_ons if status < b"\xa0" else found.programs)[status[0] & 0x0F] += n


def _count_running(data: bytes, start: int, end: int, found: TrackEvents) -> None:
    for match in _STATUS_RUN.finditer(data, start, end):
        status = (match[1] or match[3])[0]
        if 0x90 <= status < 0xA0:
            velocities = _CONTINUED_NOTE.findall(match[2])
            found.note_ons[status & 0x0F] += len(velocities) - velocities.count(b"\x00")
        elif 0xC0 <= status < 0xD0:
            found.programs[status & 0x0F] += 1


def _read_other_event(data: bytes, position: int, end: int, found: TrackEvents) -> int | None:
    delta = read_length(data, position, end)
    if delta is None or delta[1] >= end:
        return None
    at = delta[1]
    if data[at] == 0xFF and at + 1 < end:
        length = read_length(data, at + 2, end)
        if length is None or length[1] + length[0] > end:
            return None
        found.metas.append(Meta(data[at + 1], at + 1, length[1], length[1] + length[0]))
        return length[1] + length[0]
    if data[at] in (0xF0, 0xF7):
        length = read_length(data, at + 1, end)
        return None if length is None or length[1] + length[0] > end else length[1] + length[0]
    return None
