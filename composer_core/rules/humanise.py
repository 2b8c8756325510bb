"""Humanise: give notes on the swung grid the small delays a performer played.

Offsets are distances from the swung grid, so scaling them by 0 to 100 % never changes the
swing that was asked for: what they would add to it (the median delay of the off-beats
against their beats) is taken out, and no note passes another. More than 100 % is refused,
because listeners rate exaggerated microtiming lower. Plain random jitter is not offered: on
Groove MIDI it is further from the players than the quantised grid (34.8 ms against 23.7 ms).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, require_range
from composer_core.music.timing import EARLY_TICK
from composer_core.rules.swing import MIN_TIMEKEEPER_PAIRS, SwungTicks

FloatArray = NDArray[np.float64]

MAX_GAP_SHARE = 0.45
"""An offset covers at most this share of the way to the neighbouring onset, so notes keep their order."""
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
    """Delay of the off-beat against the beat of each pair: earliest note of either, in the unit of `offset`."""
    inside = view & (swung.pair_cycle >= 0)
    beats: dict[int, float] = {}
    offbeats: dict[int, float] = {}
    for place, table in ((0.0, beats), (0.5, offbeats)):
        for index in np.flatnonzero(inside & (np.abs(swung.place - place) < _NEAR)):
            cycle = int(swung.pair_cycle[index])
            table[cycle] = min(table.get(cycle, np.inf), float(offset[index]))
    return np.array([offbeats[cycle] - beats[cycle] for cycle in offbeats if cycle in beats])


def without_swing(offset: FloatArray, swung: SwungTicks, timekeeper: NDArray[np.bool_]) -> FloatArray:
    """Offsets (n_notes,) less the swing they would add.

    The median delay over the pairs is taken from the off-beats in full and from the notes
    between in proportion to how near they are. Hats and ride tell it where they hold at least
    MIN_TIMEKEEPER_PAIRS pairs, all notes otherwise, as in the measure.
    """
    delays = _pair_delays(offset, swung, timekeeper)
    if len(delays) < MIN_TIMEKEEPER_PAIRS:
        delays = _pair_delays(offset, swung, np.ones(len(offset), dtype=bool))
    if not len(delays):
        return offset
    nearness = 1.0 - np.abs(np.clip(swung.place, 0.0, 1.0) - 0.5) * 2.0
    return offset - np.where(swung.pair_cycle >= 0, float(np.median(delays)) * nearness, 0.0)


def limit_offsets(offset_tick: FloatArray, onset_tick: FloatArray, length_tick: int) -> FloatArray:
    """Offsets in ticks that let no note pass its neighbours (the loop taken round), leave the loop or come
    more than EARLY_TICK before its start."""
    if not len(onset_tick):
        return offset_tick
    slots, inverse = np.unique(onset_tick, return_inverse=True)
    before = slots - np.concatenate(([slots[-1] - length_tick], slots[:-1]))
    after = np.concatenate((slots[1:], [slots[0] + length_tick])) - slots
    low = np.maximum(-MAX_GAP_SHARE * before[inverse], -EARLY_TICK - onset_tick)
    high = np.minimum(MAX_GAP_SHARE * after[inverse], length_tick - 1 - onset_tick)
    return np.clip(offset_tick, np.minimum(low, high), high)


def humanise_ticks(
    swung: SwungTicks,
    offset_tick: FloatArray,
    percent: float,
    *,
    length_tick: int,
    timekeeper: NDArray[np.bool_],
) -> tuple[FloatArray, bool]:
    """Onsets (n_notes,) with `percent` (0 to 100) of the offsets, and whether any had to be limited.

    Deterministic: the offsets carry the performer's randomness. 0 gives the swung grid back.
    Raises InvalidValue for a percentage out of range or offsets that do not fit the notes.
    """
    require_range("humanise", percent, 0.0, 100.0, " %")
    check_offsets(offset_tick, len(swung.onset_tick))
    scaled = without_swing(offset_tick, swung, timekeeper) * (percent / 100.0)
    limited = limit_offsets(scaled, swung.onset_tick, length_tick)
    return swung.onset_tick + limited, bool(np.any(np.abs(limited - scaled) > 1.0))
