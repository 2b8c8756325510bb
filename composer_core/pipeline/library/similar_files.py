"""Find loops of the library similar to those of a MIDI file, which need not be in the library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer_core.errors import NotFound, require_choice
from composer_core.ingest.pool import read_all
from composer_core.music.loop import Loop
from composer_core.music.timing import BARS_CHOICES
from composer_core.pipeline.library.browse import rows
from composer_core.pipeline.library.measuring import READ_TASK, decode_loops
from composer_core.pipeline.library.similar import BY_METRICS, Similar, similar, similar_to
from composer_core.workspace import Workspace

DESCRIBED = ("loop_id", "instrument", "meter", "tempo_bpm", "bars", "start_bar", "source", "member", "label_status")
"""What is said of each loop found."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was compared (the facts of a loop) and the loops found, the nearest first."""

    of: dict[str, object]
    found: tuple[Similar, ...]


def similar_to_any(
    workspace: Workspace,
    target: str,
    k: int = 20,
    by: str = BY_METRICS,
    *,
    bars: int = 4,
    instrument: str | None = None,
) -> list[Answer]:
    """Answers for the path of a MIDI file, one a loop it is cut into (`bars` long), or for a loop's id.

    NotFound for what is neither, or a file without notes of the instrument; RefusedFile for a
    file that cannot be read; InvalidValue for a bad `k`, `by` or `bars`.
    """
    if not Path(target).exists():
        return [Answer({"loop_id": target}, tuple(similar(workspace, target, k, by)))]
    loops = _loops_of(target, bars, instrument)
    return [Answer(_facts(loop), tuple(similar_to(workspace, loop, k, by))) for loop in loops]


def described(workspace: Workspace, found: tuple[Similar, ...]) -> list[dict[str, object]]:
    """Each loop with its distance and what a person knows it by, as plain values."""
    if not found:
        return []
    table = rows(workspace, [one.loop_id for one in found], DESCRIBED).astype(object)
    lines = [dict(zip(DESCRIBED, line, strict=True)) for line in table.itertuples(index=False)]
    return [{"distance": round(one.distance, 6), **line} for one, line in zip(found, lines, strict=True)]


def _loops_of(path: str, bars: int, instrument: str | None) -> list[Loop]:
    require_choice("bars", bars, BARS_CHOICES)
    options = {"bars": bars, "instrument": instrument, "measure": False}
    report = next(iter(read_all([(path, "midi")], READ_TASK, options, jobs=1)))
    outcome = report.outcomes[0]
    if outcome.refusal is not None:
        raise outcome.refusal
    loops = decode_loops(outcome.name, outcome.facts, outcome.payload)
    if not loops:
        raise NotFound("no_notes", path=path, instrument=instrument or "any instrument", purpose="compare")
    return loops


def _facts(loop: Loop) -> dict[str, Any]:
    return {"source": loop.source, "instrument": loop.instrument, "start_bar": loop.start_bar, "bars": loop.bars}
