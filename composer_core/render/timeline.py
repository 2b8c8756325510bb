"""From ticks to sample frames: what the synth shall do, and when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.music.loop import Loop
from composer_core.music.timing import MAX_TEMPO_BPM, MIN_TEMPO_BPM, TICKS_PER_QUARTER
from composer_core.render.repeats import NoteRow, separate_repeats

SAMPLE_RATE = 44_100
"""Frames a second of everything that is rendered."""
BLOCK_FRAMES = 64
"""FluidSynth acts on notes only at the start of such a block (FLUID_BUFSIZE)."""
NOTE_OFF, RESET, PROGRAM, CONTROL, BEND, NOTE_ON, PRESSURE, KEY_PRESSURE = range(8)
"""Kinds of event, in the order they act at one tick. RESET is 'reset all controllers', PROGRAM holds
(program, 1 for drums), CONTROL (number, value), BEND a 14-bit value as (low, high) seven bits, PRESSURE
(value, 0), KEY_PRESSURE (pitch, value)."""
EVENT = np.dtype([("frame", "<u4"), ("kind", "u1"), ("channel", "u1"), ("a", "u1"), ("b", "u1")])
EventArray = NDArray[np.void]


def tempo_map(loop: Loop) -> list[tuple[int, float]]:
    """(tick, bpm) of the tempos that act inside the loop, the first at tick 0; InvalidValue for impossible ones."""
    events = {0: loop.tempo_bpm, **dict(loop.tempo_events)}
    for bpm in events.values():
        require_range("tempo", bpm, MIN_TEMPO_BPM, MAX_TEMPO_BPM, " BPM")
    return [(tick, bpm) for tick, bpm in sorted(events.items()) if tick == 0 or 0 < tick < loop.length_tick]


class Clock:
    """Seconds of a tick under a tempo map."""

    def __init__(self, tempos: Sequence[tuple[int, float]], resolution: int = TICKS_PER_QUARTER) -> None:
        """`tempos` are (tick, bpm), sorted, the first at tick 0; `resolution` in ticks a quarter."""
        self._ticks = [tick for tick, _ in tempos]
        self._sec_per_tick = [60.0 / (bpm * resolution) for _, bpm in tempos]
        self._starts = [0.0]
        for index in range(1, len(tempos)):
            span = self._ticks[index] - self._ticks[index - 1]
            self._starts.append(self._starts[-1] + span * self._sec_per_tick[index - 1])

    def sec(self, tick: float) -> float:
        """Seconds from tick 0; ticks below 0 count at the first tempo."""
        index = max(0, bisect_right(self._ticks, tick) - 1)
        return self._starts[index] + (tick - self._ticks[index]) * self._sec_per_tick[index]


def loop_seconds(loop: Loop) -> float:
    """Length of one pass: quarters * 60 / bpm, summed over the tempo changes where there are any."""
    if not loop.tempo_events:
        return loop.length_sec
    return Clock(tempo_map(loop)).sec(loop.length_tick)


@dataclass(frozen=True, slots=True)
class PlayedPart:
    """Notes for one channel of the synth, in ticks from the start, onsets as low as -60 for early ones.

    `controls` are (tick, CONTROL, BEND, PROGRAM or a pressure, a, b) in the order of the file; `program` is
    what sounds before the first PROGRAM among them.
    """

    channel: int
    program: int
    is_drums: bool
    rows: Sequence[NoteRow]
    controls: Sequence[tuple[int, int, int, int]] = ()


def play_events(
    parts: Sequence[PlayedPart],
    tempos: Sequence[tuple[int, float]],
    length_tick: int,
    passes: int,
    lead_frames: int = 0,
) -> EventArray:
    """What the synth shall do for `passes` passes of `length_tick` back to back, the first starting at `lead_frames`.

    An early note (onset below 0) sounds before its pass starts and rings on into it; all
    other notes end with their pass at the latest, as they do in the MIDI file. Controllers
    start every pass anew.
    """
    clock = Clock(tempos)
    pass_sec = clock.sec(length_tick)
    moments = [(0, PROGRAM, part.program, int(part.is_drums), part.channel) for part in parts]
    for part in parts:
        own = [*_notes(part, length_tick, passes), *_controls(part, length_tick, passes)]
        moments += [(*moment, part.channel) for moment in own]
    # By exact tick before any rounding, so that a note shorter than a frame still starts
    # before it ends; stable, so that controllers keep the order of the file.
    moments.sort(key=lambda moment: moment[:2])
    events = []
    for tick, kind, a, b, channel in moments:
        n_pass, rest = divmod(tick, length_tick)
        frame = lead_frames + round((n_pass * pass_sec + clock.sec(rest)) * SAMPLE_RATE)
        events.append((frame, kind, channel, a, b))
    return np.array(events, dtype=EVENT)


Moment = tuple[int, int, int, int]
"""(tick, kind, a, b)."""


def _notes(part: PlayedPart, length_tick: int, passes: int) -> list[Moment]:
    rows = []
    for onset, duration, pitch, velocity in part.rows:
        for first_tick in range(0, passes * length_tick, length_tick):
            if first_tick + onset >= 0:
                rows.append((first_tick + onset, min(duration, length_tick - onset), pitch, velocity))
    moments = []
    for onset, duration, pitch, velocity in separate_repeats(rows):
        moments += [(onset, NOTE_ON, pitch, velocity), (onset + duration, NOTE_OFF, pitch, 0)]
    return moments


def _controls(part: PlayedPart, length_tick: int, passes: int) -> list[Moment]:
    if not part.controls:
        return []
    moments = []
    changes = any(kind == PROGRAM for _, kind, _, _ in part.controls)
    for first_tick in range(0, passes * length_tick, length_tick):
        moments.append((first_tick, RESET, 0, 0))
        if first_tick and changes:
            moments.append((first_tick, PROGRAM, part.program, int(part.is_drums)))
        moments += [(first_tick + tick, kind, a, b) for tick, kind, a, b in part.controls if tick < length_tick]
    return moments
