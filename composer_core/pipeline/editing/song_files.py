"""A whole MIDI file through a function of loops: every part, any metres and tempos, nothing lost.

A part is handed over as one loop a stretch of one metre, as long as the stretch, and put back where
it was. Programs, names, channels, controllers, tempo and metre map are kept; lyrics and markers are
not, and the result says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.ingest.chunks import unwrap_riff
from composer_core.ingest.cut import stretch_tempo
from composer_core.ingest.midi import read_song
from composer_core.ingest.pool import read_all
from composer_core.ingest.worker import Result, each_file
from composer_core.music.bends import bend_values
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK, Meter
from composer_core.render.controllers import read_controllers
from composer_core.render.midi import SongPart, song_to_midi
from composer_core.render.timeline import BEND
from composer_core.store.atomic import write_bytes

_TASK = f"{__name__}:edit_task"
LoopRule = Callable[[Loop], Loop]


@dataclass(frozen=True, slots=True)
class Edited:
    """What was written: notes before and after, parts, and what of the file was not carried over."""

    path: Path
    n_parts: int
    n_notes_before: int
    n_notes_after: int
    lost_texts: int
    has_controllers: bool


def edit_file(source: Path, out: Path, rule: LoopRule) -> Edited:
    """Read a MIDI file in a killable process, apply `rule` to each part and write `out` whole or not at all.

    RefusedFile for a file that is no readable MIDI; whatever the rule raises passes through, and nothing
    is written then.
    """
    (report,) = read_all([(str(source), "midi")], _TASK, {}, jobs=1)
    (outcome,) = report.outcomes
    if outcome.refusal is not None:
        raise outcome.refusal
    facts: dict[str, Any] = outcome.facts
    notes = _split(facts, outcome.payload)
    edits = [_edit_part(part, own, facts, rule) for part, own in zip(facts["parts"], notes, strict=True)]
    parts = [part for part, _ in edits]
    tempos = _tempo_map(facts, [stretches for _, stretches in edits])
    meters = [(int(tick), Meter.parse(text)) for tick, text in facts["meters"]]
    after = sum(len(part.notes) for part in parts)
    write_bytes(out, song_to_midi(parts, tempos, meters, facts["end_tick"]))
    before = sum(map(len, notes))
    return Edited(out, len(parts), before, after, facts["n_texts"], facts["has_controllers"])


def edit_task(files: list[tuple[str, bytes]], _options: Mapping[str, object]) -> list[Result]:
    """Worker task: for each (name, bytes) a refusal, or facts and the notes of all parts as int32 rows."""
    return each_file(files, _read)


def _read(name: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    song = read_song(data, name)
    controllers = read_controllers(unwrap_riff(data, name))
    rows = [np.stack(part.notes.columns(), axis=1) for part in song.parts]
    last_end = max((int((row[:, 0] + row[:, 1]).max()) for row in rows if len(row)), default=0)
    end_tick = max(last_end, controllers.end_tick if controllers else 0)
    edges = [tick for tick, _ in song.meters if tick < max(end_tick, 1)]
    stretches = []
    for number, start in enumerate(edges):
        stop = edges[number + 1] if number + 1 < len(edges) else max(end_tick, start + 1)
        tempo_bpm, events = stretch_tempo(song, start, stop - start)
        stretches.append({"start": start, "stop": stop, "tempo_bpm": tempo_bpm, "events": events})
    facts = {
        "parts": [_part_facts(part, len(row), controllers) for part, row in zip(song.parts, rows, strict=True)],
        "tempos": list(zip(song.tempo_tick.tolist(), song.tempo_bpm.tolist(), strict=True)),
        "meters": [(tick, str(meter)) for tick, meter in song.meters],
        "stretches": stretches,
        "end_tick": end_tick,
        "n_texts": len(song.texts),
        "has_controllers": controllers is not None,
    }
    return facts, b"".join(row.astype(np.int32).tobytes() for row in rows)


def _part_facts(part: Any, n_notes: int, controllers: Any) -> dict[str, Any]:
    return {
        "instrument": part.instrument,
        "program": part.program,
        "channel": part.channel,
        "name": part.name,
        "n_notes": n_notes,
        "controls": controllers.of_channel.get(part.channel, []) if controllers else [],
    }


def _split(facts: dict[str, Any], payload: bytes) -> list[Notes]:
    table = np.frombuffer(payload, dtype=np.int32).reshape(-1, 4)
    edges = np.cumsum([0, *(part["n_notes"] for part in facts["parts"])])
    return [Notes(*table[first:last].T) for first, last in pairwise(edges.tolist())]


def _edit_part(
    part: dict[str, Any], notes: Notes, facts: dict[str, Any], rule: LoopRule
) -> tuple[SongPart, list[tuple[int, Loop]]]:
    """The part after the rule, and its loops with the tick each starts at."""
    starts = [stretch["start"] - (EARLY_TICK if stretch["start"] else 0) for stretch in facts["stretches"]]
    edges = [*np.searchsorted(notes.onset_tick, starts).tolist(), len(notes)]
    done: list[tuple[int, Loop]] = []
    for stretch, first, last in zip(facts["stretches"], edges[:-1], edges[1:], strict=True):
        if last > first:
            chosen = Notes(*(column[first:last] for column in notes.columns()))
            done.append((stretch["start"], rule(_loop(part, chosen, stretch, facts))))
    moved = [
        loop.notes.with_columns(onset_tick=np.maximum(loop.notes.onset_tick + start, 0)).columns()
        for start, loop in done
    ]
    columns = [np.concatenate(column) for column in zip(*moved, strict=True)] if moved else [np.empty(0)] * 4
    controls = [tuple(control) for control in part["controls"]]
    for start, loop in done:
        controls += [(start + tick, BEND, value & 0x7F, value >> 7) for tick, value in bend_values(loop)]
    program = done[0][1].program if done else part["program"]
    result = SongPart(
        part["instrument"] == "drums", part["channel"], program, part["name"], Notes.of(*columns), controls
    )
    return result, done


def _loop(part: dict[str, Any], notes: Notes, stretch: dict[str, Any], facts: dict[str, Any]) -> Loop:
    meter = Meter.parse(next(text for tick, text in reversed(facts["meters"]) if tick <= stretch["start"]))
    length = max(stretch["stop"] - stretch["start"], int(notes.onset_tick[-1]) - stretch["start"] + 1)
    return Loop(
        instrument=part["instrument"],
        notes=notes.with_columns(onset_tick=notes.onset_tick - stretch["start"]),
        bars=-(-length // meter.bar_tick),
        tempo_bpm=stretch["tempo_bpm"],
        meter=meter,
        program=part["program"],
        tempo_events=tuple((int(tick), float(bpm)) for tick, bpm in stretch["events"]),
        track_name=part["name"],
    )


def _tempo_map(facts: dict[str, Any], edits: Sequence[Sequence[tuple[int, Loop]]]) -> list[tuple[int, float]]:
    """The file's own tempo map, or where a rule set another tempo in a stretch, that one."""
    tempos = {int(tick): float(bpm) for tick, bpm in facts["tempos"]}
    by_start = {start: loop for edit in edits for start, loop in edit}
    for stretch in facts["stretches"]:
        loop = by_start.get(stretch["start"])
        if loop is not None and (
            loop.tempo_bpm != stretch["tempo_bpm"] or len(loop.tempo_events) != len(stretch["events"])
        ):
            inside = [tick for tick in tempos if stretch["start"] <= tick < stretch["stop"]]
            for tick in inside:
                del tempos[tick]
            tempos[stretch["start"]] = loop.tempo_bpm
    return sorted(tempos.items())
