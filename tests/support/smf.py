"""Standard MIDI files typed by hand: small pieces that tests put together into bytes."""

from __future__ import annotations

import struct

END = b"\xff\x2f\x00"


def quantity(value: int) -> bytes:
    """A variable-length quantity."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def track(*events: tuple[int, bytes], end: bytes = b"\x00" + END) -> bytes:
    """A track chunk of (delta, message) pairs and an End of Track."""
    body = b"".join(quantity(delta) + message for delta, message in events) + end
    return b"MTrk" + struct.pack(">I", len(body)) + body


def smf(*tracks: bytes, kind: int = 1, resolution: int = 480, promised: int | None = None) -> bytes:
    """A file of track chunks."""
    n_tracks = len(tracks) if promised is None else promised
    return b"MThd" + struct.pack(">IHHH", 6, kind, n_tracks, resolution) + b"".join(tracks)


def on(pitch: int, velocity: int = 100, channel: int = 0) -> bytes:
    """Note on."""
    return bytes((0x90 | channel, pitch, velocity))


def off(pitch: int, channel: int = 0) -> bytes:
    """Note off."""
    return bytes((0x80 | channel, pitch, 0))


def program(number: int, channel: int = 0) -> bytes:
    """Program change."""
    return bytes((0xC0 | channel, number))


def meta(kind: int, payload: bytes) -> bytes:
    """A meta event."""
    return bytes((0xFF, kind)) + quantity(len(payload)) + payload


def name(text: bytes) -> bytes:
    """A track name."""
    return meta(0x03, text)


def tempo(bpm: float) -> bytes:
    """A tempo of so many quarters a minute."""
    return meta(0x51, round(60e6 / bpm).to_bytes(3, "big"))


def meter(numerator: int, power: int) -> bytes:
    """A time signature numerator / 2^power."""
    return meta(0x58, bytes((numerator, power, 24, 8)))


def notes(rows: list[tuple[int, int, int]], *head: bytes, channel: int = 0, velocity: int = 100) -> bytes:
    """A track of (onset, duration, pitch) notes, after messages at tick 0."""
    timed = [(onset, 1, on(pitch, velocity, channel)) for onset, _, pitch in rows]
    timed += [(onset + duration, 0, off(pitch, channel)) for onset, duration, pitch in rows]
    now, events = 0, [(0, message) for message in head]
    for tick, _, message in sorted(timed):
        events.append((tick - now, message))
        now = tick
    return track(*events)


def drum_bars(n_bars: int, resolution: int = 480, step_quarter: int = 1) -> bytes:
    """A file with a kick on every quarter of so many bars of 4/4, at 120 BPM."""
    rows = [(beat * resolution, resolution // 4, 36) for beat in range(0, 4 * n_bars, step_quarter)]
    return smf(notes(rows, tempo(120), channel=9), resolution=resolution)
