"""Further kinds of damage to what plays when, which widen what the scores learn from (see `damage`)."""

import numpy as np

from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER
from composer_core.rules.damage_notes import (
    STEP_TICK,
    BoolArray,
    Chance,
    FloatArray,
    IndexArray,
    at_onsets,
    half_of,
    joined,
    nearest_slot,
    one_voice,
    some,
)

_THINNED = 0.5


def voice_displaced(loop: Loop, steps: float, chance: Chance) -> Loop:
    """One voice comes this many 16ths late throughout."""
    return at_onsets(loop, loop.notes.onset_tick + steps * STEP_TICK * one_voice(loop, chance).astype(np.float64))


def hits_added(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes sound once more on a random 16th."""
    n_notes = len(loop.notes)
    copied = chance.rng.integers(0, n_notes, max(1, round(share * n_notes)))
    slot = chance.rng.integers(0, max(1, loop.length_tick // STEP_TICK), len(copied)) * STEP_TICK
    offset = (loop.notes.onset_tick - nearest_slot(loop))[copied]
    onset = np.maximum(np.rint(slot + offset), 0) % loop.length_tick
    return loop.with_notes(joined(loop.notes, loop.notes.select(copied).with_columns(onset_tick=onset)))


def bars_mirrored(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the bars run backwards, 16th by 16th."""
    bar_tick = loop.meter.bar_tick
    place, bar = _slot_positions(loop)
    chosen = some(loop.bars, share, chance.rng)[bar]
    return _replaced(loop, np.where(chosen, (bar_tick - STEP_TICK - place) % bar_tick - place, 0.0))


def bars_turned(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the bars begin with their last beat."""
    bar_tick = loop.meter.bar_tick
    place, bar = _slot_positions(loop)
    chosen = some(loop.bars, share, chance.rng)[bar]
    return _replaced(loop, np.where(chosen, (place + TICKS_PER_QUARTER) % bar_tick - place, 0.0))


def _slot_positions(loop: Loop) -> tuple[FloatArray, IndexArray]:
    """Where in its bar each note's slot is, in ticks, and the bar."""
    slot = nearest_slot(loop)
    bar = np.clip(np.floor(slot / loop.meter.bar_tick).astype(np.int64), 0, loop.bars - 1)
    return slot - bar * loop.meter.bar_tick, bar


def _replaced(loop: Loop, way_tick: FloatArray) -> Loop:
    return at_onsets(loop, loop.notes.onset_tick + way_tick)


def halves_thinned(loop: Loop, share: float, chance: Chance) -> Loop:
    """In this share of the half bars every note is gone with a chance of one half; the loop's first note stays."""
    kept = ~_in_halves(loop, share, chance) | (chance.rng.random(len(loop.notes)) < _THINNED)
    kept[0] = True
    return loop.with_notes(loop.notes.select(kept))


def halves_displaced(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the half bars come a 16th early or late."""
    n_halves = 2 * loop.bars
    way = some(n_halves, share, chance.rng) * chance.rng.choice((-1.0, 1.0), n_halves)
    half = half_of(loop.notes.onset_tick, loop.meter.bar_tick / 2, n_halves)
    return at_onsets(loop, loop.notes.onset_tick + STEP_TICK * way[half])


def _in_halves(loop: Loop, share: float, chance: Chance) -> BoolArray:
    n_halves = 2 * loop.bars
    chosen = some(n_halves, share, chance.rng)
    return np.asarray(chosen[half_of(loop.notes.onset_tick, loop.meter.bar_tick / 2, n_halves)])
