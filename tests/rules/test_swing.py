import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.metrics import measure
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.render.midi import loop_to_midi
from composer_core.rules import apply_swing, floored_ratio, perform, remove_swing, set_swing, swing_ticks
from rule_loops import HAT, KICK, SNARE, grid_loop, layered_loops, rock_loop
from swing_meter import measure_swing

RATIOS = {50.0: 1.0, 58.0: 58 / 42, 62.0: 62 / 38, 66.7: 66.7 / 33.3}


def test_middle_of_a_quarter_moves_to_r_over_one_plus_r():
    # 62 %: 480 * 0.62 = 297.6; between, 120 -> 120 * 0.62 / 0.5 = 148.8; 360 -> 480 - 120 * 0.38 / 0.5 = 388.8
    loop = grid_loop([(0, HAT), (3, HAT), (6, HAT), (9, HAT)])
    assert apply_swing(loop, 62 / 38).notes.onset_tick.tolist() == [0, 149, 298, 389]


def test_sixteenth_swing_works_inside_half_quarters():
    # ratio 2: the 16th at 120 of 240 goes to 160, that at 360 to 240 + 160
    loop = grid_loop([(0, HAT), (3, HAT), (6, HAT), (9, HAT)])
    assert apply_swing(loop, 2.0, 16).notes.onset_tick.tolist() == [0, 160, 240, 400]


def test_ratio_one_changes_nothing_on_a_straight_grid():
    loop = rock_loop(spacing=3)
    assert apply_swing(loop, 1.0).notes == loop.notes
    assert apply_swing(loop, 1.0, 16).notes == loop.notes


def test_third_triplet_is_a_swung_pair_and_takes_the_swing_asked_for():
    # a shuffle: steps 0 and 8 (320 ticks, ratio 2) of every quarter; asked 58 %: 480 * 0.58 = 278.4
    loop = grid_loop([(12 * q + s, HAT) for q in range(4) for s in (0, 8)])
    swung = swing_ticks(loop, 58 / 42)
    assert swung.onset_tick[1] == pytest.approx(278.4)
    assert swung.codes == ("triplets_folded",)
    assert swing_ticks(loop, 2.0).codes == ()
    assert apply_swing(loop, 2.0).notes == loop.notes


def test_a_few_full_triplets_stay_and_are_told():
    # 15 quarters of 8ths, one of triplets: 1 <= 0.25 * 15, so it stays
    places = [(12 * q + s, HAT) for q in range(15) for s in (0, 6)] + [(180 + s, HAT) for s in (0, 4, 8)]
    swung = swing_ticks(grid_loop(places, 4), 58 / 42)
    assert swung.codes == ("triplets_kept",)
    assert swung.onset_tick[-3:].tolist() == [180 * 40, 184 * 40, 188 * 40]


def test_triplets_that_carry_the_loop_are_folded():
    # all quarters full triplets, asked straight: 2/3 -> 1/2 (240), 1/3 -> 1/4 (120)
    loop = grid_loop([(12 * q + s, HAT) for q in range(4) for s in (0, 4, 8)])
    swung = swing_ticks(loop, 1.0)
    assert swung.onset_tick[:3].tolist() == pytest.approx([0.0, 120.0, 240.0])
    assert swung.codes == ("triplets_folded",)


def test_compound_metre_has_no_pair_of_eighths():
    loop = grid_loop([(6 * i, HAT) for i in range(6)], meter=Meter(6, 8))
    swung = swing_ticks(loop, 1.5)
    assert swung.codes == ("swing_not_applicable",)
    assert swung.onset_tick.tolist() == loop.notes.onset_tick.tolist()


def test_compound_metre_swings_its_sixteenths():
    loop = grid_loop([(3 * i, HAT) for i in range(12)], meter=Meter(6, 8))
    assert apply_swing(loop, 2.0, 16).notes.onset_tick.tolist()[:4] == [0, 160, 240, 400]


def test_the_last_eighth_of_seven_eight_stays_single():
    # bar 1680 ticks: quarters from 0, 480, 960; the eighth at 1440 has no partner
    loop = grid_loop([(6 * i, HAT) for i in range(7)], meter=Meter(7, 8))
    assert apply_swing(loop, 2.0).notes.onset_tick.tolist() == [0, 320, 480, 800, 960, 1280, 1440]


def test_pitched_notes_end_on_the_swung_grid():
    # 8ths that touch: the first lasts to 320, the second to 480
    loop = Loop("bass", Notes.from_rows([(0, 240, 40, 80), (240, 240, 43, 80)]), 1)
    assert apply_swing(loop, 2.0).notes.rows() == [(0, 320, 40, 80), (320, 160, 43, 80)]


@pytest.mark.parametrize(("ratio", "grid"), [(0.9, 8), (4.5, 8), (float("nan"), 8), (1.5, 4)])
def test_wrong_values_are_refused(ratio, grid):
    with pytest.raises(InvalidValue):
        apply_swing(rock_loop(), ratio, grid)


def test_floor_lowers_the_ratio_to_the_shortest_playable_note():
    # 200 BPM: a quarter lasts 300 ms; ratio 3 leaves 75 ms; 300 / 95 - 1 = 2.158
    ratio, acted = floored_ratio(3.0, 8, 200.0)
    assert acted
    assert ratio == pytest.approx(300 / 95 - 1)
    assert floored_ratio(2.0, 8, 200.0) == (2.0, False)  # 100 ms
    assert floored_ratio(2.0, 16, 200.0) == (1.0, True)  # straight 16ths already last 75 ms
    assert floored_ratio(3.0, 8, 200.0, 0.0) == (3.0, False)


@pytest.mark.parametrize("tempo", [60.0, 104.0, 140.0, 200.0])
@pytest.mark.parametrize("grid", [8, 16])
@pytest.mark.parametrize("percent", RATIOS)
def test_both_meters_read_the_swing_asked_for(percent, grid, tempo):
    loop = rock_loop(spacing=6 if grid == 8 else 3)
    played = perform(
        loop,
        np.zeros(len(loop.notes)),
        tempo_bpm=tempo,
        swing_ratio=RATIOS[percent],
        swing_grid=grid,
        humanise_percent=0.0,
    )
    assert played.floor_acted == (60_000 / tempo * 8 / grid / (1 + RATIOS[percent]) < 95 and percent > 50)
    reading = measure_swing(loop_to_midi(played.loop), grid)
    assert reading.n_pairs == 16 * grid // 8
    assert reading.ratio == pytest.approx(played.swing_ratio, abs=0.03)
    assert measure(played.loop)[f"swing_ratio_{grid}"] == pytest.approx(played.swing_ratio, abs=0.03)


@settings(max_examples=60, deadline=None)
@given(layered_loops((0, 0, 6, 6, 3, 9)), st.sampled_from(sorted(RATIOS)), st.sampled_from([8, 16]))
def test_layered_loops_read_the_swing_asked_for(loop, percent, grid):
    swung = apply_swing(loop, RATIOS[percent], grid)
    reading = measure_swing(loop_to_midi(swung), grid)
    if reading.n_pairs >= 4:
        assert reading.ratio == pytest.approx(RATIOS[percent], abs=0.03)


@settings(max_examples=60, deadline=None)
@given(
    layered_loops(tuple(range(12))),
    st.floats(1.0, 4.0),
    st.sampled_from([8, 16]),
)
def test_swing_keeps_every_note_inside_and_the_bar_lines_still(loop, ratio, grid):
    swung = apply_swing(loop, ratio, grid)
    assert len(swung.notes) == len(loop.notes)
    assert swung.notes.onset_tick.min(initial=0) >= 0
    assert swung.notes.onset_tick.max(initial=0) < loop.length_tick
    assert sorted(swung.notes.pitch) == sorted(loop.notes.pitch)
    on_beat = loop.notes.onset_tick % 480 == 0
    assert np.isin(loop.notes.onset_tick[on_beat], swung.notes.onset_tick).all()


@settings(max_examples=40, deadline=None)
@given(layered_loops(), st.floats(1.0, 4.0))
def test_swing_keeps_the_order_of_notes(loop, ratio):
    assert (np.diff(swing_ticks(loop, ratio).onset_tick) >= 0).all()


def test_removing_swing_gives_the_straight_grid_back_and_is_idempotent():
    loop = rock_loop()
    straight = remove_swing(apply_swing(loop, 62 / 38))
    assert np.abs(straight.notes.onset_tick - loop.notes.onset_tick).max() <= 1
    assert remove_swing(straight).notes == straight.notes


def test_setting_swing_replaces_what_was_there_and_is_idempotent():
    once = set_swing(apply_swing(rock_loop(), 62 / 38), 58 / 42)
    assert measure(once)["swing_ratio_8"] == pytest.approx(58 / 42, abs=0.03)
    twice = set_swing(once, 58 / 42)
    assert np.abs(twice.notes.onset_tick - once.notes.onset_tick).max() <= 1


def test_layers_swing_together():
    loop = grid_loop([(0, HAT), (6, HAT), (6, KICK), (6, SNARE)])
    assert apply_swing(loop, 1.5).notes.onset_tick.tolist() == [0, 288, 288, 288]
