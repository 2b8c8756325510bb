"""What a MIDI file holds besides notes: controllers, bends and where its tracks end.

The library keeps notes only; to play a whole file as it was meant, pedal, volume, pan and
bends are read here, by mido.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import mido

from composer_core.music.timing import TICKS_PER_QUARTER
from composer_core.render.timeline import BEND, CONTROL

PLAYED = frozenset({1, 6, 7, 10, 11, 38, 64, 66, 67, 91, 100, 101})
"""Modulation, data entry, volume, pan, expression, data entry (fine), pedals, reverb, parameter number.
Bank select is left out, because programs are chosen by the General MIDI map."""
CENTRE = 8192

Control = tuple[int, int, int, int]
"""(tick at 480 a quarter, CONTROL or BEND, a, b)."""


@dataclass(frozen=True, slots=True)
class Controllers:
    """`of_channel` (0 to 15) in file order; `end_tick` is the End of Track of the longest track."""

    of_channel: dict[int, list[Control]]
    end_tick: int


NO_CONTROLLERS = Controllers({}, 0)


def read_controllers(data: bytes) -> Controllers | None:
    """Controllers and length of a MIDI file; None where mido cannot read it (notes may still be readable)."""
    try:
        song = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except (OSError, EOFError, ValueError, IndexError, KeyError, TypeError, mido.KeySignatureError):
        return None
    found: list[tuple[int, int, Control]] = []
    end_tick = 0
    for track in song.tracks:
        now = 0
        for message in track:
            now += message.time
            tick = round(now * TICKS_PER_QUARTER / song.ticks_per_beat)
            control = _control(tick, message)
            if control is not None:
                found.append((tick, message.channel, control))
        end_tick = max(end_tick, round(now * TICKS_PER_QUARTER / song.ticks_per_beat))
    of_channel: dict[int, list[Control]] = {}
    for _, channel, control in sorted(found, key=lambda item: item[0]):
        of_channel.setdefault(channel, []).append(control)
    return Controllers(of_channel, end_tick)


def _control(tick: int, message: mido.Message) -> Control | None:
    if message.type == "control_change" and message.control in PLAYED:
        return (tick, CONTROL, message.control, message.value)
    if message.type == "pitchwheel":
        value = message.pitch + CENTRE
        return (tick, BEND, value & 0x7F, value >> 7)
    return None
