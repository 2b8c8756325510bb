"""A second swing meter for the tests, written apart from composer_core.metrics.

It reads the written MIDI file with mido, cuts time into cycles from the bar line, keeps for
each cycle the earliest onset near its start and the earliest one of its middle, and takes the
median of the place between two neighbouring cycle starts. No code is shared with the product.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from statistics import median

import mido

HATS_AND_RIDE = {22, 26, 42, 44, 46, 51, 53, 59}


@dataclass(frozen=True)
class Reading:
    """Median long : short (None without pairs) and the number of pairs."""

    ratio: float | None
    n_pairs: int

    @property
    def percent(self) -> float:
        return 100.0 * self.ratio / (1.0 + self.ratio)


def read_onsets(data: bytes) -> tuple[list[tuple[float, int]], float]:
    """((onset in quarters, pitch) of every note, sorted) and the length of a bar in quarters."""
    file = mido.MidiFile(file=io.BytesIO(data))
    onsets: list[tuple[float, int]] = []
    bar = 4.0
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "time_signature":
                bar = 4.0 * message.numerator / message.denominator
            elif message.type == "note_on" and message.velocity > 0:
                onsets.append((now / file.ticks_per_beat, message.note))
    return sorted(onsets), bar


def is_compound(data: bytes) -> bool:
    """True for 6/8, 9/8 and 12/8, whose beats hold three 8ths and so no pair."""
    file = mido.MidiFile(file=io.BytesIO(data))
    metres = [message for track in file.tracks for message in track if message.type == "time_signature"]
    return any(m.denominator == 8 and m.numerator in (6, 9, 12) for m in metres)


def end_of_track_quarters(data: bytes) -> float:
    """Where the longest track ends, in quarters."""
    file = mido.MidiFile(file=io.BytesIO(data))
    return max(sum(message.time for message in track) for track in file.tracks) / file.ticks_per_beat


def measure_swing(data: bytes, grid: int) -> Reading:
    """Swing of a MIDI file on 8ths or 16ths: hats and ride where they hold a pair a bar, else every note."""
    onsets, bar = read_onsets(data)
    if grid == 8 and is_compound(data):
        return Reading(None, 0)
    n_bars = max(1, round(end_of_track_quarters(data) / bar))
    clock = _pairs([time for time, pitch in onsets if pitch in HATS_AND_RIDE], bar, n_bars, grid)
    places = clock if len(clock) >= n_bars else _pairs([time for time, _ in onsets], bar, n_bars, grid)
    if not places:
        return Reading(None, 0)
    middle = median(places)
    return Reading(middle / (1.0 - middle), len(places))


def _pairs(times: list[float], bar: float, n_bars: int, grid: int) -> list[float]:
    cycle = 1.0 if grid == 8 else 0.5
    length = bar * n_bars
    around = sorted([time - length for time in times] + times + [time + length for time in times])
    places = []
    for index in range(n_bars):
        for number in range(int(bar / cycle + 1e-9)):
            place = _place(around, index * bar + number * cycle, cycle)
            if place is not None:
                places.append(place)
    return places


def _place(times: list[float], begin: float, cycle: float) -> float | None:
    """Place of the off-beat of the cycle at `begin`; None where it has none or carries 16ths instead."""
    inside = [(time - begin) / cycle for time in times if -0.15 * cycle < time - begin < 1.6 * cycle]
    starts = [place for place in inside if abs(place) < 0.15]
    if not starts:
        return None
    start = sum(starts) / len(starts)
    after = [place - start for place in inside]
    middle = [place for place in after if 0.40 <= place <= 0.80]
    if not middle:
        return None
    first = [place for place in middle if place - middle[0] < 0.07]
    offbeat = sum(first) / len(first)
    has_quarter = any(0.20 <= place <= 0.30 for place in after)
    is_sixteenth = offbeat > 0.70 or (has_quarter and offbeat > 0.60)
    is_triplet = cycle < 1.0 and any(1.22 < place < 1.44 for place in after)
    return None if is_sixteenth or is_triplet else offbeat
