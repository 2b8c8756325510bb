"""Loops to Standard MIDI File bytes: a small deterministic writer.

Written here rather than borrowed because three promises matter and no library keeps all
of them: the same loop gives the same bytes, End of Track lies exactly on the loop's last
bar line, and no note rings past it. Source: The Complete MIDI 1.0 Detailed Specification,
"Standard MIDI Files 1.0".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from composer_core.errors import InvalidValue, require_range
from composer_core.music.bends import bend_values
from composer_core.music.instruments import DRUM_CHANNEL
from composer_core.music.key import Key
from composer_core.music.loop import Loop, check_loop
from composer_core.music.timing import TICKS_PER_QUARTER, Meter
from composer_core.render.repeats import NoteRow, separate_repeats
from composer_core.render.timeline import tempo_map

MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
NOTE_OFF_VELOCITY = 64
CLOCKS_PER_QUARTER = 24
THIRTY_SECONDS_PER_QUARTER = 8
META_TEXT, META_MARKER = 0x01, 0x06
_META, _OFF, _ON = range(3)
"""Order of events that share a tick: set-up, then note-offs, then note-ons."""

Event = tuple[int, int, bytes]
"""(tick, order, bytes without the delta time)."""
Mark = tuple[int, str]
"""(tick from the loop's start, what is written there)."""


@dataclass(frozen=True, slots=True)
class Markings:
    """What the file of a loop says besides its notes: the key signature, and markers of chords and sections.

    With markings a file also says how long its loop is: in a text, and by the markers loopStart and loopEnd, which
    some players repeat by.
    """

    key: Key | None = None
    chords: tuple[Mark, ...] = ()
    sections: tuple[Mark, ...] = ()


def loop_to_midi(loop: Loop, *, wrap_early: bool = True, markings: Markings | None = None) -> bytes:
    """One loop as a format 0 file at 480 ticks a quarter, ready to repeat.

    Early notes (onset below 0) move to the end of the loop, where they anticipate the
    repeat; with `wrap_early` off they start on the first downbeat instead. Drums sound on
    channel 10. The same loop gives the same bytes. Raises InvalidValue for notes outside
    the loop's invariants.
    """
    events = [*_opening(loop.track_name or loop.instrument), *_conductor(loop, markings)]
    events += _part(loop, _channels([loop])[0], wrap_early)
    return _header(0, 1) + _track(events, loop.length_tick)


def loops_to_midi(loops: Sequence[Loop], *, wrap_early: bool = True, markings: Markings | None = None) -> bytes:
    """Several loops as a format 1 file: a tempo track, then one track a loop.

    All tracks end with the longest loop. Raises InvalidValue without a loop, with more than
    15 parts that are not drums, or when tempo or metre differ.
    """
    require_range("number of loops", len(loops), 1, 65_000)
    first = loops[0]
    for loop in loops[1:]:
        _require_same("metre", str(first.meter), str(loop.meter))
        _require_same("tempo", tempo_map(first), tempo_map(loop))
    length_tick = max(loop.length_tick for loop in loops)
    longest = max(loops, key=lambda loop: loop.length_tick)
    tracks = [_track([*_opening("tempo"), *_conductor(longest, markings)], length_tick)]
    for loop, channel in zip(loops, _channels(loops), strict=True):
        name = _opening(loop.track_name or loop.instrument)
        tracks.append(_track([*name, *_part(loop, channel, wrap_early)], length_tick))
    return _header(1, len(tracks)) + b"".join(tracks)


def sounding_notes(loop: Loop, *, wrap_early: bool = True) -> list[NoteRow]:
    """The notes as a file holds them: inside [0, length), one at a time a pitch, sorted by onset, then pitch.

    A note is shortened where it would ring past the end or into the next note of its pitch;
    notes of one pitch that start together become one, the loudest and longest of them.
    """
    check_loop(loop)
    length = loop.length_tick
    placed = []
    for onset, duration, pitch, velocity in loop.notes.rows():
        start = onset % length if wrap_early else max(onset, 0)
        placed.append((start, min(duration, length - start), pitch, velocity))
    return sorted(separate_repeats(placed), key=lambda row: (row[0], row[2]))


def _channels(loops: Sequence[Loop]) -> list[int]:
    melodic = [loop for loop in loops if not loop.is_drums]
    require_range("number of parts that are not drums", len(melodic), 0, len(MELODIC_CHANNELS))
    free = iter(MELODIC_CHANNELS)
    return [DRUM_CHANNEL if loop.is_drums else next(free) for loop in loops]


def _require_same(name: str, first: object, second: object) -> None:
    if first != second:
        reason = f"all parts of a file share one {name}"
        raise InvalidValue("contradiction", first=f"{name} {first}", second=f"{name} {second}", reason=reason)


def _opening(name: str) -> list[Event]:
    # A lone surrogate (a name read with surrogateescape) cannot be UTF-8.
    return [(0, _META, _meta(0x03, name.encode("utf-8", errors="replace")))]


def _conductor(loop: Loop, markings: Markings | None) -> list[Event]:
    events = [(0, _META, _time_signature(loop.meter))]
    for tick, bpm in tempo_map(loop):
        events.append((tick, _META, _tempo_event(bpm)))
    return events if markings is None else [*events, *_marking_events(loop, markings)]


def _marking_events(loop: Loop, markings: Markings) -> list[Event]:
    quarters = loop.length_tick / TICKS_PER_QUARTER
    texts = [(0, META_TEXT, f"loop length {loop.bars} x {loop.meter}, {quarters:g} quarters")]
    events: list[Event] = []
    if markings.key is not None:
        events.append((0, _META, _key_signature(markings.key)))
        texts.append((0, META_TEXT, f"key {markings.key}"))
    marks = [(0, "loopStart"), *markings.sections, *markings.chords, (loop.length_tick, "loopEnd")]
    texts += [(tick, META_MARKER, text) for tick, text in marks]
    return [*events, *((tick, _META, _meta(kind, text.encode())) for tick, kind, text in texts)]


def _key_signature(key: Key) -> bytes:
    """Sharps (or flats, below 0) of the key's scale; modes are told as major or minor by their third."""
    major_root = next(root for root in range(12) if set(Key(root).scale) == set(key.scale))
    sharps = major_root * 7 % 12
    return _meta(0x59, bytes(((sharps if sharps <= 6 else sharps - 12) & 0xFF, int(key.is_minor))))


def _tempo_event(bpm: float) -> bytes:
    return _meta(0x51, round(60_000_000 / bpm).to_bytes(3, "big"))


def _time_signature(meter: Meter) -> bytes:
    clocks = max(1, meter.beat_tick * CLOCKS_PER_QUARTER // TICKS_PER_QUARTER)
    power = meter.denominator.bit_length() - 1
    return _meta(0x58, bytes([meter.numerator, power, min(clocks, 255), THIRTY_SECONDS_PER_QUARTER]))


def _part(loop: Loop, channel: int, wrap_early: bool) -> list[Event]:
    events: list[Event] = [(0, _META, bytes([0xC0 | channel, loop.program]))]
    for tick, value in bend_values(loop):
        events.append((tick, _META, bytes([0xE0 | channel, value & 0x7F, value >> 7])))
    return [*events, *_note_events(sounding_notes(loop, wrap_early=wrap_early), channel)]


def _note_events(rows: Iterable[NoteRow], channel: int) -> list[Event]:
    events: list[Event] = []
    for onset, duration, pitch, velocity in rows:
        events.append((onset, _ON, bytes([0x90 | channel, pitch, velocity])))
        events.append((onset + duration, _OFF, bytes([0x80 | channel, pitch, NOTE_OFF_VELOCITY])))
    return events


def _header(file_format: int, n_tracks: int) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, file_format, n_tracks, TICKS_PER_QUARTER)


def _track(events: Iterable[Event], length_tick: int) -> bytes:
    body = bytearray()
    now = 0
    # The sort is stable: set-up events keep the order they were given in.
    for tick, order, data in sorted(events, key=lambda event: event[:2]):
        del order
        body += _variable_length(tick - now) + data
        now = tick
    body += _variable_length(length_tick - now) + _meta(0x2F, b"")
    return b"MTrk" + struct.pack(">I", len(body)) + bytes(body)


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable_length(len(data)) + data


def _variable_length(value: int) -> bytes:
    """Seven bits a byte, most significant first, bit 7 set on all but the last."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | (value & 0x7F))
    return bytes(reversed(groups))
