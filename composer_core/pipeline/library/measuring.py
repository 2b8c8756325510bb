"""Process one file in a reader process: parse, cut, measure, and encode the answer as bytes.

`read_files` runs in the worker processes of `composer_core.ingest.pool`, so that parsing,
cutting and measuring use all processors; `decode_records` turns its answer into LoopRecords.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import RefusedFile
from composer_core.estimate import KeyEstimate, estimate_affect, estimate_keys
from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.estimate.scores.profiles import PERFORMED, PROGRAMMED
from composer_core.ingest.cut import count_cut_short, cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import READING, Song
from composer_core.ingest.worker import Result
from composer_core.metrics import FINGERPRINT_SIZE, METRICS, Analysis, fingerprint_codes
from composer_core.metrics.drums import GHOST_VELOCITY
from composer_core.metrics.grid import backbeat_ticks
from composer_core.music.drum_maps import AUTOMATIC
from composer_core.music.drums import ROLES
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.library.declared import keep_meters, keep_signatures, meter_warnings
from composer_core.pipeline.scoring import judge
from composer_core.store.loops.columns import loop_facts, loop_of, measured_facts, measured_fields
from composer_core.store.loops.content import content_hash, loop_id, md5_of, source_digest
from composer_core.store.loops.record import LoopRecord, MeasuredLoop

READ_TASK = "composer_core.pipeline.library.measuring:read_files"
_SNARE = ROLES.index("snare")
_COLUMNS = (
    ("onset", np.int32),
    ("duration", np.int32),
    ("grid", np.int32),
    ("pitch", np.uint8),
    ("velocity", np.uint8),
)


def measure_loops(loops: Sequence[Loop]) -> list[MeasuredLoop]:
    """All metrics and scores, the estimates of affect and key, the content hash and each note's place on the grid.

    Metric by metric over all loops: the processor keeps one function at hand at a time,
    which is up to twice as fast as loop by loop.
    """
    analyses = [Analysis(loop) for loop in loops]
    metrics: list[dict[str, float]] = [{} for _ in loops]
    for name, metric in METRICS.items():
        for row, analysis in zip(metrics, analyses, strict=True):
            if metric.applies_to(analysis.loop.instrument):
                row[name] = metric.read(analysis)
    affects = [estimate_affect(row, loop.instrument) for row, loop in zip(metrics, loops, strict=True)]
    hashes = [content_hash(loop) for loop in loops]
    places = [_grid_positions(loop, analysis) for loop, analysis in zip(loops, analyses, strict=True)]
    phases = [analysis.phase for analysis in analyses]
    prints = [fingerprint_codes(analysis).tobytes() for analysis in analyses]
    judged = judge(loops, metrics)
    columns = zip(loops, metrics, phases, affects, hashes, places, estimate_keys(loops), judged, prints, strict=True)
    return [
        MeasuredLoop(
            loop=loop,
            content_hash=content,
            metrics=row,
            swing_phase=phase,
            valence_estimate=valence,
            arousal_estimate=arousal,
            grid_onset_tick=grid,
            is_ghost=ghost,
            scores=score.by_profile[PERFORMED].scores,
            score_digest=score.by_profile[PERFORMED].digest,
            programmed_scores=score.by_profile[PROGRAMMED].scores,
            programmed_digest=score.by_profile[PROGRAMMED].digest,
            score_profile=score.profile,
            fingerprint=codes,
            **_key_fields(key),
        )
        for loop, row, phase, (valence, arousal), content, (grid, ghost), key, score, codes in columns
    ]


def measure_loop(loop: Loop) -> MeasuredLoop:
    """`measure_loops` for one."""
    return measure_loops([loop])[0]


def _key_fields(estimate: KeyEstimate | None) -> dict[str, Any]:
    """An estimated key as the record holds it; empty without one."""
    if estimate is None:
        return {}
    return {
        "key_root": estimate.key.root,
        "key_mode": estimate.key.mode,
        "key_confidence": estimate.confidence,
    }


def _grid_positions(loop: Loop, analysis: Analysis) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The tick of the grid each note belongs to (in [0, length)) and which notes are ghosts."""
    if not len(loop.notes):
        return np.empty(0, np.int32), np.empty(0, np.bool_)
    # The analysis is sorted on the circle, where early notes come last.
    n_early = int(np.searchsorted(loop.notes.onset_tick, 0))
    deviation = _turned(analysis.deviation_ms, n_early) / analysis.ms_a_tick
    grid = np.rint(loop.notes.onset_tick - deviation).astype(np.int32)
    grid = np.minimum(np.maximum(grid, 0), loop.length_tick - 1)
    if not loop.is_drums:
        return grid, np.zeros(len(grid), np.bool_)
    backbeat = np.zeros(analysis.slots_a_bar, np.bool_)
    backbeat[[tick // analysis.step_tick for tick in backbeat_ticks(loop.meter)]] = True
    ghost = (analysis.role == _SNARE) & (analysis.velocity < GHOST_VELOCITY) & ~backbeat[analysis.slot_in_bar]
    return grid, _turned(ghost, n_early)


def _turned(values: NDArray[Any], n_early: int) -> NDArray[Any]:
    return np.concatenate((values[-n_early:], values[:-n_early])) if n_early else values


def read_files(files: list[tuple[str, bytes]], options: Mapping[str, object]) -> list[Result]:
    """Worker task: for each (name, bytes) a refusal, or facts for JSON and one block of bytes.

    Options: `bars` (0 for whole parts), `instrument` (None for all) and `measure` (False
    leaves metrics out, for training); `drum_map` names the map of the drums where it is not to be found,
    `beats` (data sets by path) where bars are told beside the files.
    """
    read = [_read_file(name, data, options) for name, data in files]
    loops = [loop for one in read if not isinstance(one, RefusedFile) for loop in one[1]]
    measured = iter(measure_loops(loops) if options["measure"] else [])
    results: list[Result] = []
    for one in read:
        if isinstance(one, RefusedFile):
            results.append(one)
            continue
        facts, loops = one
        results.append(_pack_answer(facts, loops, list(islice(measured, len(loops))) if options["measure"] else None))
    return results


def _read_file(name: str, data: bytes, options: Mapping[str, Any]) -> RefusedFile | tuple[dict[str, Any], list[Loop]]:
    try:
        song = read_song(data, name, options.get("drum_map", AUTOMATIC))
        if options.get("beats"):
            song = _on_its_beats(song, name, options["beats"])
        loops = cut(song, options["bars"])
    except RefusedFile as refusal:
        return refusal
    if options["instrument"] is not None:
        loops = [loop for loop in loops if loop.instrument == options["instrument"]]
    warnings = [(warning.code, warning.values) for warning in song.warnings]
    if n_cut_short := count_cut_short(song):
        warnings.append(("cut_short_bars", {"count": n_cut_short}))
    if options["measure"]:
        keep_meters(song, loops)
        warnings += [(warning.code, warning.values) for warning in keep_signatures(song, loops)]
        warnings += [(warning.code, warning.values) for warning in meter_warnings(song)]
    facts = {"digest": source_digest(data), "md5": md5_of(data), "warnings": warnings}
    asked = {"cut_bars": options["bars"], "drum_map_choice": options.get("drum_map", AUTOMATIC)}
    return {**facts, **asked, "reading": READING}, loops


def _on_its_beats(song: Song, name: str, sets: Mapping[str, str]) -> Song:
    # The adapters are many modules, which hardly any import needs here.
    from composer_core.ingest.datasets.beat_files import on_its_beats

    placed, warnings = on_its_beats(song, name, sets)
    return replace(placed, warnings=(*placed.warnings, *warnings))


def _pack_answer(
    facts: dict[str, Any], loops: list[Loop], measured: list[MeasuredLoop] | None
) -> tuple[dict[str, Any], bytes]:
    if measured is None:
        facts["loops"] = [loop_facts(loop) for loop in loops]
        return facts, _pack_notes(loops, [loop.notes.onset_tick for loop in loops])
    facts["loops"] = [loop_facts(one.loop) | measured_facts(one) for one in measured]
    values = [value for one in measured for value in _values(one)]
    blocks = [_pack_notes(loops, [one.grid_onset_tick for one in measured])]
    blocks += [one.is_ghost.tobytes() for one in measured]
    blocks += [one.fingerprint for one in measured]
    return facts, np.array(values, dtype=np.float64).tobytes() + b"".join(blocks)


def _values(one: MeasuredLoop) -> list[float]:
    """Metrics of the loop's instrument in the order of the table, then scores by each profile."""
    names = metric_names(one.loop.instrument)
    scores = (kind[name] for kind in (one.scores, one.programmed_scores) for name in SCORE_NAMES)
    return [*(one.metrics[name] for name in names), *scores]


@cache
def metric_names(instrument: str) -> tuple[str, ...]:
    """Names of the metrics an instrument's loops have, in the order of the table."""
    return tuple(name for name, metric in METRICS.items() if metric.applies_to(instrument))


def _pack_notes(loops: Sequence[Loop], grids: Sequence[NDArray[np.int32]]) -> bytes:
    if not loops:
        return b""
    onset, duration, pitch, velocity = (
        np.concatenate(columns) for columns in zip(*(loop.notes.columns() for loop in loops), strict=True)
    )
    columns = (onset, duration, np.concatenate(grids), pitch, velocity)
    return b"".join(c.astype(kind).tobytes() for c, (_, kind) in zip(columns, _COLUMNS, strict=True))


def _unpack_notes(payload: memoryview, count: int) -> tuple[dict[str, NDArray[Any]], memoryview]:
    columns = {}
    for name, kind in _COLUMNS:
        size = count * np.dtype(kind).itemsize
        columns[name] = np.frombuffer(payload[:size], dtype=kind)
        payload = payload[size:]
    for name in ("pitch", "velocity"):
        columns[name] = columns[name].astype(np.int32)
    return columns, payload


def decode_loops(source: str, facts: Mapping[str, object], payload: bytes) -> list[Loop]:
    """The loops of an answer made without measuring; `source` is what they shall say they come from."""
    rows = cast(list[dict[str, Any]], facts["loops"])
    columns, _ = _unpack_notes(memoryview(payload), sum(row["n_notes"] for row in rows))
    loops, start = [], 0
    for row in rows:
        loops.append(_loop(source, row, columns, slice(start, start + row["n_notes"])))
        start += row["n_notes"]
    return loops


def decode_records(source: str, member: str, facts: Mapping[str, object], payload: bytes) -> list[LoopRecord]:
    """The records of a measured file: `source` is its path, `member` its name inside an archive ("" outside)."""
    rows = cast(list[dict[str, Any]], facts["loops"])
    n_scores = len(SCORE_NAMES)
    n_values = sum(len(metric_names(row["instrument"])) + 2 * n_scores for row in rows)
    values = np.frombuffer(payload[: 8 * n_values], dtype=np.float64).tolist()
    n_notes = sum(row["n_notes"] for row in rows)
    columns, rest = _unpack_notes(memoryview(payload)[8 * n_values :], n_notes)
    ghost, prints = np.frombuffer(rest[:n_notes], dtype=np.bool_), bytes(rest[n_notes:])
    asked: dict[str, Any] = {name: facts[name] for name in ("reading", "cut_bars", "drum_map_choice")}
    records: list[LoopRecord] = []
    start = first_value = 0
    for number, row in enumerate(rows):
        chosen = slice(start, start + row["n_notes"])
        names = metric_names(row["instrument"])
        first_score = first_value + len(names)
        metrics = dict(zip(names, values[first_value:first_score], strict=True))
        loop = _loop(source, row, columns, chosen)
        second_score, past = first_score + n_scores, first_score + 2 * n_scores
        part = cast(int, loop.extra["part"])
        loop.extra["md5"] = facts["md5"]
        records.append(
            LoopRecord(
                loop=loop,
                loop_id=loop_id(str(facts["digest"]), part, loop.start_bar, loop.bars),
                source_digest=str(facts["digest"]),
                metrics=metrics,
                grid_onset_tick=columns["grid"][chosen],
                is_ghost=ghost[chosen],
                member=member,
                scores=dict(zip(SCORE_NAMES, values[first_score:second_score], strict=True)),
                programmed_scores=dict(zip(SCORE_NAMES, values[second_score:past], strict=True)),
                fingerprint=prints[number * FINGERPRINT_SIZE : (number + 1) * FINGERPRINT_SIZE],
                **asked,
                **measured_fields(row),
            )
        )
        start, first_value = chosen.stop, past
    return records


def _loop(source: str, row: Mapping[str, Any], columns: Mapping[str, NDArray[Any]], chosen: slice) -> Loop:
    notes = Notes(*(columns[name][chosen] for name in ("onset", "duration", "pitch", "velocity")))
    return loop_of({**row, "source": source}, notes)


def finite_or_none(value: float) -> float | None:
    """A value as JSON shows it: NaN and infinities are null."""
    return value if math.isfinite(value) else None
