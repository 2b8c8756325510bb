"""What all metrics of a loop share, computed once: positions, onsets, grid, swing, slots."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics.grid import (
    SEXTUPLET_TICK,
    FloatArray,
    IndexArray,
    choose_grid,
    distinct_onsets,
    straight_step,
)
from composer_core.metrics.swing import Swing, phase_of, read_swing, swing_unit
from composer_core.music.drums import ROLES, TIMEKEEPER_ROLES, role_index
from composer_core.music.loop import Loop

_TIMEKEEPER = np.array([role in TIMEKEEPER_ROLES for role in (*ROLES, "percussion")])


class Analysis:
    """One loop seen as a circle of bars; every array has one entry a note, sorted by position.

    `position` is the onset in ticks in [0, length): early notes lie at the loop's end,
    their grid slot is the first. Everything else is worked out when first asked for.
    """

    def __init__(self, loop: Loop) -> None:
        notes = loop.notes
        self.loop = loop
        self.meter = loop.meter
        self.bar_tick = loop.meter.bar_tick
        self.length_tick = loop.length_tick
        self.n_notes = len(notes)
        position = notes.onset_tick.astype(np.float64) % self.length_tick
        order = slice(None)
        if self.n_notes and notes.onset_tick[0] < 0:
            order = np.argsort(position, kind="stable")  # type: ignore[assignment]
        self.position: FloatArray = position[order]
        self.duration: NDArray[np.int32] = notes.duration_tick[order]
        self.pitch: NDArray[np.int32] = notes.pitch[order]
        self.velocity: FloatArray = notes.velocity[order].astype(np.float64)
        self.ms_a_tick = 60_000.0 / (loop.tempo_bpm * 480)

    @cached_property
    def role(self) -> IndexArray:
        """Index into ROLES of each drum note; len(ROLES) for hand percussion."""
        return role_index(self.pitch)

    @cached_property
    def onset(self) -> FloatArray:
        """Distinct onsets in ticks (see grid.distinct_onsets)."""
        return distinct_onsets(self.position, self.length_tick)

    @cached_property
    def grid_tick(self) -> int:
        """Step of the grid the loop follows; the loop must have notes."""
        return choose_grid(self.onset, self.meter)

    @cached_property
    def _timekeeper(self) -> FloatArray:
        if not self.loop.is_drums:
            return self.onset
        return distinct_onsets(self.position[_TIMEKEEPER[self.role]], self.length_tick)

    @cached_property
    def swing_8(self) -> Swing:
        """Swing of 8ths."""
        return read_swing(self._timekeeper, self.onset, self.meter, self.loop.bars, 8)

    @cached_property
    def swing_16(self) -> Swing:
        """Swing of 16ths."""
        return read_swing(self._timekeeper, self.onset, self.meter, self.loop.bars, 16)

    @cached_property
    def phase(self) -> str:
        """straight, swing_8, swing_16 or triplet; "" without notes."""
        if not self.n_notes:
            return ""
        return phase_of(self.onset, self.meter, self.grid_tick, self.swing_8, self.swing_16)

    @cached_property
    def step_tick(self) -> int:
        """Step of the slots: a 16th, or a 16th triplet where the loop plays triplets."""
        return SEXTUPLET_TICK if self.phase == "triplet" else straight_step(self.meter)

    @cached_property
    def slots_a_bar(self) -> int:
        """Grid slots a bar."""
        return self.bar_tick // self.step_tick

    @cached_property
    def n_slots(self) -> int:
        """Grid slots of the whole loop."""
        return self.slots_a_bar * self.loop.bars

    @cached_property
    def _warp(self) -> tuple[int, float]:
        """Unit in ticks and place (share of it) of the swung note; unit 0 when the loop is not swung."""
        if self.phase not in ("swing_8", "swing_16"):
            return 0, 0.5
        grid, swing = (8, self.swing_8) if self.phase == "swing_8" else (16, self.swing_16)
        return swing_unit(self.meter, grid), swing.ratio / (1 + swing.ratio)

    @cached_property
    def _snapped(self) -> tuple[IndexArray, FloatArray]:
        """Slot of each note (from 0, in the loop) and its signed distance in ticks to the warped grid."""
        unit, place = self._warp
        if unit == 0:
            nearest = np.floor(self.position / self.step_tick + 0.5)
            return nearest.astype(np.int64) % self.n_slots, self.position - nearest * self.step_tick
        bar = np.floor(self.position / self.bar_tick) * self.bar_tick
        in_bar = self.position - bar
        whole = self.bar_tick // unit * unit
        straight = _bend(in_bar, unit, place, 0.5, whole)
        nearest = np.floor(straight / self.step_tick + 0.5)
        deviation = in_bar - _bend(nearest * self.step_tick, unit, 0.5, place, whole)
        slot = (bar / self.step_tick + nearest).astype(np.int64) % self.n_slots
        return slot, deviation

    @property
    def slot(self) -> IndexArray:
        """Grid slot of each note, swing taken out."""
        return self._snapped[0]

    @property
    def deviation_ms(self) -> FloatArray:
        """Signed distance in ms of each note to the swing-warped grid, positive late."""
        return self._snapped[1] * self.ms_a_tick

    @cached_property
    def slot_in_bar(self) -> IndexArray:
        """Grid slot of each note, counted from its bar line."""
        return self.slot % self.slots_a_bar

    @cached_property
    def on_beat(self) -> NDArray[np.bool_]:
        """True where a note lies on a beat of the metre."""
        return self.slot_in_bar * self.step_tick % self.meter.beat_tick == 0

    @cached_property
    def pattern(self) -> NDArray[np.bool_]:
        """One flag a slot of the loop: does anything begin there?"""
        flags = np.zeros(self.n_slots, dtype=np.bool_)
        flags[self.slot] = True
        return flags

    @cached_property
    def used_slots(self) -> IndexArray:
        """Sorted slots where something begins."""
        return np.flatnonzero(self.pattern)

    @cached_property
    def ioi_step(self) -> IndexArray:
        """Inter-onset intervals in slots around the circle, one an used slot."""
        used = self.used_slots
        gaps = np.empty(len(used), dtype=np.int64)
        gaps[:-1] = used[1:] - used[:-1]
        gaps[-1:] = used[:1] + self.n_slots - used[-1:]
        return gaps


def _bend(tick: FloatArray, unit: int, source: float, target: float, whole: int) -> FloatArray:
    """Move the middle of every unit from the share `source` to `target`, piecewise linearly."""
    index = np.floor(tick / unit)
    share = tick / unit - index
    bent = np.where(share < source, share * (target / source), 1 - (1 - share) * ((1 - target) / (1 - source)))
    return np.where(tick < whole, (index + bent) * unit, tick)
