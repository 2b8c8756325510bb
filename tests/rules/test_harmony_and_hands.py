import pytest

from composer_core.errors import InvalidValue
from composer_core.music.chords import parse_progression
from composer_core.music.key import Key
from composer_core.music.loop import Loop, Notes
from composer_core.rules import make_playable, reharmonise, substitute, substitute_chords, violations
from composer_core.rules.playability import within_reach
from rule_loops import rock_loop

C, A_MINOR = Key(0), Key(9, "minor")


def names(chords):
    return " ".join("-" if chord is None else str(chord) for chord in chords)


def block_loop(instrument: str, *chords: tuple[int, ...]) -> Loop:
    """One chord a bar, held."""
    rows = [(1920 * bar, 1900, pitch, 80) for bar, chord in enumerate(chords) for pitch in chord]
    return Loop(instrument, Notes.from_rows(rows), len(chords))


@pytest.mark.parametrize(
    ("kind", "line", "key", "expected"),
    [
        # G7 falls a fifth to C: its tritone substitute is Db7; Dm is no dominant
        ("tritone", "C Dm G7 C", C, "C Dm C#7 C"),
        ("relative", "C Am G Bdim", C, "Am C Em Bdim"),
        # before Dm comes A7, before G D7, before C (the line goes round) G7; G leads to C already as G7
        ("secondary_dominant", "C Dm G C", C, "A7 D7 G7 C"),
        ("modal_interchange", "C F G D", C, "Cm Fm Gm Ddim"),
        ("modal_interchange", "Am Dm Em", A_MINOR, "A D E"),
        ("simplify", "Cmaj7 Dm9 G7 Bm7b5", C, "C Dm G Bdim"),
    ],
)
def test_substitutions(kind, line, key, expected):
    found = substitute(parse_progression(line, key), key, kind)
    assert names(found).replace("Db", "C#") == expected


def test_substitution_of_chosen_bars_only_and_unknown_bars_stay():
    line = [*parse_progression("C Am", C), None]
    assert names(substitute(line, C, "relative", bars=[1])) == "C C -"


def test_unknown_substitution():
    with pytest.raises(InvalidValue):
        substitute([], C, "surprise")


def test_notes_follow_the_chord():
    # bar 0 C E G under C -> Am: C is the root and goes to A (3 down), E the third to C, G the fifth to E
    loop = block_loop("piano", (60, 64, 67), (65, 69, 72))
    before, after = parse_progression("C F", C), parse_progression("Am F", C)
    moved = reharmonise(loop, before, after, C)
    assert moved.notes.pitch.tolist() == [57, 60, 64, 65, 69, 72]


def test_passing_notes_stay_in_the_key_and_stray_ones_find_the_chord():
    # over C -> F: D belongs to the key and stays; F# does not and goes to F
    loop = Loop("piano", Notes.from_rows([(0, 400, 62, 80), (480, 400, 66, 80)]), 1)
    before, after = parse_progression("C", C), parse_progression("F", C)
    assert reharmonise(loop, before, after, C).notes.pitch.tolist() == [62, 65]


def test_reharmonise_wants_a_chord_a_bar():
    with pytest.raises(InvalidValue):
        reharmonise(block_loop("piano", (60,)), [], [], C)


def test_a_loop_recognises_and_substitutes_its_own_chords():
    loop = block_loop("piano", (48, 60, 64, 67), (45, 57, 60, 64))
    minor = substitute_chords(loop, C, "relative")
    assert sorted(set((minor.notes.pitch[:4] % 12).tolist())) == [0, 4, 9]  # A C E
    assert sorted(set((minor.notes.pitch[4:] % 12).tolist())) == [0, 4, 7]  # C E G
    assert substitute_chords(rock_loop(), C, "relative") == rock_loop()


@pytest.mark.parametrize(
    ("instrument", "pitches", "possible"),
    [
        ("guitar", (40, 47, 52, 56, 59, 64), True),  # open E major
        ("guitar", (40, 41), False),  # E2 and F2 share the lowest string
        ("guitar", (43, 50, 55, 59, 62, 67), True),  # barre of G
        ("guitar", (40, 45, 50, 55, 59, 64, 69), False),  # seven notes
        ("piano", (48, 52, 55, 72, 76, 79), True),
        ("piano", (36, 60, 84), False),  # three notes, two octaves apart each
        ("bass", (28, 40), True),  # open E and the octave, second fret of the D string
        ("bass", (28, 29), True),  # low B string fifth fret and open... F on the E string
        ("strings", (55, 62, 69, 76), True),
        ("strings", (55, 60, 64, 67, 71), False),
        ("other", (1, 50, 99), True),
    ],
)
def test_reach(instrument, pitches, possible):
    assert within_reach(instrument, pitches) is possible


def test_violations_are_counted_and_mended():
    loop = block_loop("guitar", (30, 52, 56), (40, 41), (40, 45, 50, 55, 59, 64, 69))
    assert violations(loop) == {"out_of_range": 1, "too_many_together": 1, "out_of_reach": 2}
    mended = make_playable(loop)
    assert set(violations(mended).values()) == {0}
    assert make_playable(mended).notes == mended.notes
    # the outer notes of the full chord stay
    last = mended.notes.pitch[mended.notes.onset_tick == 3840].tolist()
    assert (min(last), max(last)) == (40, 69)


def test_drums_have_no_hands_here():
    assert make_playable(rock_loop()) == rock_loop()
    assert set(violations(rock_loop()).values()) == {0}
