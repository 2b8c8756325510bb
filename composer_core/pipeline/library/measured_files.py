"""MIDI files measured where they lie: what `composer measure` tells of them.

Apart from the library's loops, so that measuring a file opens no store and loads nothing it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from composer_core.errors import require_choice
from composer_core.estimate.scores.profiles import PERFORMED, PROGRAMMED
from composer_core.ingest.cut import WHOLE_SONG
from composer_core.ingest.pool import read_all
from composer_core.ingest.warnings import FileWarning
from composer_core.metrics import chords_of
from composer_core.music.drum_maps import AUTOMATIC, DRUM_MAPS
from composer_core.music.key import ROOT_NAMES
from composer_core.music.timing import BARS_CHOICES
from composer_core.pipeline.library.measuring import READ_TASK, decode_records, finite_or_none
from composer_core.pipeline.scoring import explain, missing
from composer_core.store.loops.record import LoopRecord


def measure_files(
    paths: Sequence[str],
    bars: int = 4,
    *,
    jobs: int | None = None,
    explained: bool = True,
    drum_map: str = AUTOMATIC,
) -> dict[str, object]:
    """Measure MIDI files and store nothing.

    Gives {"files": [{"path" as given, "error": None or {code, message}, "warnings": [{path, code, message}],
    "loops": [...]}]} in the order of `paths`; `bars` 0 measures each part whole; `drum_map` is the map of the drums,
    AUTOMATIC to find it. InvalidValue for other bars and maps.
    Without `explained` the loops have no "explanation", which takes LightGBM and half a second to load it.
    """
    require_choice("bars", bars, (WHOLE_SONG, *BARS_CHOICES))
    require_choice("drum map", drum_map, (AUTOMATIC, *DRUM_MAPS))
    options = {"bars": bars, "instrument": None, "measure": True, "drum_map": drum_map}
    files = []
    for report in read_all([(path, "midi") for path in paths], READ_TASK, options, jobs=jobs):
        outcome = report.outcomes[0]
        entry: dict[str, Any] = {"path": paths[report.job_id], "error": None, "warnings": [], "loops": []}
        if outcome.refusal is not None:
            entry["error"] = {"code": outcome.refusal.code, "message": str(outcome.refusal)}
        else:
            records = decode_records(outcome.name, "", outcome.facts, outcome.payload)
            entry["loops"] = [_measured_json(record, explained) for record in records]
            reported = cast(list[tuple[str, dict[str, Any]]], outcome.facts["warnings"])
            warnings = (FileWarning(code, outcome.name, values) for code, values in reported)
            entry["warnings"] = [warning.to_json() for warning in warnings]
        files.append(entry)
    return {"files": files}


def _measured_json(record: LoopRecord, explained: bool) -> dict[str, Any]:
    loop = record.loop
    measured: dict[str, Any] = {
        "instrument": loop.instrument,
        "start_bar": loop.start_bar,
        "bars": loop.bars,
        "tempo_bpm": loop.tempo_bpm,
        "meter": str(loop.meter),
        "n_notes": len(loop.notes),
        **({"drum_map": loop.drum_map} if loop.is_drums else {}),
        "key": _key_json(record),
        **({} if loop.is_drums else {"declared_key": loop.extra.get("declared_key")}),
        "metrics": {name: finite_or_none(value) for name, value in record.metrics.items()},
        "scores": {name: finite_or_none(value) for name, value in record.scores.items()},
        "score_profile": record.score_profile,
        "programmed_scores": {name: finite_or_none(value) for name, value in record.programmed_scores.items()},
    }
    if explained:
        measured["explanation"] = _explanation_json(record, PERFORMED)
        measured["programmed_explanation"] = _explanation_json(record, PROGRAMMED)
    return measured


def _key_json(record: LoopRecord) -> dict[str, Any] | None:
    """The estimated key, and the chord of each bar by name ("N" for silence); None where there is none."""
    if record.key_root < 0:
        return None
    return {
        "root": ROOT_NAMES[record.key_root],
        "mode": record.key_mode,
        "confidence": record.key_confidence,
        "chords": chords_of(record.loop),
    }


def _explanation_json(record: LoopRecord, profile: str) -> dict[str, Any]:
    """For each score of a profile the points by metric, worst first, or why there is no score."""
    found: dict[str, Any] = {
        name: {"missing": reason}
        for name, reason in missing(record.loop.instrument, len(record.loop.notes), profile).items()
    }
    for name, one in explain(record.loop, record.metrics, profile).items():
        points = [{"metric": metric, "points": round(value, 2)} for metric, value in one.points if abs(value) >= 0.05]
        found[name] = {"average": round(one.reference, 1), "points": points}
        if one.worst_axis:
            found[name]["worst_axis"] = one.worst_axis
    return found
