"""When two loops are exact duplicates, and what loops are called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.store.loops.content import content_hash, generated_id, loop_id, source_digest

DRUMS = Loop("drums", Notes.from_rows([(0, 60, 36, 100), (480, 60, 38, 90), (960, 60, 42, 80)]), bars=1)
PIANO = Loop("piano", Notes.from_rows([(0, 480, 60, 100), (480, 240, 64, 90)]), bars=1)


def same(a: Loop, b: Loop) -> bool:
    return content_hash(a) == content_hash(b)


def test_tempo_source_velocity_and_place_do_not_matter() -> None:
    notes = DRUMS.notes.with_columns(velocity=[1, 2, 3])
    other = replace(DRUMS, notes=notes, tempo_bpm=77.0, source="b.mid", start_bar=8, track_name="x", program=8)
    assert same(DRUMS, other)


def test_drums_compare_by_role_and_ignore_how_long_they_ring() -> None:
    # 35 is the other kick, 22 the edge of the closed hat.
    other = Notes.from_rows([(0, 999, 35, 100), (480, 1, 40, 90), (960, 60, 22, 80)])
    assert same(DRUMS, DRUMS.with_notes(other))
    assert not same(DRUMS, DRUMS.with_notes(other.with_columns(pitch=[35, 40, 46])))


def test_hand_percussion_compares_by_pitch() -> None:
    conga, bongo = (DRUMS.with_notes(Notes.from_rows([(0, 60, pitch, 100)])) for pitch in (62, 60))
    assert not same(conga, bongo)


def test_pitched_loops_compare_by_interval_and_length() -> None:
    assert same(PIANO, PIANO.with_notes(PIANO.notes.with_columns(pitch=[48, 52])))
    assert not same(PIANO, PIANO.with_notes(PIANO.notes.with_columns(pitch=[60, 63])))
    assert not same(PIANO, PIANO.with_notes(PIANO.notes.with_columns(duration_tick=[480, 480])))


@pytest.mark.parametrize(("shift", "equal"), [(9, True), (-10, True), (10, False), (-11, False)])
def test_onsets_count_to_the_nearest_of_24_a_quarter(shift: int, equal: bool) -> None:
    # A slot is 20 ticks wide: 480 + 9 is nearest to slot 24, 480 + 10 to 25.
    moved = DRUMS.notes.with_columns(onset_tick=[0, 480 + shift, 960])
    assert same(DRUMS, DRUMS.with_notes(moved)) is equal


def test_a_note_struck_twice_in_a_slot_counts_once() -> None:
    doubled = Notes.from_rows([*DRUMS.notes.rows(), (3, 60, 36, 20)])
    assert same(DRUMS, DRUMS.with_notes(doubled))


def test_instrument_metre_and_length_matter() -> None:
    assert not same(PIANO, replace(PIANO, instrument="guitar"))
    assert not same(DRUMS, replace(DRUMS, bars=2))
    assert not same(DRUMS, replace(DRUMS, meter=Meter(8, 8)))


def test_early_notes_count_as_early() -> None:
    early = DRUMS.with_notes(DRUMS.notes.with_columns(onset_tick=[-30, 480, 960]))
    assert not same(DRUMS, early)
    assert same(early, DRUMS.with_notes(DRUMS.notes.with_columns(onset_tick=[-25, 480, 960])))


def test_ids() -> None:
    digest = source_digest(b"abc")
    assert digest.startswith("ba7816bf")  # SHA-256 of "abc", FIPS 180-2
    ids = {loop_id(digest, 0, 0, 4), loop_id(digest, 1, 0, 4), loop_id(digest, 0, 4, 4), loop_id(digest, 0, 0, 2)}
    assert len(ids) == 4 and all(len(name) == 16 for name in ids)
    assert generated_id("t1") == generated_id("t1") != generated_id("t2")
