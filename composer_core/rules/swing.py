"""Swing: how late the off-beat of a pair comes, as long : short (1.0 straight, 2.0 triplet).

A cycle is a quarter for 8th swing and half a quarter for 16th swing, counted from the bar
line. Inside a cycle time is stretched in two straight pieces, so that its middle comes to
r / (1 + r) and everything between keeps its order and its share. A cycle that the bar line
cuts (the last 8th of 7/8) stays straight. Compound metres (6/8, 9/8, 12/8) have no pair of
8ths in a beat: 8th swing leaves them alone and says `swing_not_applicable`; 16th swing works
on the two 16ths of each 8th.

Triplets. The measure of swing is the place of the off-beat, so a note on the third triplet
is an off-beat swung at 2.0 already. "Whatever the notes had before" therefore means:
- a cycle with a note on the third triplet, none on the second and none in its middle is a
  swung pair; it moves to the swing asked for;
- a full triplet (second and third) is a figure of its own. It stays while such cycles are few
  (at most KEPT_TRIPLET_SHARE of the pairs); where they carry the loop its feel is ternary, and
  they move to the swing asked for as pairs with their second note in the middle of the long one;
- 16th swing first makes the 8ths straight the same way.
At a ratio of 2 all of this changes nothing. What happened is reported as codes:
`triplets_folded`, `triplets_kept`, `swing_not_applicable`.

Sources: Friberg and Sundström 2002 (ratios of drummers; the short note hardly goes below
about 100 ms, so the ratio falls with tempo), metrics.md for how swing is measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_choice, require_range
from composer_core.music.drums import TIMEKEEPER_ROLES, role_mask
from composer_core.music.loop import Loop
from composer_core.music.timing import MAX_SWING_PERCENT, TICKS_PER_QUARTER, ticks_to_ms

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SWING_CYCLE_TICK = {8: TICKS_PER_QUARTER, 16: TICKS_PER_QUARTER // 2}
MAX_SWING_RATIO = MAX_SWING_PERCENT / (100.0 - MAX_SWING_PERCENT)
SHORT_NOTE_FLOOR_MS = 95.0
"""Drummers do not play the short note of a pair much shorter than this (Friberg and Sundström 2002)."""
KEPT_TRIPLET_SHARE = 0.25
"""Full triplets stay triplets up to this number of them for each plain pair."""
MIN_TIMEKEEPER_PAIRS = 4
"""With this many pairs of hats and ride they alone tell the swing (metrics.md)."""
_NEAR = 10.0 / TICKS_PER_QUARTER
_TERNARY_KNOT, _BINARY_KNOT = 2.0 / 3.0, 0.5


@dataclass(frozen=True, slots=True)
class SwungTicks:
    """Where each note goes: `onset_tick` (n_notes,) unrounded, in the order of the loop's notes.

    `pair_cycle` (n_notes,) is the number of the swing cycle a note lies in, -1 where swing does
    not act; `place` its place in that cycle before swing (0.5 the off-beat), `swung_place` after
    it; `cycle_tick` the cycle's length; `codes` as above.
    """

    onset_tick: FloatArray
    pair_cycle: NDArray[np.int64]
    place: FloatArray
    swung_place: FloatArray
    cycle_tick: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cycles of one length: which one each note lies in, and where in it."""

    number: NDArray[np.int64]
    place: FloatArray
    start_tick: FloatArray
    whole: BoolArray
    cycle_tick: int

    def cycles_with(self, mask: BoolArray) -> BoolArray:
        """(n_notes,) True for notes whose cycle holds a note of the mask."""
        return np.isin(self.number, self.number[mask])

    def at(self, place: float) -> BoolArray:
        """Notes at a place of their cycle."""
        return np.abs(self.place - place) < _NEAR

    def count(self, mask: BoolArray) -> int:
        """Number of cycles that hold a note of the mask."""
        return len(np.unique(self.number[mask]))


def _cells(tick: FloatArray, bar_tick: int, cycle_tick: int) -> _Cells:
    bar = np.floor((tick + 1e-6) / bar_tick)
    within = tick - bar * bar_tick
    cell = np.floor((within + 1e-6) / cycle_tick)
    cells_a_bar = -(-bar_tick // cycle_tick)
    return _Cells(
        number=(bar * cells_a_bar + cell).astype(np.int64),
        place=within / cycle_tick - cell,
        start_tick=bar * bar_tick + cell * cycle_tick,
        whole=(cell + 1) * cycle_tick <= bar_tick,
        cycle_tick=cycle_tick,
    )


def _triplet_cycles(cells: _Cells) -> tuple[BoolArray, BoolArray]:
    """Notes in cycles that read as a swung pair, and notes in cycles of full (or second-note) triplets."""
    middle, second, third = (
        cells.cycles_with(cells.at(0.5)),
        cells.cycles_with(cells.at(1 / 3)),
        cells.cycles_with(cells.at(2 / 3)),
    )
    swung = third & ~second & ~middle & cells.whole
    full = second & ~middle & cells.whole
    return swung, full


def _few(cells: _Cells, full: BoolArray, plain_offbeat: BoolArray, timekeeper: BoolArray) -> bool:
    """True when full triplets are so few that the median over pairs stays with the plain pairs."""
    started = cells.cycles_with(cells.at(0.0))
    for view in (np.ones(len(full), dtype=bool), timekeeper):
        n_plain = cells.count(view & started & plain_offbeat)
        n_full = cells.count(view & started & full & cells.at(2 / 3))
        is_read = bool(view.all()) or n_plain + n_full >= MIN_TIMEKEEPER_PAIRS
        if is_read and n_full > KEPT_TRIPLET_SHARE * n_plain:
            return False
    return True


def _stretch(place: FloatArray, knot: FloatArray, target: float) -> FloatArray:
    """Piecewise-linear map of [0, 1] that sends each note's knot to the target."""
    return np.where(place < knot, place * target / knot, target + (place - knot) * (1.0 - target) / (1.0 - knot))


@dataclass(frozen=True, slots=True)
class _Pass:
    """What one pass of swing made of the notes: see SwungTicks; `kept` marks triplets that stay."""

    swung: SwungTicks
    kept: BoolArray


def _swing_cycles(
    tick: FloatArray, bar_tick: int, grid: int, target: float, timekeeper: BoolArray, fixed: BoolArray
) -> _Pass:
    """One pass of swing to off-beat place `target`; notes of `fixed` stay."""
    cells = _cells(tick, bar_tick, SWING_CYCLE_TICK[grid])
    pair, full = _triplet_cycles(cells)
    keep = _few(cells, full, cells.at(0.5) | (pair & cells.at(2 / 3)), timekeeper)
    kept = (full & keep) | fixed
    moves = cells.whole & ~kept
    ternary = (pair | full) & moves
    knot = np.where(ternary, _TERNARY_KNOT, _BINARY_KNOT)
    swung_place = np.where(moves, _stretch(cells.place, knot, target), cells.place)
    moved = np.where(moves, cells.start_tick + swung_place * cells.cycle_tick, tick)
    codes: list[str] = []
    if abs(target - _TERNARY_KNOT) > 1e-3:
        codes += ["triplets_folded"] if ternary.any() else []
        codes += ["triplets_kept"] if (full & keep).any() else []
    pair_cycle = np.where(moves, cells.number, -1)
    place = _stretch(cells.place, knot, 0.5)
    return _Pass(SwungTicks(moved, pair_cycle, place, swung_place, cells.cycle_tick, tuple(codes)), kept)


def check_swing(ratio: float, grid: int) -> None:
    """Raise InvalidValue unless the ratio is 1 to 4 and the grid 8 or 16."""
    require_range("swing ratio", ratio, 1.0, MAX_SWING_RATIO + 1e-9)
    require_choice("swing grid", grid, tuple(SWING_CYCLE_TICK))


def swing_ticks(loop: Loop, ratio: float, grid: int = 8) -> SwungTicks:
    """Where swing puts every note of a loop on a straight grid (see the module for triplets and metres).

    `ratio` is long : short, 1 to 4; `grid` 8 or 16. Raises InvalidValue for others.
    """
    check_swing(ratio, grid)
    tick = loop.notes.onset_tick.astype(np.float64)
    if loop.meter.compound and grid == 8:
        codes = ("swing_not_applicable",) if ratio > 1.0 else ()
        place = _cells(tick, loop.meter.bar_tick, SWING_CYCLE_TICK[grid]).place
        return SwungTicks(tick, np.full(len(tick), -1), place, place, SWING_CYCLE_TICK[grid], codes)
    timekeeper = (
        role_mask(loop.notes.pitch, *TIMEKEEPER_ROLES, drum_map=loop.drum_map)
        if loop.is_drums
        else np.zeros(len(tick), dtype=bool)
    )
    fixed, bar_tick, target = np.zeros(len(tick), dtype=bool), loop.meter.bar_tick, ratio / (1.0 + ratio)
    if grid == 8 or loop.meter.compound:
        return _swing_cycles(tick, bar_tick, grid, target, timekeeper, fixed).swung
    eighths = _swing_cycles(tick, bar_tick, 8, 0.5, timekeeper, fixed)
    sixteenths = _swing_cycles(eighths.swung.onset_tick, bar_tick, 16, target, timekeeper, eighths.kept)
    found = {*eighths.swung.codes, *sixteenths.swung.codes}
    return replace(sixteenths.swung, codes=tuple(sorted(found)))


def apply_swing(loop: Loop, ratio: float, grid: int = 8) -> Loop:
    """Swing a loop that lies on a straight grid. `ratio` long : short 1 to 4, `grid` 8 or 16.

    Pitched notes keep their ends on the same swung grid, drum notes their duration. Triplets
    and metres are treated as the module says. Earlier performed swing must be taken out first
    (`remove_swing`); swing that lies on the triplet grid is replaced. Raises InvalidValue.
    """
    onset = swing_ticks(loop, ratio, grid).onset_tick
    return loop.with_notes(loop.notes.with_columns(onset_tick=onset, duration_tick=swung_durations(loop, ratio, grid)))


def swung_durations(loop: Loop, ratio: float, grid: int) -> FloatArray:
    """Durations (n_notes,) after swing: pitched notes end where the swung grid has their end."""
    notes = loop.notes
    if loop.is_drums or not len(notes) or (loop.meter.compound and grid == 8):
        return notes.duration_tick.astype(np.float64)
    end = (notes.onset_tick + notes.duration_tick).astype(np.float64)
    cells = _cells(end, loop.meter.bar_tick, SWING_CYCLE_TICK[grid])
    target = ratio / (1.0 + ratio)
    moved = cells.start_tick + _stretch(cells.place, np.full(len(end), _BINARY_KNOT), target) * cells.cycle_tick
    return np.maximum(1.0, np.where(cells.whole, moved, end) - swing_ticks(loop, ratio, grid).onset_tick)


def floored_ratio(
    ratio: float, grid: int, tempo_bpm: float, floor_ms: float = SHORT_NOTE_FLOOR_MS
) -> tuple[float, bool]:
    """The ratio whose short note lasts at least `floor_ms`, never below straight, and whether it was lowered.

    With a cycle of T ms the short note lasts T / (1 + r); r <= T / floor - 1. A floor of 0 is off.
    """
    check_swing(ratio, grid)
    require_range("short-note floor", floor_ms, 0.0, 1000.0, " ms")
    cycle_ms = ticks_to_ms(SWING_CYCLE_TICK[grid], tempo_bpm)
    if ratio <= 1.0 or cycle_ms / (1.0 + ratio) >= floor_ms:
        return ratio, False
    return max(1.0, cycle_ms / floor_ms - 1.0), True
