"""The MIDI writer: exact bytes by hand, and round trips through two foreign readers."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.music.key import Key
from composer_core.music.loop import NO_NOTES, Loop, Notes
from composer_core.music.timing import EARLY_TICK, Meter
from composer_core.render.midi import Markings, loop_to_midi, loops_to_midi, sounding_notes


def drums(rows, **fields):
    """A drum loop of these (onset, duration, pitch, velocity) rows, one bar unless told."""
    return Loop("drums", Notes.from_rows(rows), **{"bars": 1, **fields})


def read_mido(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(data), charset="utf-8")


def absolute(track) -> list[tuple[int, mido.Message]]:
    now, result = 0, []
    for message in track:
        now += message.time
        result.append((now, message))
    return result


def test_every_byte_of_a_small_file():
    # One bar of 4/4 at 120: 500,000 us a quarter = 0x07A120; 1,920 ticks = 0x8F 0x00 as a
    # variable length (15 * 128 + 0); 480 ticks = 0x83 0x60 (3 * 128 + 96); 1,440 = 0x8B 0x20.
    data = loop_to_midi(drums([(0, 480, 36, 100)]))
    body = bytes.fromhex(
        "00 ff03 05 6472756d73"  # track name "drums"
        "00 ff58 04 04 02 18 08"
        "00 ff51 03 07a120"
        "00 c9 00"
        "00 99 24 64"
        "8360 89 24 40"
        "8b20 ff2f 00"
    )
    head = bytes.fromhex("4d546864 00000006 0000 0001 01e0 4d54726b") + len(body).to_bytes(4, "big")
    assert data == head + body


def test_an_empty_loop_still_lasts_its_bars():
    data = loop_to_midi(Loop("bass", NO_NOTES, bars=2))
    (track,) = read_mido(data).tracks
    assert absolute(track)[-1] == (3840, mido.MetaMessage("end_of_track", time=3840))


def test_early_note_wraps_to_the_end_or_starts_on_the_downbeat():
    loop = drums([(-30, 100, 36, 90), (480, 10, 38, 80)])
    # -30 + 1920 = 1890, where only 30 ticks are left before the bar line.
    assert sounding_notes(loop) == [(480, 10, 38, 80), (1890, 30, 36, 90)]
    assert sounding_notes(loop, wrap_early=False) == [(0, 100, 36, 90), (480, 10, 38, 80)]


def test_early_note_in_a_loop_shorter_than_the_early_window():
    # A bar of 1/64 has 480 * 4 / 64 = 30 ticks; -45 is 15 ticks before the end two repeats back.
    loop = drums([(-45, 60, 36, 90)], meter=Meter(1, 64))
    assert sounding_notes(loop) == [(15, 15, 36, 90)]


def test_notes_past_the_end_are_cut_and_repeats_are_shortened():
    loop = Loop("piano", Notes.from_rows([(0, 5000, 60, 50), (960, 5000, 60, 70), (960, 100, 64, 70)]), bars=1)
    assert sounding_notes(loop) == [(0, 960, 60, 50), (960, 960, 60, 70), (960, 100, 64, 70)]


def test_notes_that_start_together_become_the_loudest_and_longest():
    assert sounding_notes(drums([(0, 10, 36, 90), (0, 40, 36, 20)])) == [(0, 40, 36, 90)]


def test_note_off_comes_before_the_note_on_at_the_same_tick():
    (track,) = read_mido(loop_to_midi(drums([(0, 480, 36, 90), (480, 480, 36, 90)]))).tracks
    at_480 = [message.type for tick, message in absolute(track) if tick == 480]
    assert at_480 == ["note_off", "note_on"]


def test_tempo_changes_are_kept_and_those_past_the_end_dropped():
    loop = drums([(0, 10, 36, 90)], tempo_bpm=100.0, tempo_events=((0, 90.0), (960, 112.5), (1920, 60.0)))
    (track,) = read_mido(loop_to_midi(loop)).tracks
    tempos = [(tick, message.tempo) for tick, message in absolute(track) if message.type == "set_tempo"]
    # 60e6 / 90 = 666,666.67; 60e6 / 112.5 = 533,333.33
    assert tempos == [(0, 666_667), (960, 533_333)]


@pytest.mark.parametrize("name", ["ドラム", "Café", "", "a\x00b", "x" * 300])
def test_track_names_survive(name):
    data = loop_to_midi(drums([(0, 10, 36, 90)], track_name=name))
    (track,) = read_mido(data).tracks
    assert track.name == (name or "drums")


def test_a_name_that_is_no_unicode_is_written_readably():
    (track,) = read_mido(loop_to_midi(drums([], track_name="a\udce9"))).tracks
    assert track.name == "a?"


@pytest.mark.parametrize(("meter", "clocks"), [("4/4", 24), ("6/8", 36), ("7/8", 12), ("3/4", 24), ("1/64", 1)])
def test_metre(meter, clocks):
    (track,) = read_mido(loop_to_midi(drums([], meter=Meter.parse(meter)))).tracks
    (message,) = [m for m in track if m.type == "time_signature"]
    assert f"{message.numerator}/{message.denominator}" == meter
    assert message.clocks_per_click == clocks


def test_parts_share_a_file_on_their_own_channels():
    bass = Loop("bass", Notes.from_rows([(0, 480, 40, 90)]), bars=2, program=33)
    piano = Loop("piano", Notes.from_rows([(0, 480, 60, 90)]), bars=1, program=0)
    data = loops_to_midi([bass, drums([(0, 10, 36, 90)]), piano])
    tracks = read_mido(data).tracks
    assert [track.name for track in tracks] == ["tempo", "bass", "drums", "piano"]
    channels = [{m.channel for m in track if not m.is_meta} for track in tracks]
    assert channels == [set(), {0}, {9}, {1}]
    assert {absolute(track)[-1][0] for track in tracks} == {3840}


@pytest.mark.parametrize(
    ("key", "written"),
    [("C:major", "C"), ("E:minor", "Em"), ("Eb:major", "Eb"), ("F#:major", "F#"), ("Db:major", "Db"), ("B:minor", "Bm"),
     ("D:dorian", "Am"), ("G:mixolydian", "C"), ("E:phrygian", "Am"), ("F:lydian", "C"), ("Bb:minor", "Bbm")],
)  # fmt: skip
def test_keys_are_signatures_of_their_scale(key, written):
    # A mode is told by the signs of its scale, and as minor where its third is: D dorian has no signs, as A minor.
    (track,) = read_mido(loop_to_midi(drums([]), markings=Markings(Key.parse(key)))).tracks
    assert [m.key for m in track if m.type == "key_signature"] == [written]
    assert f"key {key}" in [m.text for m in track if m.type == "text"]


def test_markings_are_added_and_nothing_else_changes():
    loop = drums([(0, 480, 36, 100), (1900, 20, 38, 90)], bars=2)
    marks = Markings(None, chords=((0, "Em"), (1920, "C")), sections=((0, "A"),))
    plain, marked = (absolute(read_mido(loop_to_midi(loop, markings=one)).tracks[0]) for one in (None, marks))
    added = [(tick, m.type, m.text) for tick, m in marked if m.type in ("text", "marker")]
    assert added == [
        (0, "text", "loop length 2 x 4/4, 8 quarters"), (0, "marker", "loopStart"), (0, "marker", "A"),
        (0, "marker", "Em"), (1920, "marker", "C"), (3840, "marker", "loopEnd"),
    ]  # fmt: skip
    timeless = [(tick, m.copy(time=0)) for tick, m in plain]
    assert [(tick, m.copy(time=0)) for tick, m in marked if m.type not in ("text", "marker")] == timeless
    assert marked[-1][0] == 3840


def test_parts_that_disagree_are_refused():
    slow = drums([], tempo_bpm=90.0)
    with pytest.raises(InvalidValue, match="tempo"):
        loops_to_midi([drums([]), slow])
    with pytest.raises(InvalidValue, match="metre"):
        loops_to_midi([drums([]), drums([], meter=Meter(3, 4))])
    with pytest.raises(InvalidValue, match="number of loops"):
        loops_to_midi([])
    with pytest.raises(InvalidValue, match="not drums"):
        loops_to_midi([Loop("bass", NO_NOTES, bars=1)] * 16)


@pytest.mark.parametrize("row", [(1920, 10, 36, 90), (0, 0, 36, 90), (0, 10, 128, 90), (0, 10, 36, 0), (-61, 9, 36, 1)])
def test_broken_notes_are_refused(row):
    with pytest.raises(InvalidValue):
        loop_to_midi(drums([row]))


ROWS = st.lists(
    st.tuples(
        st.integers(-EARLY_TICK, 1919), st.integers(1, 4000), st.sampled_from([36, 38, 42, 60]), st.integers(1, 127)
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(rows=ROWS, tempo=st.floats(5.0, 1000.0), instrument=st.sampled_from(["drums", "bass", "strings"]))
def test_any_loop_comes_back_whole_from_both_readers(rows, tempo, instrument):
    loop = Loop(instrument, Notes.from_rows(rows), bars=1, tempo_bpm=tempo, program=32)
    data = loop_to_midi(loop)
    assert data == loop_to_midi(loop)
    expected = sounding_notes(loop)

    score = symusic.Score.from_midi(data)
    found = sorted((n.time, n.duration, n.pitch, n.velocity) for track in score.tracks for n in track.notes)
    assert found == sorted(expected)
    assert all(track.is_drum == (instrument == "drums") and track.program == 32 for track in score.tracks)
    assert score.ticks_per_quarter == 480
    assert score.tempos[0].mspq == round(60e6 / tempo)

    (track,) = read_mido(data).tracks
    events = absolute(track)
    assert events[-1][1].type == "end_of_track"
    assert events[-1][0] == loop.length_tick
    sounding: dict[int, int] = {}
    for _, message in events:
        if message.type == "note_on":
            assert message.note not in sounding  # one at a time a pitch
            sounding[message.note] = 1
        elif message.type == "note_off":
            del sounding[message.note]
    assert not sounding


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_no_onset_pitch_or_velocity_is_lost(rows):
    loop = Loop("bass", Notes.from_rows(rows), bars=1)
    kept = {(onset, pitch) for onset, _, pitch, _ in sounding_notes(loop)}
    asked = {(int(onset) % 1920, int(pitch)) for onset, _, pitch, _ in loop.notes.rows()}
    assert kept == asked
    if rows:
        assert max(row[3] for row in sounding_notes(loop)) == int(np.max(loop.notes.velocity))
