"""Notes that exist as the predecessor's events only, written as a MIDI file so that the usual import reads them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mido

from composer_core.store.atomic import write_bytes

_MAX_TICK = 2**27


def write_midi(
    path: Path, notes: Sequence[Sequence[int]], resolution: int, tempos: Sequence[Any], meter: str, n_bars: int
) -> bool:
    """Write [onset, duration, channel, program, pitch, velocity] rows in file ticks; False for impossible values.

    The same notes give the same bytes. The file ends on the line after `n_bars` where no note rings longer.
    """
    bounds = ((0, _MAX_TICK), (0, _MAX_TICK), (0, 15), (0, 127), (0, 127), (1, 127))
    if not all(low <= value <= high for note in notes for value, (low, high) in zip(note, bounds, strict=True)):
        return False
    events: list[tuple[int, int, mido.Message]] = []
    for onset, duration, channel, program, pitch, velocity in notes:
        events.append((onset, 1, mido.Message("program_change", channel=channel, program=program)))
        events.append((onset, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((onset + max(duration, 1), 0, mido.Message("note_off", channel=channel, note=pitch)))
    above, _, below = meter.partition("/")
    known = above.isdecimal() and below in ("1", "2", "4", "8", "16", "32", "64") and 0 < int(above) < 256
    numerator, denominator = (int(above), int(below)) if known else (4, 4)
    tempo = int(tempos[0]) if tempos and isinstance(tempos[0], int | float) and 0 < tempos[0] < 2**24 else 500_000
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=tempo)])
    track.append(mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    end_tick = n_bars * numerator * 4 * resolution // denominator
    track.append(mido.MetaMessage("end_of_track", time=max(end_tick - now, 0)))
    stream = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=resolution, tracks=[track]).save(file=stream)
    if not path.exists() or path.read_bytes() != stream.getvalue():
        write_bytes(path, stream.getvalue())
    return True
