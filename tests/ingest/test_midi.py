"""The gate behind the readers: what a song may hold, what is repaired, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smf
from composer_core.errors import RefusedFile
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song, seconds_at
from composer_core.ingest.warnings import WARNINGS, FileWarning
from composer_core.music.loop import check_loop
from composer_core.music.timing import Meter


def one_note(*head: bytes, resolution: int = 480) -> bytes:
    return smf.smf(smf.notes([(0, 120, 60)], *head), resolution=resolution)


def refusal(data: bytes) -> str:
    with pytest.raises(RefusedFile) as caught:
        read_song(data, "日本.mid")
    assert "日本.mid" in str(caught.value)
    return caught.value.code


def codes(song: Song) -> list[str]:
    return [warning.code for warning in song.warnings]


def test_resolution_is_normalised() -> None:
    # At 96 a quarter an onset of 24 is a 16th: 24 * 480 / 96 = 120; a length of 1 becomes 5.
    data = smf.smf(smf.notes([(24, 1, 60)]), resolution=96)
    song = read_song(data, "x.mid")
    assert song.resolution == 96
    assert song.parts[0].notes.rows() == [(120, 5, 60, 100)]
    # At 32767 a quarter a length of 1 rounds to 0 and becomes the shortest, 1.
    assert read_song(smf.smf(smf.notes([(0, 1, 60)]), resolution=32767), "x").parts[0].notes.rows() == [(0, 1, 60, 100)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (one_note(smf.meter(4, 255)), "bad_meter"),
        (one_note(smf.meter(4, 7)), "bad_meter"),
        (one_note(smf.meter(0, 2)), "bad_meter"),
        (smf.smf(resolution=0), "bad_resolution"),
        # A note of 2^27 ticks at 480 a quarter and 120 BPM: 2330 minutes.
        (smf.smf(smf.track((0, smf.on(60)), (2**27, smf.off(60)))), "too_long"),
        (smf.smf(smf.track((0, smf.on(60)), (30, b"\x80"), end=b"")), "truncated"),
    ],
)
def test_refusals(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_song_just_within_the_limit_is_read() -> None:
    # 119 minutes at 120 BPM are 119 * 120 quarters.
    data = smf.smf(smf.track((0, smf.on(60)), (10, smf.off(60)), (119 * 120 * 480, smf.on(60)), (10, smf.off(60))))
    assert read_song(data, "x.mid").n_notes == 2


def test_bars_too_small_to_count_are_refused() -> None:
    # Bars of 1/64 are 30 ticks: 100,000 of them are over after 6250 quarters, 52 minutes.
    data = smf.smf(smf.notes([(0, 120, 60), (6300 * 480, 120, 60)], smf.meter(1, 6)))
    assert refusal(data) == "bad_meter"


def test_tempo_zero_is_left_out_and_said() -> None:
    song = read_song(one_note(smf.meta(0x51, b"\0\0\0")), "x.mid")
    assert song.tempo_bpm.tolist() == [120.0]
    assert codes(song) == ["tempo_repaired"]


def test_tempos_out_of_range_come_to_the_nearest_bound() -> None:
    fast = read_song(one_note(smf.meta(0x51, b"\0\0\x01")), "x.mid")
    slow = read_song(one_note(smf.meta(0x51, b"\xff\xff\xff")), "x.mid")
    assert (fast.tempo_bpm.tolist(), slow.tempo_bpm.tolist()) == ([1000.0], [5.0])
    assert codes(fast) == codes(slow) == ["tempo_repaired"]


def test_tempo_map() -> None:
    track = smf.track((0, smf.tempo(100)), (480, smf.tempo(100)), (480, smf.tempo(50)), (0, smf.tempo(200)))
    song = read_song(smf.smf(track, smf.notes([(0, 10, 60)])), "x.mid")
    # The same tempo again is no change; of two at one tick the last counts.
    assert song.tempo_tick.tolist() == [0, 960]
    np.testing.assert_allclose(song.tempo_bpm, [100, 200])
    # 960 ticks at 100 BPM are 1.2 s, 480 more at 200 BPM 0.3 s.
    np.testing.assert_allclose(seconds_at(np.array([0, 960, 1440]), song.tempo_tick, song.tempo_bpm), [0, 1.2, 1.5])


def test_meters() -> None:
    track = smf.track((0, smf.meter(3, 2)), (1440, smf.meter(6, 3)))
    song = read_song(smf.smf(track, smf.notes([(0, 10, 60)])), "x.mid")
    assert song.meters == ((0, Meter(3, 4)), (1440, Meter(6, 8)))
    assert read_song(one_note(), "x.mid").meters == ((0, Meter(4, 4)),)


@pytest.mark.parametrize(
    "event",
    [smf.meta(0x51, b""), smf.meta(0x51, b"\1\2"), smf.meta(0x58, b""), smf.meta(0x59, b"\0"), smf.meta(0x54, b"")],
)
def test_meta_events_of_impossible_length_are_left_out(event: bytes) -> None:
    song = read_song(one_note(event), "x.mid")
    assert codes(song) == ["odd_meta"]
    assert song.tempo_bpm.tolist() == [120.0]
    assert song.meters == ((0, Meter(4, 4)),)
    assert song.n_notes == 1


@pytest.mark.parametrize("promised", [0, 1, 3, 65535])
def test_track_count_is_corrected(promised: int) -> None:
    data = smf.smf(smf.notes([(0, 10, 60)]), smf.notes([(0, 10, 40)], smf.program(33)), promised=promised)
    song = read_song(data, "x.mid")
    assert song.n_notes == 2
    assert codes(song) == ["track_count"]


def test_no_notes_is_a_warning() -> None:
    song = read_song(smf.smf(smf.track((0, smf.tempo(90)))), "x.mid")
    assert song.parts == () and codes(song) == ["no_notes"]
    assert cut(song, 4) == []


def test_type_2_tracks_play_together() -> None:
    song = read_song(smf.smf(smf.notes([(0, 10, 60)]), smf.notes([(0, 10, 64)]), kind=2), "x.mid")
    assert song.n_notes == 2 and codes(song) == ["independent_tracks"]


def test_texts_and_names_come_from_the_raw_bytes() -> None:
    events = (smf.name("ピアノ".encode("cp932")), smf.meta(5, "さ".encode("cp932")), smf.meta(6, b"A"))
    song = read_song(one_note(*events), "x.mid")
    assert song.parts[0].name == "ピアノ"
    assert song.texts == ("さ", "A")


def test_drums_by_name_when_no_program_is_meant() -> None:
    assert read_song(one_note(smf.name(b"Drums")), "x").parts[0].instrument == "drums"
    assert read_song(one_note(smf.name(b"Drums"), smf.program(0)), "x").parts[0].instrument == "drums"
    assert read_song(one_note(smf.name(b"Drums"), smf.program(33)), "x").parts[0].instrument == "bass"


def test_warnings_are_a_closed_list() -> None:
    with pytest.raises(KeyError):
        FileWarning("no_such_code", "x")
    values = {
        "count": 2,
        "promised": 1,
        "found": 2,
        "reason": "r",
        "parts": "Kick = drums",
        "map": "m",
        "percent": 40,
        "keys": "C:major",
        "meter": "1/4",
        "likely": "3/4",
        "file": "beats.txt",
        "line": 3,
    }
    for code in WARNINGS:
        assert FileWarning(code, "x.mid", values).message.startswith("x.mid: ")


VALID = smf.smf(
    smf.track((0, smf.tempo(100)), (0, smf.meter(3, 2)), (960, smf.tempo(140)), (480, smf.meter(4, 2))),
    smf.notes([(k * 100, 90, 50 + k % 20) for k in range(40)], smf.name(b"Piano"), smf.program(0)),
    smf.notes([(k * 240, 20, 36 + k % 8) for k in range(30)], channel=9),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=8), st.data())
def test_damaged_bytes_are_read_or_refused_never_stored_wrong(
    changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    damaged = bytearray(VALID)
    for place, value in changes:
        damaged[place] = value
    end = data.draw(st.sampled_from([len(damaged), len(damaged) - 7]))
    try:
        song = read_song(bytes(damaged[:end]), "x.mid")
    except RefusedFile as refusal:
        assert "x.mid" in str(refusal)
        return
    for bars in (0, 4):
        for loop in cut(song, bars):
            check_loop(loop)
