"""Rules that recognise techniques of the drum kit in the notes.

Each rule returns how sure it is, and 0 when it does not recognise the technique. There is no rule for
rimshots: note 40 is the snare's rim on Roland kits but an electric snare in General MIDI.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.technique.evidence import CERTAIN, CLEAR, GRADUAL, Evidence, Rule
from composer_core.music.drum_maps import DRUM_MAPS
from composer_core.music.drums import ROLES, role_index
from composer_core.music.loop import Loop
from composer_core.music.timing import COMMON_TIME, TICKS_PER_QUARTER, ticks_to_ms

GRACE_MS = (8.0, 45.0)
"""Between the grace note and the main stroke of a flam; less is a double trigger."""
DRAG_GAP_MS = 90.0
ROLL_GAP_MS = 80.0
ROLL_STROKES = 5
_STRUCK = [ROLES.index(role) for role in ("snare", "low_tom", "mid_tom", "high_tom")]
_SNARE, _RIDE = ROLES.index("snare"), ROLES.index("ride")
_HATS = [ROLES.index("closed_hat"), ROLES.index("open_hat")]
_BACKBEAT_VELOCITY = 50
_BEAT_TOLERANCE_TICK = 60


def ghost(seen: Evidence) -> float:
    """At least a fifth of the snare notes soft and off the backbeat, and two a loop."""
    n_snare = int((role_index(seen.loop.notes.pitch, seen.loop.drum_map) == _SNARE).sum())
    rate = seen.value("ghost_rate")
    return CLEAR if rate >= 0.2 and rate * n_snare >= 2 else 0.0


def flam(seen: Evidence) -> float:
    """A softer stroke 8 to 45 ms before another on the same drum, once in two bars or more often."""
    found = sum(_count_flams(gaps, velocity) for gaps, velocity in _strokes(seen.loop))
    return CLEAR if found >= max(1.0, seen.loop.bars / 2) else 0.0


def drag(seen: Evidence) -> float:
    """Two softer strokes within 90 ms each before a louder one on the same drum, once in two bars or more often."""
    found = sum(_count_drags(gaps, velocity) for gaps, velocity in _strokes(seen.loop))
    return CLEAR if found >= max(1.0, seen.loop.bars / 2) else 0.0


def roll(seen: Evidence) -> float:
    """Five strokes or more on one drum, each at most 80 ms after the last."""
    longest = max((_longest_run(gaps <= ROLL_GAP_MS) + 1 for gaps, _ in _strokes(seen.loop)), default=0)
    return CLEAR if longest >= ROLL_STROKES else 0.0


def cross_stick(seen: Evidence) -> float:
    """Side stick (note 37 in most maps) on at least a quarter of the snare notes, and twice."""
    n_snare = int((role_index(seen.loop.notes.pitch, seen.loop.drum_map) == _SNARE).sum())
    n_stick = int(np.isin(seen.loop.notes.pitch, DRUM_MAPS[seen.loop.drum_map].side_sticks).sum())
    return CERTAIN if n_stick >= 2 and n_stick >= 0.25 * n_snare else 0.0


def open_hat(seen: Evidence) -> float:
    """At least 15 % of the hi-hat notes open."""
    return CERTAIN if seen.value("hat_openness") >= 0.15 else 0.0


def ride(seen: Evidence) -> float:
    """The ride keeps time: more ride than hi-hat notes, and two a bar."""
    role = role_index(seen.loop.notes.pitch, seen.loop.drum_map)
    n_ride, n_hats = int((role == _RIDE).sum()), int(np.isin(role, _HATS).sum())
    return CERTAIN if n_ride > n_hats and n_ride >= 2 * seen.loop.bars else 0.0


def busy(seen: Evidence) -> float:
    """Nine or more onsets per second (the busiest tenth of Groove MIDI's loops)."""
    return GRADUAL if seen.value("onset_rate") >= 9.0 else 0.0


def funky(seen: Evidence) -> float:
    """Ghost notes between a kept backbeat and a syncopated kick."""
    answered = seen.value("ghost_rate") >= 0.25 and seen.value("backbeat_rate") >= 0.5
    return GRADUAL if answered and seen.value("syncopation") >= 4.0 else 0.0


def half_time(seen: Evidence) -> float:
    """In 4/4: a loud snare on 3 in three quarters of the bars, and on 2 or 4 in at most an eighth."""
    if seen.loop.meter != COMMON_TIME:
        return 0.0
    loud = (role_index(seen.loop.notes.pitch, seen.loop.drum_map) == _SNARE) & (
        seen.loop.notes.velocity >= _BACKBEAT_VELOCITY
    )
    tick = seen.loop.notes.onset_tick[loud]
    beat = np.rint(tick / TICKS_PER_QUARTER).astype(np.int64)
    beat = beat[np.abs(tick - beat * TICKS_PER_QUARTER) <= _BEAT_TOLERANCE_TICK]
    struck = np.unique(beat % (4 * seen.loop.bars)) % 4
    on_three, on_others = int((struck == 2).sum()), int((struck % 2 == 1).sum())
    return CLEAR if on_three >= 0.75 * seen.loop.bars and on_others <= 0.25 * seen.loop.bars else 0.0


def fill(seen: Evidence) -> float:
    """A quarter or more of the beats played as a fill."""
    return GRADUAL if seen.value("fill_rate") >= 0.25 else 0.0


def _strokes(loop: Loop) -> list[tuple[NDArray[np.float64], NDArray[np.int32]]]:
    """For snare and toms: gaps in ms between neighbouring strokes (n - 1), and velocities (n)."""
    role = role_index(loop.notes.pitch, loop.drum_map)
    found = []
    for index in _STRUCK:
        mask = role == index
        if int(mask.sum()) > 1:
            tick = loop.notes.onset_tick[mask].astype(np.float64)
            found.append((np.diff(tick) * ticks_to_ms(1.0, loop.tempo_bpm), loop.notes.velocity[mask]))
    return found


def _count_flams(gaps_ms: NDArray[np.float64], velocity: NDArray[np.int32]) -> int:
    close = (gaps_ms >= GRACE_MS[0]) & (gaps_ms <= GRACE_MS[1]) & (velocity[:-1] < velocity[1:])
    alone = np.concatenate(([True], gaps_ms[:-1] > DRAG_GAP_MS)) & np.concatenate((gaps_ms[1:] > DRAG_GAP_MS, [True]))
    return int((close & alone).sum())


def _count_drags(gaps_ms: NDArray[np.float64], velocity: NDArray[np.int32]) -> int:
    if len(gaps_ms) < 2:
        return 0
    close = (gaps_ms[:-1] <= DRAG_GAP_MS) & (gaps_ms[1:] <= DRAG_GAP_MS) & (gaps_ms[:-1] >= GRACE_MS[0])
    main = velocity[2:]
    softer = (velocity[:-2] < 0.8 * main) & (velocity[1:-1] < 0.8 * main)
    alone = np.concatenate(([True], gaps_ms[:-2] > DRAG_GAP_MS)) & np.concatenate((gaps_ms[2:] > DRAG_GAP_MS, [True]))
    return int((close & softer & alone).sum())


def _longest_run(flags: NDArray[np.bool_]) -> int:
    """Length of the longest stretch of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


RULES: dict[str, Rule] = {
    rule.__name__: rule for rule in (ghost, flam, drag, roll, cross_stick, open_hat, ride, busy, funky, half_time, fill)
}
