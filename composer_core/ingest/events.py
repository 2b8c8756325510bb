"""A walk over the raw events of a track: where its meta events lie, which channels play.

Channel messages are passed over by one compiled pattern at C speed, so that a whole file
costs little more than its meta events; symusic, which reads the notes, keeps neither
channel numbers nor the bytes of texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_DELTA = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
_DATA = rb"[\x00-\x7f]"
_PAIRS = rb"%b{2}(?:%b%b{2})*+" % (_DATA, _DELTA, _DATA)
"""The data of one two-byte message and of those that follow by running status, deltas between."""
_SINGLES = rb"%b(?:%b%b)*+" % (_DATA, _DELTA, _DATA)
_OTHER_PAIRS = rb"[\x80-\x8f\xa0-\xbf\xe0-\xef]" + _PAIRS
_NOTE_PAIRS = rb"([\x90-\x9f])(%b)" % _PAIRS
_PROGRAMS = rb"([\xc0-\xcf])" + _SINGLES
_PRESSURES = rb"[\xd0-\xdf]" + _SINGLES
_CHANNEL_EVENTS = re.compile(
    rb"(?:%b(?:[\x80-\xbf\xe0-\xef]%b|[\xc0-\xdf]%b))*+" % (_DELTA, _PAIRS, _SINGLES),
)
_NOTES_OR_PROGRAMS = re.compile(
    rb"(?:%b(?:%b|%b))*+(?:%b(?:%b|%b)|\Z)" % (_DELTA, _OTHER_PAIRS, _PRESSURES, _DELTA, _NOTE_PAIRS, _PROGRAMS)
)
"""Passes over other messages to the next note-ons (status, data) or program changes (status), or to the end."""
_NOTE = re.compile(rb"(%b)(%b)(?:%b|\Z)" % (_DATA, _DATA, _DELTA))
_VELOCITY = re.compile(rb"%b(%b)(?:%b|\Z)" % (_DATA, _DATA, _DELTA))
META_SEQUENCE = 0x00
META_TRACK_NAME, META_INSTRUMENT, META_LYRIC, META_MARKER = 0x03, 0x04, 0x05, 0x06
META_END, META_TEMPO, META_SMPTE_OFFSET, META_METER, META_KEY = 0x2F, 0x51, 0x54, 0x58, 0x59
META_OWN = 0x7F
"""What a sequencer keeps for itself: readers pass over it."""
_KNOWN_METAS = frozenset({*range(8), 9, 0x20, 0x21, META_END, META_TEMPO, META_SMPTE_OFFSET, META_METER, META_KEY})


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

    `runs` are the (start, end) of its stretches of channel messages; `note_ons` counts
    note-ons with a velocity by channel; `programs` are the channels that set a program; `continued`
    are the places of status bytes 0xF7, which go on with a system exclusive message;
    `whole` is False where the walk met bytes that are no event; `trailing` is True when
    bytes follow the End of Track.
    """

    metas: list[Meta] = field(default_factory=list)
    runs: list[tuple[int, int]] = field(default_factory=list)
    note_ons: Counter[int] = field(default_factory=Counter)
    programs: set[int] = field(default_factory=set)
    continued: list[int] = field(default_factory=list)
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


def struck_keys(data: bytes, track: TrackEvents) -> Counter[tuple[int, int]]:
    """Note-ons with a velocity by (channel, pitch)."""
    keys: Counter[tuple[int, int]] = Counter()
    for start, end in track.runs:
        for status, pairs, _ in _NOTES_OR_PROGRAMS.findall(data, start, end):
            for pitch, velocity in _NOTE.findall(pairs):
                if velocity != b"\x00":
                    keys[status[0] & 0x0F, pitch[0]] += 1
    return keys


def for_readers(data: bytes, walks: Iterable[TrackEvents]) -> bytes:
    """The file, as long as it was, without two kinds of event that make readers misplace all that follows on a track.

    mido 1.3.3 loses the delta time of a meta event of a kind the standard does not name: it becomes META_OWN.
    symusic 0.6.0 takes the data of a continued system exclusive message (0xF7) for events: it becomes one of its own.
    """
    metas = [meta.type_at for walk in walks for meta in walk.metas if meta.kind not in _KNOWN_METAS]
    continued = [place for walk in walks for place in walk.continued]
    if not metas and not continued:
        return data
    patched = bytearray(data)
    for place in metas:
        patched[place] = META_OWN
    for place in continued:
        patched[place] = 0xF0
    return bytes(patched)


def read_length(data: bytes, position: int, end: int) -> tuple[int, int] | None:
    """A variable-length quantity of at most 4 bytes: (value, offset behind it), or None."""
    if position < end and data[position] < 0x80:
        return data[position], position + 1
    value = 0
    for offset in range(position, min(position + 4, end)):
        value = value << 7 | data[offset] & 0x7F
        if data[offset] < 0x80:
            return value, offset + 1
    return None


def _pass_channel_events(data: bytes, position: int, end: int, found: TrackEvents) -> int:
    run = _CHANNEL_EVENTS.match(data, position, end)
    assert run is not None  # it matches the empty run
    if run.end() == position:
        return position
    found.runs.append((position, run.end()))
    matches = _NOTES_OR_PROGRAMS.findall(data, position, run.end())
    for status in {match[0] for match in matches}:
        if status:
            # A zero byte between two runs is a delta like the others.
            velocities = _VELOCITY.findall(b"\x00".join([match[1] for match in matches if match[0] == status]))
            found.note_ons[status[0] & 0x0F] += len(velocities) - velocities.count(b"\x00")
        else:
            found.programs.update(match[2][0] & 0x0F for match in matches if match[2])
    return run.end()


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
        if data[at] == 0xF7:
            found.continued.append(at)
        length = read_length(data, at + 1, end)
        return None if length is None or length[1] + length[0] > end else length[1] + length[0]
    return None
