"""Estimate valence and arousal of a loop from its metrics, using published effect directions only.

No rated drum loops may be used, so nothing here is fitted to ratings: each metric is
standardised on reference loops, clipped at 3 standard deviations, multiplied by a weight set
beforehand from the literature, and summed. The rank of the sum among the reference loops'
sums (0 lowest, 1 highest) is the arousal; stretched to -1..1 it is the valence. So both cover
their whole range on real music by construction. An undefined metric counts as average.

Arousal, all instruments: more onsets per second, louder and faster playing are more aroused
(Gabrielsson and Lindström 2010, tables of tempo, loudness and density; Schubert 2004: loudness
and tempo explain most of continuous arousal; Eerola, Friberg and Bresin 2013: dynamics and
tempo rank first). Drums add fills and open hats (many loud, noisy partials: Juslin and Laukka
2003); pitched parts add short articulation and high register (Eerola et al. 2013).

Valence, pitched: major over minor mode is the strongest cue, then faster tempo, higher
register, short articulation, in this order, softer before louder (Eerola et al. 2013; Gabrielsson
and Lindström 2010).

Valence, drums, which have no mode: THE METRIC THAT MOVES MOST IS `cymbal_rate` (a bright
timbre and spectrum is heard as positive: Gabrielsson and Lindström 2010; Eerola, Ferrer and Alluri
2012), then, with half its weight each, `tempo_bpm` (derived), medium `syncopation` (pleasure
is an inverted U of syncopation: Witek et al. 2014; entered as -z^2) and `groove_consistency` (a
regular, flowing rhythm is happy, an irregular one uneasy: Gabrielsson and Lindström 2010), and
with a quarter `offbeat_rate` (off-beat energy predicts groove: Madison et al. 2011).

The reference means, deviations and percentiles of the sums are kept in assets/models/affect-reference.json,
measured by `measure_reference` (benchmarks/estimators.py): for drums on Groove MIDI's training
takes, for pitched instruments on permissively licensed game music and notated songs. Confidence is the share
of the weights whose metrics were defined, times how far the contributions agree, times a
ceiling of 0.5: without rated loops more would be a claim.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

import numpy as np

from composer_core.errors import StoreError
from composer_core.estimate.suggestion import Suggestion
from composer_core.workspace import ASSETS

SOURCE = "model:affect@1"
REFERENCE = ASSETS / "models" / "affect-reference.json"
_PERCENTS = (0.0, 0.5, 1.0, 2.0, 5.0, *map(float, range(10, 91, 5)), 95.0, 98.0, 99.0, 99.5, 100.0)
_CLIP = 3.0
_CEILING = 0.5
_N_REASONS = 3
_MEDIUM = "syncopation_medium"
"""syncopation's distance from the average, squared and negated: highest when medium."""

AROUSAL_WEIGHTS: dict[str, dict[str, float]] = {
    "drums": {"onset_rate": 1.0, "velocity_mean": 1.0, "tempo_bpm": 0.5, "fill_rate": 0.25, "hat_openness": 0.25},
    "pitched": {"onset_rate": 1.0, "velocity_mean": 1.0, "tempo_bpm": 0.5, "articulation": -0.4, "register": 0.2},
}
VALENCE_WEIGHTS: dict[str, dict[str, float]] = {
    "drums": {
        "cymbal_rate": 1.0,
        "tempo_bpm": 0.5,
        _MEDIUM: 0.5,
        "groove_consistency": 0.5,
        "offbeat_rate": 0.25,
    },
    "pitched": {"mode_lean": 1.0, "tempo_bpm": 0.6, "register": 0.4, "articulation": -0.3, "velocity_mean": -0.2},
}


@dataclass(frozen=True, slots=True)
class Affect:
    """Valence -1 to 1 and arousal 0 to 1 with each metric's contribution (in sums of weights x deviations)."""

    valence: float
    arousal: float
    valence_parts: Mapping[str, float]
    arousal_parts: Mapping[str, float]
    valence_confidence: float
    arousal_confidence: float


class AffectReference(TypedDict):
    """An instrument's loops: how many, [mean, deviation] of each metric, percentiles of both sums."""

    loops: int
    metrics: dict[str, list[float]]
    valence: list[float]
    arousal: list[float]


def estimate_affect(metrics: Mapping[str, float], instrument: str) -> tuple[float, float]:
    """Valence (-1 to 1) and arousal (0 to 1) of a loop from `measure(loop)`; never NaN."""
    affect = read_affect(metrics, instrument)
    return affect.valence, affect.arousal


def read_affect(metrics: Mapping[str, float], instrument: str) -> Affect:
    """`estimate_affect` with contributions and confidence."""
    reference = load_reference(REFERENCE)[instrument]
    values = with_derived(metrics)
    kind = _kind(instrument)
    valence_parts = _parts(values, VALENCE_WEIGHTS[kind], reference["metrics"])
    arousal_parts = _parts(values, AROUSAL_WEIGHTS[kind], reference["metrics"])
    return Affect(
        2.0 * _percentile_share(sum(valence_parts.values()), reference["valence"]) - 1.0,
        _percentile_share(sum(arousal_parts.values()), reference["arousal"]),
        valence_parts,
        arousal_parts,
        _confidence(valence_parts, VALENCE_WEIGHTS[kind]),
        _confidence(arousal_parts, AROUSAL_WEIGHTS[kind]),
    )


def suggest_affect(metrics: Mapping[str, float], instrument: str) -> dict[str, Suggestion]:
    """Suggestions for `emotion_valence` and `emotion_arousal`, rounded to two decimals."""
    affect = read_affect(metrics, instrument)
    return {
        "emotion_valence": Suggestion(
            round(affect.valence, 2), affect.valence_confidence, reasons_of(affect.valence_parts), SOURCE
        ),
        "emotion_arousal": Suggestion(
            round(affect.arousal, 2), affect.arousal_confidence, reasons_of(affect.arousal_parts), SOURCE
        ),
    }


def reasons_of(parts: Mapping[str, float]) -> tuple[str, ...]:
    """The largest contributions, as "metric:NAME:+" (raises the value) or "metric:NAME:-" (lowers it)."""
    strongest = sorted((name for name in parts if parts[name]), key=lambda name: -abs(parts[name]))[:_N_REASONS]
    return tuple(f"metric:{name.removesuffix('_medium')}:{'+' if parts[name] > 0 else '-'}" for name in strongest)


def with_derived(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics and `tempo_bpm` = 60 onset_rate / onset_density (both count the same onsets)."""
    density = metrics.get("onset_density", math.nan)
    tempo_bpm = 60.0 * metrics.get("onset_rate", math.nan) / density if density > 0 else math.nan
    return {**metrics, "tempo_bpm": tempo_bpm}


def _kind(instrument: str) -> str:
    return "drums" if instrument == "drums" else "pitched"


def _parts(
    values: Mapping[str, float], weights: Mapping[str, float], reference: Mapping[str, list[float]]
) -> dict[str, float]:
    """Weight x clipped deviation of every defined metric."""
    parts: dict[str, float] = {}
    for name, weight in weights.items():
        mean, deviation = reference[name.removesuffix("_medium")]
        value = values.get(name.removesuffix("_medium"), math.nan)
        if not math.isfinite(value):
            continue
        z = max(-_CLIP, min(_CLIP, (value - mean) / deviation))
        parts[name] = weight * (1.0 - min(z * z, _CLIP) if name == _MEDIUM else z)
    return parts


def _percentile_share(total: float, percentiles: list[float]) -> float:
    """Share of the reference sums below `total`, between the measured percentiles by straight lines."""
    return float(np.interp(total, percentiles, _PERCENTS)) / 100.0


def _confidence(parts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    size = sum(abs(part) for part in parts.values())
    if size == 0.0:
        return 0.0
    defined = sum(abs(weights[name]) for name in parts) / sum(map(abs, weights.values()))
    return round(_CEILING * defined * abs(sum(parts.values())) / size, 3)


def measure_reference(rows: Iterable[Mapping[str, float]], instrument: str) -> AffectReference:
    """Means, standard deviations and percentiles of the sums over loops' metrics (`measure`), as JSON values."""
    kind = _kind(instrument)
    table = [with_derived(row) for row in rows]
    names = {n.removesuffix("_medium") for n in (*VALENCE_WEIGHTS[kind], *AROUSAL_WEIGHTS[kind])}
    spread: dict[str, list[float]] = {}
    for name in sorted(names):
        column = np.array([row.get(name, math.nan) for row in table])
        column = column[np.isfinite(column)]
        spread[name] = [round(float(column.mean()), 5), max(1e-6, round(float(column.std()), 5))]
    sums = {
        axis: [sum(_parts(row, weights[kind], spread).values()) for row in table]
        for axis, weights in (("valence", VALENCE_WEIGHTS), ("arousal", AROUSAL_WEIGHTS))
    }
    percentiles = {axis: [round(float(v), 5) for v in np.percentile(total, _PERCENTS)] for axis, total in sums.items()}
    return {
        "loops": len(table),
        "metrics": spread,
        "valence": percentiles["valence"],
        "arousal": percentiles["arousal"],
    }


@cache
def load_reference(path: Path) -> dict[str, AffectReference]:
    """Reference tables by instrument; StoreError when the file is missing or damaged."""
    try:
        found: dict[str, AffectReference] = json.loads(path.read_text(encoding="utf-8"))["instruments"]
        return found
    except (OSError, ValueError, KeyError) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
