"""Damage: graded, seeded, on the loop's circle, and each kind does what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.music.loop import Loop, Notes, check_loop
from composer_core.rules.damage import DAMAGES, damage
from metric_loops import beat, drum_loops, tune, tunes

ROCK = beat(bars=4, kick="x.......x.......", snare="....X.......X...", hat="x.o.x.o.x.o.x.o.")


def changed(loop: Loop, other: Loop) -> bool:
    return loop.notes != other.notes


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_row_says_what_it_is(kind):
    row = DAMAGES[kind]
    assert len(row.strengths) == 5 and list(row.strengths) == sorted(row.strengths)
    assert row.nominal in row.strengths
    assert row.axis in ("total", "timing", "velocity", "groove_harmony", "cohesion", "structure")


@settings(max_examples=60, deadline=None)
@given(st.one_of(drum_loops(), tunes()), st.integers(0, 2**31 - 1))
def test_a_damaged_loop_is_a_loop_and_the_same_seed_gives_the_same(loop, seed):
    for row in DAMAGES.values():
        if row.applies_to(loop.instrument):
            first = damage(loop, row.name, row.nominal, seed, [loop])
            check_loop(first)
            assert (first.bars, first.meter, first.tempo_bpm) == (loop.bars, loop.meter, loop.tempo_bpm)
            assert len(first.notes) >= 1
            assert first.notes == damage(loop, row.name, row.nominal, seed, [loop]).notes


def test_quantising_wholly_lands_on_the_16ths():
    loose = ROCK.with_notes(ROCK.notes.with_columns(onset_tick=ROCK.notes.onset_tick + 7))
    assert (damage(loose, "quantise", 1.0, 0).notes.onset_tick % 120 == 0).all()


def test_jitter_has_the_spread_it_names():
    # 120 BPM: 30 ms are 28.8 ticks
    many = Loop("drums", Notes.of(np.full(4000, 3840), np.full(4000, 40), np.full(4000, 42), np.full(4000, 80)), 4)
    assert damage(many, "jitter", 30.0, 1).notes.onset_tick.std() == pytest.approx(28.8, rel=0.05)


def test_drift_reaches_its_end():
    # 90 ms are 86.4 ticks over 7680: the last eighth, at 7200, is off by 81
    loop = Loop("drums", Notes.from_rows([(0, 40, 42, 80), (7200, 40, 42, 80)]), 4)
    assert abs(int(damage(loop, "drift", 90.0, 0).notes.onset_tick[1]) - 7200) == 81


def test_one_role_is_late_and_the_others_are_not():
    # 45 ms are 43.2 ticks
    late = damage(ROCK, "role_late", 45.0, 3)
    moved = {pitch: set((late.notes.onset_tick[late.notes.pitch == pitch] % 120).tolist()) for pitch in (36, 38, 42)}
    assert sorted(map(sorted, moved.values())) == [[0], [0], [43]]


def test_velocities_keep_their_places_or_their_values():
    assert len(set(damage(ROCK, "flat", 1.0, 0).notes.velocity.tolist())) == 1
    assert sorted(damage(ROCK, "shuffled", 1.0, 0).notes.velocity) == sorted(ROCK.notes.velocity)
    inverted = damage(ROCK, "inverted", 1.0, 0)
    # 30 and 127 change places
    assert (inverted.notes.velocity + ROCK.notes.velocity == 157).all()
    assert (damage(ROCK, "compressed", 0.6, 0).notes.velocity >= ROCK.notes.velocity).all()


def test_permuted_roles_keep_their_onsets():
    other = damage(ROCK, "roles_permuted", 1.0, 0)
    assert (np.sort(other.notes.onset_tick) == ROCK.notes.onset_tick).all()
    counts = sorted(np.unique(other.notes.pitch, return_counts=True)[1].tolist())
    assert counts == sorted(np.unique(ROCK.notes.pitch, return_counts=True)[1].tolist())
    assert (other.notes.pitch[other.notes.onset_tick == 0] != 36).sum() >= 1


def test_pitches_change_among_each_other_or_slip():
    scale = tune([(i * 240, 200, 60 + i) for i in range(8)])
    assert sorted(damage(scale, "pitches_shuffled", 1.0, 0).notes.pitch) == list(range(60, 68))
    assert (np.abs(damage(scale, "out_of_scale", 0.5, 0).notes.pitch - scale.notes.pitch) <= 1).all()


def test_hits_move_by_a_16th_or_go():
    moved = damage(ROCK, "hits_moved", 0.3, 0)
    assert (moved.notes.onset_tick % 120 == 0).all() and changed(ROCK, moved)
    assert len(damage(ROCK, "hits_dropped", 0.5, 0).notes) == len(ROCK.notes) - round(len(ROCK.notes) / 2)


def test_pieces_change_places_and_nothing_is_lost():
    other = damage(ROCK, "pieces_shuffled", 4.0, 0)
    assert len(other.notes) == len(ROCK.notes) and changed(ROCK, other)
    assert sorted(other.notes.onset_tick % 480) == sorted(ROCK.notes.onset_tick % 480)


def test_splices_come_from_the_other_loop_only_in_their_halves():
    other = beat(bars=4, ride="x" * 16)
    spliced = damage(ROCK, "bars_spliced", 0.5, 0, [other])
    halves = {int(tick) // 960 for tick in spliced.notes.onset_tick[spliced.notes.pitch == 51]}
    assert len(halves) == 4
    assert not halves & {int(tick) // 960 for tick in spliced.notes.onset_tick[spliced.notes.pitch == 42]}
    assert damage(ROCK, "bars_spliced", 0.5, 0, []).notes == ROCK.notes


def test_a_broken_seam_is_silent():
    assert int(damage(ROCK, "seam_broken", 4.0, 0).notes.onset_tick.max()) < 7680 - 4 * 480
