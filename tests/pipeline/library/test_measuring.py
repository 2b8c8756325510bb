"""What a reader process answers about one file, and reading the answer back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

import smf
from composer_core.errors import RefusedFile
from composer_core.estimate import estimate_affect, estimate_key
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.metrics import measure, swing_phase
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.library.measuring import (
    decode_loops,
    decode_records,
    measure_loop,
    measure_loops,
    read_files,
)
from composer_core.store.loops.content import content_hash, source_digest

DATA = smf.smf(
    smf.track((0, smf.tempo(100)), (3840, smf.tempo(120))),
    smf.notes([(k * 240 + k % 3, 60, 36 + 2 * (k % 4)) for k in range(64)], smf.name("太鼓".encode()), channel=9),
    smf.notes([(k * 480, 400, 40 + k % 5) for k in range(16)], smf.program(33, 1), channel=1),
)


OPTIONS = {"bars": 4, "instrument": None, "measure": True}


def answer(**options: Any) -> tuple[dict[str, Any], bytes]:
    ((facts, payload),) = read_files([("a/x.mid", DATA)], {**OPTIONS, **options})  # type: ignore[misc]
    return json.loads(json.dumps(facts)), payload


def test_records_come_back_as_they_were_measured() -> None:
    facts, payload = answer()
    loops = cut(read_song(DATA, "a/x.mid"), 4)
    records = decode_records("a/x.mid", "", facts, payload)
    assert [record.loop for record in records] == loops
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert [record.loop.extra for record in records] == [{**loop.extra, "md5": md5} for loop in loops]
    for record, loop in zip(records, loops, strict=True):
        np.testing.assert_equal(record.metrics, measure(loop))
        assert record.swing_phase == swing_phase(loop)
        assert (record.valence_estimate, record.arousal_estimate) == estimate_affect(measure(loop), loop.instrument)
        assert record.content_hash == content_hash(loop)
        key = estimate_key(loop)
        expected = (-1, "") if key is None else (key.key.root, key.key.mode)
        assert (record.key_root, record.key_mode) == expected
        assert record.source_digest == source_digest(DATA)
        assert len(record.grid_onset_tick) == len(record.is_ghost) == len(loop.notes)
    assert len({record.loop_id for record in records}) == len(records) == 3


def test_an_archive_member_keeps_both_names() -> None:
    facts, payload = answer()
    record = decode_records("a.zip", "x!y.mid", facts, payload)[0]
    assert (record.loop.source, record.member) == ("a.zip", "x!y.mid")


def test_one_instrument_whole_and_unmeasured() -> None:
    facts, payload = answer(bars=0, instrument="bass", measure=False)
    (loop,) = decode_loops("b.mid", facts, payload)
    (expected,) = [x for x in cut(read_song(DATA, "b.mid"), 0) if x.instrument == "bass"]
    assert loop == expected


def test_a_group_of_files() -> None:
    quiet = smf.smf(smf.track())
    results = read_files([("q.mid", quiet), ("a/x.mid", DATA), ("e.mid", b""), ("a/x.mid", DATA)], OPTIONS)
    empty, first, refused, second = results
    assert isinstance(empty, tuple) and isinstance(first, tuple)
    assert empty[0]["loops"] == [] and [code for code, _ in empty[0]["warnings"]] == ["no_notes"]
    assert decode_records("q.mid", "", *empty) == []
    assert isinstance(refused, RefusedFile) and refused.code == "empty_file"
    assert first == second
    assert len(decode_records("a/x.mid", "", *first)) == 3


def test_measuring_together_is_measuring_alone() -> None:
    loops = [*cut(read_song(DATA, "x"), 4), *cut(read_song(DATA, "x"), 1)]
    for together, loop in zip(measure_loops(loops), loops, strict=True):
        alone = measure_loop(loop)
        np.testing.assert_equal(together.metrics, alone.metrics)
        np.testing.assert_equal(together.metrics, measure(loop))
        assert list(together.metrics) == list(measure(loop))
        assert (together.swing_phase, together.content_hash) == (alone.swing_phase, alone.content_hash)
        np.testing.assert_array_equal(together.grid_onset_tick, alone.grid_onset_tick)
    assert measure_loops([]) == []


def test_notes_find_their_place_on_the_grid() -> None:
    # Straight 16ths at 480 a quarter lie on multiples of 120; the first note is 20 early.
    rows = [(-20, 60, 36, 100), (130, 60, 42, 90), (235, 60, 42, 90), (365, 60, 42, 90)]
    rows += [(480 * beat + 120 * k, 60, 42, 90) for beat in (1, 2, 3) for k in range(4)]
    one = measure_loop(Loop("drums", Notes.from_rows(rows), bars=1))
    assert one.swing_phase == "straight"
    assert one.grid_onset_tick.tolist() == [0, 120, 240, 360, *range(480, 1920, 120)]


def test_ghosts_are_soft_snares_off_the_backbeat() -> None:
    # Snares at the 2nd 8th (soft: ghost), beat 2 (soft, but the backbeat), 4th 8th (loud).
    rows = [(0, 60, 36, 100), (240, 60, 38, 30), (480, 60, 38, 30), (720, 60, 38, 90), (960, 60, 42, 20)]
    one = measure_loop(Loop("drums", Notes.from_rows(rows), bars=1))
    assert one.is_ghost.tolist() == [False, True, False, False, False]


def test_pitched_notes_are_no_ghosts() -> None:
    one = measure_loop(Loop("piano", Notes.from_rows([(0, 480, 38, 20), (240, 480, 40, 20)]), bars=1))
    assert not one.is_ghost.any()
