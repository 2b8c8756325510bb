"""Random multi-track files with every kind of event, to be edited: what an edit was not asked for must be there after.

Drums are on channel 10, a bass on a channel that strings use too (on another port, in files of format 1), a piano
whose hands have a channel each. Notes overlap, start together, have no length or never end.
"""

from __future__ import annotations

from random import Random

from composer_core.ingest.document import quantity
from smf import END, meta, meter, name, off, on, program, smf, tempo

RESOLUTIONS = (24, 96, 384, 480, 960, 1024)
Timed = tuple[int, bytes]
PEDALS_AND_BANKS = (0, 1, 2, 5, 7, 10, 11, 32, 64, 65, 66, 67, 71, 74, 84, 91, 93)
BASS, STRINGS, RIGHT, LEFT, DRUMS = 2, 2, 4, 5, 9


def random_song(seed: int, *, bars: int | None = None) -> bytes:
    """The bytes of a file; with `bars` one of so many bars of 4/4 that ends on its line and whose notes end."""
    dice = Random(seed)
    resolution, kind = RESOLUTIONS[seed % 6], seed // 6 % 2
    length = (bars or dice.randint(3, 6)) * 4 * resolution
    parts = [
        _part(dice, resolution, length, DRUMS, b"Drums", None, (36, 38, 42, 46), loose=bars is None),
        _part(dice, resolution, length, BASS, b"Bass", 33, (40, 43, 45, 47), loose=bars is None),
        _part(dice, resolution, length, RIGHT, b"Piano (right)", 0, (60, 64, 67), loose=bars is None),
        _part(dice, resolution, length, LEFT, b"Piano (left)", 0, (40, 43, 48), loose=bars is None),
    ]
    if kind:
        strings = _part(dice, resolution, length, STRINGS, b"Strings", 48, (60, 64, 72), loose=bars is None)
        parts.append([(0, meta(0x21, b"\x01")), *strings])
    conductor = _conductor(dice, resolution, length, one_meter=bars is not None)
    runs = dice.random() < 0.5
    ends = [length if bars else length + dice.randint(0, resolution) for _ in range(len(parts) + 1)]
    if kind == 0:
        everything = [*conductor, *(event for part in parts for event in part if event[1][:2] != b"\xff\x03")]
        return smf(_chunk(everything, ends[0], runs), kind=0, resolution=resolution)
    chunks = [_chunk(part, end, runs) for part, end in zip([conductor, *parts], ends, strict=True)]
    return smf(*chunks, kind=1, resolution=resolution)


def _chunk(events: list[Timed], end: int, runs: bool) -> bytes:
    """A track chunk; with `runs` a status byte that repeats is left out."""
    body, now, status = bytearray(), 0, 0
    last = max(end, *(tick for tick, _ in events))
    for tick, message in sorted(events, key=lambda event: event[0]):
        repeats = runs and message[0] == status and message[0] < 0xF0
        body += quantity(tick - now) + (message[1:] if repeats else message)
        now, status = tick, message[0]
    body += quantity(last - now) + END
    return b"MTrk" + len(body).to_bytes(4, "big") + bytes(body)


def _conductor(dice: Random, resolution: int, length: int, *, one_meter: bool) -> list[Timed]:
    events = [(0, meter(4, 2)), (0, tempo(dice.choice((70, 97, 120)))), (0, meta(0x02, b"(c) nobody"))]
    events += [(dice.randrange(length), tempo(dice.choice((80, 110)))) for _ in range(0 if one_meter else 2)]
    if not one_meter and dice.random() < 0.5:
        events.append((4 * resolution, meter(3, 2)))
    events += [
        (dice.randrange(length), meta(0x59, bytes((dice.choice((0, 3, 0xFD)), dice.randint(0, 1))))),
        (0, meta(0x54, bytes((0x60, 0, 0, 0, 0)))),
        (0, meta(0x00, b"\x00\x07")),
    ]
    kinds = (0x01, 0x05, 0x06, 0x07, 0x60, 0x7F)
    return events + [(dice.randrange(length), meta(dice.choice(kinds), "夜 la".encode())) for _ in range(6)]


def _part(
    dice: Random,
    resolution: int,
    length: int,
    channel: int,
    named: bytes,
    number: int | None,
    pitches: tuple[int, ...],
    *,
    loose: bool,
) -> list[Timed]:
    events: list[Timed] = [(0, name(named))]
    if number is not None:
        events += [(0, bytes((0xB0 | channel, 0, 0))), (0, program(number, channel))]
    notes = [event for _ in range(dice.randint(8, 20)) for event in _note(dice, resolution, length, channel, pitches)]
    if loose:
        notes.append((dice.randrange(length), on(pitches[0], 70, channel)))  # never ends
    else:
        notes += [(length - resolution, on(pitches[0], 70, channel)), (length, off(pitches[0], channel))]
    others = [event for _ in range(12) for event in _other(dice, length, channel, number, pitches)]
    return events + sorted(notes + others, key=lambda event: event[0])


def _note(dice: Random, resolution: int, length: int, channel: int, pitches: tuple[int, ...]) -> list[Timed]:
    grid = max(1, resolution // 4)
    start = dice.randrange(length // grid) * grid + dice.choice((0, 0, 1, -1)) * (resolution // 48)
    start = min(max(start, 0), length - 2)
    stop = min(start + dice.choice((0, grid // 2, grid, 3 * grid)), length)
    pitch, velocity = dice.choice(pitches), dice.randint(1, 127)
    release = off(pitch, channel) if dice.random() < 0.5 else on(pitch, 0, channel)
    found = [(start, on(pitch, velocity, channel)), (stop, release)]
    return found * 2 if dice.random() < 0.1 else found


def _other(dice: Random, length: int, channel: int, number: int | None, pitches: tuple[int, ...]) -> list[Timed]:
    tick = dice.randrange(length)

    def control(which: int) -> Timed:
        # Of the banks only those that call no drums, and none that ends them.
        return tick, bytes((0xB0 | channel, which, dice.randint(0, 127 if which else 100)))

    kind = dice.randrange(8)
    if kind == 0:
        return [(tick, bytes((0xE0 | channel, dice.randint(0, 127), dice.randint(0, 127))))]
    if kind == 1:
        return [(tick, bytes((0xD0 | channel, dice.randint(0, 127))))]
    if kind == 2:
        return [(tick, bytes((0xA0 | channel, dice.choice(pitches), dice.randint(0, 127))))]
    if kind == 3:
        return [control(which) for which in dice.choice(((101, 100, 6, 38), (99, 98, 6)))]
    if kind == 4:
        return [(tick, b"\xf0\x05\x7e\x7f\x09\x01\xf7"), (tick, b"\xf7\x02\x01\x02")]
    if kind == 5 and number is not None:
        return [control(32), (tick, program(number + dice.randint(0, 1), channel))]
    if kind == 6:
        return [(tick, meta(dice.choice((0x01, 0x04, 0x05, 0x08)), b"solo"))]
    return [control(dice.choice(PEDALS_AND_BANKS[number is None :]))]
