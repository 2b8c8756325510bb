"""Velocity: set, bend and accent how hard notes are played."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from composer_core.errors import InvalidValue, require_range
from composer_core.music.loop import Loop

MIN_VELOCITY, MAX_VELOCITY = 1, 127


def set_velocity(loop: Loop, velocity: ArrayLike) -> Loop:
    """The loop with these velocities (n_notes,) in the order of its notes, rounded into 1 to 127. Idempotent."""
    values = np.asarray(velocity, dtype=np.float64)
    if values.shape != (len(loop.notes),) or not np.isfinite(values).all():
        raise InvalidValue(
            "bad_format",
            name="velocity",
            value=f"an array of shape {values.shape}",
            expected=f"{len(loop.notes)} finite numbers, one a note",
        )
    return loop.with_notes(loop.notes.with_columns(velocity=np.clip(np.rint(values), MIN_VELOCITY, MAX_VELOCITY)))


def velocity_curve(loop: Loop, exponent: float) -> Loop:
    """Bend velocities: v -> 127 (v / 127) ** exponent; below 1 louder, 1 unchanged, above 1 softer (0.25 to 4)."""
    require_range("velocity curve", exponent, 0.25, 4.0)
    return set_velocity(loop, MAX_VELOCITY * (loop.notes.velocity / MAX_VELOCITY) ** exponent)


def accent_beats(loop: Loop, amount: float) -> Loop:
    """Add `amount` (-64 to 64) to notes within an eighth of a beat of a beat, as the loop goes round."""
    require_range("accent", amount, -64.0, 64.0)
    beat = loop.meter.beat_tick
    distance = np.abs((loop.notes.onset_tick + beat // 2) % beat - beat // 2)
    return set_velocity(loop, loop.notes.velocity + np.where(distance <= beat / 8, amount, 0.0))
