"""Techniques of bass, guitar, piano and strings: as General MIDI program, duration, velocity, strum or bend.

Sources: the General MIDI level 1 sound set for programs; Adler, The Study of Orchestration (2002),
for how long each bow stroke sounds; durations are shares of the written note.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from composer_core.music.bends import BEND_RANGE, bends_of, with_bends
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import TICKS_PER_QUARTER, ms_to_ticks
from composer_core.rules.playability import strokes
from composer_core.rules.velocity import set_velocity

STRUM_MS = 14.0
"""Between two strings of a strum."""
SLIDE_MS, BEND_MS = 90.0, 130.0
"""How long a slide from two semitones below, and a choke up by two, take."""
_BEND_STEPS = 6
_TREMOLO_TICK = TICKS_PER_QUARTER // 8
_TRILL_TICK = TICKS_PER_QUARTER // 8


def shortened(loop: Loop, share: float) -> Loop:
    """Each note sounds `share` of the time to the next stroke (or of its own length, whichever is less)."""
    length = np.minimum(_gap_tick(loop), loop.notes.duration_tick)
    return loop.with_notes(loop.notes.with_columns(duration_tick=np.maximum(1, share * length)))


def connected(loop: Loop, overlap_tick: int = 0) -> Loop:
    """Each note sounds until the next stroke, and `overlap_tick` longer; nothing rings past the loop."""
    end = np.minimum(loop.notes.onset_tick + _gap_tick(loop) + overlap_tick, loop.length_tick)
    return loop.with_notes(loop.notes.with_columns(duration_tick=np.maximum(1, end - loop.notes.onset_tick)))


def _gap_tick(loop: Loop) -> NDArray[np.int32]:
    """Ticks from each note to the next stroke, to the loop's end for the last."""
    gap = np.zeros(len(loop.notes), dtype=np.int32)
    groups = list(strokes(loop))
    for group, follower in zip(groups, [*groups[1:], None], strict=True):
        end = loop.length_tick if follower is None else int(loop.notes.onset_tick[follower[0]])
        gap[group] = end - loop.notes.onset_tick[group]
    return np.maximum(gap, 1)


def _program(number: int) -> Callable[[Loop], Loop]:
    return lambda loop: loop.with_notes(loop.notes, program=number)


def _louder(loop: Loop, factor: float) -> Loop:
    return set_velocity(loop, loop.notes.velocity * factor)


def mute(loop: Loop) -> Loop:
    """Damped by the hand: 35 % of the length, 85 % of the velocity."""
    return _louder(shortened(loop, 0.35), 0.85)


def palm_mute(loop: Loop) -> Loop:
    """General MIDI's muted guitar (program 28), 40 % of the length."""
    short = shortened(loop, 0.4)
    return short.with_notes(short.notes, program=28)


def _strummed(loop: Loop, down: Callable[[int], bool]) -> Loop:
    """Spread each chord of two or more strings over STRUM_MS a string, low to high where `down(stroke)`."""
    onset = loop.notes.onset_tick.astype(np.float64)
    step = ms_to_ticks(STRUM_MS, loop.tempo_bpm)
    for number, stroke in enumerate(strokes(loop)):
        if len(stroke) < 2:
            continue
        order = np.argsort(loop.notes.pitch[stroke], kind="stable")
        rank = np.empty(len(stroke))
        rank[order if down(number) else order[::-1]] = np.arange(len(stroke))
        onset[stroke] = onset[stroke].min() + rank * step
    onset = np.minimum(onset, loop.length_tick - 1)
    end = np.maximum(loop.notes.onset_tick + loop.notes.duration_tick, onset + 1)
    return loop.with_notes(loop.notes.with_columns(onset_tick=onset, duration_tick=end - onset))


def down_stroke(loop: Loop) -> Loop:
    """Chords strummed from the lowest string up in pitch, 14 ms a string."""
    return _strummed(loop, lambda _: True)


def up_stroke(loop: Loop) -> Loop:
    """Chords strummed from the highest string, 14 ms a string, a little softer."""
    return _louder(_strummed(loop, lambda _: False), 0.92)


def strum(loop: Loop) -> Loop:
    """Down and up strokes in turn."""
    return _strummed(loop, lambda number: number % 2 == 0)


def arpeggio(loop: Loop) -> Loop:
    """The notes of each chord one after the other, low to high, evenly until the next stroke (16ths at most)."""
    notes = loop.notes
    onset = notes.onset_tick.copy()
    gap = _gap_tick(loop)
    for stroke in strokes(loop):
        if len(stroke) < 2:
            continue
        step = min(TICKS_PER_QUARTER // 4, int(gap[stroke].min()) // len(stroke))
        onset[stroke[np.argsort(notes.pitch[stroke], kind="stable")]] = onset[stroke[0]] + step * np.arange(len(stroke))
    end = np.maximum(notes.onset_tick + notes.duration_tick, onset + 1)
    return loop.with_notes(notes.with_columns(onset_tick=onset, duration_tick=end - onset))


def power_chord(loop: Loop) -> Loop:
    """Each chord becomes its lowest note, the fifth and the octave above it, at the loudest velocity."""
    rows: list[tuple[float, float, int, int]] = []
    notes = loop.notes
    for stroke in strokes(loop):
        low = stroke[np.argmin(notes.pitch[stroke])]
        root, loud = int(notes.pitch[low]), int(notes.velocity[stroke].max())
        tones = [root + step for step in (0, 7, 12) if root + step <= 127]
        rows += [(int(notes.onset_tick[low]), int(notes.duration_tick[stroke].max()), tone, loud) for tone in tones]
    return loop.with_notes(Notes.from_rows(rows))


def _repeated(loop: Loop, step_tick: int, neighbour: int = 0) -> Loop:
    """Notes of two steps or more become strokes of a step; every second one lies `neighbour` semitones higher."""
    rows: list[tuple[float, float, int, int]] = []
    for onset, duration, pitch, velocity in loop.notes.rows():
        n = duration // step_tick
        if n < 2:
            rows.append((onset, duration, pitch, velocity))
            continue
        for i in range(n):
            sounding = step_tick if i < n - 1 else duration - (n - 1) * step_tick
            soft = velocity if i == 0 else max(1, round(0.9 * velocity))
            rows.append((onset + i * step_tick, sounding, min(127, pitch + neighbour * (i % 2)), soft))
    return loop.with_notes(Notes.from_rows(rows))


def tremolo_picking(loop: Loop) -> Loop:
    """Held notes become 32nds on the same pitch. Idempotent."""
    return _repeated(loop, _TREMOLO_TICK)


def trill(loop: Loop) -> Loop:
    """Held notes alternate in 32nds with the note two semitones above."""
    return _repeated(loop, _TRILL_TICK, neighbour=2)


def tremolo_strings(loop: Loop) -> Loop:
    """General MIDI's tremolo strings (program 44) on the written notes."""
    return loop.with_notes(loop.notes, program=44)


def _slurred(loop: Loop, rising: bool) -> Loop:
    """Notes reached by a step or small leap (up to 5 semitones) from a note that ends there are not struck anew.

    The second note is 25 % softer and overlaps nothing: hammer-ons rise, pull-offs fall.
    """
    notes = loop.notes
    velocity = notes.velocity.astype(np.float64)
    single = [stroke for stroke in strokes(loop) if len(stroke) == 1]
    for before, after in pairwise(single):
        first, second = int(before[0]), int(after[0])
        step = int(notes.pitch[second] - notes.pitch[first])
        near = notes.onset_tick[second] - notes.onset_tick[first] <= TICKS_PER_QUARTER // 2
        if near and 0 < (step if rising else -step) <= 5:
            velocity[second] = 0.75 * velocity[second]
    return set_velocity(connected(loop), velocity)


def hammer_on(loop: Loop) -> Loop:
    """Quick rising steps sound softer and without a gap."""
    return _slurred(loop, rising=True)


def pull_off(loop: Loop) -> Loop:
    """Quick falling steps sound softer and without a gap."""
    return _slurred(loop, rising=False)


def _bent(loop: Loop, semitones: float, ms: float) -> Loop:
    """Bend every note of an 8th or longer from `semitones` off to its pitch within `ms`; shorter ones sound unbent."""
    ramp_tick, last = ms_to_ticks(ms, loop.tempo_bpm), loop.length_tick - 1
    bends: dict[int, float] = {0: 0.0, **dict(bends_of(loop))}
    for stroke in strokes(loop):
        onset = max(0, int(loop.notes.onset_tick[stroke[0]]))
        held = int(loop.notes.duration_tick[stroke].max()) >= TICKS_PER_QUARTER // 2
        for step in range(_BEND_STEPS + 1) if held else (_BEND_STEPS,):
            share = step / _BEND_STEPS
            at = onset + share * ramp_tick if held else onset
            bends[min(last, round(at))] = semitones * (1.0 - share)
    return with_bends(loop, list(bends.items()))


def slide(loop: Loop) -> Loop:
    """Notes of an 8th or longer are reached from two semitones below within 90 ms, by pitch bend."""
    return _bent(loop, -BEND_RANGE, SLIDE_MS)


def choke(loop: Loop) -> Loop:
    """Notes of an 8th or longer are fretted two semitones lower and bent up to pitch within 130 ms."""
    return _bent(loop, -BEND_RANGE, BEND_MS)


def block_chord(loop: Loop) -> Loop:
    """Notes struck together start exactly together and end together."""
    notes = loop.notes
    onset, end = notes.onset_tick.copy(), notes.onset_tick + notes.duration_tick
    for stroke in strokes(loop):
        onset[stroke] = onset[stroke].min()
        end[stroke] = end[stroke].max()
    return loop.with_notes(notes.with_columns(onset_tick=onset, duration_tick=end - onset))


def octave(loop: Loop) -> Loop:
    """The lowest note of each stroke is doubled an octave below, where the piano has one. Idempotent."""
    rows = loop.notes.rows()
    for stroke in strokes(loop):
        lowest = rows[stroke[np.argmin(loop.notes.pitch[stroke])]]
        held = {rows[i][2] for i in stroke}
        doubled = lowest[2] - 12
        if doubled >= 21 and lowest[2] + 12 not in held:
            rows.append((lowest[0], lowest[1], doubled, lowest[3]))
    return loop.with_notes(Notes.from_rows(rows))


def pedal(loop: Loop) -> Loop:
    """Every note rings until the end of its half bar, as with the pedal changed twice a bar."""
    half = max(1, loop.meter.bar_tick // 2)
    onset = loop.notes.onset_tick
    end = np.minimum((np.maximum(onset, 0) // half + 1) * half, loop.length_tick)
    return loop.with_notes(loop.notes.with_columns(duration_tick=np.maximum(loop.notes.duration_tick, end - onset)))


def con_sordino(loop: Loop) -> Loop:
    """Muted: 80 % of the velocity."""
    return _louder(loop, 0.8)


def marcato(loop: Loop) -> Loop:
    """Each note marked: 15 % louder, 70 % of its length."""
    return _louder(shortened(loop, 0.7), 1.15)


def harmonic_guitar(loop: Loop) -> Loop:
    """General MIDI's guitar harmonics (program 31), an octave higher where the range allows."""
    high = np.where(loop.notes.pitch + 12 <= 100, loop.notes.pitch + 12, loop.notes.pitch)
    return loop.with_notes(loop.notes.with_columns(pitch=high), program=31)


def harmonic_strings(loop: Loop) -> Loop:
    """Flageolet: an octave higher where the range allows, 70 % of the velocity."""
    high = np.where(loop.notes.pitch + 12 <= 103, loop.notes.pitch + 12, loop.notes.pitch)
    return _louder(loop.with_notes(loop.notes.with_columns(pitch=high)), 0.7)


def staccato(loop: Loop) -> Loop:
    """Half the length."""
    return shortened(loop, 0.5)


def spiccato(loop: Loop) -> Loop:
    """A quarter of the length: the bow leaves the string."""
    return shortened(loop, 0.25)


def detache(loop: Loop) -> Loop:
    """90 % of the length: each note its own bow."""
    return shortened(connected(loop), 0.9)


def legato(loop: Loop) -> Loop:
    """Each note until the next, overlapping by a 64th."""
    return connected(loop, overlap_tick=TICKS_PER_QUARTER // 16)


def pizzicato(loop: Loop) -> Loop:
    """General MIDI's pizzicato strings (program 45), 40 % of the length."""
    short = shortened(loop, 0.4)
    return short.with_notes(short.notes, program=45)


BASS: dict[str, Callable[[Loop], Loop]] = {
    "finger": _program(33),
    "pick": _program(34),
    "fretless": _program(35),
    "slap": _program(36),
    "pop": _program(37),
    "mute": mute,
    "slide": slide,
    "hammer_on": hammer_on,
    "pull_off": pull_off,
    "legato": connected,
    "staccato": staccato,
}
GUITAR: dict[str, Callable[[Loop], Loop]] = {
    "down_stroke": down_stroke,
    "up_stroke": up_stroke,
    "strum": strum,
    "arpeggio": arpeggio,
    "palm_mute": palm_mute,
    "harmonics": harmonic_guitar,
    "bend": choke,
    "slide": slide,
    "hammer_on": hammer_on,
    "pull_off": pull_off,
    "tremolo": tremolo_picking,
    "power_chord": power_chord,
}
PIANO: dict[str, Callable[[Loop], Loop]] = {
    "legato": legato,
    "staccato": staccato,
    "arpeggio": arpeggio,
    "block_chord": block_chord,
    "pedal": pedal,
    "octave": octave,
}
STRINGS: dict[str, Callable[[Loop], Loop]] = {
    "legato": legato,
    "detache": detache,
    "staccato": staccato,
    "spiccato": spiccato,
    "pizzicato": pizzicato,
    "tremolo": tremolo_strings,
    "trill": trill,
    "harmonic": harmonic_strings,
    "con_sordino": con_sordino,
    "marcato": marcato,
}
