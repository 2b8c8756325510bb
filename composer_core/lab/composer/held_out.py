"""Evaluation data: held-out takes, human loops cut from them, and loops generated in batches.

The held-out takes are the data set's own validation split, or else one source in ten, by the digest of
its name. Human loops are windows without an empty bar, because no generated loop has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from composer_core.errors import NotFound
from composer_core.metrics import measure
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import ASK_METERS, DEFAULT_TEMPO_BPM
from composer_core.music.instruments import DEFAULT_PROGRAM
from composer_core.music.key import Key
from composer_core.music.loop import Loop
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM, COMMON_TIME
from composer_core.pipeline.generation.fill_in import fill_in, own_table
from composer_core.pipeline.generation.takes import perform_grid, render_grid
from composer_core.pipeline.training.labelled import taught_by_labels
from composer_core.pipeline.training.permitted_sets import is_root, loops_of
from composer_core.pipeline.training.sources import (
    COMMON_METERS,
    PARTS,
    SourcePart,
    limited_windows,
    measured_condition,
    prepare_takes,
    window_of,
)
from composer_core.pipeline.training.windows import apart_from_held_out
from composer_core.tokens.vocab import loop_to_bars
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    from composer_core.model.composer.checkpoint import LoadedModel
    from composer_core.model.composer.conditions import WindowCondition

WINDOW_BARS = 4
LIMITS = {"train": 6000, "dev": 200, "validation": 600}
"""Windows of an instrument an evaluation reads of each part: what keeps it to minutes on large sets."""
TEMPO_RANGE = (ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM)
BATCH = 64
"""Loops sampled at once."""
MIN_LOOP_NOTES = 4
BarTokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldOutParts:
    """The takes of one instrument by part, and its windows as n-grams read them (without the Bar token).

    Pitches are written with the tonic on C, as the composer reads them. `limits` is about how
    many windows a part gives (0: all), long songs giving first.
    """

    takes: dict[str, list[SourcePart]]
    limits: Mapping[str, int]

    def windows(self, part: str) -> list[tuple[int, list[BarTokens]]]:
        """(take index, bars) of each side-by-side window that holds a note."""
        found = []
        takes = self.takes[part]
        for index, windows in enumerate(limited_windows(takes, False, self.limits[part])):
            for start, bars in windows:
                window = [tuple(bar[1:]) for bar in takes[index].window(start, bars)]
                if any(window):
                    found.append((index, window))
        return found


@dataclass(frozen=True, slots=True)
class HumanExample:
    """A human loop: its condition as a request, its bars with the tonic on C, the loop as played and on the grid."""

    condition: Condition
    asked: WindowCondition
    bars: list[BarTokens]
    played: Loop
    snapped: Loop
    take: str


@dataclass(frozen=True, slots=True)
class Made:
    """A generated loop: the request, the notes on the straight grid, and the loop as it sounds."""

    condition: Condition
    grid: Loop
    played: Loop


def read_held_out(data: Path | Workspace, instrument: str) -> HeldOutParts:
    """Takes of a data folder, or of a library with what its labels say; NotFound when none was held out."""
    takes = prepare_takes(loops_of(data, instrument), [instrument])
    if isinstance(data, Path) and is_root(data):
        takes = [take for take in takes if str(take.played.meter) in COMMON_METERS]
    parts = {part: [take for take in takes if take.part == part] for part in PARTS}
    if not parts["validation"]:
        place = data if isinstance(data, Path) else data.root
        raise NotFound("no_notes", path=str(place), instrument=instrument, purpose="evaluate on")
    return HeldOutParts(parts, LIMITS)


def apart(held_out: HeldOutParts) -> HeldOutParts:
    """The same without the training takes that nearly repeat a held-out passage: what composers learn from."""
    takes = [take for part in PARTS for take in held_out.takes[part]]
    train, _ = apart_from_held_out(takes, held_out.takes["train"])
    return replace(held_out, takes={**held_out.takes, "train": train})


def human_loops(held_out: HeldOutParts, part: str, count: int, seed: int) -> list[HumanExample]:
    """Up to `count` different four-bar windows of a part without an empty bar, takes drawn alike."""
    rng = np.random.default_rng([seed, 0x4E])
    places = []
    for take in held_out.takes[part]:
        meter = "4/4" if str(take.played.meter) == "2/2" else str(take.played.meter)
        fill_in = [len(bar) > 1 for bar in take.bars]
        starts = [s for s in range(len(fill_in) - WINDOW_BARS + 1) if all(fill_in[s : s + WINDOW_BARS])]
        if meter in ASK_METERS and starts:
            order = rng.permutation(len(starts))
            places.append([(take, starts[i]) for i in order])
    rounds = [own[turn] for turn in range(max(map(len, places), default=0)) for own in places if turn < len(own)]
    examples = (_example(take, start) for take, start in rounds)
    found: list[HumanExample] = []
    for example in examples:
        if len(found) == count:
            break
        if len(example.played.notes) >= MIN_LOOP_NOTES:
            found.append(example)
    return found


def _example(take: SourcePart, start: int) -> HumanExample:
    asked = measured_condition(take, start, WINDOW_BARS)
    bars = [tuple(bar[1:]) for bar in take.window(start, WINDOW_BARS)]
    played, snapped = (window_of(loop, start, WINDOW_BARS) for loop in (take.played, take.snap.loop))
    return HumanExample(condition_of(asked), asked, bars, played, snapped, take.name)


def condition_of(asked: WindowCondition) -> Condition:
    """A measured window's condition as a request, with the tonic on C; techniques are left out.

    What lies outside what may be asked is brought to its limit; chords only where every bar has one.
    """
    tempo_bpm = float(np.clip(asked.continuous["tempo_bpm"] or DEFAULT_TEMPO_BPM, *TEMPO_RANGE))
    density = asked.continuous["density"]
    key = asked.key
    chords = [chord.transposed(-key.root) for chord in asked.chords if chord is not None] if key is not None else []
    return Condition(
        asked.instrument,
        asked.bars,
        asked.meter if str(asked.meter) in ASK_METERS else COMMON_TIME,
        tempo_bpm,
        valence=asked.continuous["valence"],
        arousal=asked.continuous["arousal"],
        genre=asked.genre,
        density=float(np.clip(density, 0.25, 12.0)) if density is not None and np.isfinite(density) else None,
        key=Key(0, "minor" if key.is_minor else "major") if key is not None else None,
        chords=tuple(chords) if len(chords) == asked.bars else (),
    )


def without_unknown_genres(condition: Condition, genres: Sequence[str]) -> Condition:
    """The request without genres a model never learnt."""
    if not condition.genre or set(condition.genre) <= set(genres):
        return condition
    return condition.changed(genre={})


def generate_for(loaded: LoadedModel, conditions: Sequence[Condition], seed: int) -> list[Made]:
    """One loop for each condition, sampled in batches and played as `composer generate` plays them."""
    from composer_core.model.composer.sampling import sample_mixed

    found = []
    for first in range(0, len(conditions), BATCH):
        chosen = conditions[first : first + BATCH]
        seeds = [seed + first + index for index in range(len(chosen))]
        whole = [
            fill_in(condition, own_seed, own_table(loaded.facts, condition.instrument))
            for condition, own_seed in zip(chosen, seeds, strict=True)
        ]
        sampled = sample_mixed(loaded, whole, seeds)
        for condition, notes, own_seed in zip(chosen, sampled, seeds, strict=True):
            program = DEFAULT_PROGRAM[condition.instrument]
            grid = Loop(condition.instrument, notes, condition.bars, condition.tempo_bpm, condition.meter, program)
            grid, offset_ms, _ = perform_grid(grid, condition, own_seed)
            found.append(Made(condition, grid, render_grid(grid, offset_ms, condition)))
    return found


def generate_best_for(loaded: LoadedModel, conditions: Sequence[Condition], seed: int, best_of: int) -> list[Made]:
    """The best of several loops for each condition, chosen as `composer generate --best-of` chooses."""
    from composer_core.pipeline.generation.reranking import choose_best

    found = []
    unjudged = taught_by_labels(loaded.facts)
    for index, condition in enumerate(conditions):
        candidates = generate_for(loaded, [condition] * best_of, seed + index * best_of)
        found.append(candidates[choose_best(condition, [one.played for one in candidates], unjudged=unjudged)])
    return found


def bars_of(loop: Loop) -> list[BarTokens]:
    """A loop's bars as comparable tokens, on the straight grid."""
    return [tuple(bar[1:]) for bar in loop_to_bars(loop)]


def measured(loops: Sequence[Loop]) -> list[dict[str, float]]:
    """The metrics of each loop."""
    return [dict(measure(loop)) for loop in loops]


def percentiles(values: Sequence[float], *at: float) -> dict[str, object]:
    """Named percentiles of the finite values; None where there are none."""
    finite = np.asarray([value for value in values if value is not None and np.isfinite(value)])
    return {f"p{share:g}": float(np.percentile(finite, share)) if len(finite) else None for share in at}
