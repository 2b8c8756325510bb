"""Cutting songs into loops, with the arithmetic of each rule."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smf
from composer_core.errors import InvalidValue
from composer_core.ingest.cut import count_cut_short, cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song
from composer_core.music.loop import Loop, Notes, check_loop
from composer_core.render.midi import loop_to_midi

BAR = 1920


def song_of(onsets: list[int], *head: bytes, duration: int = 60) -> Song:
    return read_song(smf.smf(smf.notes([(onset, duration, 36) for onset in onsets], *head, channel=9)), "x.mid")


def spans(loops: list[Loop]) -> list[tuple[int, int, list[int]]]:
    """(start bar, bars, onsets) of each loop."""
    return [(loop.start_bar, loop.bars, loop.notes.onset_tick.tolist()) for loop in loops]


def test_an_early_note_belongs_to_the_bar_it_anticipates() -> None:
    # 1920 - 60 is just early enough for bar 1, 1920 - 61 is not.
    assert spans(cut(song_of([0, BAR - 61, BAR - 60, BAR + 5]), 1)) == [(0, 1, [0, 1859]), (1, 1, [-60, 5])]


def test_inside_a_loop_early_notes_keep_their_place() -> None:
    assert spans(cut(song_of([0, BAR - 20, 2 * BAR - 30]), 2)) == [(0, 2, [0, 1900]), (2, 1, [-30])]


@pytest.mark.parametrize(
    ("n_bars", "bars", "expected"),
    [
        (4, 4, [(0, 4)]),
        (5, 4, [(0, 4), (4, 1)]),
        (6, 4, [(0, 4), (4, 2)]),
        (7, 4, [(0, 4), (4, 2)]),
        (3, 4, [(0, 2)]),
        (2, 4, [(0, 2)]),
        (1, 4, [(0, 1)]),
        (15, 8, [(0, 8), (8, 4)]),
        (3, 2, [(0, 2), (2, 1)]),
        (3, 1, [(0, 1), (1, 1), (2, 1)]),
        (7, 0, [(0, 7)]),
    ],
)
def test_windows_and_remainders(n_bars: int, bars: int, expected: list[tuple[int, int]]) -> None:
    song = song_of([bar * BAR for bar in range(n_bars)])
    assert [(loop.start_bar, loop.bars) for loop in cut(song, bars)] == expected


def test_the_last_bar_counts_when_a_note_starts_in_it() -> None:
    # Four bars and an early downbeat of the fifth: 4 * 1920 - 10.
    assert spans(cut(song_of([0, 4 * BAR - 10]), 4)) == [(0, 4, [0]), (4, 1, [-10])]
    # The note at the end of bar 3 rings into bar 4, which no note starts in.
    assert [loop.bars for loop in cut(song_of([0, 4 * BAR - 100], duration=900), 4)] == [4]


def test_stretches_without_notes_are_no_loops_and_windows_keep_their_place() -> None:
    assert spans(cut(song_of([0, 9 * BAR, 11 * BAR]), 4)) == [(0, 4, [0]), (8, 4, [BAR, 3 * BAR])]


def test_notes_end_with_their_loop() -> None:
    loop = cut(song_of([BAR - 200], duration=5000), 1)[0]
    assert loop.notes.rows() == [(BAR - 200, 200, 36, 100)]


def test_a_change_of_metre_ends_a_loop() -> None:
    # Two bars of 4/4, then 3/4 bars of 1440 ticks; the early note at 3840 - 20 belongs to 3/4.
    head = smf.track((0, smf.meter(4, 2)), (2 * BAR, smf.meter(3, 2)))
    notes = smf.notes([(0, 60, 36), (BAR, 60, 36), (2 * BAR - 20, 60, 36), (2 * BAR + 1440, 60, 36)], channel=9)
    song = read_song(smf.smf(head, notes), "x.mid")
    loops = cut(song, 4)
    assert spans(loops) == [(0, 2, [0, BAR]), (2, 2, [-20, 1440])]
    assert [str(loop.meter) for loop in loops] == ["4/4", "3/4"]
    assert spans(cut(song, 0)) == spans(loops)


def test_a_bar_cut_short_by_a_change_of_metre_is_in_no_loop() -> None:
    # 4/4 for one bar and a half, then 4/4 anew: the note at 1920 lies in a half bar.
    head = smf.track((0, smf.meter(4, 2)), (BAR + 960, smf.meter(4, 2)))
    song = read_song(smf.smf(head, smf.notes([(0, 60, 60), (BAR, 60, 60), (BAR + 960, 60, 60)])), "x.mid")
    assert spans(cut(song, 1)) == [(0, 1, [0]), (2, 1, [0])]
    assert count_cut_short(song) == 1


def test_the_same_metre_again_on_a_bar_line_changes_nothing() -> None:
    head = smf.track((0, smf.meter(4, 2)), (BAR, smf.meter(4, 2)))
    song = read_song(smf.smf(head, smf.notes([(0, 60, 60), (BAR, 60, 60)])), "x.mid")
    assert [loop.bars for loop in cut(song, 2)] == [2]
    assert count_cut_short(song) == 0


def test_tempo_changes_inside_a_loop() -> None:
    # Bar 0 at 120 BPM lasts 2 s, bar 1 at 60 BPM 4 s: 8 quarters in 6 s are 80 BPM.
    head = smf.track((0, smf.tempo(120)), (BAR, smf.tempo(60)))
    song = read_song(smf.smf(head, smf.notes([(0, 60, 60), (BAR, 60, 60), (2 * BAR, 60, 60)])), "x.mid")
    first, second = cut(song, 2)
    assert first.tempo_bpm == pytest.approx(80)
    assert first.tempo_events == ((0, 120.0), (BAR, 60.0))
    assert first.length_sec == pytest.approx(6)
    assert (second.tempo_bpm, second.tempo_events) == (60.0, ())


def test_a_tempo_change_on_the_loops_end_is_outside() -> None:
    head = smf.track((0, smf.tempo(120)), (BAR, smf.tempo(60)))
    song = read_song(smf.smf(head, smf.notes([(0, 60, 60), (BAR, 60, 60)])), "x.mid")
    assert [(loop.tempo_bpm, loop.tempo_events) for loop in cut(song, 1)] == [(120.0, ()), (60.0, ())]


def test_parts_are_cut_by_the_windows_of_their_song() -> None:
    drums = smf.notes([(bar * BAR, 60, 36) for bar in range(8)], channel=9)
    bass = smf.notes([(bar * BAR, 60, 40) for bar in range(2)], smf.program(33), smf.name(b"Bass"))
    loops = cut(read_song(smf.smf(drums, bass), "a/x.mid"), 4)
    assert [(x.instrument, x.start_bar, x.bars, x.source) for x in loops] == [
        ("drums", 0, 4, "a/x.mid"),
        ("drums", 4, 4, "a/x.mid"),
        ("bass", 0, 4, "a/x.mid"),
    ]
    assert loops[2].track_name == "Bass" and loops[2].program == 33
    assert {key: loops[2].extra[key] for key in ("part", "channel")} == {"part": 1, "channel": 0}


def test_other_lengths_are_refused() -> None:
    with pytest.raises(InvalidValue, match="bars is 3"):
        cut(song_of([0]), 3)


METERS = st.sampled_from([(4, 2), (3, 2), (6, 3), (7, 3), (5, 2), (1, 6), (2, 1)])


@given(
    st.lists(st.integers(0, 40_000), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 9000), METERS), max_size=4),
    st.sampled_from([0, 1, 2, 4, 8]),
)
def test_every_loop_keeps_the_invariants(
    onsets: list[int], meters: list[tuple[int, tuple[int, int]]], bars: int
) -> None:
    head = smf.track(*((delta, smf.meter(*meter)) for delta, meter in meters))
    song = read_song(smf.smf(head, smf.notes([(onset, 50, 60) for onset in onsets])), "x.mid")
    loops = cut(song, bars)
    starts = []
    for loop in loops:
        check_loop(loop)
        assert len(loop.notes) and np.all(np.diff(loop.notes.onset_tick) >= 0)
        assert np.all(loop.notes.onset_tick + loop.notes.duration_tick <= loop.length_tick)
        starts.append((loop.start_bar, loop.start_bar + loop.bars))
    assert all(before[1] <= after[0] for before, after in pairwise(starts))


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=60, unique=True))
def test_one_bar_loops_of_a_steady_metre_lose_no_note(onsets: list[int]) -> None:
    song = song_of(onsets)
    assert sum(len(loop.notes) for loop in cut(song, 1)) == song.n_notes
    assert sum(len(loop.notes) for loop in cut(song, 0)) == song.n_notes


def test_a_file_that_ends_on_its_bar_line_is_a_loop_with_early_downbeats() -> None:
    # Written by the loop writer: the note 30 ticks before the first downbeat stands at the end of bar 2.
    loop = Loop("drums", Notes.from_rows([(-30, 60, 36, 100), (480, 60, 38, 90), (2400, 60, 38, 90)]), 2)
    found = cut(read_song(loop_to_midi(loop), "loop.mid"), 0)
    assert spans(found) == [(0, 2, [-30, 480, 2400])]
