"""Measured human loops and the same loops damaged: the data that calibrations are fitted to and judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.scores.axes import MIN_NOTES
from composer_core.estimate.scores.profiles import PERFORMED, PROGRAMMED
from composer_core.estimate.scores.training import STRENGTH_WEIGHTS, Examples
from composer_core.lab.scores.steps import Steps, array_digest, loops_digest
from composer_core.metrics import METRICS, Analysis
from composer_core.music.loop import Loop
from composer_core.pipeline.training.sources import window_of
from composer_core.rules.damage import DAMAGES, damage

FloatArray = NDArray[np.float64]
AXIS_FAMILIES: dict[str, tuple[str, ...]] = {
    "timing": ("groove",),
    "velocity": ("dynamics",),
    "groove_harmony": ("rhythm", "tonality"),
    "cohesion": ("drums", "bass", "guitar", "piano", "strings"),
    "structure": ("structure",),
}
"""The families whose metrics an axis reads."""
ALSO_READS: dict[str, tuple[str, ...]] = {
    "timing": ("swing_confidence", "swing_confidence_16", "grid_fit"),
    "groove_harmony": (
        "groove_consistency", "microtiming_memory", "microtiming_bar_change_ms", "layer_spread_ms", "microtiming_sd_ms",
        "microtiming_kick_sd_ms", "microtiming_snare_sd_ms", "microtiming_hat_sd_ms",
    ),
    "cohesion": (
        "groove_consistency", "syncopation", "variation_factor", "chord_tone_rate", "scale_consistency", "leap_rate",
        "mean_interval", "clash_rate", "bar_gain",
    ),
    "structure": (
        "kit_change", "groove_consistency", "timekeeper_repetition", "microtiming_drift_ms", "velocity_bar_change",
        "velocity_repetition", "kick_downbeat_rate", "longest_gap", "onset_density", "velocity_arc",
        "velocity_bar_gain", "timing_beat_memory", "sixteenth_fit",
    ),
}  # fmt: skip
"""Metrics of other families that an axis reads too, because its damage shows in them."""
_PLAYED_FAMILIES = ("groove", "dynamics")
_WRITTEN_ALL_THE_SAME = ("groove_consistency",)
_PLAYED_ELSEWHERE = (
    "grid_fit", "ghost_rate", "fill_rate", "backbeat_rate", "velocity_jump", "period_bars", "bar_gain", "half_bar_gap",
    "density_arc", "strum_spread_ms",
)  # fmt: skip
"""Metrics of other families that read velocities (some to see whether a bar comes back) or tell how exactly the notes
lie on their places."""
KIND_AXES: dict[str, tuple[str, ...]] = {
    "machine": ("timing", "velocity"),
    "scattered": ("groove_harmony", "timing", "structure"),
}
"""Kinds of damage that hurt several axes; every other hurts its own."""
WHOLE_WEIGHTS = (0.2, 0.4, 0.8, 1.2, 3.0)
"""What strengths weigh where the strongest is the nominal one: all of a loop damaged alike is consistent again."""
OWN_WEIGHTS = {"inverted": (0.05, 0.1, 0.15, 0.3, 7.0)}
"""What the strengths of a kind weigh where trees would else take the disorder of a part of it for the whole."""
PASSED_WEIGHTS: dict[str, dict[str, float]] = {
    "timing": {"swing_broken": 6.0},
    "groove_harmony": {"jitter": 12.0, "drift": 6.0, "role_late": 6.0, "quantise": 6.0},
    "cohesion": {"jitter": 6.0, "pieces_shuffled": 6.0, "seam_broken": 6.0},
    "structure": {"hits_moved": 6.0, "hits_dropped": 6.0, "roles_permuted": 6.0},
}
"""Kinds that an axis mistakes most easily for its own weigh more among those it learns to let pass."""
CROSS_WEIGHTS: dict[str, dict[str, float]] = {"groove_harmony": {"jitter": 4.0, "offsets_widened": 4.0}}
"""Kinds whose effect on another axis is hardest to tell from that axis's own damage weigh more where it is learnt."""
WIDER_WEIGHT = 0.5
"""What a kind of damage that only widens training weighs beside the others; by cross-validation on training takes."""
MAX_DAMAGED = 3000
"""So many loops, drawn for each kind, are damaged by it (half as many where it only widens training), so that a
calibration stays affordable."""
LENGTH_HOPS = ((4, 2), (8, 8), (2, 4), (1, 4))
"""(bars, hop in bars) of the loops cut out of a take."""
WINDOWS_A_TAKE = {8: 3, 4: 14, 2: 3, 1: 3}
"""At most so many loops of each length of a take, so that long takes do not outweigh the others."""


@dataclass(frozen=True, slots=True)
class Played:
    """A human loop with the take and the group (a drummer's session, a file) it is of."""

    loop: Loop
    take: str
    group: str


def profile_metrics(instrument: str, profile: str = PERFORMED) -> tuple[str, ...]:
    """Names of the metrics a calibration may read, in the order of the table.

    The programmed profile reads none that velocities change, and none of how exactly notes lie on their places.
    """
    return tuple(
        name
        for name, metric in METRICS.items()
        if metric.applies_to(instrument)
        and (
            profile != PROGRAMMED
            or name in _WRITTEN_ALL_THE_SAME
            or (metric.family not in _PLAYED_FAMILIES and name not in _PLAYED_ELSEWHERE)
        )
    )


def axis_metrics(instrument: str, axes: Iterable[str], profile: str = PERFORMED) -> dict[str, tuple[str, ...]]:
    """Names of the metrics each axis reads for an instrument, in the order of the table."""
    found = {}
    for axis in axes:
        families, others = AXIS_FAMILIES[axis], ALSO_READS.get(axis, ())
        found[axis] = tuple(
            name for name in profile_metrics(instrument, profile) if METRICS[name].family in families or name in others
        )
    return found


def kind_axes(instrument: str) -> dict[str, tuple[str, ...]]:
    """The axes that each kind of damage an instrument can suffer belongs to."""
    return {name: KIND_AXES.get(name, (kind.axis,)) for name, kind in DAMAGES.items() if kind.applies_to(instrument)}


def strength_weights(kinds: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """What the strengths of each kind weigh in training."""
    found = {}
    for name in kinds:
        kind = DAMAGES[name]
        whole = WHOLE_WEIGHTS if kind.nominal == kind.strengths[-1] else STRENGTH_WEIGHTS
        weights = OWN_WEIGHTS.get(name, whole)
        found[name] = tuple(weight * (WIDER_WEIGHT if kind.widens else 1.0) for weight in weights)
    return found


def windows_of_takes(takes: Sequence[tuple[Loop, str]], seed: int = 0) -> list[Played]:
    """Loops of 1, 2, 4 and 8 bars out of whole takes, each given with its group; the same for the same takes."""
    rng = np.random.default_rng(seed)
    found = []
    for take, group in takes:
        for bars, hop in LENGTH_HOPS:
            starts = np.arange(0, take.bars - bars + 1, hop)
            if len(starts) > WINDOWS_A_TAKE[bars]:
                starts = np.sort(rng.permutation(starts)[: WINDOWS_A_TAKE[bars]])
            windows = (window_of(take, int(start), bars) for start in starts)
            found += [Played(loop, take.source, group) for loop in windows if len(loop.notes) >= MIN_NOTES]
    return found


def measure_rows(loops: Sequence[Loop], metrics: Sequence[str]) -> FloatArray:
    """Metrics of loops as rows."""
    found = np.empty((len(loops), len(metrics)))
    reads = [METRICS[name].read for name in metrics]
    for index, loop in enumerate(loops):
        analysis = Analysis(loop)
        found[index] = [read(analysis) for read in reads]
    return found


def examples_of(
    played: Sequence[Played],
    metrics: Sequence[str],
    kinds: Sequence[str],
    seed: int = 0,
    max_damaged: int = MAX_DAMAGED,
    steps: Steps | None = None,
) -> Examples:
    """Every loop as it was played, and at most `max_damaged` of them damaged by each kind at random strengths.

    What is measured is kept by `steps`.
    """
    kept = steps or Steps()
    loops_are = (loops_digest([one.loop for one in played]), *metrics)
    rng, choice = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    groups = {name: index for index, name in enumerate(dict.fromkeys(one.group for one in played))}
    blocks, source, kind, strength = [], [], [], []
    for number, name in enumerate(kinds):
        strengths = rng.integers(0, len(DAMAGES[name].strengths), len(played))
        count = max_damaged // 2 if DAMAGES[name].widens else max_damaged
        chosen = np.sort(choice.permutation(len(played))[:count]).tolist()
        blocks.append(
            kept.rows(
                ("damaged", name, array_digest(strengths, np.array(chosen)), *loops_are),
                partial(_measure_damaged, played, metrics, name, strengths, chosen),
            )
        )
        source += chosen
        kind += [number] * len(chosen)
        strength += strengths[chosen].tolist()
    return Examples(
        metrics=tuple(metrics),
        human=kept.rows(("human", *loops_are), lambda: measure_rows([one.loop for one in played], metrics)),
        bars=np.array([one.loop.bars for one in played]),
        group=np.array([groups[one.group] for one in played]),
        damaged=np.concatenate(blocks),
        source=np.array(source),
        kind=np.array(kind),
        strength=np.array(strength),
        kinds=tuple(kinds),
    )


def _measure_damaged(
    played: Sequence[Played], metrics: Sequence[str], kind: str, strengths: NDArray[np.int64], chosen: Sequence[int]
) -> FloatArray:
    """Metrics of the chosen loops, each damaged at its own strength."""
    return measure_rows([damaged_loop(played, index, kind, int(strengths[index])) for index in chosen], metrics)


def damaged_loop(played: Sequence[Played], index: int, kind: str, level: int) -> Loop:
    """One of the loops damaged at one of the kind's five strengths; splices come from a loop of another take."""
    one = played[index]
    key = f"{one.take}|{one.loop.start_bar}|{index}|{kind}|{level}"
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "little")
    others = []
    for step in range(1, 60):
        other = played[(index + seed % 1009 + step * 31) % len(played)]
        if other.take != one.take and other.loop.meter == one.loop.meter and other.loop.bars == one.loop.bars:
            others.append(other.loop)
            break
    return damage(one.loop, kind, DAMAGES[kind].strengths[level], seed, others)


def n_strengths(kind: str) -> int:
    """How many strengths a kind has."""
    return len(DAMAGES[kind].strengths)


def nominal_level(kind: str) -> int:
    """The index of a kind's nominal strength."""
    return DAMAGES[kind].strengths.index(DAMAGES[kind].nominal)


def digest_of(examples: Examples) -> str:
    """SHA-256 over the measured human rows, rounded to four digits, so that two machines agree."""
    text = "\n".join(",".join(f"{value:.4g}" for value in row) for row in examples.human.tolist())
    return hashlib.sha256(text.encode()).hexdigest()[:16]
