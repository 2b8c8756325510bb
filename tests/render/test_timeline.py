"""Ticks to frames, worked out by hand and by properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK
from composer_core.render.timeline import (
    BEND,
    CONTROL,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    RESET,
    Clock,
    PlayedPart,
    loop_seconds,
    play_events,
    tempo_map,
)


def part(rows, channel=9, program=0):
    return PlayedPart(channel, program, channel == 9, rows)


def test_clock_over_a_tempo_change():
    # 960 ticks at 120 last 2 * 0.5 = 1 s; after that a quarter at 60 lasts 1 s.
    clock = Clock([(0, 120.0), (960, 60.0)])
    assert [clock.sec(tick) for tick in (-480, 0, 480, 960, 1200, 1440)] == [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0]


def test_loop_seconds_is_exact_at_one_tempo_and_summed_over_changes():
    loop = Loop("drums", Notes.from_rows([]), bars=4, tempo_bpm=97.0)
    assert loop_seconds(loop) == 16 * 60 / 97
    # Half a bar at 120 (1 s) and half at 60 (2 s), of which the mean is 4 quarters in 3 s = 80 BPM.
    changing = Loop("drums", Notes.from_rows([]), bars=1, tempo_bpm=80.0, tempo_events=((0, 120.0), (960, 60.0)))
    assert loop_seconds(changing) == 3.0 == changing.length_sec


def test_tempo_map_begins_at_zero_and_ends_inside_the_loop():
    loop = Loop("drums", Notes.from_rows([]), bars=1, tempo_bpm=80.0, tempo_events=((960, 60.0), (1920, 90.0)))
    assert tempo_map(loop) == [(0, 80.0), (960, 60.0)]
    with pytest.raises(InvalidValue, match="tempo"):
        tempo_map(Loop("drums", Notes.from_rows([]), bars=1, tempo_events=((0, 0.0),)))


def test_two_passes_by_hand():
    # At 120 a quarter is 22,050 frames, a bar 88,200. The early note (-48 ticks = -2,205 frames)
    # is only heard before the second pass, and it rings on over the bar line.
    events = play_events([part([(-48, 96, 36, 100), (480, 5000, 38, 90)])], [(0, 120.0)], 1920, 2, lead_frames=10)
    assert events.tolist() == [
        (10, PROGRAM, 9, 0, 1),
        (10 + 22_050, NOTE_ON, 9, 38, 90),
        (10 + 88_200 - 2_205, NOTE_ON, 9, 36, 100),
        (10 + 88_200, NOTE_OFF, 9, 38, 0),  # cut at the end of its pass
        (10 + 88_200 + 2_205, NOTE_OFF, 9, 36, 0),
        (10 + 88_200 + 22_050, NOTE_ON, 9, 38, 90),
        (10 + 176_400, NOTE_OFF, 9, 38, 0),
    ]


def test_controllers_keep_their_order_and_start_every_pass_anew():
    # Pitch bend range (101, 100, 6) only means something in this order; past the end nothing acts.
    controls = [
        (0, CONTROL, 101, 0),
        (0, CONTROL, 100, 0),
        (0, CONTROL, 6, 12),
        (0, BEND, 0, 96),
        (1920, CONTROL, 7, 1),
    ]
    played = PlayedPart(3, 40, False, [(0, 480, 60, 100)], controls)
    events = play_events([played], [(0, 120.0)], 1920, 2)
    one_pass = [
        (RESET, 0, 0),
        (CONTROL, 101, 0),
        (CONTROL, 100, 0),
        (CONTROL, 6, 12),
        (BEND, 0, 96),
        (NOTE_ON, 60, 100),
    ]
    expected = [*one_pass, (NOTE_OFF, 60, 0)]
    expected.insert(1, (PROGRAM, 40, 0))
    assert [(kind, a, b) for _, kind, _, a, b in events.tolist()] == [*expected, *one_pass, (NOTE_OFF, 60, 0)]
    assert events["frame"].tolist() == [0] * 7 + [22_050] + [88_200] * 6 + [110_250]


def test_early_notes_follow_the_tempo_of_the_end_of_the_pass():
    # The last quarter runs at 60: 48 ticks before the end are 0.1 s = 4,410 frames; a pass lasts 2.5 s.
    tempos = [(0, 120.0), (1440, 60.0)]
    events = play_events([part([(-48, 10, 36, 100)])], tempos, 1920, 2)
    (onset,) = events["frame"][events["kind"] == NOTE_ON].tolist()
    assert onset == round(2.5 * 44_100) - 4_410


def test_a_note_shorter_than_a_frame_starts_before_it_ends():
    # One tick at 1000 BPM is 0.125 ms = 5.5 frames; at frame 0 both may round alike in a block.
    events = play_events([part([(0, 1, 36, 100)])], [(0, 1000.0)], 1920, 1)
    assert events["kind"].tolist() == [PROGRAM, NOTE_ON, NOTE_OFF]


ROWS = st.lists(
    st.tuples(st.integers(-EARLY_TICK, 1919), st.integers(1, 4000), st.sampled_from([36, 38]), st.integers(1, 127)),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(first=ROWS, second=ROWS, passes=st.integers(1, 4), bpm=st.floats(20, 300))
def test_events_are_in_order_and_every_note_ends(first, second, passes, bpm):
    parts = [part(first), part(second, channel=0, program=33)]
    events = play_events(parts, [(0, bpm)], 1920, passes)
    assert np.all(np.diff(events["frame"].astype(np.int64)) >= 0)
    assert events["frame"].max() <= round(passes * 4 * 60 / bpm * 44_100) + 1
    sounding = set()
    for _, kind, channel, pitch, _ in events.tolist():
        if kind == NOTE_ON:
            assert (channel, pitch) not in sounding
            sounding.add((channel, pitch))
        elif kind == NOTE_OFF:
            sounding.remove((channel, pitch))
    assert not sounding
