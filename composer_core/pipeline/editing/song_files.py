"""A whole MIDI file through a function of loops: every part, any metres and tempos, and only what the function changed.

A part is handed over as one loop for each stretch of one metre, as long as the stretch. Then the file's own events
are taken and the notes that came back otherwise are put in place of the old ones; see `rewriting`. Where the
function sets a program, a tempo or bends, those events change as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.ingest.chunks import unwrap_riff
from composer_core.ingest.cut import stretch_tempo
from composer_core.ingest.document import META, FileEvent, MidiDocument, read_document
from composer_core.ingest.events import META_TEMPO
from composer_core.ingest.midi import read_song
from composer_core.ingest.pool import read_all
from composer_core.ingest.worker import Result, each_file
from composer_core.ingest.written_notes import Row, WrittenNote, part_sources, song_tick, written_notes
from composer_core.music.bends import bend_values
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK, Meter
from composer_core.pipeline.editing.notices import EditNotice
from composer_core.pipeline.editing.rewriting import PartEdit, Rewriter
from composer_core.store.atomic import write_bytes

_TASK = f"{__name__}:edit_task"
LoopRule = Callable[[Loop], Loop]


@dataclass(frozen=True, slots=True)
class Edited:
    """What was written: the notes of the file before and after, its parts, and what is to be said of the result."""

    path: Path
    n_parts: int
    n_notes_before: int
    n_notes_after: int
    notices: tuple[EditNotice, ...] = ()

    @property
    def lost(self) -> tuple[EditNotice, ...]:
        """What the file held and the result does not."""
        return tuple(notice for notice in self.notices if notice.is_loss)


@dataclass(frozen=True, slots=True, eq=False)
class EditedPart:
    """A part as the file was read: its notes in song ticks, its channel below 0 where it has several."""

    instrument: str
    channel: int
    program: int
    name: str
    notes: Notes


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one metre in song ticks, with its mean tempo and (tick from its start, bpm) where it changes."""

    start: int
    stop: int
    meter: Meter
    tempo_bpm: float
    events: tuple[tuple[int, float], ...]


@dataclass(slots=True)
class SongFile:
    """A file opened for an edit: its events, its notes as written, and its parts as they were read.

    `sources` holds the written note of each note of a part, `doubles` notes no part holds; see `part_sources`.
    `notices` say what of the file its events do not hold.
    """

    document: MidiDocument
    notes: list[WrittenNote]
    parts: list[EditedPart]
    sources: list[list[int]]
    doubles: dict[int, list[int]]
    tempos: list[tuple[int, float]]
    stretches: list[Stretch]
    notices: list[EditNotice] = field(default_factory=list)

    def rewriter(self) -> Rewriter:
        """What writes edits into the file's events."""
        return Rewriter(self.document, self.notes, self.tempos, self.doubles)

    def write(self, out: Path, rewriter: Rewriter) -> Edited:
        """Write the file as edited, whole or not at all."""
        write_bytes(out, self.document.to_bytes())
        notices = (*self.notices, *rewriter.notices())
        return Edited(out, len(self.parts), len(self.notes), rewriter.n_notes, notices)


def edit_file(source: Path, out: Path, rule: LoopRule) -> Edited:
    """Read a MIDI file in a killable process, apply `rule` to each part and write `out` whole or not at all.

    A rule that hands back the very loop it was given leaves every event of that part as it is. RefusedFile for a
    file that is no readable MIDI; whatever the rule raises passes through, and nothing is written then.
    """
    song = open_song(source)
    rewriter = song.rewriter()
    after: dict[int, Loop] = {}
    for number, part in enumerate(song.parts):
        done = list(_through_rule(part, song.stretches, rule))
        after |= {stretch.start: loop for stretch, _, loop in done}
        if any(loop is not given for _, given, loop in done):
            rewriter.rewrite(_part_edit(part, song.sources[number], done))
    for stretch in song.stretches:
        _set_tempo(song.document, stretch, after.get(stretch.start))
    return song.write(out, rewriter)


def open_song(source: Path) -> SongFile:
    """Read a MIDI file in a killable process and open it for an edit. RefusedFile for what is no readable MIDI."""
    (report,) = read_all([(str(source), "midi")], _TASK, {}, jobs=1)
    (outcome,) = report.outcomes
    if outcome.refusal is not None:
        raise outcome.refusal
    facts: dict[str, Any] = outcome.facts
    size = facts["n_bytes"]
    # The bytes the reader process read, not those the file may hold by now; it has counted their events.
    document = read_document(bytes(outcome.payload[:size]), str(source))
    notes = written_notes(document)
    parts = _parts(facts, bytes(outcome.payload[size:]))
    sources, doubles = part_sources([(part.channel, part.notes) for part in parts], notes, document.resolution)
    stretches = [
        Stretch(
            row["start"], row["stop"], Meter.parse(row["meter"]), row["tempo_bpm"],
            tuple((int(tick), float(bpm)) for tick, bpm in row["events"]),
        )
        for row in facts["stretches"]
    ]  # fmt: skip
    tempos = [(int(tick), float(bpm)) for tick, bpm in facts["tempos"]]
    notices = list(_losses(document, in_container=facts["in_container"]))
    return SongFile(document, notes, parts, sources, doubles, tempos, stretches, notices)


def edit_task(files: list[tuple[str, bytes]], _options: Mapping[str, object]) -> list[Result]:
    """Worker task: for each (name, bytes) a refusal, or facts, the file's bytes and the notes of all parts."""
    return each_file(files, _read)


def _read(name: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    song = read_song(data, name)
    bare = unwrap_riff(data, name)
    document = read_document(bare, name)
    rows = [np.stack(part.notes.columns(), axis=1) for part in song.parts]
    last_end = max((int((row[:, 0] + row[:, 1]).max()) for row in rows if len(row)), default=0)
    file_end = max((track.end_tick for track in document.tracks), default=0)
    end_tick = max(last_end, song_tick(file_end, document.resolution))
    edges = [(tick, str(meter)) for tick, meter in song.meters if tick < max(end_tick, 1)]
    stretches = []
    for number, (start, meter) in enumerate(edges):
        stop = edges[number + 1][0] if number + 1 < len(edges) else max(end_tick, start + 1)
        tempo_bpm, events = stretch_tempo(song, start, stop - start)
        stretches.append({"start": start, "stop": stop, "meter": meter, "tempo_bpm": tempo_bpm, "events": events})
    facts = {
        "parts": [
            {name: getattr(part, name) for name in ("instrument", "channel", "program", "name")}
            | {"n_notes": len(part.notes)}
            for part in song.parts
        ],
        "tempos": list(zip(song.tempo_tick.tolist(), song.tempo_bpm.tolist(), strict=True)),
        "stretches": stretches,
        "n_bytes": len(bare),
        "in_container": bare is not data,
    }
    return facts, b"".join((bare, *(row.astype(np.int32).tobytes() for row in rows)))


def _parts(facts: dict[str, Any], payload: bytes) -> list[EditedPart]:
    table = np.frombuffer(payload, dtype=np.int32).reshape(-1, 4)
    edges = np.cumsum([0, *(part["n_notes"] for part in facts["parts"])]).tolist()
    return [
        EditedPart(row["instrument"], row["channel"], row["program"], row["name"], Notes(*table[first:last].T))
        for row, (first, last) in zip(facts["parts"], pairwise(edges), strict=True)
    ]


def _losses(document: MidiDocument, *, in_container: bool) -> Iterator[EditNotice]:
    """What the events of a file leave out of it."""
    if in_container:
        yield EditNotice("container")
    for number, track in enumerate(document.tracks, 1):
        if track.broken is not None:
            yield EditNotice("broken_track", {"track": number, "size": len(track.body) - track.broken})
    if clipped := sum(track.n_clipped for track in document.tracks):
        yield EditNotice("clipped", {"count": clipped})


Done = tuple[Stretch, Loop, Loop]
"""A stretch, a part's loop in it, and what the rule made of it."""


def _through_rule(part: EditedPart, stretches: Sequence[Stretch], rule: LoopRule) -> Iterator[Done]:
    """Each stretch in which the part plays, with its loop there before and after the rule."""
    starts = [stretch.start - (EARLY_TICK if stretch.start else 0) for stretch in stretches]
    edges = [*np.searchsorted(part.notes.onset_tick, starts).tolist(), len(part.notes)]
    for stretch, first, last in zip(stretches, edges[:-1], edges[1:], strict=True):
        if last > first:
            loop = _loop(part, Notes(*(column[first:last] for column in part.notes.columns())), stretch)
            yield stretch, loop, rule(loop)


def _loop(part: EditedPart, notes: Notes, stretch: Stretch) -> Loop:
    length = max(stretch.stop - stretch.start, int(notes.onset_tick[-1]) - stretch.start + 1)
    return Loop(
        instrument=part.instrument,
        notes=notes.with_columns(onset_tick=notes.onset_tick - stretch.start),
        bars=-(-length // stretch.meter.bar_tick),
        tempo_bpm=stretch.tempo_bpm,
        meter=stretch.meter,
        program=part.program,
        tempo_events=stretch.events,
        track_name=part.name,
    )


def _part_edit(part: EditedPart, sources: Sequence[int], done: Sequence[Done]) -> PartEdit:
    after: list[Row] = []
    bends: list[tuple[int, int]] = []
    for stretch, _, loop in done:
        after += [(max(onset + stretch.start, 0), *rest) for onset, *rest in loop.notes.rows()]  # type: ignore[misc]
        bends += [(stretch.start + tick, value) for tick, value in bend_values(loop)]
    return PartEdit(
        sources=sources,
        before=part.notes.rows(),
        after=after,
        is_pitched=part.instrument != "drums",
        channel=part.channel,
        program=(part.program, done[0][2].program),
        bends=bends,
    )


def _set_tempo(document: MidiDocument, stretch: Stretch, loop: Loop | None) -> None:
    """Give a stretch the one tempo a rule set; without a rule that did, its tempo events stay."""
    if loop is None or (loop.tempo_bpm == stretch.tempo_bpm and len(loop.tempo_events) == len(stretch.events)):
        return
    resolution = document.resolution
    event_data = bytes([META_TEMPO]) + round(60e6 / loop.tempo_bpm).to_bytes(3, "big")
    found = [
        (number, index, event)
        for number, track in enumerate(document.tracks)
        for index, event in enumerate(track.events)
        if event.is_meta(META_TEMPO)
    ]
    inside = [one for one in found if stretch.start <= song_tick(one[2].tick, resolution) < stretch.stop]
    for number, index, event in inside:
        edits = document.tracks[number].edit()
        if song_tick(event.tick, resolution) == stretch.start:
            edits.replaced[index] = event._replace(data=event_data)
        else:
            edits.removed.add(index)
    track = document.tracks[found[0][0] if found else 0]
    at = (2 * stretch.start * resolution + 480) // 960
    if not any(song_tick(event.tick, resolution) == stretch.start for _, _, event in inside):
        track.edit().controls.append(FileEvent(at, META, event_data))
