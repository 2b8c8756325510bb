import numpy as np
import pytest

from composer_core.errors import InvalidValue
from composer_core.music.loop import Loop, Notes
from composer_core.rules import accent_beats, quantise, set_tempo, set_velocity, velocity_curve
from rule_loops import HAT, KICK, grid_loop, rock_loop


def loose_loop() -> Loop:
    return Loop("drums", Notes.from_rows([(-20, 30, 36, 80), (130, 30, 42, 60), (1900, 30, 38, 100)]), 1)


def test_quantise_moves_to_the_nearest_slot_inside_the_loop():
    # -20 -> 0; 130 -> 120; 1900 is nearest to 1920, which is the next loop: 1800
    assert quantise(loose_loop()).notes.onset_tick.tolist() == [0, 120, 1800]


def test_quantise_half_way():
    assert quantise(loose_loop(), strength=0.5).notes.onset_tick.tolist() == [-10, 125, 1850]


def test_quantise_is_idempotent_and_can_do_nothing():
    once = quantise(loose_loop(), "16t")
    assert quantise(once, "16t").notes == once.notes
    assert quantise(loose_loop(), strength=0.0).notes == loose_loop().notes


@pytest.mark.parametrize(("grid", "strength"), [("7", 1.0), ("16", 1.5), ("16", -0.1)])
def test_quantise_refuses(grid, strength):
    with pytest.raises(InvalidValue):
        quantise(loose_loop(), grid, strength)


def test_set_tempo_keeps_ticks_and_is_idempotent():
    fast = set_tempo(rock_loop(), 180.0)
    assert fast.tempo_bpm == 180.0
    assert fast.notes == rock_loop().notes
    assert set_tempo(fast, 180.0) == fast
    with pytest.raises(InvalidValue):
        set_tempo(rock_loop(), 0.0)


def test_set_velocity_rounds_into_the_midi_range():
    loop = grid_loop([(0, KICK), (12, HAT)])
    assert set_velocity(loop, [0.2, 300.0]).notes.velocity.tolist() == [1, 127]
    with pytest.raises(InvalidValue):
        set_velocity(loop, [64.0])


def test_velocity_curve_bends():
    # 127 * (80 / 127) ** 2 = 50.39; exponent 1 changes nothing
    loop = grid_loop([(0, KICK)])
    assert velocity_curve(loop, 2.0).notes.velocity.tolist() == [50]
    assert velocity_curve(loop, 1.0).notes == loop.notes


def test_accent_raises_the_beats_only():
    loop = grid_loop([(0, HAT), (6, HAT), (12, HAT)])
    assert accent_beats(loop, 20.0).notes.velocity.tolist() == [100, 80, 100]


def test_accent_counts_an_early_downbeat_as_a_beat():
    early = Loop("drums", Notes.from_rows([(-30, 30, 36, 80)]), 1)
    assert accent_beats(early, 10.0).notes.velocity.tolist() == [90]
    assert np.array_equal(accent_beats(early, 0.0).notes.velocity, early.notes.velocity)
