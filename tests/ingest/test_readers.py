"""What becomes of odd notes: one decision each, the same in both readers where both can read."""

from __future__ import annotations

import pytest

import smf
from composer_core.errors import RefusedFile
from composer_core.ingest.midi import read_song
from composer_core.ingest.readers import read_lenient


def rows(data: bytes) -> list[tuple[int, int, int, int]]:
    return read_song(data, "x.mid").parts[0].notes.rows()


def lenient_rows(data: bytes) -> list[tuple[int, int, int, int]]:
    """(onset, duration, pitch, velocity) of the first track as the lenient reader alone sees it."""
    columns = read_lenient(data, "x.mid").tracks[0].columns.T.tolist()
    return sorted(tuple(row) for row in columns)


def codes(data: bytes) -> list[str]:
    return [warning.code for warning in read_song(data, "x.mid").warnings]


CASES = {
    "velocity 0 ends": (
        smf.smf(smf.track((0, smf.on(60)), (30, smf.on(60, 0)))),
        [(0, 30, 60, 100)],
    ),
    "struck again, ended twice: the oldest ends first": (
        # On at 0 and 100, off at 150 and 200: 0 to 150 and 100 to 200.
        smf.smf(smf.track((0, smf.on(60, 50)), (100, smf.on(60, 60)), (50, smf.off(60)), (50, smf.off(60)))),
        [(0, 150, 60, 50), (100, 100, 60, 60)],
    ),
    "struck again, ended once: the second ends with its track, a quarter later at least": (
        smf.smf(smf.track((0, smf.on(60, 50)), (100, smf.on(60, 60)), (50, smf.off(60)))),
        [(0, 150, 60, 50), (100, 480, 60, 60)],
    ),
    "never ended: where the same key is struck again": (
        smf.smf(smf.track((0, smf.on(60, 50)), (240, smf.on(60, 60)), (960, smf.on(72)), (10, smf.off(72)))),
        # 60 at 0 ends at 240; 60 at 240 at the track's end, 240 + 960 + 10 = 1210.
        [(0, 240, 60, 50), (240, 970, 60, 60), (1200, 10, 72, 100)],
    ),
    "never ended: four quarters at most": (
        smf.smf(smf.track((0, smf.on(60)), (9600, smf.on(72)), (10, smf.off(72)))),
        [(0, 1920, 60, 100), (9600, 10, 72, 100)],
    ),
    "an end without a beginning is passed over": (
        smf.smf(smf.track((0, smf.off(61)), (0, smf.on(60)), (30, smf.off(60)))),
        [(0, 30, 60, 100)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_odd_notes(case: str) -> None:
    data, expected = CASES[case]
    assert rows(data) == expected


@pytest.mark.parametrize("case", CASES)
def test_the_lenient_reader_decides_alike(case: str) -> None:
    data, expected = CASES[case]
    assert lenient_rows(data) == expected


def test_hanging_notes_are_said() -> None:
    assert codes(CASES["never ended: four quarters at most"][0]) == ["notes_closed"]
    assert codes(CASES["velocity 0 ends"][0]) == []


def test_an_end_on_another_track_is_no_end() -> None:
    data = smf.smf(smf.track((0, smf.on(60))), smf.track((960, smf.off(60))))
    assert rows(data) == [(0, 480, 60, 100)]
    assert codes(data) == ["notes_closed"]


def test_no_length_becomes_the_shortest() -> None:
    data = smf.smf(smf.track((0, smf.on(60)), (0, smf.off(60)), (10, smf.on(61)), (20, smf.off(61))))
    assert rows(data) == [(0, 1, 60, 100), (10, 20, 61, 100)]
    assert codes(data) == ["zero_length"]


def test_drum_notes_of_no_length_need_no_word() -> None:
    data = smf.smf(smf.track((0, smf.on(36, channel=9)), (0, smf.off(36, channel=9))))
    assert rows(data) == [(0, 1, 36, 100)]
    assert codes(data) == []


def test_notes_after_the_end_are_left_out() -> None:
    data = smf.smf(smf.track((0, smf.on(60)), (30, smf.off(60)), (0, smf.END), (0, smf.on(72)), (9, smf.off(72))))
    assert rows(data) == [(0, 30, 60, 100)]
    assert codes(data) == ["after_end"]


def test_files_that_break_the_standard_are_read_leniently() -> None:
    data = smf.smf(smf.track((0, b"\xb0\x07\xa8"), (0, smf.on(60)), (30, smf.off(60))))
    song = read_song(data, "x.mid")
    assert song.parts[0].notes.rows() == [(0, 30, 60, 100)]
    assert [warning.code for warning in song.warnings] == ["lenient_reader"]


def test_channels_programs_and_names_of_one_crowded_track() -> None:
    data = smf.smf(
        smf.track(
            (0, smf.name(b"All")),
            (0, smf.program(33, 5)),
            (0, smf.on(40, channel=5)),
            (0, smf.on(60, channel=2)),
            (0, smf.on(36, channel=9)),
            (240, smf.off(40, 5)),
            (0, smf.off(60, 2)),
            (0, smf.off(36, 9)),
            (0, smf.program(25, 5)),
            (0, smf.on(45, channel=5)),
            (240, smf.off(45, 5)),
        )
    )
    parts = read_song(data, "x.mid").parts
    found = {(p.instrument, p.channel, p.program, p.notes.pitch.tolist()[0]) for p in parts}
    assert found == {("piano", 2, 0, 60), ("guitar", 5, 25, 45), ("bass", 5, 33, 40), ("drums", 9, 0, 36)}
    assert {p.name for p in parts} == {"All"}


def test_times_without_limit_are_refused() -> None:
    # Nine bytes of 0xFF and 0x7F are a delta of 2^63 - 1, which mido counts and symusic refuses.
    data = smf.smf(smf.track((0, smf.on(60)))[:-4] + b"\xff" * 9 + b"\x7f" + smf.off(60) + b"\x00" + smf.END)
    broken = data[:18] + (len(data) - 22).to_bytes(4, "big") + data[22:]
    with pytest.raises(RefusedFile) as caught:
        read_song(broken, "x.mid")
    assert caught.value.code == "bad_value"
