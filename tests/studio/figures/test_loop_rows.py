"""Rows of a drawing: drum roles from metal to skin, pitches from high to low."""

from __future__ import annotations

from composer_core.music.loop import NO_NOTES, Loop, Notes
from studio.components.transport import drawing
from studio.figures.loop_rows import loop_rows
from studio.figures.roll import HEIGHT, WIDTH, miniature


def drum_loop() -> Loop:
    # kick 36 on beat 1, snare 38 on beat 2, a crash 49 that comes 20 ticks early, a cowbell 56
    rows = [(-20, 60, 49, 110), (0, 60, 36, 100), (480, 60, 38, 90), (960, 60, 56, 70)]
    return Loop("drums", Notes.from_rows(rows), bars=1, tempo_bpm=120.0)


def test_drum_rows_show_what_is_played_and_always_kick_snare_and_hat() -> None:
    rows = loop_rows(drum_loop())
    assert rows.roles == ("crash", "closed_hat", "snare", "kick", "percussion")
    assert rows.of_note == [0, 3, 2, 4]
    assert rows.count == 5


def test_pitch_rows_span_at_least_an_octave() -> None:
    # one note C3 = 48: from 47 to 47 + 11 = 58, so it lies in row 58 - 48 = 10 of 12
    rows = loop_rows(Loop("bass", Notes.from_rows([(0, 480, 48, 90)]), bars=1))
    assert (rows.roles, rows.of_note, rows.count) == (None, [10], 12)


def test_pitch_rows_of_a_wide_part() -> None:
    # 40 to 64, one row of air on both sides: 65 - 39 + 1 = 27 rows, the highest note in row 1
    rows = loop_rows(Loop("piano", Notes.from_rows([(0, 480, 40, 90), (0, 480, 64, 90)]), bars=1))
    assert (rows.of_note, rows.count) == ([25, 1], 27)


def test_a_loop_without_notes_can_be_drawn() -> None:
    assert loop_rows(Loop("bass", NO_NOTES, bars=2)).of_note == []
    assert loop_rows(Loop("drums", NO_NOTES, bars=2)).roles == ("closed_hat", "snare", "kick")


def test_drawing_places_notes_in_parts_of_the_loop_and_wraps_early_ones() -> None:
    drawn = drawing(drum_loop(), loop_sec=2.0)
    # a bar is 1920 ticks; the crash at -20 sounds at 1900, 1900 / 1920 = 0.98958
    assert drawn["notes"][0] == [0.98958, 0.03125, 0, 110]
    assert [note[0] for note in drawn["notes"][1:]] == [0.0, 0.25, 0.5]
    assert (drawn["bars"], drawn["barSec"], drawn["beatsPerBar"]) == (1, 2.0, 4)


def test_miniature_is_a_picture_of_all_notes() -> None:
    picture = miniature(drum_loop())
    # 4 notes and the lines of 4 beats and of the end
    assert picture.count("<rect") == 4 + 5
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in picture
