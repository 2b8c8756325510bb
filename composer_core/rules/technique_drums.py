"""Drum techniques: softened ghosts, grace notes, rolls, other pieces of the kit, half time.

Sources: Percussive Arts Society, International Drum Rudiments (flam, drag, multiple bounce roll); the General
MIDI percussion map (37 side stick, 40 the snare's rim on electronic kits, 46 open hat, 51 ride). A kit of another
map is read by it and answers in its own notes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from composer_core.music.drum_maps import RIM, SIDE_STICK
from composer_core.music.drums import from_general_midi, role_mask
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK, ms_to_ticks

GHOST_VELOCITY = 38
"""Ghosts are played at most this loud (measured as ghost below 45)."""
ACCENT_VELOCITY = 70
"""A snare stroke this loud carries a flam or a drag."""
FLAM_MS, DRAG_MS = 28.0, (60.0, 30.0)
"""How long before the stroke its grace notes come."""
GRACE_SHARE = 0.45
"""Velocity of a grace note as a share of its stroke's."""
ROLL_TICK = 60
"""Strokes of a roll: 32nds."""
OPEN_HAT, RIDE = 46, 51
_NEAR_TICK = 40


def _on(loop: Loop, ticks: tuple[int, ...], cycle_tick: int) -> NDArray[np.bool_]:
    """True where a note lies near one of the places in each cycle."""
    place = (loop.notes.onset_tick + _NEAR_TICK) % cycle_tick - _NEAR_TICK
    near: NDArray[np.bool_] = np.any([np.abs(place - tick) <= _NEAR_TICK for tick in ticks], axis=0)
    return near


def _backbeat(loop: Loop) -> NDArray[np.bool_]:
    """True on every second beat of the metre (2 and 4 of 4/4; the second beat of 6/8)."""
    return _on(loop, (loop.meter.beat_tick,), 2 * loop.meter.beat_tick)


def _plays(loop: Loop, *roles: str) -> NDArray[np.bool_]:
    return role_mask(loop.notes.pitch, *roles, drum_map=loop.drum_map)


def _accented_snare(loop: Loop) -> NDArray[np.bool_]:
    return _plays(loop, "snare") & (loop.notes.velocity >= ACCENT_VELOCITY)


def _with_grace(loop: Loop, before_ms: tuple[float, ...]) -> Loop:
    """Grace notes before each accented snare stroke, where none is there and there is room."""
    notes = loop.notes
    rows = notes.rows()
    ahead_tick = [round(ms_to_ticks(ms, loop.tempo_bpm)) for ms in before_ms]
    snare = np.sort(notes.onset_tick[_plays(loop, "snare")])
    for index in np.flatnonzero(_accented_snare(loop)):
        onset, pitch = int(notes.onset_tick[index]), int(notes.pitch[index])
        latest = snare[snare < onset]
        room = onset - int(latest[-1]) if len(latest) else onset + EARLY_TICK + 1
        if room <= 2 * max(ahead_tick) or onset - max(ahead_tick) < -EARLY_TICK:
            continue
        soft = max(1, round(GRACE_SHARE * int(notes.velocity[index])))
        rows += [(onset - tick, max(1, min(tick, 20)), pitch, soft) for tick in ahead_tick]
    return loop.with_notes(Notes.from_rows(rows))


def ghost(loop: Loop) -> Loop:
    """Snare notes off the backbeat become at most GHOST_VELOCITY loud. Idempotent."""
    soft = _plays(loop, "snare") & ~_backbeat(loop)
    velocity = np.where(soft, np.minimum(loop.notes.velocity, GHOST_VELOCITY), loop.notes.velocity)
    return loop.with_notes(loop.notes.with_columns(velocity=velocity))


def flam(loop: Loop) -> Loop:
    """One grace note 28 ms before each accented snare stroke. Strokes that have one already stay."""
    return _with_grace(loop, (FLAM_MS,))


def drag(loop: Loop) -> Loop:
    """Two grace notes, 60 and 30 ms before each accented snare stroke. Strokes that have some already stay."""
    return _with_grace(loop, DRAG_MS)


def roll(loop: Loop) -> Loop:
    """Fill the gap from each accented snare stroke to the next note of the snare with 32nds that swell to it.

    Gaps of less than two or more than sixteen 32nds stay. Idempotent, since a roll leaves no gap.
    """
    notes, rows = loop.notes, loop.notes.rows()
    snare = _plays(loop, "snare")
    onset = np.sort(notes.onset_tick[snare])
    for index in np.flatnonzero(_accented_snare(loop)):
        start, loud = int(notes.onset_tick[index]), int(notes.velocity[index])
        later = onset[onset > start]
        end = int(later[0]) if len(later) else loop.length_tick
        n_strokes = round((end - start) / ROLL_TICK) - 1
        if 1 <= n_strokes <= 15:
            swell = np.linspace(0.45, 0.8, n_strokes)
            rows += [
                (start + (i + 1) * ROLL_TICK, ROLL_TICK // 2, int(notes.pitch[index]), max(1, round(share * loud)))
                for i, share in enumerate(swell.tolist())
            ]
    return loop.with_notes(Notes.from_rows(rows))


def _replaced(loop: Loop, chosen: NDArray[np.bool_], general: int) -> Loop:
    """The chosen notes become what the kit's map strikes for a General MIDI note."""
    pitch = int(from_general_midi(np.array([general], dtype=np.int32), loop.drum_map)[0])
    return loop.with_notes(loop.notes.with_columns(pitch=np.where(chosen, pitch, loop.notes.pitch)))


def rimshot(loop: Loop) -> Loop:
    """Accented snare strokes are played on head and rim (note 40). Idempotent."""
    return _replaced(loop, _accented_snare(loop), RIM)


def cross_stick(loop: Loop) -> Loop:
    """All snare strokes become side sticks (note 37). Idempotent."""
    return _replaced(loop, _plays(loop, "snare"), SIDE_STICK)


def open_hat(loop: Loop) -> Loop:
    """Hats on the off-beat 8ths open (note 46). Idempotent."""
    half = loop.meter.beat_tick // 2
    return _replaced(loop, _plays(loop, "closed_hat") & _on(loop, (half,), loop.meter.beat_tick), OPEN_HAT)


def ride(loop: Loop) -> Loop:
    """The hats' pattern moves to the ride (note 51). Idempotent."""
    return _replaced(loop, _plays(loop, "closed_hat", "open_hat"), RIDE)


def half_time(loop: Loop) -> Loop:
    """The accented backbeats of each bar become one, on its middle beat (3 of 4/4); other notes stay.

    Metres of fewer than four beats come back as they are. Idempotent.
    """
    meter = loop.meter
    beats = meter.bar_tick // meter.beat_tick
    if beats < 4:
        return loop
    notes, middle = loop.notes, beats // 2 * meter.beat_tick
    accented = _accented_snare(loop) & (_on(loop, (0,), meter.beat_tick))
    rows = [row for row, moves in zip(notes.rows(), accented.tolist(), strict=True) if not moves]
    bar = (notes.onset_tick + _NEAR_TICK) // meter.bar_tick
    for number in sorted(set(bar[accented].tolist())):
        strokes = np.flatnonzero(accented & (bar == number))
        loudest = strokes[np.argmax(notes.velocity[strokes])]
        place = number * meter.bar_tick + middle
        rows.append((place, *(int(column[loudest]) for column in notes.columns()[1:])))
    return loop.with_notes(Notes.from_rows(rows))


RENDERED: dict[str, Callable[[Loop], Loop]] = {
    "ghost": ghost,
    "flam": flam,
    "drag": drag,
    "roll": roll,
    "rimshot": rimshot,
    "cross_stick": cross_stick,
    "open_hat": open_hat,
    "ride": ride,
    "half_time": half_time,
}
