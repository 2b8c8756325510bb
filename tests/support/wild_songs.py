"""Small songs for files of every kind: a kit, a line, chords, and tracks that end or switch where one likes."""

from __future__ import annotations

from collections.abc import Iterable

import smf

Rows = list[tuple[int, int, int]]
BAR = 1920
HAT, KICK, SNARE = 42, 36, 38
XG_ON = (0x43, 0x10, 0x4C, 0, 0, 0x7E, 0)
GS_RESET = (0x41, 0x10, 0x42, 0x12, 0x40, 0, 0x7F, 0, 0x41)


def kit(
    resolution: int = 480, bars: int = 4, *, hat: int = HAT, kick: int = KICK, snare: int = SNARE, at: int = 0
) -> Rows:
    """12 notes a bar: hats in eighths, kick on 1 and 3, snare on 2 and 4."""
    rows: Rows = []
    for bar in range(bars):
        start = at + bar * 4 * resolution
        rows += [(start + eighth * resolution // 2, resolution // 8, hat) for eighth in range(8)]
        rows += [(start + beat * resolution, resolution // 8, (kick, snare)[beat % 2]) for beat in range(4)]
    return rows


def line(resolution: int = 480, bars: int = 4, *, low: int = 40, at: int = 0) -> Rows:
    """8 notes a bar, one at a time."""
    steps = (0, 2, 4, 5, 7, 5, 4, 2)
    length = resolution // 2 - resolution // 16
    return [(at + n * resolution // 2, length, low + steps[n % 8]) for n in range(8 * bars)]


def chords(resolution: int = 480, bars: int = 4, *, at: int = 0) -> Rows:
    """A triad a bar, 3 notes."""
    roots = (60, 65, 67, 60)
    return [
        (at + bar * 4 * resolution, 4 * resolution, roots[bar % 4] + step) for bar in range(bars) for step in (0, 4, 7)
    ]


def ends_at(rows: Rows, end: int, *head: bytes, channel: int = 0) -> bytes:
    """A track of notes whose End of Track lies at `end`."""
    return at_ticks([(0, message) for message in head] + sounding((rows, channel)), end)


def sounding(*parts: tuple[Rows, int]) -> list[tuple[int, bytes]]:
    """(tick, message) of the notes of several channels."""
    events = [(on, 1, smf.on(pitch, 100, channel)) for rows, channel in parts for on, _, pitch in rows]
    events += [(on + length, 0, smf.off(pitch, channel)) for rows, channel in parts for on, length, pitch in rows]
    return [(tick, message) for tick, _, message in sorted(events)]


def at_ticks(events: Iterable[tuple[int, bytes]], end: int | None = None) -> bytes:
    """A track of messages at ticks of the song."""
    now, timed = 0, []
    for tick, message in events:
        timed.append((tick - now, message))
        now = tick
    return smf.track(*timed, end=smf.quantity(max((end or now) - now, 0)) + smf.END)


def control(number: int, value: int, channel: int) -> bytes:
    """A control change."""
    return bytes((0xB0 | channel, number, value))


def exclusive(*values: int) -> bytes:
    """A system exclusive message."""
    return b"\xf0" + smf.quantity(len(values) + 1) + bytes(values) + b"\xf7"


def gs_rhythm(part: int, value: int) -> bytes:
    """GS: use a part for rhythm (0: not)."""
    address = (0x40, 0x10 | part, 0x15, value)
    return exclusive(0x41, 0x10, 0x42, 0x12, *address, (128 - sum(address) % 128) % 128)


def port(number: int) -> bytes:
    """A port prefix."""
    return smf.meta(0x21, bytes((number,)))


HEAD = smf.notes([], smf.meter(4, 2), smf.tempo(110))


def named(text: str, *, encoding: str = "utf-8") -> bytes:
    """A track name."""
    return smf.name(text.encode(encoding))


def song(*tracks: bytes, resolution: int = 480) -> bytes:
    """A type 1 file with a track of metre and tempo before the others."""
    return smf.smf(HEAD, *tracks, resolution=resolution)
