"""Distances between loops, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer_core.metrics.duplicates import blocking_keys, distance, signature
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
    assert (of(KIT, empty), of(empty, empty), blocking_keys(signature(empty))) == (1, 0, set())
    # Transposed and its lowest note dropped: the highest, median or commonest pitch still aligns; 15 of 16 pair up.
    up = LINE.notes.with_columns(pitch=LINE.notes.pitch + 3).select([i > 0 for i in range(16)])
    assert of(LINE, LINE.with_notes(up)) == pytest.approx(1 / 31)


@pytest.mark.parametrize("loop", [KIT, LINE], ids=["kit", "line"])
def test_any_dropped_note_leaves_a_shared_key(loop: Loop) -> None:
    keys = blocking_keys(signature(loop))
    for index in range(len(loop.notes)):
        kept = loop.notes.select([i != index for i in range(len(loop.notes))])
        assert keys & blocking_keys(signature(loop.with_notes(kept)))
