"""Distances between loops, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.metrics.duplicates import blocking_keys, distance, least_distance, row_counts, signature
from composer_core.music.loop import NO_NOTES, Loop, Notes

# Two bars: kick on 1 and 3, snare on 2 and 4, eighth hats: 2 * (2 + 2 + 8) = 24 notes.
ROWS = [
    (bar * 1920 + step * 240, 60, pitch, 90)
    for bar in range(2)
    for step in range(8)
    for pitch in ((42, 36) if step in (0, 4) else (42, 38) if step in (2, 6) else (42,))
]
KIT = Loop("drums", Notes.from_rows(ROWS), 2)
LINE = Loop("bass", Notes.from_rows([(i * 240, 200, 40 + i % 5, 90) for i in range(16)]), 2)


def of(loop: Loop, other: Loop) -> float:
    return distance(signature(loop), signature(other))


def test_a_dropped_note_is_one_of_forty_seven() -> None:
    # 23 of 24 pair up: 1 - 46 / 47.
    assert of(KIT, KIT.with_notes(Notes.from_rows(ROWS[1:]))) == pytest.approx(1 / 47)


@pytest.mark.parametrize(("late_tick", "expected"), [(40, 0.0), (41, 1 / 24)])
def test_a_moved_note_counts_beyond_the_tolerance(late_tick: int, expected: float) -> None:
    tick, length, pitch, velocity = ROWS[3]
    moved = [*ROWS[:3], (tick + late_tick, length, pitch, velocity), *ROWS[4:]]
    # 23 of 24 pair up: 1 - 46 / 48.
    assert of(KIT, KIT.with_notes(Notes.from_rows(moved))) == pytest.approx(expected)


def test_tempo_velocity_key_and_articulation_do_not_count() -> None:
    assert of(KIT, replace(KIT, tempo_bpm=140.0)) == 0
    assert of(KIT, KIT.with_notes(KIT.notes.with_columns(velocity=KIT.notes.velocity // 2))) == 0
    assert of(LINE, LINE.with_notes(LINE.notes.with_columns(pitch=LINE.notes.pitch + 7))) == 0
    # 35 and 36 are both kicks, 38 and 40 both snares.
    pitch = KIT.notes.pitch.copy()
    pitch[pitch == 36], pitch[pitch == 38] = 35, 40
    assert of(KIT, KIT.with_notes(KIT.notes.with_columns(pitch=pitch))) == 0


def test_other_loops_are_far() -> None:
    assert of(KIT, LINE) == 1
    assert of(KIT, replace(KIT, bars=4)) == 1
    empty = KIT.with_notes(NO_NOTES)
    assert (of(KIT, empty), of(empty, empty), keys(empty)) == (1, 0, set())
    # Transposed and its lowest note dropped: the highest, median or commonest pitch still aligns; 15 of 16 pair up.
    up = LINE.notes.with_columns(pitch=LINE.notes.pitch + 3).select([i > 0 for i in range(16)])
    assert of(LINE, LINE.with_notes(up)) == pytest.approx(1 / 31)


def keys(loop: Loop) -> set[int]:
    return set(blocking_keys([signature(loop)])[1].tolist())


@pytest.mark.parametrize("loop", [KIT, LINE], ids=["kit", "line"])
def test_any_dropped_note_leaves_a_shared_key(loop: Loop) -> None:
    for index in range(len(loop.notes)):
        kept = loop.notes.select([i != index for i in range(len(loop.notes))])
        assert keys(loop) & keys(loop.with_notes(kept))


def test_pieces_are_windows_and_roles_on_two_grids() -> None:
    # KIT has 4 windows of half a bar and the hats, kicks and snares of two bars, of which only the hats have
    # 3 notes in each bar: (4 + 2) pieces on two grids. LINE: 4 windows. One loop's keys are all different.
    assert len(keys(KIT)) == 12 and len(keys(LINE)) == 8
    assert keys(KIT).isdisjoint(keys(replace(KIT, bars=4)))
    assert keys(LINE) == keys(LINE.with_notes(LINE.notes.with_columns(pitch=LINE.notes.pitch + 7)))


def test_keys_of_many_loops_are_those_of_each() -> None:
    empty, early = KIT.with_notes(NO_NOTES), KIT.with_notes(Notes.from_rows([(-10, 60, 36, 90), (5, 60, 38, 90)]))
    loops = [LINE, empty, KIT, early, replace(LINE, instrument="guitar")]
    owner, key = blocking_keys([signature(loop) for loop in loops])
    assert [set(key[owner == index].tolist()) for index in range(5)] == [keys(loop) for loop in loops]
    # Two notes, fewer than a piece needs, still have keys: a window and two roles, on two grids.
    assert (len(keys(early)), len(keys(empty)), owner.tolist() == sorted(owner.tolist())) == (6, 0, True)


@given(st.lists(st.tuples(st.integers(0, 63), st.sampled_from((36, 38, 42, 46))), min_size=1, max_size=20), st.data())
def test_no_distance_falls_below_the_least(hits: list[tuple[int, int]], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.tuples(st.integers(0, 63), st.sampled_from((36, 38, 42, 46))), max_size=20))
    for instrument in ("drums", "bass"):
        made = [
            Loop(instrument, Notes.from_rows([(step * 60, 50, pitch, 90) for step, pitch in set(one)]), 2)
            for one in (hits, other)
        ]
        both = [signature(loop) for loop in made]
        (least,) = least_distance(row_counts(both), np.array([0]), np.array([1]))
        assert least <= distance(*both) + 1e-12


def test_digests_ignore_the_key_of_pitched_loops_alone() -> None:
    up = LINE.with_notes(LINE.notes.with_columns(pitch=LINE.notes.pitch + 7))
    later = LINE.with_notes(LINE.notes.with_columns(onset_tick=LINE.notes.onset_tick + 1))
    assert signature(LINE).digest() == signature(up).digest() != signature(later).digest()
    assert signature(LINE).digest() != signature(replace(LINE, instrument="guitar")).digest()
    snares = KIT.with_notes(Notes.from_rows([(0, 60, 38, 90)]))
    assert signature(snares).digest() != signature(KIT.with_notes(Notes.from_rows([(0, 60, 36, 90)]))).digest()
