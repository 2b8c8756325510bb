import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.metrics import measure
from composer_core.music.loop import check_loop
from composer_core.render.midi import loop_to_midi
from composer_core.rules import RULE_CODES, perform
from composer_core.rules.humanise import MAX_GAP_SHARE, limit_offsets
from composer_core.rules.perform import swings_of_offsets
from rule_loops import HAT, KICK, grid_loop, layered_loops, rock_loop
from swing_meter import measure_swing


def played(loop, offset_ms, *, tempo=120.0, ratio=1.0, grid=8, humanise=100.0, **rest):
    return perform(
        loop,
        np.asarray(offset_ms, dtype=float),
        tempo_bpm=tempo,
        swing_ratio=ratio,
        swing_grid=grid,
        humanise_percent=humanise,
        **rest,
    )


def test_offsets_are_milliseconds_scaled_by_the_percentage():
    # 120 BPM: 480 ticks in 500 ms, so 10 ms are 9.6 ticks; half of it 4.8
    loop = grid_loop([(0, KICK), (12, KICK), (24, KICK)])
    assert played(loop, [0, 10, -10]).loop.notes.onset_tick.tolist() == [0, 490, 950]
    assert played(loop, [0, 10, -10], humanise=50.0).loop.notes.onset_tick.tolist() == [0, 485, 955]


def test_offsets_keep_their_milliseconds_at_another_tempo():
    # 60 BPM: 480 ticks in 1000 ms, 10 ms are 4.8 ticks
    loop = grid_loop([(0, KICK), (12, KICK)])
    slow = played(loop, [0, 10], tempo=60.0)
    assert slow.loop.notes.onset_tick.tolist() == [0, 485]
    assert slow.loop.tempo_bpm == 60.0


def test_humanise_zero_gives_the_swung_grid():
    loop = rock_loop()
    offsets = np.random.default_rng(0).normal(0, 20, len(loop.notes))
    assert played(loop, offsets, humanise=0.0).loop.notes == loop.notes


def test_bars_of_two_performances_each_lose_their_own_swing():
    # 8ths on the hat: off-beats 10 ms late in one performance and 20 ms early in the other. Beside each other either
    # lies on the grid; read as one, the median of the pairs, 3 bars against 1, would be taken from all of them.
    loop = grid_loop([(step, HAT) for step in range(0, 4 * 48, 6)], bars=4)
    bar, offbeat = loop.notes.onset_tick // 1920, loop.notes.onset_tick % 480 == 240
    late, early = np.where(offbeat, 10.0, 0.0), np.where(offbeat, -20.0, 0.0)
    beside = np.where(bar == 1, early, late)
    swings = {
        grid: np.where(bar == 1, swings_of_offsets(loop, early)[grid], own)
        for grid, own in swings_of_offsets(loop, late).items()
    }
    assert played(loop, beside, own_swing_ms=swings).loop.notes == loop.notes
    assert played(loop, beside).loop.notes != loop.notes


def test_the_first_note_comes_at_most_an_eighth_of_a_quarter_early():
    loop = grid_loop([(0, KICK), (24, KICK)])
    assert played(loop, [-200, 0]).loop.notes.onset_tick[0] == -60


def test_the_last_note_stays_inside():
    loop = grid_loop([(0, KICK), (47, KICK)])
    assert played(loop, [0, 200]).loop.notes.onset_tick[-1] < loop.length_tick


def test_no_note_passes_its_neighbour():
    # 40 ticks apart: each goes at most 0.25 * 40 = 10 ticks towards the other
    assert MAX_GAP_SHARE == 0.25
    limited = limit_offsets(np.array([50.0, -50.0]), np.array([480.0, 520.0]), 1920, 1920)
    assert limited.tolist() == [10.0, -10.0]


def test_a_downbeat_stays_in_the_bar_that_readers_count_it_to():
    # two bars of 7/8: a quarter of 480 ticks may be anticipated by 120, but a bar line by 60
    limited = limit_offsets(np.array([0.0, -200.0, -200.0]), np.array([1200.0, 1680.0, 2160.0]), 3360, 1680)
    assert limited.tolist() == [0.0, -60.0, -120.0]


def test_systematic_lateness_of_the_offbeats_is_not_swing():
    # every off-beat 25 ms late would read as 55 %; humanise takes it out
    loop = rock_loop()
    late = np.where(loop.notes.onset_tick % 480 == 240, 25.0, 0.0)
    assert measure(played(loop, late).loop)["swing_ratio_8"] == pytest.approx(1.0, abs=0.01)


def test_velocity_and_pitch_stay_with_their_note():
    loop = grid_loop([(0, KICK), (0, HAT)])
    loop = loop.with_notes(loop.notes.with_columns(velocity=[10, 90]))
    # the hat (second by pitch) comes first when it is early
    result = played(loop, [5, -5]).loop.notes
    assert result.pitch.tolist() == [HAT, KICK]
    assert result.velocity.tolist() == [90, 10]


def test_floor_is_reported_with_the_ratio_that_was_applied():
    # 16ths at 140 BPM: half a quarter lasts 214.3 ms; ratio 2 leaves 71 ms; 214.3 / 95 - 1 = 1.256
    loop = rock_loop(spacing=3)
    result = played(loop, np.zeros(len(loop.notes)), tempo=140.0, ratio=2.0, grid=16)
    assert result.floor_acted
    assert result.swing_ratio == pytest.approx(1.2556, abs=1e-3)
    assert result.notes == ("floor_acted",)
    off = played(loop, np.zeros(len(loop.notes)), tempo=140.0, ratio=2.0, grid=16, short_note_floor_ms=0.0)
    assert not off.floor_acted
    assert off.swing_ratio == 2.0


@pytest.mark.parametrize(
    "change", [{"humanise": 101.0}, {"humanise": -1.0}, {"tempo": 0.0}, {"ratio": 0.5}, {"grid": 12}]
)
def test_wrong_values_are_refused(change):
    loop = rock_loop()
    with pytest.raises(InvalidValue):
        played(loop, np.zeros(len(loop.notes)), **change)


def test_offsets_must_fit_the_notes():
    with pytest.raises(InvalidValue, match="one a note"):
        played(rock_loop(), np.zeros(3))
    with pytest.raises(InvalidValue):
        played(grid_loop([(0, KICK)]), [np.nan])


def test_an_empty_loop_stays_empty():
    assert len(played(grid_loop([]), []).loop.notes) == 0


@settings(max_examples=60, deadline=None)
@given(
    layered_loops(tuple(range(12))),
    st.floats(30, 300),
    st.floats(1, 4),
    st.sampled_from([8, 16]),
    st.floats(0, 100),
    st.integers(0, 99),
)
def test_a_performed_loop_is_sound_and_deterministic(loop, tempo, ratio, grid, humanise, seed):
    offsets = np.random.default_rng(seed).normal(0, 40, len(loop.notes))
    first = played(loop, offsets, tempo=tempo, ratio=ratio, grid=grid, humanise=humanise)
    check_loop(first.loop)
    assert set(first.notes) <= set(RULE_CODES)
    assert len(first.loop.notes) == len(loop.notes)
    assert played(loop, offsets, tempo=tempo, ratio=ratio, grid=grid, humanise=humanise).loop.notes == first.loop.notes


@pytest.mark.parametrize("grid", [8, 16])
@pytest.mark.parametrize("percent", [50.0, 58.0, 62.0, 66.7])
def test_humanised_at_half_both_meters_stay_within_three_points(percent, grid):
    # offsets as wide as on Groove MIDI (standard deviation 23 ms)
    near = {"metric": 0, "meter": 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        loop = rock_loop(spacing=6 if grid == 8 else 3)
        result = played(
            loop,
            rng.normal(3, 23, len(loop.notes)),
            tempo=rng.uniform(60, 110),
            ratio=percent / (100 - percent),
            grid=grid,
            humanise=50.0,
            short_note_floor_ms=0.0,
        )
        ratio = measure(result.loop)[f"swing_ratio_{grid}"]
        near["metric"] += abs(100 * ratio / (1 + ratio) - percent) <= 3.0
        near["meter"] += abs(measure_swing(loop_to_midi(result.loop), grid).percent - percent) <= 3.0
    assert min(near.values()) >= 38, near
