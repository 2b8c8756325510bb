"""Where a file itself says it ends: the latest End of Track, needed only to tell a loop from a song."""

from __future__ import annotations

from collections.abc import Sequence

from composer_core.ingest.song import Part
from composer_core.music.loop import BARS_CHOICES
from composer_core.music.timing import EARLY_TICK, Meter

_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


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
