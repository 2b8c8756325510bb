"""Snapping performances: grid choice, swing taken out, what is removed comes back as offsets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.music.loop import Loop, Notes
from composer_core.tokens.snap import median_offset, snap_loop, swing_of_pairs, swing_quarters, unwarp, warp


def hats(positions_quarter: list[float], bars: int = 1, tempo_bpm: float = 120.0) -> Loop:
    return Loop("drums", Notes.from_rows([(p * 480, 40, 42, 80) for p in positions_quarter]), bars, tempo_bpm)


def test_straight_sixteenths_stay() -> None:
    result = snap_loop(hats([i / 4 for i in range(16)]))
    # 16ths are every 3rd of 12 steps, 40 ticks a step: 0, 120, 240, ...
    assert result.loop.notes.onset_tick.tolist() == [120 * i for i in range(16)]
    assert result.swing_ratio == 1.0
    assert np.allclose(result.offset_ms, 0.0)


def test_a_late_take_keeps_its_median_apart() -> None:
    # 15 ticks late at 120 BPM (500 ms a quarter): 15 / 480 * 500 = 15.625 ms for every note.
    result = snap_loop(hats([i / 2 + 15 / 480 for i in range(8)]))
    assert result.median_ms == pytest.approx(15.625)
    assert np.allclose(result.offset_ms, 0.0)
    assert result.loop.notes.onset_tick.tolist() == [240 * i for i in range(8)]


def test_triplet_swing_becomes_straight_eighths() -> None:
    # Eight beats with the off-beat at 2/3: ratio (2/3) / (1/3) = 2.
    result = snap_loop(hats([beat + place for beat in range(8) for place in (0.0, 2 / 3)], bars=2))
    assert result.swing_ratio == pytest.approx(2.0)
    assert result.swing_grid == 8
    assert result.loop.notes.onset_tick.tolist() == [240 * i for i in range(16)]
    assert np.abs(result.offset_ms).max() < 1.0


def test_sixteenth_swing_is_told_from_eighth_swing() -> None:
    # In half-quarter cycles of 0.5, the second 16th at 0.6 of the cycle: ratio 0.6 / 0.4 = 1.5.
    positions = [half * 0.5 + place for half in range(8) for place in (0.0, 0.3)]
    result = snap_loop(hats(positions))
    assert result.swing_grid == 16
    assert result.swing_ratio == pytest.approx(1.5, abs=0.02)
    assert result.loop.notes.onset_tick.tolist() == [120 * i for i in range(16)]


def test_full_triplets_are_swung_sixteenths_and_come_back() -> None:
    # 0, 1/3, 2/3 of each beat: the off-beats at 2/3 read as swing 2, which unwarps 1/3 to 1/4 and 2/3 to 1/2.
    positions = [beat + third / 3 for beat in range(4) for third in range(3)]
    result = snap_loop(hats(positions))
    assert result.swing_ratio == pytest.approx(2.0)
    straight = result.loop.notes.onset_tick / 480
    assert straight.tolist()[:4] == [0.0, 0.25, 0.5, 1.0]
    assert np.allclose(swing_quarters(straight, result.swing_ratio, 8), positions, atol=1e-3)


def test_a_triplet_fill_in_a_straight_take_keeps_the_triplet_grid() -> None:
    straight = [beat + half for beat in range(7) for half in (0.0, 0.5)]
    result = snap_loop(hats([*straight, 7.0, 7 + 1 / 3, 7 + 2 / 3], bars=2))
    assert result.swing_ratio == 1.0
    # 7 quarters are 3360 ticks; thirds of a quarter are 160 apart.
    assert result.loop.notes.onset_tick.tolist()[-3:] == [3360, 3520, 3680]


def test_a_flam_is_dropped_and_counted() -> None:
    loop = Loop("drums", Notes.from_rows([(0, 40, 38, 30), (12, 40, 38, 110), (480, 40, 38, 90)]), 1)
    result = snap_loop(loop)
    # Both land on step 0; the louder one is the stroke.
    assert result.n_dropped == 1
    assert result.loop.notes.velocity.tolist() == [110, 90]


def test_roland_notes_become_general_midi() -> None:
    loop = Loop("drums", Notes.from_rows([(0, 40, 22, 90), (480, 40, 26, 90), (960, 40, 40, 90)]), 1)
    assert snap_loop(loop).loop.notes.pitch.tolist() == [42, 46, 38]


def test_few_pairs_say_nothing_about_swing() -> None:
    assert swing_of_pairs(np.array([0.0, 0.66, 1.0, 1.66]), 1.0) == 1.0


def test_median_offset_of_nothing_is_zero() -> None:
    assert median_offset(np.array([])) == 0.0
    assert len(snap_loop(Loop("drums", Notes.from_rows([]), 1)).loop.notes) == 0


@given(st.floats(0.0, 0.999), st.floats(1.0, 3.5))
def test_warp_and_unwarp_are_inverse(position: float, ratio: float) -> None:
    place = np.array([position])
    assert unwarp(warp(place, ratio), ratio)[0] == pytest.approx(position, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 47), st.sampled_from([36, 38, 42, 51])), min_size=1, unique=True))
def test_snapping_what_lies_on_sixteenths_changes_nothing(hits: list[tuple[int, int]]) -> None:
    on_sixteenths = sorted({(step // 3 * 120, pitch) for step, pitch in hits})
    loop = Loop("drums", Notes.from_rows([(tick, 40, pitch, 80) for tick, pitch in on_sixteenths]), 1)
    snapped = snap_loop(loop).loop
    assert snapped.notes == loop.notes
    assert snap_loop(snapped).loop.notes == snapped.notes


@given(st.floats(1.0, 3.5), st.sampled_from([8, 16]))
def test_downbeats_never_swing(ratio: float, grid: int) -> None:
    beats = np.arange(8.0)
    assert np.allclose(swing_quarters(beats, ratio, grid), beats)
