"""Write the library as the predecessor's v2 files: canonical_events.parquet, loop_summary.csv, metrics_score.jsonl.

A row is a loop (the predecessor's was a file): `loop_id` is ours, `file_digest` the MD5 of the
source file. Times are in ticks at 480 per quarter from the loop's start, with early notes at its
end, as in the loop's MIDI file. Columns that we measure with the same meaning are filled; the
others, among them the parts of its scores that we do not compute, are empty.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from composer_core import __version__
from composer_core.music.drums import OTHER_ROLE, ROLES, role_index
from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER
from composer_core.pipeline.library import loops as library_loops
from composer_core.render.midi import sounding_notes
from composer_core.store.atomic import write_bytes
from composer_core.store.legacy import events_bytes
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

EVENTS_FILE, SUMMARY_FILE, SCORES_FILE = "canonical_events.parquet", "loop_summary.csv", "metrics_score.jsonl"
PASS_MARK = 70.0
_BATCH = 500
AXES = {
    "timing": "timing",
    "velocity": "velocity",
    "groove_harmony": "groove_harmony",
    "drum_cohesion": "cohesion",
    "structure": "structure",
    "articulation": None,
}
"""Its axes and ours; an articulation score we do not give."""
_METRICS = {
    "swing_ratio": "swing_ratio_8",
    "swing_confidence": "swing_confidence",
    "ghost_rate": "ghost_rate",
    "syncopation_rate": "syncopation",
    "note_density_per_bar": "notes_per_bar",
    "velocity_mean": "velocity_mean",
    "velocity_std": "velocity_sd",
    "velocity_range": "velocity_range",
    "hat_open_ratio": "hat_openness",
    "repeat_rate": "bar_repetition",
    "variation_factor": "variation_factor",
    "drum_collision_rate": "drum_collision_rate",
    "role_separation": "role_separation",
}
SUMMARY_COLUMNS = (
    "loop_id",
    "source",
    "file_digest",
    "filename",
    "genre",
    "bpm",
    "note_count",
    "duration_ticks",
    "bar_count",
    "ticks_per_beat",
    "time_signature",
    "program_set",
    "score.total",
    "score.threshold",
    "score.passed",
    "score.threshold_passed",
    "score.breakdown",
    "score.axes_raw",
    "tempo.summary",
    "tempo.events",
    "tempo.lock_method",
    "tempo.grid_confidence",
    "retry.preset_id",
    "retry.seed",
    "exclusion_reason",
    "pipeline_version",
    "articulation.score",
    "articulation.axis_value",
    "articulation.labels",
    "articulation.presence",
    "articulation.thresholds",
    "git_commit",
    "metrics.note_count",
    "metrics.duration_ticks",
    "metrics.base_step",
    "metrics.swing_ratio",
    "metrics.swing_confidence",
    "metrics.ghost_rate",
    "metrics.accent_rate",
    "metrics.microtiming_mean",
    "metrics.microtiming_std",
    "metrics.microtiming_rms",
    "metrics.onbeat_velocity_avg",
    "metrics.offbeat_velocity_avg",
    "metrics.on_off_velocity_ratio",
    "metrics.syncopation_rate",
    "metrics.fill_density",
    "metrics.note_density_per_bar",
    "metrics.layering_rate",
    "metrics.velocity_mean",
    "metrics.velocity_median",
    "metrics.velocity_std",
    "metrics.velocity_range",
    "metrics.unique_velocity_steps",
    "metrics.instrument_distribution",
    "metrics.hat_open_ratio",
    "metrics.hat_transition_rate",
    "metrics.repeat_rate",
    "metrics.variation_factor",
    "metrics.breakpoint_count",
    "metrics.breakpoints",
    "metrics.drum_collision_rate",
    "metrics.role_separation",
    "metrics.rhythm_fingerprint",
    "metrics.rhythm_hash",
    "metrics.tempo_stability",
    "metrics.articulation.snare_ghost_rate",
    "metrics.articulation.snare_flam_rate",
    "metrics.articulation.detache_ratio",
    "metrics.articulation.pizzicato_ratio",
    "metrics.articulation.score_weighted",
    "metrics.articulation.score_normalized",
    "data_digest",
)
SCORE_KEYS = (
    "loop_id",
    "score",
    "axes",
    "axes_raw",
    "threshold",
    "retry_preset_id",
    "seed",
    "metrics_used",
    "created_at",
    "articulation_score",
    "articulation_labels",
    "articulation_presence",
    "articulation_axis",
)


def export_stage2(workspace: Workspace, folder: Path) -> dict[str, int]:
    """Write the three files; how many loops and notes. Raises StoreError when the place cannot be written."""
    table = library_loops.table(workspace)
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")  # type: ignore[assignment]
    text = io.StringIO(newline="")
    summary = csv.DictWriter(text, SUMMARY_COLUMNS, restval="")
    summary.writeheader()
    events: list[dict[str, Any]] = []
    scores: list[str] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        loops = LoopStore(workspace).load_many([row["loop_id"] for row in batch])
        for row, loop in zip(batch, loops, strict=True):
            own = list(_events(row, loop))
            events += own
            said = _summary(row, loop, own)
            summary.writerow({key: _cell(value) for key, value in said.items()})
            scores.append(json.dumps(_score(row, said), ensure_ascii=False, allow_nan=False))
    write_bytes(folder / EVENTS_FILE, events_bytes(events))
    write_bytes(folder / SUMMARY_FILE, text.getvalue().encode("utf-8"))
    write_bytes(folder / SCORES_FILE, "".join(f"{line}\n" for line in scores).encode("utf-8"))
    _log.info("written for the predecessor: %d loops, %d notes", len(rows), len(events))
    return {"loops": len(rows), "notes": len(events)}


def _events(row: dict[str, Any], loop: Loop) -> Iterator[dict[str, Any]]:
    bar, beat = loop.meter.bar_tick, loop.meter.beat_tick
    notes = sounding_notes(loop)
    roles = role_index(np.array([note[2] for note in notes], dtype=np.int32), loop.drum_map)
    names = [*ROLES, OTHER_ROLE]
    for index, (onset, duration, pitch, velocity) in enumerate(notes):
        in_bar = onset % bar
        yield {
            "loop_id": row["loop_id"],
            "source": row["source"],
            "pipeline_version": __version__,
            "bar_index": onset // bar,
            "beat_index": in_bar // beat,
            "beat_frac": in_bar % beat / beat,
            "onset_ticks": onset,
            "duration_ticks": duration,
            "channel": 9 if loop.is_drums else max(int(cast(int, loop.extra.get("channel", 0))), 0),
            "program": loop.program,
            "pitch": pitch,
            "velocity": velocity,
            "intensity": velocity / 127.0,
            "swing_phase": row["swing_phase"],
            "instrument_role": names[roles[index]] if loop.is_drums else loop.instrument,
            "file_digest": loop.extra.get("md5", ""),
        }


def _summary(row: dict[str, Any], loop: Loop, events: list[dict[str, Any]]) -> dict[str, Any]:
    velocities = np.array([event["velocity"] for event in events] or [0])
    duration = max((event["onset_ticks"] + event["duration_ticks"] for event in events), default=0)
    total = row.get("scores.total")
    tempo = {"initial_bpm": loop.tempo_bpm, "min": loop.tempo_bpm, "max": loop.tempo_bpm}
    said = {
        "loop_id": row["loop_id"],
        "source": row["source"],
        "file_digest": loop.extra.get("md5", ""),
        "filename": f"{row['loop_id']}.mid",
        "bpm": round(loop.tempo_bpm, 3),
        "note_count": len(events),
        "duration_ticks": duration,
        "bar_count": loop.bars,
        "ticks_per_beat": TICKS_PER_QUARTER,
        "time_signature": str(loop.meter),
        "program_set": [loop.program],
        "score.total": total,
        "score.threshold": PASS_MARK,
        "score.passed": None if total is None else total >= PASS_MARK,
        "score.threshold_passed": None if total is None else total >= PASS_MARK,
        "score.breakdown": _axes(row),
        "tempo.summary": tempo,
        "tempo.events": [round(60e6 / loop.tempo_bpm)],
        "pipeline_version": __version__,
        "metrics.note_count": len(events),
        "metrics.duration_ticks": duration,
        "metrics.velocity_median": float(np.median(velocities)) if events else None,
        "metrics.unique_velocity_steps": len(set(velocities.tolist())) if events else 0,
    }
    return said | {f"metrics.{key}": row.get(f"metrics.{ours}") for key, ours in _METRICS.items()} | _ticks(row, loop)


def _ticks(row: dict[str, Any], loop: Loop) -> dict[str, Any]:
    """Microtiming in ticks, which the predecessor counts in."""
    per_ms = loop.tempo_bpm * TICKS_PER_QUARTER / 60_000.0
    names = {"mean": "mean_ms", "std": "sd_ms", "rms": "rms_ms"}
    values = {key: row.get(f"metrics.microtiming_{ours}") for key, ours in names.items()}
    return {f"metrics.microtiming_{key}": None if ms is None else ms * per_ms for key, ms in values.items()}


def _axes(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(f"scores.{ours}") if ours else None for name, ours in AXES.items()}


def _score(row: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    used = sorted(key for key in _METRICS if said.get(f"metrics.{key}") is not None)
    filled = {
        "loop_id": row["loop_id"],
        "score": said["score.total"],
        "axes": said["score.breakdown"],
        "threshold": PASS_MARK,
        "metrics_used": used,
        "created_at": row["created_at"].isoformat(),
    }
    return {key: filled.get(key) for key in SCORE_KEYS}


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value)
    return value
