"""Songs put on beats that a data set gives, and the beat files of POP909, with the arithmetic worked out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smf
from composer_core.ingest.beats import BadBeats, Beats, beats_at, put_on_beats
from composer_core.ingest.cut import cut
from composer_core.ingest.datasets.beat_files import folders_of_set
from composer_core.ingest.datasets.pop909 import ADAPTER, read_beats
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import Song, seconds_at
from composer_core.music.timing import Meter

C4 = Meter(4, 4)


def song_of(rows: list[tuple[int, int, int]], *head: bytes) -> Song:
    """A song at 60 quarters a minute in 1/4, so that 480 ticks of the file are a second."""
    return read_song(smf.smf(smf.notes(rows, smf.tempo(60), smf.meter(1, 2), *head)), "x.mid")


def lines(n_beats: int, simple: Sequence[int], compound: Sequence[int], step_sec: float = 0.5) -> bytes:
    """A beat file: a beat every `step_sec` from 0.25 s on, with marks on the beats of these numbers."""
    rows = [(0.25 + beat * step_sec, float(beat in simple), float(beat in compound)) for beat in range(n_beats)]
    return "".join(f"{sec} {one} {other}\n" for sec, one, other in rows).encode()


def bars_of(data: bytes) -> tuple[str, list[tuple[int, str]]]:
    """The usual metre and (beat, metre) of each bar line."""
    beats = read_beats(data)
    assert isinstance(beats, Beats)
    return str(beats.usual), [(beat, str(meter)) for beat, meter in beats.meters]


def test_notes_lie_between_the_beats_and_bars_begin_where_they_are_marked() -> None:
    # Beats at 0.25, 0.75, 1.25 ... s, the first bar line at the second. The pick-up at 0.25 s (tick 120 of the file)
    # asks for a bar before that line: tick 0 is 3 beats before the first, at 0.25 - 3 * 0.5 = -1.25 s.
    song = song_of([(120, 240, 60), (360, 120, 62), (480, 240, 64)])
    beats = read_beats(lines(10, [1, 3, 5, 7, 9], [1, 5, 9]))
    assert isinstance(beats, Beats)
    placed = put_on_beats(song, beats)
    # 0.25 s is beat 0, 3 beats from tick 0; 0.75 s the bar line; 1.0 s half a beat behind it. 0.5 s are a beat.
    assert placed.parts[0].notes.onset_tick.tolist() == [1440, 1920, 2160]
    assert placed.parts[0].notes.duration_tick.tolist() == [480, 240, 480]
    assert placed.zero_sec == -1.25
    assert (placed.tempo_tick.tolist(), placed.tempo_bpm.tolist()) == ([0], [120.0])
    assert [(tick, str(meter)) for tick, meter in placed.meters] == [(tick, "4/4") for tick in (0, 1920, 3840, 5760)]
    loops = cut(placed, 1)
    assert [(loop.start_bar, str(loop.meter), loop.extra["start_sec"]) for loop in loops] == [
        (0, "4/4", -1.25),
        (1, "4/4", 0.75),
    ]


def test_the_tempo_follows_the_beats_and_goes_on_at_their_usual_pace() -> None:
    # Distances 0.5, 0.5, 1, 1 s, median 0.75 s: 120, 60, and 80 quarters a minute behind the last beat at 3 s.
    beats = Beats(np.array([0.0, 0.5, 1.0, 2.0, 3.0]), C4, ((0, C4),))
    placed = put_on_beats(song_of([(0, 60, 60), (720, 60, 62), (1440, 360, 64), (1800, 60, 65)]), beats)
    assert placed.tempo_tick.tolist() == [0, 960, 1920]
    assert placed.tempo_bpm.tolist() == [120.0, 60.0, 80.0]
    # 1.5 s lies half way between beats 2 and 3; 3.75 s one usual beat behind beat 4.
    assert placed.parts[0].notes.onset_tick.tolist() == [0, 1200, 1920, 2400]
    assert placed.parts[0].notes.duration_tick.tolist()[2] == 480


def test_times_outside_the_beats_count_on_at_the_median_distance() -> None:
    beats = Beats(np.array([1.0, 1.5, 2.0, 3.0]), C4, ((0, C4),))
    assert beats.pace_sec == 0.5
    assert beats_at(np.array([0.5, 1.0, 1.25, 2.5, 3.0, 3.25]), beats).tolist() == [-1.0, 0.0, 0.5, 2.5, 3.0, 3.5]


def test_end_of_track_and_key_signatures_move_with_the_notes() -> None:
    song = song_of([(0, 480, 60), (960, 480, 62)], smf.meta(0x59, b"\x02\x00"))
    placed = put_on_beats(song, Beats(np.arange(0.0, 5.0, 0.5), C4, ((0, C4),)))
    # The file ends at 3 s, which is the seventh beat.
    assert placed.end_tick == 6 * 480 and song.end_tick == 1440
    assert [(tick, str(signature)) for tick, signature in placed.signatures] == [(0, "D:major")]
    assert placed.says_meter and placed.n_notes == song.n_notes


@given(
    st.lists(st.floats(0.3, 1.2), min_size=4, max_size=12),
    st.lists(st.integers(0, 6000), min_size=1, max_size=12),
    st.integers(0, 3),
    st.floats(0.0, 2.0),
)
def test_every_note_keeps_its_second(gaps: list[float], onsets: list[int], first: int, start: float) -> None:
    song = song_of([(onset, 100, 40 + number) for number, onset in enumerate(onsets)])
    beats = Beats(start + np.concatenate(([0.0], np.cumsum(gaps))), C4, ((first, C4),))
    placed = put_on_beats(song, beats)
    by_pitch = {}
    for name, one in (("before", song), ("after", placed)):
        notes = one.parts[0].notes
        sec = one.zero_sec + seconds_at(notes.onset_tick.astype(np.int64), one.tempo_tick, one.tempo_bpm)
        by_pitch[name] = dict(zip(notes.pitch.tolist(), sec.tolist(), strict=True))
    # Half a tick of the slowest beat, and half a microsecond a beat.
    assert by_pitch["after"] == pytest.approx(by_pitch["before"], abs=0.5 * 1.2 / 480 + 1e-4)
    assert int(placed.parts[0].notes.onset_tick[0]) >= 0
    earliest = int(placed.parts[0].notes.onset_tick[0])
    lines_at = [tick for tick, _ in placed.meters]
    assert lines_at[-1] % 1920 == 0 and (earliest < 1920 or lines_at[-1] == 0)


def test_bars_of_four_and_the_shorter_and_longer_ones_among_them() -> None:
    # Compound marks at 1, 5, 7, 11, 12, 16, 24, 25, 29: 4 beats, 2, 4, then two lines on neighbouring beats (the later
    # counts: 5 beats), 4, 8 beats (a line was missed: 4/4), again two neighbours (9 beats: 4/4, the last shortened).
    marks = [1, 5, 7, 11, 12, 16, 24, 25, 29]
    assert bars_of(lines(34, range(1, 34, 2), marks)) == (
        "4/4",
        [(1, "4/4"), (5, "2/4"), (7, "5/4"), (12, "4/4"), (16, "4/4"), (25, "4/4"), (29, "4/4")],
    )


def test_simple_bars_of_three_are_the_bars() -> None:
    # Compound bars of six in two groups of three, and one simple bar of four.
    assert bars_of(lines(20, [0, 3, 6, 9, 13, 16], [0, 6, 13])) == (
        "3/4",
        [(0, "3/4"), (3, "3/4"), (6, "3/4"), (9, "4/4"), (13, "3/4"), (16, "3/4")],
    )


def test_a_bar_of_six_in_groups_of_two_is_one_bar() -> None:
    assert bars_of(lines(12, range(0, 12, 2), [0, 4, 10])) == ("4/4", [(0, "4/4"), (4, "6/4"), (10, "4/4")])


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b"0.5 1.0 1.0\n", 1),
        (b"0.5 1.0 1.0\n1.0 0.0\n", 2),
        (b"0.5 1.0 1.0\n\n1.0 0.0 0.5\n", 3),
        (b"0.5 1.0 1.0\nnan 0.0 0.0\n", 2),
        (b"0.5 1.0 1.0\n1.0 0.0 0.0\n0.9 0.0 0.0\n", 3),
        (b"0.5 1.0 1.0\n0.55 0.0 0.0\n", 2),
        (b"0.5 1.0 1.0\n13.0 0.0 0.0\n", 2),
        (b"-0.5 1.0 1.0\n0.5 0.0 0.0\n", 1),
        (b"0.5 0.0 0.0\n1.0 1.0 0.0\n", 2),
        (b"\xff\x00\x01", 1),
    ],
)
def test_what_is_no_beat_file_is_told_by_its_line(data: bytes, line: int) -> None:
    # Distances must be tempos between 5 and 1000 a minute: 0.06 to 12 s.
    assert read_beats(data) == BadBeats(line)


def test_a_set_is_told_by_its_folders_however_many_files_it_has(tmp_path: Path) -> None:
    files = [f"{place}/{number:03}/{number:03}.mid" for place in ("a", "b/pop") for number in range(300)]
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch()
        path.with_name("chord_midi.txt").touch()
    paths = [str(tmp_path / name) for name in files]
    assert folders_of_set([*paths, "elsewhere/x.mid"], "pop909") == {
        str(tmp_path / "a"): "pop909",
        str(tmp_path / "b" / "pop"): "pop909",
    }


def test_versions_of_a_song_have_no_beats() -> None:
    assert ADAPTER.beats is not None
    beside = ADAPTER.beats.beside
    assert beside(PurePath("set/001/001.mid")) == PurePath("set/001/beat_midi.txt")
    for other in ("set/001/versions/001-v1.mid", "set/extra.mid", "set/001/002.mid", "001.mid"):
        assert beside(PurePath(other)) is None
