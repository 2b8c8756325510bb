"""Further kinds of damage to timing and dynamics, which widen what the scores learn from (see `damage`)."""

import numpy as np

from composer_core.music.loop import Loop
from composer_core.music.timing import ms_to_ticks
from composer_core.rules.damage_notes import (
    Chance,
    FloatArray,
    at_onsets,
    beat_of,
    nearest_slot,
    one_voice,
    some,
    with_velocity,
)

_WAVE_BARS = 2
_STUMBLE_MS = 40.0


def offsets_shuffled(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes change their distances from the grid among each other."""
    slot = nearest_slot(loop)
    offset = loop.notes.onset_tick - slot
    chosen = np.flatnonzero(some(len(offset), share, chance.rng))
    offset[chosen] = offset[chance.rng.permutation(chosen)]
    return at_onsets(loop, slot + offset)


def offsets_widened(loop: Loop, more: float, _chance: Chance) -> Loop:
    """Every distance from the grid grows by this much of itself."""
    slot = nearest_slot(loop)
    return at_onsets(loop, slot + (1.0 + more) * (loop.notes.onset_tick - slot))


def wavering(loop: Loop, reach_ms: float, chance: Chance) -> Loop:
    """The playing pushes and drags by turns, a sine of two bars (of one where the loop has one)."""
    period_tick = loop.meter.bar_tick * min(_WAVE_BARS, loop.bars)
    phase = 2.0 * np.pi * (loop.notes.onset_tick / period_tick + chance.rng.uniform())
    return at_onsets(loop, loop.notes.onset_tick + ms_to_ticks(reach_ms, loop.tempo_bpm) * np.sin(phase))


def stumbling(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the beats come 40 ms early or late as a whole."""
    beat = beat_of(loop)
    n_beats = int(beat.max(initial=0)) + 1
    sign = some(n_beats, share, chance.rng) * chance.rng.choice((-1.0, 1.0), n_beats)
    return at_onsets(loop, loop.notes.onset_tick + ms_to_ticks(_STUMBLE_MS, loop.tempo_bpm) * sign[beat])


def voice_loose(loop: Loop, sd_ms: float, chance: Chance) -> Loop:
    """One voice alone gets independent normal offsets."""
    mine = one_voice(loop, chance)
    return at_onsets(loop, loop.notes.onset_tick + mine * _normal(loop, sd_ms, chance))


def voice_tight(loop: Loop, share: float, chance: Chance) -> Loop:
    """One voice alone is drawn this share of its way to the grid."""
    onset = loop.notes.onset_tick.astype(np.float64)
    return at_onsets(loop, onset + share * one_voice(loop, chance) * (nearest_slot(loop) - onset))


def voice_mirrored(loop: Loop, share: float, chance: Chance) -> Loop:
    """One voice alone: its distances from the grid go this share of the way to their opposites."""
    onset = loop.notes.onset_tick.astype(np.float64)
    return at_onsets(loop, onset + 2.0 * share * one_voice(loop, chance) * (nearest_slot(loop) - onset))


def _normal(loop: Loop, sd_ms: float, chance: Chance) -> FloatArray:
    return chance.rng.normal(0.0, ms_to_ticks(sd_ms, loop.tempo_bpm), len(loop.notes))


def overdriven(loop: Loop, more: float, _chance: Chance) -> Loop:
    """Every velocity grows by this much of itself and is cut off at 127."""
    return with_velocity(loop, loop.notes.velocity.astype(np.float64) * (1.0 + more))


def accents_turned(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes are as loud as the note before them was."""
    velocity = loop.notes.velocity.astype(np.float64)
    order = np.argsort(loop.notes.onset_tick, kind="stable")
    before = np.empty_like(velocity)
    before[order] = np.roll(velocity[order], 1)
    return with_velocity(loop, np.where(some(len(velocity), share, chance.rng), before, velocity))


def fading(loop: Loop, share: float, chance: Chance) -> Loop:
    """The loop dies away or swells evenly; at its soft end this share of the velocity is gone."""
    place = np.clip(loop.notes.onset_tick / loop.length_tick, 0.0, 1.0)
    softer = place if chance.rng.random() < 0.5 else 1.0 - place
    return with_velocity(loop, loop.notes.velocity * (1.0 - share * softer))


def beats_uneven(loop: Loop, share: float, chance: Chance) -> Loop:
    """Every beat is louder or softer by a random part of this share."""
    beat = beat_of(loop)
    gain = 1.0 + share * chance.rng.uniform(-1.0, 1.0, int(beat.max(initial=0)) + 1)
    return with_velocity(loop, loop.notes.velocity * gain[beat])


def velocity_noise(loop: Loop, sd: float, chance: Chance) -> Loop:
    """Independent normal changes of velocity."""
    return with_velocity(loop, loop.notes.velocity + chance.rng.normal(0.0, sd, len(loop.notes)))
