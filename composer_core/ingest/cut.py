"""Song -> whole-bar loops.

A note up to EARLY_TICK before a bar line belongs to the bar it anticipates and keeps its
offset, so onsets lie in [-EARLY_TICK, length). Windows of the asked length start at bar 0
and follow each other; what remains at a part's end (or a song shorter than the asked
length) becomes one loop of the largest power of two of bars that fits. The last bar of a part
counts when a note starts in it. A change of metre ends a loop; a bar that the change cuts
short belongs to no loop. Tempo changes are kept as events, `tempo_bpm` being the
duration-weighted mean. A loop without a note is no loop. Notes end with their loop at the latest.
A file that ends exactly on its bar line after 1, 2, 4 or 8 bars is a loop: notes anticipating that
line are early downbeats wrapped to its end and go back to before the first downbeat.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_choice
from composer_core.ingest.song import Part, Song, seconds_at
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import BARS_CHOICES, EARLY_TICK, Meter

WHOLE_SONG = 0


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of one metre: from `start_tick`, `n_bars` whole bars (None: open), first bar's number."""

    start_tick: int
    meter: Meter
    n_bars: int | None
    first_bar: int

    @property
    def early_tick(self) -> int:
        """How early a note may be; less than usual only where a bar is shorter than a 16th of 4/4."""
        return min(EARLY_TICK, self.meter.bar_tick // 4)


def cut(song: Song, bars: int) -> list[Loop]:
    """Loops of 1, 2, 4 or 8 bars of every part, or with 0 a part's whole length (one loop a metre).

    Loops are ordered by part, then by start. `Loop.extra` holds the part's `channel` and
    its number as `part`, and where the loop begins in the song as `start_tick` and `start_sec`.
    Raises InvalidValue for another number of bars.
    """
    require_choice("bars", bars, (WHOLE_SONG, *BARS_CHOICES))
    segments = _segments(song)
    parts = _unwrapped(song, segments)
    return [loop for number, part in enumerate(parts) for loop in _cut_part(song, part, number, segments, bars)]


def _unwrapped(song: Song, segments: list[_Segment]) -> tuple[Part, ...]:
    """Parts whose trailing early notes come before the first downbeat again, where the song is a loop.

    A loop written to a file carries the notes that anticipate its first downbeat at its end. So
    where the file ends exactly on the line of 1, 2, 4 or 8 bars, notes just before it begin no bar.
    """
    last = max((int(part.notes.onset_tick[-1]) for part in song.parts if len(part.notes)), default=0)
    early_tick, bar_tick = segments[0].early_tick, segments[0].meter.bar_tick
    line_tick = (last + early_tick) // bar_tick * bar_tick
    if len(segments) > 1 or song.end_tick != line_tick or line_tick // bar_tick not in BARS_CHOICES:
        return song.parts
    return tuple(replace(part, notes=_moved(part.notes, line_tick - early_tick, line_tick)) for part in song.parts)


def _moved(notes: Notes, from_tick: int, by_tick: int) -> Notes:
    onset = np.where(notes.onset_tick >= from_tick, notes.onset_tick - by_tick, notes.onset_tick)
    return notes.with_columns(onset_tick=onset)


def count_cut_short(song: Song) -> int:
    """Notes that lie in bars which a change of metre cuts short, and so in no loop."""
    segments = _segments(song)
    if len(segments) == 1:
        return 0
    return sum(
        int((bar >= segment.n_bars).sum())
        for part in song.parts
        for segment, _, bar in _placed(part.notes, segments)
        if segment.n_bars is not None
    )


def _segments(song: Song) -> list[_Segment]:
    """Metre changes as stretches. The same metre again on a bar line changes nothing."""
    segments: list[_Segment] = []
    start_tick, meter = song.meters[0]
    first_bar = 0
    for tick, following in song.meters[1:]:
        n_bars, rest = divmod(tick - start_tick, meter.bar_tick)
        if following == meter and rest == 0:
            continue
        segments.append(_Segment(start_tick, meter, n_bars, first_bar))
        first_bar += n_bars + (rest > 0)
        start_tick, meter = tick, following
    return [*segments, _Segment(start_tick, meter, None, first_bar)]


def _placed(notes: Notes, segments: list[_Segment]) -> Iterator[tuple[_Segment, slice, NDArray[np.int64]]]:
    """Each segment with the slice of the notes in it and the bar (in the segment) of each."""
    starts = [segment.start_tick - segment.early_tick for segment in segments[1:]]
    edges = [0, *np.searchsorted(notes.onset_tick, starts).tolist(), len(notes)]
    for segment, first, last in zip(segments, edges, edges[1:], strict=False):
        if last > first:
            onset = notes.onset_tick[first:last].astype(np.int64) - segment.start_tick
            yield segment, slice(first, last), (onset + segment.early_tick) // segment.meter.bar_tick


def _cut_part(song: Song, part: Part, number: int, segments: list[_Segment], bars: int) -> Iterator[Loop]:
    for segment, notes_slice, bar in _placed(part.notes, segments):
        n_bars = int(bar[-1]) + 1
        if segment.n_bars is not None:
            n_bars = min(n_bars, segment.n_bars)
        windows = _windows(n_bars, bars)
        edges = np.searchsorted(bar, [edge for window in windows for edge in window]).tolist()
        for (start, stop), first, last in zip(windows, edges[::2], edges[1::2], strict=True):
            if last > first:
                chosen = slice(notes_slice.start + first, notes_slice.start + last)
                yield _loop(song, part, number, segment, start, stop - start, chosen)


def _windows(n_bars: int, bars: int) -> list[tuple[int, int]]:
    """(start, stop) bars of the loops cut out of n_bars."""
    if bars == WHOLE_SONG:
        return [(0, n_bars)] if n_bars else []
    windows = [(start, start + bars) for start in range(0, n_bars - bars + 1, bars)]
    done = windows[-1][1] if windows else 0
    fitting = [size for size in BARS_CHOICES if size < bars and size <= n_bars - done]
    return [*windows, (done, done + fitting[-1])] if fitting else windows


def _loop(song: Song, part: Part, number: int, segment: _Segment, start: int, bars: int, chosen: slice) -> Loop:
    start_tick = segment.start_tick + start * segment.meter.bar_tick
    length_tick = bars * segment.meter.bar_tick
    onset, duration, pitch, velocity = (column[chosen] for column in part.notes.columns())
    onset = onset - np.int32(start_tick)
    tempo_bpm, events = stretch_tempo(song, start_tick, length_tick)
    return Loop(
        instrument=part.instrument,
        notes=Notes(onset, np.minimum(duration, length_tick - onset), pitch, velocity),
        bars=bars,
        tempo_bpm=tempo_bpm,
        meter=segment.meter,
        program=part.program,
        start_bar=segment.first_bar + start,
        tempo_events=events,
        track_name=part.name,
        source=song.name,
        extra={
            "part": number,
            "channel": part.channel,
            "start_tick": start_tick,
            "start_sec": _start_sec(song, start_tick),
        },
    )


def _start_sec(song: Song, start_tick: int) -> float:
    if len(song.tempo_tick) == 1:
        return round(start_tick / 8.0 / float(song.tempo_bpm[0]), 4)
    return round(float(seconds_at(np.array([start_tick]), song.tempo_tick, song.tempo_bpm)[0]), 4)


def stretch_tempo(song: Song, start_tick: int, length_tick: int) -> tuple[float, tuple[tuple[int, float], ...]]:
    """Duration-weighted mean tempo of a stretch, and its events from tick 0 when there are several."""
    tick = song.tempo_tick
    if len(tick) == 1:
        return float(song.tempo_bpm[0]), ()
    first = int(np.searchsorted(tick, start_tick, side="right")) - 1
    last = int(np.searchsorted(tick, start_tick + length_tick))
    if last - first == 1:
        return float(song.tempo_bpm[first]), ()
    ends = np.array([start_tick, start_tick + length_tick])
    start_sec, end_sec = seconds_at(ends, tick, song.tempo_bpm)
    mean_bpm = length_tick / 480.0 / (end_sec - start_sec) * 60.0
    at = np.maximum(tick[first:last] - start_tick, 0)
    return float(mean_bpm), tuple(zip(at.tolist(), song.tempo_bpm[first:last].tolist(), strict=True))
