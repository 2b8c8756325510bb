"""Where notes end that the file does not end."""

from __future__ import annotations

import struct

import numpy as np

from composer_core.ingest.chunks import Layout
from composer_core.ingest.events import META_END, TrackEvents, struck_keys
from composer_core.ingest.readers import HANGING_QUARTERS, RawScore, RawTrack

_LATE_TICK = 0x0FFFFFFF
_LATE_DELTA = b"\xff\xff\xff\x7f"


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
