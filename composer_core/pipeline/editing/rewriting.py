"""New notes for the parts of a document: exactly the events of changed notes are replaced.

A note that comes back as it was keeps its events. One that changed keeps the tick of whatever did not:
its onset, its length, its place among the events of a tick. New notes go to the track, channel and port of
the part's note nearest in time and pitch, so that a part over several channels (two hands, the strings of a
guitar, MPE) stays one. Notes never cross a program change of their channel, which would change their sound.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from composer_core.ingest.document import BEND, KEY_PRESSURE, NOTE_OFF, NOTE_ON, PROGRAM, FileEvent, MidiDocument
from composer_core.ingest.written_notes import HANGING, NO_SOURCE, PlacedEvent, Row, WrittenNote, channel_events
from composer_core.music.timing import TICKS_PER_QUARTER
from composer_core.pipeline.editing.notices import EditNotice
from composer_core.render.timeline import Clock

RELEASE_VELOCITY = 64
HEARD_MS = 1.0
"""Rounding to the file's ticks by more than this is said."""
_SEMITONES_A_QUARTER = 4
"""How far in pitch is as far as a quarter in time, when the nearest note is looked for."""
_NEAR = 48
"""So many notes before and after in time are looked at."""


@dataclass(frozen=True, slots=True)
class PartEdit:
    """What becomes of a part's notes.

    `before` and `after` are its notes at 480 a quarter from the song's start, `sources` the written note of each
    note before. `bars` (song ticks, from and to) limits the edit: outside them every event stays, and notes that
    start together stay two; None is the whole part. `program` is the part's before and after, `bends` are
    (tick, 14-bit value) that are new. `channel` counts for a part without any written note. What begins before its
    track's End of Track, or before `end_tick` where that is later, rings no further.
    """

    sources: Sequence[int]
    before: Sequence[Row]
    after: Sequence[Row]
    is_pitched: bool
    channel: int = 0
    program: tuple[int, int] = (0, 0)
    bends: Sequence[tuple[int, int]] = ()
    bars: Sequence[tuple[int, int]] | None = None
    end_tick: int = 0


@dataclass(slots=True)
class _Planned:
    """A note as it is to be written; `source` is the written note it comes from, `fresh` that it is not as it was."""

    note: WrittenNote
    source: int
    fresh: bool


class Rewriter:
    """Writes edits into a document and counts what they did."""

    def __init__(
        self,
        document: MidiDocument,
        notes: Sequence[WrittenNote],
        tempos: Sequence[tuple[int, float]],
        doubles: dict[int, list[int]] | None = None,
    ) -> None:
        """`tempos` are (song tick, bpm); `doubles` the written notes no part holds, by the one that stands for them."""
        self.document, self.notes, self.doubles = document, notes, doubles or {}
        self.resolution = document.resolution
        self.n_notes = len(notes)
        """Notes in the document as edited."""
        self._clock = Clock(tempos)
        self._events = list(channel_events(document))
        self._programs = self._program_ticks()
        self._counts: Counter[str] = Counter()
        self._most_ms = 0.0
        self._notices: list[EditNotice] = []

    def file_tick(self, tick: int) -> int:
        """A song tick (480 a quarter) as the nearest one of the file."""
        return (2 * tick * self.resolution + TICKS_PER_QUARTER) // (2 * TICKS_PER_QUARTER)

    def rewrite(self, edit: PartEdit) -> int:
        """Make one part's edit; how many notes the part has then."""
        kept, changed, removed = paired(edit.before, edit.after)
        planned = [
            _Planned(self.notes[edit.sources[at]], edit.sources[at], fresh=False)
            for at in kept
            if edit.sources[at] != NO_SOURCE
        ]
        # Notes that only a reader found, behind the place where their track breaks off.
        is_broken = any(track.broken is not None for track in self.document.tracks)
        unwritten = [(None, edit.before[at]) for at in kept if is_broken and edit.sources[at] == NO_SOURCE]
        own = sorted(self.notes[source] for source in edit.sources if source != NO_SOURCE)
        for at, row in [*changed, *unwritten]:
            source = NO_SOURCE if at is None else edit.sources[at]
            if at is None or source == NO_SOURCE:
                note = self._placed(row, own, edit.channel)
            else:
                note = self._moved(self.notes[source], edit.before[at], row)
            planned.append(_Planned(self._within_track(note, edit.end_tick), source, fresh=True))
        for at in removed:
            self._remove(edit.sources[at])
        self._drop_doubles(edit, planned)
        planned = self._settled(planned, edit)
        for one in planned:
            self._write(one)
        self._say_pitches(edit, planned)
        self._write_bends(edit, planned)
        if edit.program[0] != edit.program[1]:
            self._set_program(edit, planned)
        return len(planned)

    def notices(self) -> list[EditNotice]:
        """What is to be said about all edits so far."""
        counted = [EditNotice(code, {"count": count}) for code, count in sorted(self._counts.items()) if count]
        found = [
            EditNotice(one.code, one.values | {"resolution": self.resolution, "ms": self._most_ms})
            if one.code == "rounded"
            else one
            for one in counted
        ]
        return [*found, *{one.message: one for one in self._notices}.values()]

    def _moved(self, old: WrittenNote, before: Row, after: Row) -> WrittenNote:
        """The written note with what changed between two rows."""
        onset = old.onset if after[0] == before[0] else self._held(old, self._rounded(after[0]))
        if after[1] == before[1]:
            end = HANGING if old.end == HANGING else onset + old.end - old.onset
        elif after[0] + after[1] == before[0] + before[1] and old.end != HANGING:
            end = old.end
        else:
            end = self.file_tick(after[0] + after[1])
        if end != HANGING and (onset, end) != (old.onset, old.end):
            end = max(end, onset + 1)
        return WrittenNote(onset, end, after[2], after[3], *old[4:])

    def _within_track(self, note: WrittenNote, end_tick: int) -> WrittenNote:
        last = max(self.document.tracks[note.track].end_tick, self.file_tick(end_tick))
        return note._replace(end=last) if note.onset < last < note.end else note

    def _placed(self, row: Row, own: Sequence[WrittenNote], channel: int) -> WrittenNote:
        """A new note beside the nearest of the part's own."""
        onset = self._rounded(row[0])
        end = max(self.file_tick(row[0] + row[1]), onset + 1)
        if not own:
            track = next((event.track for event in self._events if event.event.status & 0x0F == channel), -1)
            number = track if track >= 0 else len(self.document.tracks) - 1
            return WrittenNote(onset, end, row[2], row[3], number, max(channel, 0), 0, HANGING, HANGING)
        middle = bisect.bisect_left(own, (onset,))
        near = own[max(0, middle - _NEAR) : middle + _NEAR]
        wide = self.resolution / _SEMITONES_A_QUARTER
        like = min(near, key=lambda note: abs(note.onset - onset) + wide * abs(note.pitch - row[2]))
        return like._replace(onset=onset, end=end, pitch=row[2], velocity=row[3], on_at=HANGING, off_at=HANGING)

    def _rounded(self, tick: int) -> int:
        onset = self.file_tick(max(tick, 0))
        exact = onset * TICKS_PER_QUARTER / self.resolution
        off_ms = abs(self._clock.sec(exact) - self._clock.sec(max(tick, 0))) * 1000
        if off_ms > HEARD_MS:
            self._counts["rounded"] += 1
            self._most_ms = max(self._most_ms, off_ms)
        return onset

    def _held(self, old: WrittenNote, onset: int) -> int:
        """The onset, kept between the program changes of the channel that the note lay between."""
        ticks = self._programs.get((old.port, old.channel), [])
        at = bisect.bisect_right(ticks, old.onset)
        low = ticks[at - 1] if at else 0
        held = max(onset, low) if at == len(ticks) else min(max(onset, low), ticks[at] - 1)
        self._counts["held_by_program"] += held != onset
        return held

    def _program_ticks(self) -> dict[tuple[int, int], list[int]]:
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for one in self._programs_events():
            found[one.port, one.event.status & 0x0F].append(one.event.tick)
        return {place: sorted(ticks) for place, ticks in found.items()}

    def _programs_events(self) -> Iterable[PlacedEvent]:
        return (one for one in self._events if one.event.status & 0xF0 == PROGRAM)

    def _remove(self, source: int) -> None:
        if source == NO_SOURCE:
            return
        for at in (source, *self.doubles.get(source, ())):
            note = self.notes[at]
            self._take_out(note.track, note.on_at, note.off_at)
            self.n_notes -= 1

    def _take_out(self, track: int, *indices: int) -> None:
        self.document.tracks[track].edit().removed.update(index for index in indices if index != HANGING)

    def _drop_doubles(self, edit: PartEdit, planned: Sequence[_Planned]) -> None:
        """Notes that no part holds go where the part they belong to was edited as a whole, or their own note was."""
        if not self.doubles:
            return
        for one in planned:
            if edit.bars is None or one.fresh:
                for at in self.doubles.get(one.source, ()):
                    note = self.notes[at]
                    self._take_out(note.track, note.on_at, note.off_at)
                    self.n_notes -= 1
                    self._counts["merged"] += 1

    def _settled(self, planned: Sequence[_Planned], edit: PartEdit) -> list[_Planned]:
        """One note at a time on each key of each track and channel, wherever a changed note is concerned."""
        keys: dict[tuple[int, int, int], list[_Planned]] = defaultdict(list)
        for one in planned:
            keys[one.note.track, one.note.channel, one.note.pitch].append(one)
        bars = None if edit.bars is None else [tuple(map(self.file_tick, bar)) for bar in edit.bars]
        result: list[_Planned] = []
        for group in keys.values():
            result += group if len(group) == 1 else self._one_at_a_time(group, bars)
        return result

    def _one_at_a_time(self, group: list[_Planned], bars: Sequence[tuple[int, ...]] | None) -> list[_Planned]:
        done: list[_Planned] = []
        active: list[_Planned] = []
        for one in sorted(group, key=lambda each: (each.note.onset, each.fresh)):
            onset = one.note.onset
            if done and done[-1].note.onset == onset and (bars is None or one.fresh):
                self._join(done[-1], one, bars is None)
                continue
            active = [each for each in active if each.note.end > onset]
            sounding = [each for each in active if each.note.onset < onset]
            if one.fresh and bars is not None and not all(_may_end(each, bars) for each in sounding):
                self._counts["left_out"] += 1
                self._remove(one.source)
                continue
            for each in sounding:
                if one.fresh or each.fresh:
                    each.note, each.fresh = each.note._replace(end=onset), True
            done.append(one)
            active.append(one)
        return done

    def _join(self, first: _Planned, second: _Planned, may_change: bool) -> None:
        """Two notes of one key that start together become one, the loudest and longest of them."""
        self._counts["merged"] += 1
        self._remove(second.source)
        if may_change or first.fresh:
            a, b = first.note, second.note
            joined = a._replace(end=max(a.end, b.end), velocity=max(a.velocity, b.velocity))
            first.note, first.fresh = joined, first.fresh or joined != a

    def _write(self, one: _Planned) -> None:
        if not one.fresh:
            return
        note = one.note
        edits = self.document.tracks[note.track].edit()
        strike = FileEvent(note.onset, NOTE_ON | note.channel, bytes((note.pitch, note.velocity)))
        release = FileEvent(note.end, NOTE_OFF | note.channel, bytes((note.pitch, RELEASE_VELOCITY)))
        if one.source == NO_SOURCE:
            self.n_notes += 1
            edits.ons.append(strike)
            edits.offs.append(release)
            return
        old, events = self.notes[one.source], self.document.tracks[note.track].events
        if note.onset == old.onset:
            edits.replaced[old.on_at] = strike
        else:
            edits.removed.add(old.on_at)
            edits.ons.append(strike)
        if old.off_at != HANGING:
            _, status, data = events[old.off_at]
            release = FileEvent(note.end, status, bytes((note.pitch, data[1])))
        if note.end == old.end and old.off_at != HANGING:
            edits.replaced[old.off_at] = release
        elif note.end != HANGING:
            if old.off_at != HANGING:
                edits.removed.add(old.off_at)
            edits.offs.append(release)

    def _say_pitches(self, edit: PartEdit, planned: Sequence[_Planned]) -> None:
        """Say what names pitches and stays: the key signature, and pressure on single keys."""
        turned = [one for one in planned if one.source != NO_SOURCE and self.notes[one.source].pitch != one.note.pitch]
        if not turned:
            return
        if edit.is_pitched and any(event.is_meta(0x59) for track in self.document.tracks for event in track.events):
            self._notices.append(EditNotice("key_signature"))
        spans: dict[tuple[int, int, int], list[WrittenNote]] = defaultdict(list)
        for one in turned:
            old = self.notes[one.source]
            spans[old.port, old.channel, old.pitch].append(old)
        for placed in self._events:
            tick, status, data = placed.event
            if status & 0xF0 == KEY_PRESSURE:
                held = spans.get((placed.port, status & 0x0F, data[0]), ())
                self._counts["key_pressure"] += any(note.onset <= tick <= note.end for note in held)

    def _write_bends(self, edit: PartEdit, planned: Sequence[_Planned]) -> None:
        """New bends on the channel of the note that sounds last at each."""
        if not planned:
            return
        ordered = sorted((one.note for one in planned), key=lambda note: note.onset)
        onsets = [note.onset for note in ordered]
        for tick, value in edit.bends:
            at = self.file_tick(tick)
            note = ordered[max(0, bisect.bisect_right(onsets, at) - 1)]
            event = FileEvent(at, BEND | note.channel, bytes((value & 0x7F, value >> 7)))
            self.document.tracks[note.track].edit().controls.append(event)

    def _set_program(self, edit: PartEdit, planned: Sequence[_Planned]) -> None:
        """The part's program changes to its old program, on its channels, name the new one; else one is put first."""
        old, new = edit.program
        own = set(edit.sources)
        places = {(one.note.port, one.note.channel): one.note.track for one in planned}
        others = {(note.port, note.channel) for at, note in enumerate(self.notes) if at not in own}
        for (port, channel), track in places.items():
            named = [
                one
                for one in self._programs_events()
                if (one.port, one.event.status & 0x0F, one.event.data[0]) == (port, channel, old)
            ]
            for one in named:
                self.document.tracks[one.track].edit().replaced[one.at] = one.event._replace(data=bytes((new,)))
            if not named:
                event = FileEvent(0, PROGRAM | channel, bytes((new,)))
                self.document.tracks[track].edit().controls.append(event)
            if (port, channel) in others:
                self._notices.append(EditNotice("shared_channel", {"channel": channel + 1}))


def _may_end(one: _Planned, bars: Sequence[tuple[int, ...]]) -> bool:
    """Whether a sounding note may be cut short: it is new itself, or ends inside the bars that are edited."""
    return one.fresh or any(start <= one.note.end < stop for start, stop in bars)


Pair = tuple[int | None, Row]
"""The index of the note before, None for a note that is new, and the note after."""


def paired(before: Sequence[Row], after: Sequence[Row]) -> tuple[list[int], list[Pair], list[int]]:
    """Indices of the notes before that are still there, changed or new notes, and indices of those that are gone.

    Of the changed ones those that start together on the same pitch belong together. Where the pitches are the same
    ones as before, notes have moved in time: then the first of a pitch belongs to the first, the second to the second.
    Else those that start together do, and if as many are left as before, they are taken in their order. Groups of
    which one is larger pair nothing. What remains is new, or gone.
    """
    waiting: dict[Row, list[int]] = {}
    for at in range(len(before) - 1, -1, -1):
        waiting.setdefault(before[at], []).append(at)
    kept, added = [], []
    for row in after:
        if same_row := waiting.get(row):
            kept.append(same_row.pop())
        else:
            added.append(row)
    gone = sorted(at for group in waiting.values() for at in group)
    pairs: list[Pair] = []
    has_moved = Counter(before[at][2] for at in gone) == Counter(row[2] for row in added)
    for same in (_place, _pitch) if has_moved else (_place, _onset, _nothing, _pitch):
        found, gone, added = _matched(before, gone, added, same)
        pairs += found
    return kept, [*pairs, *((None, row) for row in added)], gone


def _place(row: Row) -> Hashable:
    return row[0], row[2]


def _onset(row: Row) -> Hashable:
    return row[0]


def _pitch(row: Row) -> Hashable:
    return row[2]


def _nothing(_row: Row) -> Hashable:
    return None


def _matched(
    before: Sequence[Row], gone: Iterable[int], added: Iterable[Row], same: Callable[[Row], Hashable]
) -> tuple[list[Pair], list[int], list[Row]]:
    """Pairs in order of time within groups of equally many; what is left of both."""
    old: dict[Hashable, list[int]] = defaultdict(list)
    new: dict[Hashable, list[Row]] = defaultdict(list)
    for at in gone:
        old[same(before[at])].append(at)
    for row in added:
        new[same(row)].append(row)
    pairs: list[Pair] = []
    left_old, left_new = [], []
    for key in {**old, **new}:
        ours, theirs = sorted(old[key], key=before.__getitem__), sorted(new[key])
        if len(ours) == len(theirs):
            pairs += zip(ours, theirs, strict=True)
        else:
            left_old += ours
            left_new += theirs
    return pairs, left_old, left_new
