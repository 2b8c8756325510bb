"""The rule between performed and programmed loops: worked by hand, what it does not mind, and loops of people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.estimate.scores.profiles import (
    MIN_OFF_GRID_RATE,
    MIN_VELOCITIES,
    PERFORMED,
    PROGRAMMED,
    enough_velocities,
    measured_profile,
    off_grid_rate,
)
from composer_core.music.loop import Loop, Notes
from metric_loops import groove_loops

_SIXTEENTHS = np.arange(64) * 120


def ticks(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


@pytest.mark.parametrize(
    ("onsets", "expected"),
    [
        (ticks(), 0.0),
        (ticks(0, 120, 240, 360), 0.0),  # 16ths
        (ticks(0, 160, 320, 480, 60), 0.0),  # triplet 8ths and a 32nd
        (ticks(7, 127, 247, 367), 0.0),  # a part shifted by 7 ticks as a whole
        (ticks(0, 298, 480, 778), 0.0),  # a swing of 62 %: both off-beats lie 58 ticks into an eighth
        # Eight 16ths hold the grid; 20, 140 and 260 are off. 20 and 260 lie on one place of an eighth: one is left.
        (ticks(0, 120, 240, 360, 480, 600, 720, 840, 20, 140, 260), 1 / 11),
        # A place of its own each: 20, 140, 270 and 390 (150 of an eighth) are off, one place goes out
        (ticks(0, 120, 240, 360, 480, 600, 720, 840, 20, 140, 270, 390), 3 / 12),
    ],
)
def test_off_grid_rate_by_hand(onsets: np.ndarray, expected: float) -> None:
    assert off_grid_rate(onsets) == pytest.approx(expected)


def test_notes_of_a_chord_count_once() -> None:
    one = ticks(0, 120, 240, 360, 20, 140, 270)
    assert off_grid_rate(np.concatenate((one, one[5:], one[5:]))) == off_grid_rate(one) > 0.0


@given(st.integers(-20, 20))
@settings(max_examples=41, deadline=None)
def test_a_shift_of_the_whole_part_says_nothing(shift: int) -> None:
    assert off_grid_rate(_SIXTEENTHS + shift) == 0.0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_beats_that_are_added_in_front_change_nothing(seed: int) -> None:
    onset = np.random.default_rng(seed).integers(0, 7680, 24)
    assert off_grid_rate(onset + 480 * 3) == off_grid_rate(onset)
    assert 0.0 <= off_grid_rate(onset) <= 1.0


def loop_of(onset: np.ndarray, velocity: np.ndarray) -> Loop:
    rows = [(int(tick), 60, 60, int(value)) for tick, value in zip(onset, velocity, strict=True)]
    return Loop("piano", Notes.from_rows(rows), 4, 120.0)


def test_both_limits_must_be_reached() -> None:
    rng = np.random.default_rng(1)
    loose = np.sort(_SIXTEENTHS + np.rint(rng.normal(0, 15, 64))).astype(int)
    varied = 40 + np.arange(64) % 40
    assert off_grid_rate(loose) >= MIN_OFF_GRID_RATE
    assert measured_profile(loop_of(loose, varied)) == PERFORMED
    assert measured_profile(loop_of(loose, np.full(64, 90))) == PROGRAMMED  # nobody plays 64 notes alike
    assert measured_profile(loop_of(_SIXTEENTHS, varied)) == PROGRAMMED
    few = 40 + np.arange(64) % MIN_VELOCITIES
    assert measured_profile(loop_of(loose, few)) == PERFORMED
    assert measured_profile(loop_of(loose, np.minimum(few, 40 + MIN_VELOCITIES - 2))) == PROGRAMMED


def test_few_notes_need_half_as_many_velocities() -> None:
    # of five notes three, of four two; of 40 the limit itself
    different, notes = np.array([3, 2, 2, 1, 6, 7]), np.array([5, 5, 4, 4, 40, 40])
    assert enough_velocities(different, notes, 7).tolist() == [True, False, True, False, False, True]


def test_a_loop_without_notes_is_programmed() -> None:
    assert measured_profile(loop_of(np.array([], int), np.array([], int))) == PROGRAMMED


def test_drummers_are_performed() -> None:
    loops = [loop for loop in groove_loops(most_files=40) if len(loop.notes) >= 16]
    assert len(loops) >= 20
    assert np.mean([measured_profile(loop) == PERFORMED for loop in loops]) >= 0.95
