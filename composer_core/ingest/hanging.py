"""Where notes end that the file does not end: notes left hanging, and notes that run past the end of their song."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from composer_core.ingest.chunks import Layout
from composer_core.ingest.events import META_END, TrackEvents, struck_keys
from composer_core.ingest.readers import HANGING_QUARTERS, RawScore, RawTrack
from composer_core.ingest.song import Part
from composer_core.music.timing import BARS_CHOICES, EARLY_TICK, Meter

_LATE_TICK = 0x0FFFFFFF
_LATE_DELTA = b"\xff\xff\xff\x7f"
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


def with_note_offs(data: bytes, layout: Layout, walks: list[TrackEvents]) -> bytes:
    """A copy of a MIDI file whose every note ends, some of them _LATE_TICK after their track's end."""
    pieces = [data[: layout.header_bytes]]
    for (start, end), walk in zip(layout.tracks, walks, strict=True):
        last = walk.metas[-1] if walk.metas and walk.metas[-1].kind == META_END else None
        # The delta of the End of Track goes to a text of no length in its place.
        events = data[start : last.type_at] + b"\x01\x00" if last else data[start:end]
        keys = struck_keys(data, walk)
        offs = b"".join(bytes((0x80 | channel, pitch, 0, 0)) * count for (channel, pitch), count in keys.items())
        body = events + _LATE_DELTA + offs + b"\xff\x2f\x00"
        pieces.append(b"MTrk" + struct.pack(">I", len(body)) + body)
    return b"".join(pieces)


def shorten_late_notes(score: RawScore, resolution: int) -> int:
    """Give the notes that end after their track's end a sensible end, in place; how many there were."""
    latest: dict[int, int] = {}
    for track in score.tracks:
        end = int((track.columns[0] + track.columns[1]).max())
        latest[track.track] = max(end, latest.get(track.track, 0))
    return sum(_shorten(track, latest[track.track], resolution) for track in score.tracks)


def _shorten(track: RawTrack, latest_tick: int, resolution: int) -> int:
    onset, duration, pitch = track.columns[0], track.columns[1], track.columns[2]
    hanging = onset + duration == latest_tick
    if latest_tick < _LATE_TICK or not hanging.any():
        return 0
    order = np.lexsort((onset, pitch))
    next_onset = np.full(len(onset), latest_tick)
    same_key = pitch[order[1:]] == pitch[order[:-1]]
    next_onset[order[:-1][same_key]] = onset[order[1:]][same_key]
    track_end = np.maximum(latest_tick - _LATE_TICK, onset + resolution)
    end = np.minimum(np.minimum(next_onset, track_end), onset + HANGING_QUARTERS * resolution)
    track.columns[1] = np.where(hanging, end - onset, duration)
    return int(hanging.sum())


def may_be_wrapped(parts: Sequence[Part], meter: Meter) -> bool:
    """True when the last note lies just before the bar line at 1, 2, 4 or 8 bars: only then the end matters."""
    last = max((int(part.notes.onset_tick[-1]) for part in parts if len(part.notes)), default=0)
    return any(bars * meter.bar_tick - EARLY_TICK <= last < bars * meter.bar_tick for bars in BARS_CHOICES)


def track_end_tick(data: bytes, position: int, end: int) -> int:
    """Sum of all delta times of a well-formed track chunk, in the file's own ticks."""
    total, status = 0, 0
    while position < end:
        delta, position = _varied(data, position)
        total += delta
        if position < end and data[position] >= 0x80:
            status = data[position]
            position += 1
        if status == 0xFF:
            length, position = _varied(data, position + 1)
            position += length
        elif status in (0xF0, 0xF7):
            length, position = _varied(data, position)
            position += length
        else:
            position += _DATA_BYTES.get(status & 0xF0, 0)
    return total


def _varied(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length number and the place after it; past the end of the data it is 0."""
    value = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, position
