"""Compare generated loops with real ones and with baselines that make loops: distribution, scores, copies.

All systems get the same requests: the conditions of held-out human loops. The baselines are the training
loop whose measured condition is nearest to the request, the human loops quantised, and the quantised loops
with random timing and velocity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.estimate.scores.axes import SCORE_NAMES
from composer_core.lab.composer.held_out import BarTokens, HumanExample, Made, bars_of, measured, percentiles
from composer_core.lab.composer.statistics import overlap
from composer_core.metrics import METRICS
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop
from composer_core.music.timing import EARLY_TICK, TICKS_PER_QUARTER
from composer_core.pipeline.scoring import score_measured

if TYPE_CHECKING:
    from collections.abc import Callable

HUMAN, GENERATED, BEST_OF = "human", "generated", "best_of_8"
NEAREST_REAL, QUANTISED, JITTERED = "nearest_real_loop", "quantised", "jittered"
JITTER_MS, JITTER_VELOCITY = 15.0, 12.0
SHOWN = (
    *("onset_density", "syncopation", "ioi_entropy", "groove_consistency", "velocity_mean", "velocity_sd"),
    *("microtiming_sd_ms", "pitch_class_entropy", "register", "polyphony_mean", "note_length", "scale_consistency"),
)
"""Metrics whose histograms are drawn, where the instrument has them."""
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class System:
    """Loops of one maker as they sound, with their metrics and their bars on the grid with the tonic on C."""

    loops: Sequence[Loop]
    rows: Sequence[Mapping[str, float]]
    bars: Sequence[Sequence[BarTokens]]

    @classmethod
    def of(cls, loops: Sequence[Loop], bars: Sequence[Sequence[BarTokens]]) -> System:
        """Measured at once."""
        return cls(loops, measured(loops), bars)


def baseline_systems(humans: Sequence[HumanExample], training: Sequence[HumanExample], seed: int) -> dict[str, System]:
    """The baselines' answers to the requests of the human loops; `training` are loops to choose the nearest from."""
    rng = np.random.default_rng([seed, 0x11])
    flat = [quantised(example) for example in humans]
    own_bars = [example.bars for example in humans]
    found = {
        QUANTISED: System.of(flat, own_bars),
        JITTERED: System.of([jittered(loop, rng) for loop in flat], own_bars),
    }
    if training:
        chosen = [nearest(example.condition, training) for example in humans]
        found[NEAREST_REAL] = System.of([one.played for one in chosen], [one.bars for one in chosen])
    return found


def quantised(example: HumanExample) -> Loop:
    """The loop on the straight grid at one velocity: what a notation program plays."""
    loop = example.snapped
    return loop.with_notes(loop.notes.with_columns(velocity=np.full(len(loop.notes), 80)))


def jittered(loop: Loop, rng: np.random.Generator) -> Loop:
    """Normal deviations of every note on its own, 15 ms and 12 of velocity."""
    tick_per_ms = loop.tempo_bpm * TICKS_PER_QUARTER / 60_000.0
    onset = loop.notes.onset_tick + rng.normal(0.0, JITTER_MS * tick_per_ms, len(loop.notes))
    velocity = loop.notes.velocity + rng.normal(0.0, JITTER_VELOCITY, len(loop.notes))
    onset = np.clip(onset, -EARLY_TICK, loop.length_tick - 1)
    return loop.with_notes(loop.notes.with_columns(onset_tick=onset, velocity=np.clip(velocity, 1, 127)))


def nearest(condition: Condition, training: Sequence[HumanExample]) -> HumanExample:
    """The loop whose condition differs least: metre and mode first, then tempo, density, valence and arousal."""

    def distance(example: HumanExample) -> float:
        """10 for another metre, 2 for another mode, octaves of tempo, fields in units of their range."""
        other = example.condition
        apart = 10.0 * (str(other.meter) != str(condition.meter))
        mode, own_mode = (one.key.mode if one.key is not None else "" for one in (other, condition))
        apart += 2.0 * (mode != own_mode) + abs(np.log2(other.tempo_bpm / condition.tempo_bpm))
        for name, size in (("density", 2.0), ("valence", 1.0), ("arousal", 0.5)):
            first, second = getattr(other, name), getattr(condition, name)
            apart += abs(first - second) / size if None not in (first, second) else 0.0
        return float(apart)

    return min(training, key=distance)


def distribution(systems: Mapping[str, System], instrument: str) -> dict[str, object]:
    """By system the overlapping area of every metric's histogram with human loops', their mean, and selected medians.

    The human loops' own figure is of one half of them against the other: what two samples of people reach.
    """
    names = [name for name, metric in METRICS.items() if metric.applies_to(instrument)]
    human = systems[HUMAN].rows
    found: dict[str, Any] = {}
    for system, made in systems.items():
        other, reference = (human[::2], human[1::2]) if system == HUMAN else (made.rows, human)
        areas = {n: overlap([row[n] for row in other], [row[n] for row in reference]) for n in names}
        finite = [area for area in areas.values() if np.isfinite(area)]
        found[system] = {
            "overlap_mean": float(np.mean(finite)) if finite else None,
            "empty_beat_rate": float(np.mean([empty_beat_rate(loop) for loop in made.loops])),
            "overlap": {n: areas[n] for n in SHOWN if n in areas},
            "median": {n: percentiles([row[n] for row in made.rows], 50)["p50"] for n in SHOWN if n in areas},
        }
    shown = [name for name in SHOWN if name in names]
    return {"systems": found, "histograms": {name: _histograms(systems, name) for name in shown}}


def empty_beat_rate(loop: Loop) -> float:
    """Share of the quarters of a loop in which nothing begins (muspy's empty_beat_rate)."""
    n_beats = max(1, int(np.ceil(loop.length_quarter)))
    beats = np.unique(np.clip(loop.notes.onset_tick, 0, None) // TICKS_PER_QUARTER)
    return 1.0 - min(len(beats), n_beats) / n_beats


def _histograms(systems: Mapping[str, System], name: str) -> dict[str, Any]:
    """Shares of human and generated loops over 20 equal bins of their common range."""
    columns = {
        system: [row[name] for row in systems[system].rows if np.isfinite(row[name])] for system in (HUMAN, GENERATED)
    }
    values = [value for column in columns.values() for value in column]
    if not values:
        return {}
    low, high = float(np.percentile(values, 0.5)), float(np.percentile(values, 99.5))
    edges = np.linspace(low, high if high > low else low + 1.0, 21)
    shares = {
        system: (np.histogram(np.clip(column, edges[0], edges[-1]), edges)[0] / max(1, len(column))).round(4).tolist()
        for system, column in columns.items()
    }
    return {"low": float(edges[0]), "high": float(edges[-1]), **shares}


def scores(systems: Mapping[str, System]) -> dict[str, object]:
    """By system and axis p10, p50 and p90 of the scores (0 to 100); an axis without calibration is left out."""
    found: dict[str, Any] = {}
    for system, made in systems.items():
        scored = score_measured(made.loops, made.rows)
        columns = {axis: [one.scores[axis] for one in scored] for axis in SCORE_NAMES}
        found[system] = {
            axis: {"n": int(np.isfinite(column).sum()), **percentiles(column, 10, 50, 90)}
            for axis, column in columns.items()
            if np.isfinite(column).any()
        }
    return found


def generated_system(loops: Sequence[Made], with_bars: Callable[[Loop], list[BarTokens]] = bars_of) -> System:
    """A system of generated loops (asked for with the tonic on C)."""
    return System.of([one.played for one in loops], [with_bars(one.grid) for one in loops])
