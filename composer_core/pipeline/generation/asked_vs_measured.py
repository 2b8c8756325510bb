"""Compare what was requested of a take with what is measured on it, field by field, and add its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from composer_core.estimate import estimate_key
from composer_core.estimate.technique.rules import measured_rules, suggest_technique
from composer_core.metrics import measure
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import FIELDS
from composer_core.music.loop import Loop
from composer_core.music.technique import TECHNIQUES
from composer_core.pipeline.generation.reranking import in_chord_rate, in_scale_rate
from composer_core.pipeline.measured_fields import measured_fields
from composer_core.pipeline.scoring import judge

_FIRST_ROWS = ("tempo", "bars", "key", "chords", "swing", "density", "valence", "arousal")
ROWS = (*_FIRST_ROWS, *(field.row for field in FIELDS if field.row and field.row not in _FIRST_ROWS))
"""The rows in the order they are shown."""
ALWAYS = {field.row for field in FIELDS if field.always_compared}
"""Rows that are there whether their field was asked for or not."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One field: what was asked (None: not given) and what is measured (None: it does not apply).

    Units are those of Condition; tempo in BPM, swing as a DAW percentage. The key is measured by the
    estimator, `share` is that of the notes inside the requested key. Chords are measured as the share of
    the sounding time inside its bar's chord, techniques as the codes a measured rule sees.
    """

    field: str
    asked: object
    measured: object
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The fields in the order they are shown, and the axes with their total (None: not scored).

    `profile` is what the scores judge: it is measured on the take as it is played.
    """

    rows: tuple[Compared, ...]
    scores: Mapping[str, float | None]
    profile: str


def compare(loop: Loop, condition: Condition) -> Comparison:
    """Measure a loop as it sounds against the condition it was played under."""
    metrics = measure(loop)
    asked = {name: getattr(condition, name) for name in condition.given}
    numbers = measured_fields(metrics, loop.instrument)
    rows = (_row(name, loop, condition, metrics, numbers) for name in ROWS)
    judged = judge([loop], [metrics])[0]
    kept = tuple(row for row in rows if row.field in ALWAYS or row.field in asked)
    return Comparison(
        tuple(row for row in kept if row.field != "key" or not loop.is_drums),
        {name: _number(value) for name, value in judged.own.scores.items()},
        judged.profile,
    )


def _row(
    name: str,
    loop: Loop,
    condition: Condition,
    metrics: Mapping[str, float],
    numbers: Mapping[str, float | None],
) -> Compared:
    if name == "tempo":
        return Compared(name, condition.tempo_bpm, round(loop.tempo_bpm, 3))
    if name == "bars":
        return Compared(name, f"{condition.bars} · {condition.meter}", f"{loop.bars} · {loop.meter}")
    if name == "swing":
        ratio = _number(metrics.get(f"swing_ratio_{condition.swing_grid}"))
        return Compared(name, condition.swing_percent, None if ratio is None else 100.0 * ratio / (1.0 + ratio))
    if name == "key":
        found = estimate_key(loop)
        share = None if condition.key is None else in_scale_rate(loop, condition.key)
        return Compared(name, condition.key, found.key if found is not None else None, share)
    if name == "chords":
        return Compared(name, condition.chords, None, in_chord_rate(loop, condition.chord_line))
    if name == "technique":
        return Compared(name, condition.technique, _techniques(loop, metrics))
    return Compared(name, getattr(condition, name), _number(numbers[name]))


def _techniques(loop: Loop, metrics: Mapping[str, float]) -> tuple[str, ...]:
    known = {code: None for code in TECHNIQUES.get(loop.instrument, ()) if code in measured_rules(loop.instrument)}
    seen = suggest_technique(loop, metrics, known)
    return tuple(seen.codes) if seen is not None else ()


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
