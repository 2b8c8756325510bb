"""Swing measured from pairs of onsets inside a beat, robust to layers and to straight 16ths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from composer_core.metrics.grid import SEXTUPLET_TICK, TRIPLET_TICK, FloatArray
from composer_core.music.timing import TICKS_PER_QUARTER, Meter

START_TOLERANCE = 0.12
"""How far from the start of its beat (as a share of it) the first onset of a pair may lie."""
MIDDLE_LOW, MIDDLE_HIGH = 0.40, 0.80
"""Where the second onset of a pair lies, as a share of the beat after the first."""
_SIXTEENTH_LOW = 0.70
"""From here on an onset is 'near .75', so a straight 16th unless nothing else speaks for 16ths."""
_QUARTER_LOW, _QUARTER_HIGH, _QUARTER_CLEAR = 0.20, 0.30, 0.60
_SWUNG_LOW = 0.58
_BELOW_SIXTEENTH, _ENOUGH_BELOW = 0.74, 0.25
_SPREAD_SCALE = 0.05
_MIN_PAIRS_A_BAR = 1.0
SWUNG_RATIO = 1.2
"""From this ratio on (54.5 %) a steady loop is called swung."""
_MIN_CONFIDENCE = 0.25
_MIN_PHASE_PAIRS_A_BAR = 0.5


@dataclass(frozen=True, slots=True)
class Swing:
    """Swing on one grid: `ratio` long : short (NaN without pairs), pairs a bar, confidence 0 to 1."""

    ratio: float
    pairs_a_bar: float
    confidence: float


NO_SWING = Swing(float("nan"), 0.0, 0.0)


def swing_unit(meter: Meter, grid: int) -> int:
    """Ticks of the span that a swung pair fills: a quarter for 8ths, an 8th for 16ths; 0 when undefined.

    Compound metres have no swung 8ths (their beat divides into three). In odd eighth
    metres pairs are counted from the bar line and the last eighth stays single.
    """
    if grid == 8:
        return 0 if meter.compound or meter.bar_tick < TICKS_PER_QUARTER else TICKS_PER_QUARTER
    return TICKS_PER_QUARTER // 2 if meter.bar_tick % (TICKS_PER_QUARTER // 2) == 0 else 0


def pair_positions(onset: FloatArray, meter: Meter, bars: int, grid: int) -> FloatArray:
    """Positions (0.40 to 0.80 of the beat) of the second onset of every pair that tells about swing.

    `onset` holds distinct onsets, sorted, in ticks from the loop's start. A beat whose only
    middle onset lies near .75 (0.70 on), or that has one near .25 and none near the 8th, carries
    straight 16ths and is left out; so is, for 16ths, an 8th not followed by one on the next 8th
    (two notes of a triplet look the same). Positions near .75 are heavy swing in two kinds of
    loops only: clearly swung ones (more than twice as many pairs at 0.60 to 0.70 as beats with
    something at .25 or the straight 8th), and those with nothing at .25 or the 8th in any beat
    and a quarter of the positions below 0.74. (75 % swing without human deviation is the same
    notes as straight 16ths, and is not read.)
    """
    unit = swing_unit(meter, grid)
    if unit == 0 or len(onset) < 2:
        return np.empty(0)
    start = _starts(onset, meter, bars, unit)
    length = bars * meter.bar_tick
    circle = np.concatenate((onset, onset + length, onset[:1] + 2 * length))
    middle = _next_position(circle, start, unit, MIDDLE_LOW)
    if grid == 16:
        answered = _next_position(circle, start, unit, 0.85) <= 1.0 + START_TOLERANCE
        start, middle = start[answered], middle[answered]
    early = _next_position(circle, start, unit, _QUARTER_LOW) <= _QUARTER_HIGH
    usable = (middle < _SIXTEENTH_LOW) & ~(early & (middle > _QUARTER_CLEAR))
    n_swung = np.count_nonzero(usable & (middle >= _QUARTER_CLEAR))
    n_straight = np.count_nonzero(early | (middle < _SWUNG_LOW))
    heavy = (middle >= _SIXTEENTH_LOW) & (middle <= MIDDLE_HIGH)
    n_below = np.count_nonzero(heavy & (middle < _BELOW_SIXTEENTH))
    if n_swung > 2 * n_straight or (n_straight == 0 and n_below > _ENOUGH_BELOW * np.count_nonzero(heavy)):
        usable |= heavy
    return middle[usable]


def _starts(onset: FloatArray, meter: Meter, bars: int, unit: int) -> FloatArray:
    """For each whole unit of each bar the onset nearest to its start, where one is near enough.

    An onset just before a bar line starts the first unit of the next bar. Of two equally near
    the earlier is taken.
    """
    bar = np.floor(onset / meter.bar_tick)
    in_bar = onset - bar * meter.bar_tick
    whole = meter.bar_tick // unit
    nearest = np.rint(in_bar / unit)
    over = in_bar >= meter.bar_tick - START_TOLERANCE * unit
    distance = in_bar - np.where(over, meter.bar_tick, nearest * unit)
    near = (np.abs(distance) <= START_TOLERANCE * unit) & ((nearest < whole) | over)
    number = (np.where(over, (bar + 1) * whole, bar * whole + nearest) % (bars * whole))[near]
    distance = distance[near]
    order = np.lexsort((distance, np.abs(distance), number))
    number = number[order]
    first = np.ones(len(number), dtype=np.bool_)
    first[1:] = number[1:] != number[:-1]
    return np.sort(onset[near][order[first]])


def _next_position(circle: FloatArray, start: FloatArray, unit: int, share: float) -> FloatArray:
    """Position after `start`, as a share of the unit, of the first onset more than `share` after it."""
    return (circle[np.searchsorted(circle, start + (share * unit + 1e-6))] - start) / unit


def read_swing(timekeeper: FloatArray, every: FloatArray, meter: Meter, bars: int, grid: int) -> Swing:
    """Median ratio over the pairs of the timekeepers, or of all onsets when those give too few.

    Too few is less than one pair a bar (four in a 4-bar loop), so that repeating a loop
    changes nothing. Confidence = n / (n + 1) / (1 + (s / 0.05)^2) with n pairs a bar and s
    the robust spread of their positions.
    """
    position = pair_positions(timekeeper, meter, bars, grid)
    if len(position) < _MIN_PAIRS_A_BAR * bars and len(timekeeper) != len(every):
        position = pair_positions(every, meter, bars, grid)
    count = len(position)
    if count == 0:
        return NO_SWING
    middle = median(position)
    spread = 1.4826 * median(np.abs(position - middle))
    rate = count / bars
    confidence = rate / (rate + 1) / (1 + (spread / _SPREAD_SCALE) ** 2)
    return Swing(middle / (1 - middle), rate, confidence)


def median(values: FloatArray) -> float:
    """Median of a non-empty array (numpy's own costs ten times as much on small ones)."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else float(ordered[half - 1] + ordered[half]) / 2


def phase_of(onset: FloatArray, meter: Meter, step_tick: int, eighth: Swing, sixteenth: Swing) -> str:
    """straight, swing_8, swing_16 or triplet ("" without notes).

    Triplet: the loop follows a triplet grid and plays its middle note (1/3) at least a
    quarter as often as its last (2/3), which is more frequent than the straight 8th; swung
    8ths only play the last. Swung: ratio of 1.2 or more, steady enough.
    """
    if len(onset) == 0:
        return ""
    if step_tick in (TRIPLET_TICK, SEXTUPLET_TICK) and _plays_triplets(onset, meter):
        return "triplet"
    swung_8, swung_16 = _is_swung(eighth), _is_swung(sixteenth)
    if swung_8 and swung_16:
        return "swing_8" if eighth.confidence >= sixteenth.confidence else "swing_16"
    return "swing_8" if swung_8 else "swing_16" if swung_16 else "straight"


def _is_swung(swing: Swing) -> bool:
    steady = swing.confidence >= _MIN_CONFIDENCE and swing.pairs_a_bar >= _MIN_PHASE_PAIRS_A_BAR
    return steady and swing.ratio >= SWUNG_RATIO


def _plays_triplets(onset: FloatArray, meter: Meter) -> bool:
    if meter.bar_tick % TICKS_PER_QUARTER or meter.compound:
        return False
    share = onset % meter.bar_tick % TICKS_PER_QUARTER / TICKS_PER_QUARTER
    second, half, third = (int((np.abs(share - place) < 0.06).sum()) for place in (1 / 3, 1 / 2, 2 / 3))
    return second > 0 and second >= 0.25 * third and third > half
