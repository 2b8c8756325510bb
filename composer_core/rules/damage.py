"""Damage loops at graded strengths, for the scores to learn from; each kind is a function of a loop.

A damaged loop keeps its bars, tempo and metre; only its notes change. Every function takes the
loop, a strength in the unit that its row of DAMAGES names, and its Chance, and returns a new loop.
Notes stay on the loop's circle: a note moved beyond its end comes in again at its start.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drums import ROLES, from_general_midi, role_index
from composer_core.music.loop import Loop
from composer_core.music.timing import EARLY_TICK, TICKS_PER_QUARTER, ms_to_ticks
from composer_core.rules.damage_notes import (
    STEP_TICK,
    Act,
    Chance,
    at_onsets,
    half_of,
    joined,
    nearest_slot,
    one_voice,
    some,
    with_velocity,
)
from composer_core.rules.damage_order import (
    bars_mirrored,
    bars_turned,
    halves_displaced,
    halves_thinned,
    hits_added,
    voice_displaced,
)
from composer_core.rules.damage_playing import (
    accents_turned,
    beats_uneven,
    fading,
    offsets_shuffled,
    offsets_widened,
    overdriven,
    stumbling,
    velocity_noise,
    voice_loose,
    voice_mirrored,
    voice_tight,
    wavering,
)

_SINGLE_PITCH = (36, 38, 42, 46, 43, 47, 50, 49, 51, 62)
"""The note each role (and hand percussion) is moved to where roles change places."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A kind of damage: the axis it belongs to, its five strengths, weak to strong, and the nominal one.

    `instruments` is None where every instrument can suffer it. What `widens` is there so that scores learn from
    more than the kinds they are judged by: damage that none of these resembles should resemble something.
    """

    name: str
    axis: str
    act: Act
    unit: str
    strengths: tuple[float, ...]
    nominal: float
    instruments: tuple[str, ...] | None = None
    widens: bool = False

    def applies_to(self, instrument: str) -> bool:
        """True when loops of the instrument can suffer it."""
        return self.instruments is None or instrument in self.instruments


def damage(loop: Loop, kind: str, strength: float, seed: int, others: Sequence[Loop] = ()) -> Loop:
    """The loop damaged; the same arguments give the same loop. KeyError for an unknown kind."""
    return DAMAGES[kind].act(loop, strength, Chance(np.random.default_rng(seed), others))


def quantise(loop: Loop, share: float, _chance: Chance) -> Loop:
    """Every onset is drawn this share of its way to the grid."""
    onset = loop.notes.onset_tick.astype(np.float64)
    return at_onsets(loop, onset + share * (nearest_slot(loop) - onset))


def jitter(loop: Loop, sd_ms: float, chance: Chance) -> Loop:
    """Independent normal offsets."""
    sd_tick = ms_to_ticks(sd_ms, loop.tempo_bpm)
    return at_onsets(loop, loop.notes.onset_tick + chance.rng.normal(0.0, sd_tick, len(loop.notes)))


def drift(loop: Loop, reach_ms: float, chance: Chance) -> Loop:
    """The playing runs away evenly, early or late, by this much at the loop's end."""
    reach_tick = ms_to_ticks(reach_ms, loop.tempo_bpm) * chance.rng.choice((-1.0, 1.0))
    return at_onsets(loop, loop.notes.onset_tick * (1.0 + reach_tick / loop.length_tick))


def role_late(loop: Loop, late_ms: float, chance: Chance) -> Loop:
    """One voice that plays at least a tenth of the notes comes late throughout."""
    late_tick = ms_to_ticks(late_ms, loop.tempo_bpm)
    return at_onsets(loop, loop.notes.onset_tick + late_tick * one_voice(loop, chance).astype(np.float64))


def flat(loop: Loop, share: float, _chance: Chance) -> Loop:
    """Every velocity is drawn this share of its way to their mean."""
    velocity = loop.notes.velocity.astype(np.float64)
    return with_velocity(loop, velocity + share * (velocity.mean() - velocity))


def compressed(loop: Loop, share: float, _chance: Chance) -> Loop:
    """As if driven into a limiter: v -> 127 (v / 127) ** (1 - share)."""
    return with_velocity(loop, 127.0 * (loop.notes.velocity / 127.0) ** (1.0 - share))


def shuffled(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes change their velocities among each other."""
    velocity = loop.notes.velocity.astype(np.float64)
    chosen = np.flatnonzero(some(len(velocity), share, chance.rng))
    velocity[chosen] = velocity[chance.rng.permutation(chosen)]
    return with_velocity(loop, velocity)


def inverted(loop: Loop, share: float, chance: Chance) -> Loop:
    """Loud becomes soft: this share of the notes are mirrored between the loop's softest and loudest."""
    velocity = loop.notes.velocity.astype(np.float64)
    chosen = some(len(velocity), share, chance.rng)
    return with_velocity(loop, np.where(chosen, velocity.max() + velocity.min() - velocity, velocity))


def machine(loop: Loop, share: float, chance: Chance) -> Loop:
    """Onsets quantised and velocities flattened, each by this share."""
    return flat(quantise(loop, share, chance), share, chance)


def scattered(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the onsets are thrown anywhere in the loop."""
    n_notes = len(loop.notes)
    return at_onsets(loop, chance.rng.uniform(0, loop.length_tick, n_notes), some(n_notes, share, chance.rng))


def swing_broken(loop: Loop, late_quarter: float, chance: Chance) -> Loop:
    """In each beat what lies around its middle comes late by a random part of this much of a quarter."""
    onset = loop.notes.onset_tick.astype(np.float64)
    beat = np.floor((onset + 60) / TICKS_PER_QUARTER).astype(np.int64)
    share = (onset - beat * TICKS_PER_QUARTER) / TICKS_PER_QUARTER
    amount = chance.rng.uniform(0.0, 1.0, int(beat.max(initial=0)) + 2)[beat] * late_quarter
    # 0.5 moves by the whole amount, the beat itself not at all.
    bent = share + amount * np.clip(1.0 - np.abs(share - 0.5) / 0.375, 0.0, 1.0)
    return at_onsets(loop, (beat + bent) * TICKS_PER_QUARTER)


def roles_permuted(loop: Loop, share: float, chance: Chance) -> Loop:
    """The roles that play change places (none keeps its own), for this share of the notes."""
    role = role_index(loop.notes.pitch, loop.drum_map)
    present = np.unique(role)
    if len(present) < 2:
        present = np.append(present, (present[0] + 1) % len(ROLES))
    turned = chance.rng.permutation(present)
    table = np.arange(len(ROLES) + 1)
    table[turned] = np.roll(turned, 1)
    pitch = from_general_midi(np.array(_SINGLE_PITCH, dtype=np.int32), loop.drum_map)[table[role]]
    return loop.with_notes(
        loop.notes.with_columns(pitch=np.where(some(len(role), share, chance.rng), pitch, loop.notes.pitch))
    )


def pitches_shuffled(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes change their pitches among each other."""
    pitch = loop.notes.pitch.copy()
    chosen = np.flatnonzero(some(len(pitch), share, chance.rng))
    pitch[chosen] = pitch[chance.rng.permutation(chosen)]
    return loop.with_notes(loop.notes.with_columns(pitch=pitch))


def pitches_random(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes get any pitch within the loop's range, an octave at least."""
    pitch = loop.notes.pitch
    low, high = int(pitch.min()), int(pitch.max())
    wider = max(0, 12 - (high - low)) // 2 + 1
    drawn = chance.rng.integers(max(0, low - wider), min(127, high + wider) + 1, len(pitch))
    return loop.with_notes(loop.notes.with_columns(pitch=np.where(some(len(pitch), share, chance.rng), drawn, pitch)))


def out_of_scale(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes slip a semitone up or down."""
    pitch = loop.notes.pitch
    slipped = np.clip(pitch + chance.rng.choice((-1, 1), len(pitch)), 0, 127)
    return loop.with_notes(loop.notes.with_columns(pitch=np.where(some(len(pitch), share, chance.rng), slipped, pitch)))


def hits_moved(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes move a 16th, forwards or back."""
    n_notes = len(loop.notes)
    moved = loop.notes.onset_tick + STEP_TICK * chance.rng.choice((-1, 1), n_notes)
    return at_onsets(loop, moved, some(n_notes, share, chance.rng))


def hits_dropped(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the notes are gone; one stays."""
    gone = some(len(loop.notes), min(share, 1.0 - 1.0 / len(loop.notes)), chance.rng)
    return loop.with_notes(loop.notes.select(~gone)) if len(loop.notes) > 1 else loop


def pieces_shuffled(loop: Loop, cuts_a_bar: float, chance: Chance) -> Loop:
    """The loop is cut into pieces, this many a bar, which are put together in another order.

    Below one piece a bar only that share of the bars (two at least) change places.
    """
    piece_tick = loop.meter.bar_tick / max(1.0, cuts_a_bar)
    n_pieces = max(1, round(loop.length_tick / piece_tick))
    moving = chance.rng.permutation(n_pieces)[: max(2, round(min(1.0, cuts_a_bar) * n_pieces))]
    order = np.arange(n_pieces)
    order[moving] = np.roll(moving, 1)
    return _rearranged(loop, order, piece_tick)


def _rearranged(loop: Loop, goes_to: NDArray[np.int64], piece_tick: float) -> Loop:
    onset = loop.notes.onset_tick.astype(np.float64)
    piece = np.clip(np.floor((onset + EARLY_TICK / 2) / piece_tick).astype(np.int64), 0, len(goes_to) - 1)
    return at_onsets(loop, onset + (goes_to[piece] - piece) * piece_tick)


def bars_spliced(loop: Loop, share: float, chance: Chance) -> Loop:
    """This share of the loop's half bars (one at least) are taken from another loop of the same metre.

    At most a half: beyond that the loop becomes the other one, which is as human.
    """
    able = [other for other in chance.others if other.meter == loop.meter and len(other.notes)]
    if not able:
        return loop
    other = able[int(chance.rng.integers(len(able)))]
    half = loop.meter.bar_tick / 2
    taken = np.zeros(2 * loop.bars, dtype=np.bool_)
    taken[chance.rng.permutation(2 * loop.bars)[: max(1, round(share * 2 * loop.bars))]] = True
    kept = loop.notes.select(~taken[half_of(loop.notes.onset_tick, half, len(taken))])
    onset = np.maximum(other.notes.onset_tick, 0) % loop.length_tick
    source = other.notes.with_columns(onset_tick=onset)
    notes = joined(kept, source.select(taken[half_of(source.onset_tick, half, len(taken))]))
    return loop.with_notes(notes) if len(notes) else loop


def seam_broken(loop: Loop, quarters: float, _chance: Chance) -> Loop:
    """The loop is cut off this many quarters before its end: silence, then the start."""
    quarters = min(quarters, loop.length_quarter / 2)
    kept = loop.notes.select(loop.notes.onset_tick < loop.length_tick - quarters * TICKS_PER_QUARTER - EARLY_TICK / 2)
    return loop.with_notes(kept) if len(kept) else loop


def halves_recoloured(loop: Loop, share: float, chance: Chance) -> Loop:
    """In this share of the half bars the roles that play change places."""
    n_halves = 2 * loop.bars
    chosen = some(n_halves, share, chance.rng)[half_of(loop.notes.onset_tick, loop.meter.bar_tick / 2, n_halves)]
    pitch = roles_permuted(loop, 1.0, chance).notes.pitch
    return loop.with_notes(loop.notes.with_columns(pitch=np.where(chosen, pitch, loop.notes.pitch)))


_SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
_HALVES = (0.125, 0.25, 0.375, 0.5, 0.625)
_LATE_MS = (15.0, 30.0, 45.0, 60.0, 75.0)
_DRUMS = ("drums",)
_PITCHED = ("bass", "guitar", "piano", "strings", "other")
_ROWS = (
    Damage("machine", "total", machine, "share", _SHARES, 1.0),
    Damage("quantise", "timing", quantise, "share", _SHARES, 1.0),
    Damage("jitter", "timing", jitter, "ms", (10.0, 20.0, 30.0, 40.0, 50.0), 30.0),
    Damage("drift", "timing", drift, "ms", (30.0, 60.0, 90.0, 120.0, 150.0), 90.0),
    Damage("role_late", "timing", role_late, "ms", _LATE_MS, 45.0),
    Damage("flat", "velocity", flat, "share", _SHARES, 1.0),
    Damage("compressed", "velocity", compressed, "share", (0.15, 0.3, 0.45, 0.6, 0.75), 0.6),
    Damage("shuffled", "velocity", shuffled, "share", _SHARES, 1.0),
    Damage("inverted", "velocity", inverted, "share", _SHARES, 1.0),
    Damage("scattered", "groove_harmony", scattered, "share", _SHARES, 1.0),
    Damage("swing_broken", "groove_harmony", swing_broken, "quarters", (0.05, 0.1, 0.15, 0.2, 0.25), 0.2),
    Damage("out_of_scale", "groove_harmony", out_of_scale, "share", (0.1, 0.2, 0.3, 0.4, 0.5), 0.3, _PITCHED),
    Damage("roles_permuted", "cohesion", roles_permuted, "share", _SHARES, 1.0, _DRUMS),
    Damage("pitches_shuffled", "cohesion", pitches_shuffled, "share", _SHARES, 1.0, _PITCHED),
    Damage("pitches_random", "cohesion", pitches_random, "share", _SHARES, 1.0, _PITCHED),
    Damage("hits_moved", "cohesion", hits_moved, "share", (0.1, 0.2, 0.3, 0.4, 0.5), 0.3),
    Damage("hits_dropped", "cohesion", hits_dropped, "share", (0.1, 0.2, 0.3, 0.4, 0.5), 0.3),
    Damage("pieces_shuffled", "structure", pieces_shuffled, "pieces a bar", (0.5, 1.0, 2.0, 4.0, 8.0), 4.0),
    Damage("bars_spliced", "structure", bars_spliced, "share", (0.1, 0.2, 0.3, 0.4, 0.5), 0.5),
    Damage("seam_broken", "structure", seam_broken, "quarters", (1.0, 2.0, 3.0, 4.0, 5.0), 4.0),
)
_WIDER = (  # of drums alone, the only instrument with performances enough to learn so much from
    Damage("offsets_shuffled", "timing", offsets_shuffled, "share", _SHARES, 1.0),
    Damage("offsets_widened", "timing", offsets_widened, "share more", (0.4, 0.8, 1.2, 1.6, 2.0), 1.2),
    Damage("wavering", "timing", wavering, "ms", _LATE_MS, 45.0),
    Damage("stumbling", "timing", stumbling, "share", (0.1, 0.2, 0.3, 0.4, 0.5), 0.3),
    Damage("voice_loose", "timing", voice_loose, "ms", _LATE_MS, 45.0),
    Damage("voice_tight", "timing", voice_tight, "share", _SHARES, 1.0),
    Damage("voice_mirrored", "timing", voice_mirrored, "share", _SHARES, 1.0),
    Damage("overdriven", "velocity", overdriven, "share more", (0.15, 0.3, 0.45, 0.6, 0.75), 0.6),
    Damage("accents_turned", "velocity", accents_turned, "share", _SHARES, 1.0),
    Damage("fading", "velocity", fading, "share", (0.15, 0.3, 0.45, 0.6, 0.75), 0.6),
    Damage("beats_uneven", "velocity", beats_uneven, "share", (0.1, 0.2, 0.3, 0.4, 0.5), 0.4),
    Damage("velocity_noise", "velocity", velocity_noise, "velocity", (5.0, 10.0, 15.0, 20.0, 25.0), 15.0),
    Damage("voice_displaced", "cohesion", voice_displaced, "16ths", (1.0, 2.0, 3.0, 4.0, 5.0), 3.0),
    Damage("hits_added", "cohesion", hits_added, "share", (0.1, 0.2, 0.3, 0.4, 0.5), 0.3),
    Damage("bars_mirrored", "structure", bars_mirrored, "share", _SHARES, 0.6),
    Damage("bars_turned", "structure", bars_turned, "share", _SHARES, 0.6),
    Damage("halves_recoloured", "structure", halves_recoloured, "share", _HALVES, 0.5),
    Damage("halves_thinned", "structure", halves_thinned, "share", _HALVES, 0.5),
    Damage("halves_displaced", "structure", halves_displaced, "share", _HALVES, 0.5),
)
_ALL = (*_ROWS, *(replace(row, widens=True, instruments=_DRUMS) for row in _WIDER))
DAMAGES: dict[str, Damage] = {row.name: row for row in _ALL}
"""Every kind by name."""
