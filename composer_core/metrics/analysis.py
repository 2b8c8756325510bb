"""The shared analysis of a loop, computed once for all metrics: positions, onsets, grid, swing, slots."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from composer_core.metrics.cells import Cells
from composer_core.metrics.grid import (
    SEXTUPLET_TICK,
    FloatArray,
    IndexArray,
    choose_grid,
    distinct_onsets,
    straight_step,
)
from composer_core.metrics.harmony import LoopHarmony
from composer_core.metrics.spread import spread_of_groups
from composer_core.metrics.swing import Swing, phase_of, read_swing, swing_unit
from composer_core.metrics.voices import Voices
from composer_core.music.drums import ROLES, TIMEKEEPER_ROLES, role_index
from composer_core.music.loop import Loop

SYMBOLS = 128
PIECES = ("kick", "snare", "hat", "tom", "crash", "percussion")
"""Roles that a drummer plays alike: hats and ride keep time, three toms are one."""
_ONE_HAND_SEMITONES = 19
_PIECE_OF_ROLE = np.array([0, 1, 2, 2, 3, 3, 3, 4, 2, 5])
_TIMEKEEPER = np.array([role in TIMEKEEPER_ROLES for role in (*ROLES, "percussion")])


class Analysis:
    """One loop seen as a circle of bars. Every array has one entry per note, sorted by position.

    `position` is the onset in ticks in [0, length): early notes lie at the loop's end,
    their grid slot is the first. Everything else is computed on first use.
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
            order = np.lexsort((notes.pitch, position))  # type: ignore[assignment]
        self.position: FloatArray = position[order]
        self.duration: NDArray[np.int32] = notes.duration_tick[order]
        self.pitch: NDArray[np.int32] = notes.pitch[order]
        self.velocity: FloatArray = notes.velocity[order].astype(np.float64)
        self.ms_a_tick = 60_000.0 / (loop.tempo_bpm * 480)

    @cached_property
    def role(self) -> IndexArray:
        """Index into ROLES of each drum note; len(ROLES) for hand percussion."""
        return role_index(self.pitch, self.loop.drum_map)

    @cached_property
    def voice(self) -> IndexArray:
        """What plays each note: its drum role, or for pitched loops the third of the loop's own range (0 to 2)."""
        if self.loop.is_drums or not self.n_notes:
            return self.role
        low = int(self.pitch.min())
        span = max(1, int(self.pitch.max()) - low)
        return np.minimum((self.pitch - low) * 3 // span, 2).astype(np.int64)

    @cached_property
    def cells(self) -> Cells:
        """Notes gathered by voice, bar and slot; the loop must have notes."""
        shape = (len(ROLES) + 1 if self.loop.is_drums else 3, self.loop.bars, self.slots_a_bar)
        return Cells.of(self.voice, self.slot, self.velocity, self.deviation_ms, shape)

    @cached_property
    def onset(self) -> FloatArray:
        """Distinct onsets in ticks (see grid.distinct_onsets)."""
        return distinct_onsets(self.position, self.length_tick)

    @cached_property
    def _grid(self) -> tuple[int, float]:
        return choose_grid(self.onset, self.meter)

    @property
    def grid_tick(self) -> int:
        """Step of the grid the loop follows; the loop must have notes."""
        return self._grid[0]

    @property
    def grid_distance(self) -> float:
        """How far the onsets are from that grid: 0 exact, 1 chance; the loop must have notes."""
        return self._grid[1]

    @cached_property
    def voices(self) -> Voices:
        """The notes gathered into onsets, for pitched loops."""
        return Voices(self.position, self.pitch, self.duration, self.velocity, self.length_tick)

    @property
    def line_move(self) -> NDArray[np.int32]:
        """Semitones from each onset's note of the line to the next: the lowest on bass, the highest elsewhere."""
        return self.voices.move_low if self.loop.instrument == "bass" else self.voices.move_high

    @cached_property
    def line_slot(self) -> IndexArray:
        """Grid slot of the first note of each onset of `voices`."""
        return self.slot[(self.voices.first + self.voices.shift) % self.n_notes]

    @cached_property
    def line_gap(self) -> IndexArray:
        """Slots from each onset of `voices` to the next, around the circle."""
        gap = (np.concatenate((self.line_slot[1:], self.line_slot[:1])) - self.line_slot) % self.n_slots
        return np.where((gap == 0) & (len(gap) == 1), self.n_slots, gap)

    @cached_property
    def left_hand(self) -> NDArray[np.bool_]:
        """True where a pianist's left hand plays: the lower of two groups of pitches.

        None within a range of an octave and a fifth. The groups' means start at the outer pitches
        and are moved three times (2-means).
        """
        if not self.n_notes or int(self.pitch.max()) - int(self.pitch.min()) <= _ONE_HAND_SEMITONES:
            return np.zeros(self.n_notes, dtype=np.bool_)
        low, high = float(self.pitch.min()), float(self.pitch.max())
        for _ in range(3):
            left = self.pitch < (low + high) / 2
            low, high = float(self.pitch[left].mean()), float(self.pitch[~left].mean())
        return np.asarray(left)

    @cached_property
    def harmony(self) -> LoopHarmony:
        """Pitch classes and chords over the bars, for pitched loops."""
        return LoopHarmony(self.voices, self.loop.bars, self.bar_tick)

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
    def deviation_tick(self) -> FloatArray:
        """Signed distance in ticks of each note to the swing-warped grid, positive late."""
        return self._snapped[1]

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
        on_beat: NDArray[np.bool_] = self.slot_in_bar * self.step_tick % self.meter.beat_tick == 0
        return on_beat

    @cached_property
    def piece(self) -> IndexArray:
        """Group of each drum note: index into PIECES."""
        return _PIECE_OF_ROLE[self.role]

    @cached_property
    def piece_timing_ms(self) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of `deviation_ms` of each piece, NaN where it does not play."""
        return spread_of_groups(self.deviation_ms, self.piece, len(PIECES))

    @cached_property
    def piece_velocity(self) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the velocity of each piece, NaN where it does not play."""
        return spread_of_groups(self.velocity, self.piece, len(PIECES))

    @cached_property
    def place(self) -> IndexArray:
        """One number per note for its place in the bar: the piece of the kit (0 for a pitched loop) and the slot."""
        group = self.piece if self.loop.is_drums else 0
        return np.asarray(group * self.slots_a_bar + self.slot_in_bar)

    @cached_property
    def pattern(self) -> NDArray[np.bool_]:
        """One flag per slot of the loop: True where a note begins."""
        flags = np.zeros(self.n_slots, dtype=np.bool_)
        flags[self.slot] = True
        return flags

    @cached_property
    def used_slots(self) -> IndexArray:
        """Sorted slots where something begins."""
        return np.flatnonzero(self.pattern)

    @cached_property
    def slot_deviation_tick(self) -> FloatArray:
        """Mean `deviation_tick` of the notes of each used slot."""
        sums = np.bincount(self.slot, weights=self.deviation_tick, minlength=self.n_slots)
        return sums[self.used_slots] / np.bincount(self.slot, minlength=self.n_slots)[self.used_slots]

    @cached_property
    def slot_velocity(self) -> FloatArray:
        """Loudest velocity of each used slot."""
        loudest = np.zeros(self.n_slots)
        np.maximum.at(loudest, self.slot, self.velocity)
        return loudest[self.used_slots]

    @cached_property
    def bar_notes(self) -> IndexArray:
        """Sorted distinct numbers slot * 128 + symbol; the symbol is the piece of the kit or the pitch."""
        return np.unique(self.slot * SYMBOLS + (self.piece if self.loop.is_drums else self.pitch))

    def bar_likeness(self, shift: int = 1) -> FloatArray:
        """Share of their notes that each bar and the bar `shift` later have in common, around the circle.

        Jaccard: shared / union of `bar_notes`; two empty bars are alike. Shape (bars,).
        """
        bars, width = self.loop.bars, self.slots_a_bar * SYMBOLS
        codes = self.bar_notes
        bar = codes // width
        count = np.bincount(bar, minlength=bars)
        moved = (codes + shift * width) % (bars * width)
        place = np.searchsorted(codes, moved) % len(codes)
        shared = np.bincount(bar[codes[place] == moved], minlength=bars)
        union = count + np.concatenate((count[shift:], count[:shift])) - shared
        return np.where(union > 0, shared / np.maximum(union, 1), 1.0)

    @cached_property
    def next_bar_likeness(self) -> FloatArray:
        """`bar_likeness` of neighbouring bars."""
        return self.bar_likeness(1 % self.loop.bars)

    @cached_property
    def period_bars(self) -> int:
        """Bars until the loop repeats itself exactly, note for note: `bars` when it never does."""
        bars = self.loop.bars
        order = np.lexsort((self.duration, self.velocity, self.pitch, self.position))
        columns = [column[order] for column in (self.position, self.pitch, self.velocity, self.duration)]
        for period in range(1, bars // 2 + 1):
            count, rest = divmod(self.n_notes * period, bars)
            if bars % period or rest:
                continue
            moved = (period * self.bar_tick, 0, 0, 0)
            if all(
                np.array_equal(column[count:], column[: self.n_notes - count] + shift)
                for column, shift in zip(columns, moved, strict=True)
            ):
                return period
        return bars

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


def of_piece(
    table: Callable[[Analysis], tuple[FloatArray, FloatArray]], piece: str, spread: bool, what: str
) -> Callable[[Analysis], float]:
    """The metric of one of PIECES in a table of means and standard deviations; `what` names the values."""
    index = PIECES.index(piece)

    def read(a: Analysis) -> float:
        return float(table(a)[spread][index]) if a.n_notes else math.nan

    read.__doc__ = f"{'Standard deviation (over n)' if spread else 'Mean'} of {what}. NaN without them."
    return read
