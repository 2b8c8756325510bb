"""Humanise: give notes on the swung grid the small delays a performer played.

Offsets are distances from the swung grid, so scaling them by 0 to 100 % never changes the
requested swing: the amount they would add to it (the median delay of the off-beats against
their beats) is taken out, and no note passes another. More than 100 % is refused, because
listeners rate exaggerated microtiming lower. Plain random jitter is not offered: on Groove
MIDI it is further from the players than the quantised grid (34.8 ms against 23.7 ms).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, require_range
from composer_core.music.timing import EARLY_TICK
from composer_core.rules.swing import MIN_TIMEKEEPER_PAIRS, SwungTicks

FloatArray = NDArray[np.float64]

MAX_GAP_SHARE = 0.25
"""An offset covers at most this share of the way to the neighbouring onset, so notes keep their order."""
REPORTED_SHARE = 0.1
"""`offsets_limited` is reported when more than this share of the notes was held back."""
MAX_PAIR_POINTS = 4.0
"""The off-beat of one pair strays at most this many DAW percentage points from the swing asked for."""
_OFFBEAT_FROM, _SIXTEENTH_FROM, _BEAT_FROM = 0.38, 0.69, 0.845
"""Just before the places in a cycle from which an onset is heard as the off-beat, as the fourth 16th and
as the next beat (metrics.md)."""
_NEAR = 1e-3


def check_offsets(offset_ms: FloatArray, n_notes: int) -> None:
    """Raise InvalidValue unless there is one finite offset a note."""
    if offset_ms.shape != (n_notes,) or not np.isfinite(offset_ms).all():
        raise InvalidValue(
            "bad_format",
            name="offsets",
            value=f"an array of shape {offset_ms.shape}",
            expected=f"{n_notes} finite milliseconds, one a note",
        )


def _pair_delays(offset: FloatArray, swung: SwungTicks, view: NDArray[np.bool_]) -> FloatArray:
    """Delay of the off-beat against the beat of each pair, mean offset of either, in the unit of `offset`."""
    inside = view & (swung.pair_cycle >= 0)
    beats, offbeats = (_mean_by_cycle(offset, swung, inside & (np.abs(swung.place - p) < _NEAR)) for p in (0.0, 0.5))
    return np.array([offbeats[cycle] - beats[cycle] for cycle in offbeats if cycle in beats])


def _mean_by_cycle(offset: FloatArray, swung: SwungTicks, chosen: NDArray[np.bool_]) -> dict[int, float]:
    cycles, index = np.unique(swung.pair_cycle[chosen], return_inverse=True)
    means = np.bincount(index, weights=offset[chosen], minlength=len(cycles)) / np.bincount(index)
    return dict(zip(cycles.tolist(), means.tolist(), strict=True))


def swing_of_offsets(offset: FloatArray, swung: SwungTicks, timekeeper: NDArray[np.bool_]) -> float:
    """The swing that offsets (n_notes,) would add: the median delay over the pairs, in their unit; 0 without pairs.

    Hats and ride tell it where they hold at least MIN_TIMEKEEPER_PAIRS pairs, all notes
    otherwise, as in the measure.
    """
    delays = _pair_delays(offset, swung, timekeeper)
    if len(delays) < MIN_TIMEKEEPER_PAIRS:
        delays = _pair_delays(offset, swung, np.ones(len(offset), dtype=bool))
    return float(np.median(delays)) if len(delays) else 0.0


def without_swing(offset: FloatArray, swung: SwungTicks, own: FloatArray | float) -> FloatArray:
    """Offsets (n_notes,) less the swing they would add, `own` of the loop or of each note (n_notes,).

    It is taken from the off-beats in full and from the notes between in proportion to how near they are.
    """
    nearness = 1.0 - np.abs(np.clip(swung.place, 0.0, 1.0) - 0.5) * 2.0
    return offset - np.where(swung.pair_cycle >= 0, own * nearness, 0.0)


def limit_offsets(offset_tick: FloatArray, onset_tick: FloatArray, length_tick: int, bar_tick: int) -> FloatArray:
    """Offsets in ticks that let no note pass its neighbours (the loop taken round), leave the loop or come
    more than EARLY_TICK before its bar: earlier, a reader counts it to the bar before."""
    if not len(onset_tick):
        return offset_tick
    slots, inverse = np.unique(onset_tick, return_inverse=True)
    before = slots - np.concatenate(([slots[-1] - length_tick], slots[:-1]))
    after = np.concatenate((slots[1:], [slots[0] + length_tick])) - slots
    low = np.maximum(-MAX_GAP_SHARE * before[inverse], -EARLY_TICK - onset_tick % bar_tick)
    high = np.minimum(MAX_GAP_SHARE * after[inverse], length_tick - 1 - onset_tick)
    return np.clip(offset_tick, np.minimum(low, high), high)


def keep_pairs(offset_tick: FloatArray, swung: SwungTicks) -> FloatArray:
    """Offsets in ticks with every pair within MAX_PAIR_POINTS of the swing asked for.

    An off-beat is held that near to its beat's own offset. A note of the long half does not come
    so late that it would be heard as the off-beat, nor one of the short half as the next beat.
    """
    inside = swung.pair_cycle >= 0
    on_beat = inside & (np.abs(swung.place) < _NEAR)
    if not on_beat.any():
        return offset_tick
    cycles, index = np.unique(swung.pair_cycle[on_beat], return_inverse=True)
    beat_offset = np.bincount(index, weights=offset_tick[on_beat]) / np.bincount(index)
    found = np.minimum(np.searchsorted(cycles, swung.pair_cycle), len(cycles) - 1)
    has_beat = inside & (cycles[found] == swung.pair_cycle)
    delay = offset_tick - beat_offset[found]
    held = np.where(np.abs(swung.place - 0.5) < _NEAR, np.clip(delay, -_reach(swung), _reach(swung)), delay)
    room = np.maximum(0.0, (_OFFBEAT_FROM - swung.swung_place) * swung.cycle_tick)
    in_long_half = (swung.place > _NEAR) & (swung.place < 0.5 - _NEAR)
    held = np.where(in_long_half, np.minimum(held, room), held)
    kept = np.where(has_beat, beat_offset[found] + held, offset_tick)
    to_beat = (_BEAT_FROM - swung.swung_place) * swung.cycle_tick
    in_short_half = inside & (swung.place > 0.5 + _NEAR) & (to_beat > 0.0)
    return np.where(in_short_half, np.minimum(kept, to_beat), kept)


def _reach(swung: SwungTicks) -> FloatArray:
    """How far in ticks an off-beat may stray from its beat's offset, (n_notes,)."""
    to_sixteenth = _SIXTEENTH_FROM - swung.swung_place
    share = np.where(to_sixteenth > 0.0, np.minimum(MAX_PAIR_POINTS / 100.0, to_sixteenth), MAX_PAIR_POINTS / 100.0)
    return share * swung.cycle_tick


def humanise_ticks(
    swung: SwungTicks,
    offset_tick: FloatArray,
    percent: float,
    *,
    length_tick: int,
    bar_tick: int,
    timekeeper: NDArray[np.bool_],
    own_swing_tick: FloatArray | None = None,
) -> tuple[FloatArray, bool]:
    """Onsets (n_notes,) with `percent` (0 to 100) of the offsets, and whether more than REPORTED_SHARE were limited.

    `own_swing_tick` (n_notes,) is the swing of the performance each note comes from; None: one
    performance, whose swing is read from the offsets.

    Deterministic: the offsets carry the performer's randomness. 0 gives the swung grid back.
    Raises InvalidValue for a percentage out of range or offsets that do not fit the notes.
    """
    require_range("humanise", percent, 0.0, 100.0, " %")
    check_offsets(offset_tick, len(swung.onset_tick))
    own = swing_of_offsets(offset_tick, swung, timekeeper) if own_swing_tick is None else own_swing_tick
    scaled = without_swing(offset_tick, swung, own) * (percent / 100.0)
    limited = keep_pairs(limit_offsets(scaled, swung.onset_tick, length_tick, bar_tick), swung)
    is_limited = np.abs(limited - scaled) > 1.0
    return swung.onset_tick + limited, bool(is_limited.sum() > REPORTED_SHARE * len(limited))
