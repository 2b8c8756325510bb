"""Rules that recognise techniques of bass, guitar, piano and strings in program, pitches and durations.

A General MIDI program names some of them outright (fretless, slap, muted guitar, pizzicato, ...); the
others are patterns of chords, gaps and lengths. There is no rule for what notes cannot show: pick
strokes, hammer-ons, pull-offs, bends, slides, the pedal, mutes, bowings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.technique.evidence import CERTAIN, CLEAR, GRADUAL, Evidence, Rule
from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER, TICKS_PER_STEP, ticks_to_ms

IntervalArray = NDArray[np.int64]
CHORD_TICK = TICKS_PER_STEP
"""Notes closer than a 12th of a quarter belong to one chord."""
FAST_GAP_MS = 110.0
_FAST_NOTES = 6
_LEAP_SEMITONES = 3
_OCTAVE = 12
_MIN_ONSETS = 4


@dataclass(frozen=True, slots=True)
class _Chords:
    """Groups of notes that begin together: pitches (low first) and the tick of the first."""

    pitches: list[list[int]]
    tick: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Notes in each group."""
        return np.array([len(group) for group in self.pitches])

    @property
    def line(self) -> NDArray[np.int64]:
        """Lowest pitch of each group."""
        return np.array([group[0] for group in self.pitches])


def _chords(loop: Loop) -> _Chords:
    tick = loop.notes.onset_tick.astype(np.int64)
    starts = np.flatnonzero(np.concatenate(([True], np.diff(tick) >= CHORD_TICK)))
    groups = [sorted(part.tolist()) for part in np.split(loop.notes.pitch, starts[1:])]
    return _Chords(groups, tick[starts])


def by_program(programs: tuple[int, ...], seen: Evidence) -> float:
    """The General MIDI program (from 0) is the technique's own sound."""
    return CERTAIN if seen.loop.program in programs else 0.0


def staccato(seen: Evidence) -> float:
    """Half the notes or more last at most 45 % of the way to the next onset."""
    return CLEAR if seen.value("articulation") <= 0.45 else 0.0


def legato(seen: Evidence) -> float:
    """Half the notes or more reach the next onset, in a single line that moves."""
    if not seen.value("articulation") >= 0.98:
        return 0.0
    chords = _chords(seen.loop)
    return GRADUAL if len(chords.tick) >= _MIN_ONSETS and float((chords.sizes == 1).mean()) >= 0.8 else 0.0


def walking(seen: Evidence) -> float:
    """One note a quarter (80 % of the gaps), most steps small and few repeated."""
    chords = _chords(seen.loop)
    if len(chords.tick) < 2 * _MIN_ONSETS:
        return 0.0
    even = np.abs(np.diff(chords.tick) - TICKS_PER_QUARTER) <= TICKS_PER_QUARTER / 6
    step = np.abs(np.diff(chords.line))
    moves = float(((step > 0) & (step <= 5)).mean())
    return CLEAR if float(even.mean()) >= 0.8 and moves >= 0.7 else 0.0


def block_chord(seen: Evidence) -> float:
    """Half the onsets or more are chords of three notes or more struck together."""
    chords = _chords(seen.loop)
    return CLEAR if len(chords.tick) >= 2 and float((chords.sizes >= 3).mean()) >= 0.5 else 0.0


def comping(seen: Evidence) -> float:
    """Short chords, many of them off the beat."""
    short = seen.value("articulation") <= 0.7
    return GRADUAL if short and seen.value("offbeat_rate") >= 0.4 and block_chord(seen) else 0.0


def octave(seen: Evidence) -> float:
    """Half the onsets or more are one note and its octave."""
    chords = _chords(seen.loop)
    pairs = [len(group) == 2 and group[1] - group[0] == _OCTAVE for group in chords.pitches]
    return CLEAR if len(pairs) >= 2 and float(np.mean(pairs)) >= 0.5 else 0.0


def power_chord(seen: Evidence) -> float:
    """Half the onsets or more are root and fifth, with or without octaves."""
    chords = _chords(seen.loop)
    fifths = [
        len(group) >= 2 and {pitch - group[0] for pitch in group} in ({0, 7}, {0, 7, 12}, {0, 5}, {0, 5, 12})
        for group in chords.pitches
    ]
    return CLEAR if len(fifths) >= 2 and float(np.mean(fifths)) >= 0.5 else 0.0


def arpeggio(seen: Evidence) -> float:
    """Single notes in even gaps of at most an 8th that leap through few pitch classes in a bar."""
    chords = _chords(seen.loop)
    if len(chords.tick) < 2 * _MIN_ONSETS or float((chords.sizes == 1).mean()) < 0.8:
        return 0.0
    gaps = np.diff(chords.tick)
    usual = float(np.median(gaps))
    even = float((np.abs(gaps - usual) <= 0.2 * usual).mean()) >= 0.8
    leaps = float((np.abs(np.diff(chords.line)) >= _LEAP_SEMITONES).mean()) >= 0.6
    return CLEAR if usual <= TICKS_PER_QUARTER / 2 and even and leaps and _few_classes(seen.loop, chords) else 0.0


def _few_classes(loop: Loop, chords: _Chords) -> bool:
    """Bars hold three to five pitch classes on average: a chord, broken."""
    bar = chords.tick // loop.meter.bar_tick
    counts = [len(set((chords.line[bar == number] % 12).tolist())) for number in np.unique(bar)]
    return 2.5 <= float(np.mean(counts)) <= 5.0


def strum(seen: Evidence) -> float:
    """Half the onsets or more are chords of four or more whose strings follow each other in pitch order."""
    notes, chords = seen.loop.notes, _chords(seen.loop)
    spread_ms = ticks_to_ms(1.0, seen.loop.tempo_bpm)
    starts = np.searchsorted(notes.onset_tick, chords.tick)
    rolled = 0
    for start, size in zip(starts, chords.sizes, strict=True):
        tick, pitch = notes.onset_tick[start : start + size], np.diff(notes.pitch[start : start + size])
        apart = (tick[-1] - tick[0]) * spread_ms
        rolled += size >= 4 and 8.0 <= apart <= 120.0 and bool((pitch > 0).all() or (pitch < 0).all())
    return CLEAR if rolled >= 2 and rolled >= 0.5 * len(starts) else 0.0


def tremolo(seen: Evidence) -> float:
    """Six or more strokes on one pitch, each at most 110 ms after the last."""
    return CLEAR if _fast_run(seen.loop, lambda step: step == 0) else 0.0


def trill(seen: Evidence) -> float:
    """Six or more notes that alternate between two neighbouring pitches, each at most 110 ms after the last."""
    return CLEAR if _fast_run(seen.loop, lambda step: np.isin(np.abs(step), (1, 2)), alternating=True) else 0.0


def _fast_run(loop: Loop, wanted: Callable[[IntervalArray], NDArray[np.bool_]], alternating: bool = False) -> bool:
    chords = _chords(loop)
    if len(chords.tick) < _FAST_NOTES:
        return False
    step = np.diff(chords.line)
    fits = wanted(step) & (np.diff(chords.tick) * ticks_to_ms(1.0, loop.tempo_bpm) <= FAST_GAP_MS)
    run = 0
    for index, fit in enumerate(fits.tolist()):
        continues = fit and (not alternating or run == 0 or step[index] == -step[index - 1])
        run = run + 1 if continues else int(fit)
        if run >= _FAST_NOTES - 1:
            return True
    return False


def _programs(*numbers: int) -> Rule:
    return partial(by_program, numbers)


def _either(*rules: Rule) -> Rule:
    return lambda seen: max(rule(seen) for rule in rules)


RULES: dict[str, dict[str, Rule]] = {
    "bass": {
        "finger": _programs(33),
        "pick": _programs(34),
        "fretless": _programs(35),
        "slap": _programs(36, 37),
        "legato": legato,
        "staccato": staccato,
        "walking": walking,
    },
    "guitar": {
        "palm_mute": _programs(28),
        "harmonics": _programs(31),
        "strum": strum,
        "arpeggio": arpeggio,
        "tremolo": tremolo,
        "power_chord": power_chord,
    },
    "piano": {
        "legato": legato,
        "staccato": staccato,
        "arpeggio": arpeggio,
        "block_chord": block_chord,
        "comping": comping,
        "octave": octave,
    },
    "strings": {
        "pizzicato": _programs(45),
        "tremolo": _either(_programs(44), tremolo),
        "legato": legato,
        "staccato": staccato,
        "trill": trill,
    },
}
