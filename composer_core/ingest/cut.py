"""Song -> whole-bar loops.

A note up to EARLY_TICK before a bar line belongs to the bar it anticipates and keeps its
offset, so onsets lie in [-EARLY_TICK, length). Windows of the asked length start where the earliest
part of the song begins (empty bars before it, a set-up bar or a region exported from bar 17, are no
music) and follow each other, the same for all parts: a part's rests inside the song count. The song ends
with the bar of the last onset, or later where its End of Track or its longest note lies within one of the
file's ticks of a bar line. What remains there (or a song shorter than the asked length) becomes one loop
of the largest power of two of bars that fits. A change of metre ends a loop; a bar that the change cuts
short belongs to no loop. Tempo changes are kept as events, `tempo_bpm` being the
duration-weighted mean. A pitched note that sounds on for a quarter or more after a window's end begins
anew at the next one's start; a window in which nothing begins is a loop only where something held sounds
for a bar, and a loop without a note is no loop. Notes end with their loop at the latest. A note that a part holds twice
(of drums whatever the lengths) is one note.
A file that ends on its bar line after 1, 2, 4 or 8 bars is a loop: notes anticipating that
line are early downbeats wrapped to its end and go back to before the first downbeat.
With WHOLE_SONG a part is left as the file has it: from the first bar to the bar of its own last onset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_choice
from composer_core.ingest.song import Part, Song, seconds_at
from composer_core.music.drum_maps import GENERAL_MIDI
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import BARS_CHOICES, EARLY_TICK, TICKS_PER_QUARTER, Meter

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
    its number as `part`, and where the loop begins in the song as `start_tick` and `start_sec`; of drums that do not
    follow General MIDI the `drum_map`.
    Raises InvalidValue for another number of bars.
    """
    require_choice("bars", bars, (WHOLE_SONG, *BARS_CHOICES))
    segments = _segments(song)
    first_bar = 0 if bars == WHOLE_SONG else _lead_in_bars(song.parts, segments)
    parts = _unwrapped(song, segments, first_bar, 0 if bars == WHOLE_SONG else _tolerance_tick(song))
    if bars == WHOLE_SONG:
        return [loop for number, part in enumerate(parts) for loop in _whole_part(song, part, number, segments)]
    windows = _windows_of_song(song, parts, segments, first_bar, bars)
    return [loop for number, part in enumerate(parts) for loop in _cut_part(song, part, number, windows)]


def _lead_in_bars(parts: Sequence[Part], segments: Sequence[_Segment]) -> int:
    """Empty bars of the first metre before the earliest part begins; 0 where nothing begins in it."""
    onsets = [int(part.notes.onset_tick[0]) for part in parts if len(part.notes)]
    if not onsets:
        return 0
    bars = (min(onsets) - segments[0].start_tick + segments[0].early_tick) // segments[0].meter.bar_tick
    return bars if segments[0].n_bars is None or bars < segments[0].n_bars else 0


def _unwrapped(song: Song, segments: Sequence[_Segment], first_bar: int, tolerance_tick: int) -> tuple[Part, ...]:
    """Parts whose trailing early notes come before the first downbeat again, where the song is a loop.

    A loop written to a file carries the notes that anticipate its first downbeat at its end. So
    where the file ends on the line of 1, 2, 4 or 8 bars, notes just before it begin no bar.
    """
    last = max((int(part.notes.onset_tick[-1]) for part in song.parts if len(part.notes)), default=0)
    early_tick, bar_tick = segments[0].early_tick, segments[0].meter.bar_tick
    n_lines = (last + early_tick) // bar_tick
    line_tick, start_tick = n_lines * bar_tick, first_bar * bar_tick
    ends = song.end_tick is not None and abs(song.end_tick - line_tick) <= tolerance_tick
    if len(segments) > 1 or not ends or n_lines - first_bar not in BARS_CHOICES:
        return song.parts
    by_tick = line_tick - start_tick
    return tuple(replace(part, notes=_moved(part.notes, line_tick - early_tick, by_tick)) for part in song.parts)


def _tolerance_tick(song: Song) -> int:
    """One tick of the file in ticks of ours, 1 at least."""
    return max(1, -(-TICKS_PER_QUARTER // song.resolution))


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


def _whole_part(song: Song, part: Part, number: int, segments: list[_Segment]) -> Iterator[Loop]:
    """One loop of each metre, as long as the part."""
    for segment, notes_slice, bar in _placed(part.notes, segments):
        n_bars = int(bar[-1]) + 1
        if segment.n_bars is not None:
            n_bars = min(n_bars, segment.n_bars)
        last = int(np.searchsorted(bar, n_bars))
        if n_bars and last:
            columns = part.notes.columns()
            notes = Notes(*(column[notes_slice.start : notes_slice.start + last] for column in columns))
            yield _loop(song, part, number, _Window(segment, 0, n_bars), notes)


@dataclass(frozen=True, slots=True)
class _Window:
    """`bars` bars of a segment from its bar `start` on."""

    segment: _Segment
    start: int
    bars: int

    @property
    def start_tick(self) -> int:
        """Where it begins in the song."""
        return self.segment.start_tick + self.start * self.segment.meter.bar_tick

    @property
    def length_tick(self) -> int:
        """How long it is."""
        return self.bars * self.segment.meter.bar_tick


def _windows_of_song(
    song: Song, parts: Sequence[Part], segments: Sequence[_Segment], first_bar: int, bars: int
) -> list[_Window]:
    """The windows all parts are cut by."""
    windows = []
    for segment in segments:
        n_bars = _open_bars(song, parts, segment, bars) if segment.n_bars is None else segment.n_bars
        skipped = first_bar if segment is segments[0] else 0
        found = _windows(n_bars - skipped, bars)
        windows += [_Window(segment, skipped + start, stop - start) for start, stop in found]
    return windows


def _open_bars(song: Song, parts: Sequence[Part], segment: _Segment, bars: int) -> int:
    """Bars of the last segment up to where the song ends; no further than a window behind the last sound."""
    notes = [part.notes for part in parts if len(part.notes)]
    if not notes:
        return 0
    bar_tick = segment.meter.bar_tick
    last = max(int(one.onset_tick[-1]) for one in notes) - segment.start_tick
    n_bars = (last + segment.early_tick) // bar_tick + 1
    sounding = max(int((one.onset_tick.astype(np.int64) + one.duration_tick).max()) for one in notes)
    for end_tick in (sounding, song.end_tick or 0):
        lines, over = divmod(end_tick - segment.start_tick + _tolerance_tick(song), bar_tick)
        if over <= 2 * _tolerance_tick(song):
            n_bars = max(n_bars, min(lines, -(-(sounding - segment.start_tick) // bar_tick) + bars))
    return max(n_bars, 0)


def _cut_part(song: Song, part: Part, number: int, windows: Sequence[_Window]) -> Iterator[Loop]:
    onset = part.notes.onset_tick
    end = onset.astype(np.int64) + part.notes.duration_tick
    # Where the latest end so far lies within a window's first quarter, nothing is held into it.
    latest = np.maximum.accumulate(end) if part.instrument != "drums" else np.empty(0, np.int64)
    early = [window.start_tick - window.segment.early_tick for window in windows]
    stops = [tick + window.length_tick for tick, window in zip(early, windows, strict=True)]
    firsts, lasts = (np.searchsorted(onset, ticks).tolist() for ticks in (early, stops))
    for window, begin, last in zip(windows, firsts, lasts, strict=True):
        first = 0 if window.start_tick == 0 else begin
        notes = Notes(*(column[first:last] for column in part.notes.columns()))
        if first and len(latest) and latest[first - 1] >= window.start_tick + TICKS_PER_QUARTER:
            notes = _with_held(part.notes, end, window, first, notes)
        if len(notes):
            yield _loop(song, part, number, window, _merged(notes, part.instrument == "drums"))


def _with_held(notes: Notes, end: NDArray[np.int64], window: _Window, first: int, own: Notes) -> Notes:
    """The notes of a window and those held into it, which begin at its start."""
    held = np.flatnonzero(end[:first] >= window.start_tick + TICKS_PER_QUARTER)
    if not len(own) and int(end[held].max()) < window.start_tick + window.segment.meter.bar_tick:
        return own
    start = np.full(len(held), window.start_tick, dtype=np.int64)
    tied: list[NDArray[Any]] = [start, end[held] - window.start_tick, notes.pitch[held], notes.velocity[held]]
    return Notes.of(*(np.concatenate([old, new]) for old, new in zip(tied, own.columns(), strict=True)))


def _merged(notes: Notes, drums: bool) -> Notes:
    """Notes written twice as one: equal in onset, pitch and, where it means something, length; the loudest counts."""
    onset, duration, pitch, velocity = notes.columns()
    same = (np.diff(onset) == 0) & (np.diff(pitch) == 0)
    if not same.any():
        return notes
    if not drums:
        same &= np.diff(duration) == 0
    starts = np.flatnonzero(np.append(True, ~same))
    longest, loudest = np.maximum.reduceat(duration, starts), np.maximum.reduceat(velocity, starts)
    return Notes(onset[starts], longest, pitch[starts], loudest)


def _windows(n_bars: int, bars: int) -> list[tuple[int, int]]:
    """(start, stop) bars of the loops cut out of n_bars."""
    windows = [(start, start + bars) for start in range(0, n_bars - bars + 1, bars)]
    done = windows[-1][1] if windows else 0
    fitting = [size for size in BARS_CHOICES if size < bars and size <= n_bars - done]
    return [*windows, (done, done + fitting[-1])] if fitting else windows


def _loop(song: Song, part: Part, number: int, window: _Window, notes: Notes) -> Loop:
    """The loop of a window; `notes` count from the song's start."""
    start_tick, length_tick = window.start_tick, window.length_tick
    onset, duration, pitch, velocity = notes.columns()
    onset = onset - np.int32(start_tick)
    tempo_bpm, events = stretch_tempo(song, start_tick, length_tick)
    return Loop(
        instrument=part.instrument,
        notes=Notes(onset, np.minimum(duration, length_tick - onset), pitch, velocity),
        bars=window.bars,
        tempo_bpm=tempo_bpm,
        meter=window.segment.meter,
        program=part.program,
        start_bar=window.segment.first_bar + window.start,
        tempo_events=events,
        track_name=part.name,
        source=song.name,
        extra={
            "part": number,
            "channel": part.channel,
            "start_tick": start_tick,
            "start_sec": _start_sec(song, start_tick),
            **({} if part.drum_map == GENERAL_MIDI else {"drum_map": part.drum_map}),
        },
    )


def _start_sec(song: Song, start_tick: int) -> float:
    if len(song.tempo_tick) == 1:
        return round(song.zero_sec + start_tick / 8.0 / float(song.tempo_bpm[0]), 4)
    return round(song.zero_sec + float(seconds_at(np.array([start_tick]), song.tempo_tick, song.tempo_bpm)[0]), 4)


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
