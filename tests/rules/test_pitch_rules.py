import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.music.key import MODES, Key
from composer_core.music.loop import Loop, Notes
from composer_core.rules import change_key, fit_range, seal_seam, snap_to_key, transpose
from rule_loops import rock_loop

keys = st.builds(Key, st.integers(0, 11), st.sampled_from(sorted(MODES)))


def melody(*pitches: int, instrument: str = "piano") -> Loop:
    """Quarters, velocity 80, in bars of 4/4."""
    rows = [(480 * i, 400, pitch, 80) for i, pitch in enumerate(pitches)]
    return Loop(instrument, Notes.from_rows(rows), max(1, -(-len(pitches) // 4)))


melodies = st.lists(st.integers(0, 127), min_size=1, max_size=16).map(lambda pitches: melody(*pitches))


def test_transpose_moves_all_and_refuses_to_leave_midi():
    assert transpose(melody(60, 64), 3).notes.pitch.tolist() == [63, 67]
    with pytest.raises(InvalidValue, match="129"):
        transpose(melody(120, 126), 3)
    assert transpose(rock_loop(), 5) == rock_loop()


def test_change_key_takes_the_shorter_way():
    # C major to G major lies 5 down, not 7 up; to F major 5 up
    assert change_key(melody(60, 64, 67), Key(0), Key(7)).notes.pitch.tolist() == [55, 59, 62]
    assert change_key(melody(60, 64, 67), Key(0), Key(5)).notes.pitch.tolist() == [65, 69, 72]


def test_change_of_mode_moves_degrees():
    # E minor to E major: G (third) becomes G#, C (sixth) C#, D (seventh) D#; E, A and B stay
    before, after = Key(4, "minor"), Key(4, "major")
    assert change_key(melody(64, 67, 72, 74, 69, 71), before, after).notes.pitch.tolist() == [64, 68, 73, 75, 69, 71]


def test_snap_to_key_prefers_down_on_a_tie():
    # C major: F# lies between F and G, Bb between A and B: both go down; E and C stay
    assert snap_to_key(melody(66, 70, 64, 60), Key(0)).notes.pitch.tolist() == [65, 69, 64, 60]


@given(melodies, keys)
def test_snap_to_key_is_idempotent_and_inside_the_scale(loop, key):
    once = snap_to_key(loop, key)
    assert set((once.notes.pitch % 12).tolist()) <= set(key.scale)
    assert snap_to_key(once, key).notes == once.notes


def test_fit_range_folds_by_octaves():
    # a bass plays 23 to 67: 70 -> 58, 10 -> 34, 40 stays
    assert fit_range(melody(70, 10, 40, instrument="bass")).notes.pitch.tolist() == [58, 34, 40]


@given(melodies)
def test_fit_range_is_idempotent_and_keeps_pitch_classes(loop):
    once = fit_range(loop, 48, 72)
    assert once.notes.pitch.min() >= 48
    assert once.notes.pitch.max() <= 72
    assert (once.notes.pitch % 12).tolist() == (loop.notes.pitch % 12).tolist()
    assert fit_range(once, 48, 72).notes == once.notes


def test_fit_range_refuses_less_than_an_octave():
    with pytest.raises(InvalidValue):
        fit_range(melody(60), 60, 65)


def test_seal_seam_wraps_and_stops():
    # 2000 wraps to 80; the note at 1800 rings 400, so it stops at 1920; the early one (-30) keeps its place
    loop = Loop("piano", Notes.from_rows([(2000, 50, 60, 80), (1800, 400, 62, 80), (-30, 100, 64, 80)]), 1)
    sealed = seal_seam(loop)
    assert sealed.notes.rows() == [(-30, 100, 64, 80), (80, 50, 60, 80), (1800, 120, 62, 80)]
    assert seal_seam(sealed).notes == sealed.notes
    assert seal_seam(loop, let_ring=True).notes.duration_tick.tolist() == [100, 50, 400]
