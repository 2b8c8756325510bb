"""A MIDI file as audio: read in a process that can be killed, mixed into one file.

Every part has a channel of the synth to itself for each port and channel it plays on, and hears there what the
file sends to that port and channel: programs and kits in time, pedals, bends, pressure. So tracks that a
program wrote all to one channel still sound as what they are, and 16 channels are no limit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.errors import InvalidValue
from composer_core.ingest.chunks import unwrap_riff
from composer_core.ingest.document import BEND, CONTROL, KEY_PRESSURE, PRESSURE, PROGRAM, read_document
from composer_core.ingest.midi import read_song
from composer_core.ingest.pool import read_all
from composer_core.ingest.song import Song
from composer_core.ingest.worker import Result, each_file
from composer_core.ingest.written_notes import (
    NO_SOURCE,
    PlacedEvent,
    WrittenNote,
    channel_events,
    part_sources,
    song_tick,
    written_notes,
)
from composer_core.music.loop import Notes
from composer_core.pipeline.settings import settings_or_defaults
from composer_core.render import timeline
from composer_core.render.audio import heard_rows, once_request, seamless_request
from composer_core.render.client import shared_renderer
from composer_core.render.request import FORMATS
from composer_core.render.soundfont import SoundFontChoice, choose_soundfont
from composer_core.render.timeline import Clock, PlayedPart
from composer_core.store.atomic import atomic_writer
from composer_core.workspace import Workspace, default_workspace

_TASK = f"{__name__}:song_task"
_SYNTH_CHANNELS = 256
PLAYED = frozenset({1, 5, 6, 7, 8, 10, 11, 38, 64, 65, 66, 67, 84, 91, 98, 99, 100, 101})
"""Modulation, portamento (time, switch, note), data entry, volume, balance, pan, expression, pedals, reverb, and
parameter numbers. Bank select is left out, because programs are chosen by the General MIDI map."""
_KINDS = {BEND: timeline.BEND, KEY_PRESSURE: timeline.KEY_PRESSURE}
Place = tuple[int, int]
"""Port and channel."""
Control = tuple[int, int, int, int]
"""(song tick, kind as `render.timeline` numbers them, a, b)."""


@dataclass(frozen=True, slots=True)
class FileAudio:
    """What `render_file` wrote.

    `seconds` is the length of the file; `loop_sec` where exactly it repeats, None for a
    file played once; `has_controllers` is false where a track holds bytes that are no
    events, so that some of its controllers may not sound.
    """

    path: Path
    seconds: float
    loop_sec: float | None
    soundfont: SoundFontChoice
    has_controllers: bool


def render_file(
    midi_path: Path,
    out_path: Path,
    loop: bool = False,
    *,
    soundfont: str | None = None,
    workspace: Workspace | None = None,
) -> FileAudio:
    """Render a MIDI file, all parts mixed, to a .wav or .flac that is written whole or not at all.

    With `loop` it covers whole bars and repeats without a seam; else it ends with the last
    notes' release. The SoundFont is the one given, else the workspace's. Raises
    InvalidValue for another suffix, RefusedFile for a file that is no readable MIDI,
    RenderError for one without notes or longer than ten minutes.
    """
    file_format = out_path.suffix.lower().removeprefix(".")
    if file_format not in FORMATS:
        raise InvalidValue("unknown_choice", name="the output's suffix", value=out_path.suffix, choices=".wav, .flac")
    font = choose_soundfont(soundfont or settings_or_defaults(workspace or default_workspace()).soundfont)
    facts, notes = _read_safely(midi_path)
    parts = _played(facts, notes)
    tempos = [(int(tick), float(bpm)) for tick, bpm in facts["tempos"]]
    length_tick = facts["bars_tick" if loop else "end_tick"]
    make_request = seamless_request if loop else once_request
    request = make_request(str(midi_path), font, parts, tempos, length_tick, file_format)
    with atomic_writer(out_path) as stream:
        rendered = shared_renderer().render(request, stream.write)
    loop_sec = Clock(tempos).sec(length_tick) if loop else None
    return FileAudio(out_path, rendered.seconds, loop_sec, font, facts["has_controllers"])


def song_task(files: list[tuple[str, bytes]], _options: Mapping[str, object]) -> list[Result]:
    """Worker task: for each (name, bytes) a refusal, or facts and the notes of all parts.

    Notes are int32 rows (onset, duration, pitch, velocity), part after part.
    """
    return each_file(files, _read)


def _read(name: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    song = read_song(data, name)
    document = read_document(unwrap_riff(data, name), name)
    notes = written_notes(document)
    sources, _ = part_sources([(part.channel, part.notes) for part in song.parts], notes, document.resolution)
    events: dict[Place, list[PlacedEvent]] = defaultdict(list)
    for placed in channel_events(document):
        events[placed.port, placed.event.status & 0x0F].append(placed)
    voices, rows = [], []
    for part, own in zip(song.parts, sources, strict=True):
        is_drums = part.instrument == "drums"
        for place, chosen in _by_place(own, notes, max(part.channel, 0)).items():
            tracks = {notes[own[at]].track for at in chosen if own[at] != NO_SOURCE}
            controls = _controls(_own_programs(events[place], tracks), document.resolution, is_drums=is_drums)
            of_part = {"program": part.program, "drum_map": part.drum_map if is_drums else None}
            voices.append(of_part | {"n_notes": len(chosen), "controls": controls})
            rows.append(np.stack(part.notes.columns(), axis=1)[chosen])
    last_end = max((int((row[:, 0] + row[:, 1]).max()) for row in rows), default=0)
    file_end = max((song_tick(track.end_tick, document.resolution) for track in document.tracks), default=0)
    facts = {
        "parts": voices,
        "tempos": list(zip(song.tempo_tick.tolist(), song.tempo_bpm.tolist(), strict=True)),
        "end_tick": max(last_end, file_end),
        "bars_tick": _end_of_last_bar(song, file_end),
        "has_controllers": all(track.broken is None for track in document.tracks),
    }
    return facts, b"".join(row.astype(np.int32).tobytes() for row in rows)


def _by_place(sources: Sequence[int], notes: Sequence[WrittenNote], channel: int) -> dict[Place, list[int]]:
    """A part's notes by the port and channel they are written on; `channel` for those that are written nowhere."""
    found: dict[Place, list[int]] = defaultdict(list)
    for at, source in enumerate(sources):
        found[(0, channel) if source == NO_SOURCE else (notes[source].port, notes[source].channel)].append(at)
    return found


def _own_programs(events: Sequence[PlacedEvent], tracks: set[int]) -> list[PlacedEvent]:
    """The events of a channel without the programs of other tracks, where the notes' own tracks set programs."""
    own = {one.track in tracks for one in events if one.event.status & 0xF0 == PROGRAM}
    return [one for one in events if one.event.status & 0xF0 != PROGRAM or True not in own or one.track in tracks]


def _controls(events: Sequence[PlacedEvent], resolution: int, *, is_drums: bool) -> list[Control]:
    """What the synth shall do besides notes on one channel, in order of time."""
    found: list[Control] = []
    for placed in sorted(events, key=lambda one: one.event.tick):
        tick, (_, status, data) = song_tick(placed.event.tick, resolution), placed.event
        kind = status & 0xF0
        if kind == CONTROL and data[0] in PLAYED:
            found.append((tick, timeline.CONTROL, data[0], data[1]))
        elif kind in _KINDS:
            found.append((tick, _KINDS[kind], data[0], data[1]))
        elif kind == PROGRAM:
            found.append((tick, timeline.PROGRAM, data[0], int(is_drums)))
        elif kind == PRESSURE:
            found.append((tick, timeline.PRESSURE, data[0], 0))
    return found


def _end_of_last_bar(song: Song, end_tick: int) -> int:
    """End of the last bar in which a note starts, or that the file's stated length fills."""
    last_onset = max((int(part.notes.onset_tick.max()) for part in song.parts if len(part.notes)), default=0)
    start, meter = next((tick, meter) for tick, meter in reversed(song.meters) if tick <= last_onset or tick == 0)
    sounding = (last_onset - start) // meter.bar_tick + 1
    stated = (end_tick - start) // meter.bar_tick
    return start + max(sounding, stated) * meter.bar_tick


def _read_safely(path: Path) -> tuple[dict[str, Any], bytes]:
    (report,) = read_all([(str(path), "midi")], _TASK, {}, jobs=1)
    (outcome,) = report.outcomes
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome.facts, outcome.payload


def _played(facts: dict[str, Any], payload: bytes) -> list[PlayedPart]:
    table = np.frombuffer(payload, dtype=np.int32).reshape(-1, 4)
    parts, first = [], 0
    for number, part in enumerate(facts["parts"]):
        onset, duration, pitch, velocity = table[first : first + part["n_notes"]].T
        rows = heard_rows(Notes(onset, duration, pitch, velocity), part["drum_map"])
        controls = [(tick, kind, a, b) for tick, kind, a, b in part["controls"]]
        is_drums = part["drum_map"] is not None
        parts.append(PlayedPart(number % _SYNTH_CHANNELS, part["program"], is_drums, rows, controls))
        first += part["n_notes"]
    return parts
