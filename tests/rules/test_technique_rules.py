from pathlib import Path

import numpy as np
import pytest
import yaml

from composer_core.errors import InvalidValue
from composer_core.music.bends import bend_value, bends_of
from composer_core.music.loop import Loop, Notes
from composer_core.render.midi import loop_to_midi
from composer_core.rules import render_technique
from composer_core.rules.technique import COMPOSED, RENDERED
from rule_loops import HAT, KICK, SNARE, rock_loop

VOCABULARY = yaml.safe_load((Path(__file__).parents[2] / "assets" / "techniques.yaml").read_text(encoding="utf-8"))


def part(instrument: str, *rows: tuple[int, int, int, int]) -> Loop:
    return Loop(instrument, Notes.from_rows(rows), 1)


def rows(loop: Loop) -> list[tuple[int, int, int, int]]:
    return loop.notes.rows()


@pytest.mark.parametrize("instrument", sorted(RENDERED))
def test_every_technique_of_the_vocabulary_is_rendered_or_composed(instrument):
    assert set(VOCABULARY[instrument]) == {*RENDERED[instrument], *COMPOSED[instrument]}
    for rule in RENDERED[instrument].values():
        assert rule.__doc__ or rule.__name__ == "<lambda>"


@pytest.mark.parametrize(("instrument", "code"), [(i, c) for i in sorted(RENDERED) for c in RENDERED[i]])
def test_each_keeps_the_loop_whole(instrument, code):
    loop = (
        rock_loop(1)
        if instrument == "drums"
        else part(
            instrument,
            (0, 900, 45, 90),
            (0, 900, 52, 80),
            (960, 480, 47, 70),
            (1440, 240, 50, 100),
            (1680, 240, 48, 60),
        )
    )
    played = render_technique(loop, code)
    assert played.bars == loop.bars
    assert played.notes.onset_tick.min() >= -60
    assert (played.notes.onset_tick < loop.length_tick).all()
    assert (played.notes.duration_tick > 0).all()
    assert loop_to_midi(played)[:4] == b"MThd"


def test_what_needs_other_notes_or_another_instrument_is_refused():
    with pytest.raises(InvalidValue, match="other notes"):
        render_technique(rock_loop(), "fill")
    with pytest.raises(InvalidValue):
        render_technique(rock_loop(), "pizzicato")
    with pytest.raises(InvalidValue):
        render_technique(Loop("other", Notes.from_rows([(0, 10, 60, 80)]), 1), "legato")


def test_ghosts_spare_the_backbeat():
    loop = part("drums", (480, 40, SNARE, 100), (840, 40, SNARE, 80), (840, 40, KICK, 80))
    assert render_technique(loop, "ghost").notes.velocity.tolist() == [100, 80, 38]


def test_a_flam_comes_28_ms_early_and_only_once():
    # 28 ms at 120 BPM are 26.88, so 27 ticks; 0.45 * 100 = 45
    loop = part("drums", (480, 40, SNARE, 100), (960, 40, SNARE, 50))
    flammed = render_technique(loop, "flam")
    assert rows(flammed)[0] == (453, 20, SNARE, 45)
    assert len(flammed.notes) == 3
    assert render_technique(flammed, "flam").notes == flammed.notes


def test_a_drag_has_two():
    loop = part("drums", (480, 40, SNARE, 100))
    assert render_technique(loop, "drag").notes.onset_tick.tolist() == [422, 451, 480]


def test_a_roll_fills_the_gap_with_32nds():
    loop = part("drums", (480, 40, SNARE, 100), (720, 40, SNARE, 40))
    # 240 ticks hold three strokes between: at 540, 600, 660, from 45 to 80 loud
    assert rows(render_technique(loop, "roll"))[:4] == [
        (480, 40, SNARE, 100), (540, 30, SNARE, 45), (600, 30, SNARE, 62), (660, 30, SNARE, 80),
    ]  # fmt: skip


def test_pieces_of_the_kit():
    loop = part("drums", (0, 40, HAT, 70), (240, 40, HAT, 70), (480, 40, SNARE, 90))
    assert render_technique(loop, "open_hat").notes.pitch.tolist() == [42, 46, 38]
    assert render_technique(loop, "ride").notes.pitch.tolist() == [51, 51, 38]
    assert render_technique(loop, "cross_stick").notes.pitch.tolist() == [42, 42, 37]
    assert render_technique(loop, "rimshot").notes.pitch.tolist() == [42, 42, 40]


def test_half_time_moves_the_backbeat_to_three():
    halved = render_technique(part("drums", (480, 40, SNARE, 90), (1440, 40, SNARE, 100)), "half_time")
    assert rows(halved) == [(960, 40, SNARE, 100)]


@pytest.mark.parametrize(
    ("instrument", "code", "program", "duration", "velocity"),
    [
        # one quarter of 400 ticks, next stroke at 480, velocity 80
        ("bass", "slap", 36, 400, 80),
        ("bass", "mute", 0, 140, 68),
        ("bass", "staccato", 0, 200, 80),
        ("bass", "legato", 0, 480, 80),
        ("guitar", "palm_mute", 28, 160, 80),
        ("strings", "pizzicato", 45, 160, 80),
        ("strings", "spiccato", 0, 100, 80),
        ("strings", "detache", 0, 432, 80),
        ("strings", "marcato", 0, 280, 92),
        ("strings", "con_sordino", 0, 400, 64),
        ("strings", "legato", 0, 510, 80),
        ("piano", "pedal", 0, 960, 80),
    ],
)
def test_length_loudness_and_program(instrument, code, program, duration, velocity):
    played = render_technique(part(instrument, (0, 400, 55, 80), (480, 400, 57, 80)), code)
    assert (played.program, *rows(played)[0][1::2]) == (program, duration, velocity)


def test_strums_spread_a_chord():
    # 14 ms at 120 BPM are 13.44 ticks: 0, 13, 27; an up stroke begins with the highest
    chord = part("guitar", (0, 480, 52, 80), (0, 480, 56, 80), (0, 480, 59, 80))
    down = render_technique(chord, "down_stroke").notes
    assert list(zip(down.onset_tick.tolist(), down.pitch.tolist(), strict=True)) == [(0, 52), (13, 56), (27, 59)]
    assert render_technique(chord, "up_stroke").notes.pitch.tolist() == [59, 56, 52]


def test_an_arpeggio_plays_one_after_the_other():
    chord = part("guitar", (0, 480, 59, 80), (0, 480, 52, 80))
    assert [row[:3:2] for row in rows(render_technique(chord, "arpeggio"))] == [(0, 52), (120, 59)]


def test_power_chords_hold_root_fifth_and_octave():
    chord = part("guitar", (0, 480, 40, 80), (0, 480, 44, 100), (0, 480, 47, 80))
    assert [row[2:] for row in rows(render_technique(chord, "power_chord"))] == [(40, 100), (47, 100), (52, 100)]


def test_tremolo_repeats_and_a_trill_alternates():
    held = part("guitar", (0, 240, 60, 80))
    assert render_technique(held, "tremolo").notes.onset_tick.tolist() == [0, 60, 120, 180]
    trill = render_technique(part("strings", (0, 240, 60, 80)), "trill")
    assert trill.notes.pitch.tolist() == [60, 62, 60, 62]


def test_hammer_ons_rise_and_pull_offs_fall():
    line = part("guitar", (0, 200, 60, 80), (240, 200, 62, 80), (480, 200, 60, 80))
    assert render_technique(line, "hammer_on").notes.velocity.tolist() == [80, 60, 80]
    assert render_technique(line, "pull_off").notes.velocity.tolist() == [80, 80, 60]


def test_octaves_double_the_lowest_once():
    once = render_technique(part("piano", (0, 480, 48, 80), (0, 480, 64, 80)), "octave")
    assert once.notes.pitch.tolist() == [36, 48, 64]
    assert render_technique(once, "octave").notes == once.notes


def test_a_slide_bends_up_from_two_semitones_below():
    # 90 ms at 120 BPM are 86.4 ticks
    slid = render_technique(part("bass", (480, 480, 40, 80), (960, 100, 42, 80)), "slide")
    bends = bends_of(slid)
    assert bends[0] == (0, 0.0)
    assert bends[1] == (480, -2.0)
    assert [semitones for _, semitones in bends[1:8]] == pytest.approx(np.linspace(-2.0, 0.0, 7).tolist())
    assert bends[7][0] == 566
    assert bends[-1] == (960, 0.0)
    # a full bend down in the file: value 1 of 16383, low seven bits first
    assert bend_value(-2.0) == 1
    assert bytes([0xE0, 1, 0]) in loop_to_midi(slid)
