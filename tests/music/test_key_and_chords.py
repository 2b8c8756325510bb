import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.music.chords import QUALITIES, Chord, chords_of, diatonic_chords, parse_progression, recognise
from composer_core.music.key import MODES, Key, nearest_transposition
from composer_core.music.loop import Notes

keys = st.builds(Key, st.integers(0, 11), st.sampled_from(sorted(MODES)))
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(sorted(QUALITIES)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E:minor", Key(4, "minor")),
        ("Em", Key(4, "minor")),
        ("Bb", Key(10)),
        ("C major", Key(0)),
        ("f#:dorian", Key(6, "dorian")),
    ],
)
def test_keys_are_read(text, expected):
    assert Key.parse(text) == expected


@pytest.mark.parametrize("text", ["H:major", "", "E:happy", "12"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(InvalidValue):
        Key.parse(text)


@given(keys)
def test_a_key_reads_back_what_it_writes(key):
    assert Key.parse(str(key)) == key


def test_relative_keys_share_a_scale():
    # A minor, D dorian and C major have the white keys
    assert sorted(Key(9, "minor").scale) == sorted(Key(2, "dorian").scale) == sorted(Key(0).scale)


def test_the_shorter_way():
    assert nearest_transposition(0, 7) == -5
    assert nearest_transposition(0, 6) == 6
    assert nearest_transposition(11, 0) == 1


@given(chords)
def test_a_chord_reads_back_what_it_writes(chord):
    assert Chord.parse(str(chord)) == chord


@given(chords, keys)
def test_a_numeral_reads_back_what_it_writes(chord, key):
    assert Chord.from_roman(chord.roman(key), key) == chord


def test_progressions_as_musicians_write_them():
    # E minor: i VI III VII = Em C G D
    expected = (Chord(4, "min"), Chord(0), Chord(7), Chord(2))
    assert parse_progression("i VI III VII", Key(4, "minor")) == expected
    assert parse_progression("Em | C | G | D", Key(0)) == expected
    # V of V in C is D7; bVII counts from the major scale in every key
    assert parse_progression("V7/V bVII", Key(0)) == (Chord(2, "7"), Chord(10))
    assert parse_progression("vii°", Key(0)) == (Chord(11, "dim"),)
    # the leading note of A minor is G#
    assert parse_progression("#vii°", Key(9, "minor")) == (Chord(8, "dim"),)


@pytest.mark.parametrize("text", ["", "Em VI", "Q", "VIII", "Cfoo"])
def test_progressions_that_are_refused(text):
    with pytest.raises(InvalidValue):
        parse_progression(text, Key(0))


def test_a_word_that_is_no_chord_is_told_both_ways_of_writing():
    for text in ("Em Hm G", "i VI Viii", "Cfoo"):
        with pytest.raises(InvalidValue, match=r"(Hm|Viii|Cfoo).*Em, G7.*or a numeral"):
            parse_progression(text, Key(4, "minor"))


def test_diatonic_chords_of_c_major():
    assert [str(chord) for chord in diatonic_chords(Key(0))] == ["C", "Dm", "Em", "F", "G", "Am", "Bdim"]
    assert [str(chord) for chord in diatonic_chords(Key(0), sevenths=True)][-3:] == ["G7", "Am7", "Bm7b5"]


@pytest.mark.parametrize(
    ("chord", "triad"), [("Am7", "Am"), ("G7", "G"), ("Bm7b5", "Bdim"), ("Csus4", "Csus4"), ("C6", "C")]
)
def test_triads(chord, triad):
    assert str(Chord.parse(chord).triad) == triad


@given(st.integers(0, 11), st.sampled_from(("maj", "min", "dim", "aug", "7", "maj7", "min7", "hdim7")))
def test_plain_chords_over_their_root_are_recognised(root, quality):
    weight = np.zeros((1, 12))
    weight[0, list(Chord(root, quality).pitch_classes)] = 1.0
    bass = np.zeros((1, 12))
    bass[0, root] = 1.0
    assert recognise(weight, bass) == [Chord(root, quality)]


def test_a_bar_of_one_pitch_or_none_has_no_chord():
    weight = np.zeros((2, 12))
    weight[0, 4] = 480.0
    assert recognise(weight) == [None, None]


def test_chords_of_two_parts():
    # bar 0: piano E and G over a bass C is C; bar 1: A and C over F is F
    piano = Notes.from_rows([(0, 1920, 64, 80), (0, 1920, 67, 80), (1920, 1920, 69, 80), (1920, 1920, 72, 80)])
    bass = Notes.from_rows([(0, 960, 36, 80), (1920, 960, 41, 80)])
    assert [str(chord) for chord in chords_of([piano, bass], 2, 1920)] == ["C", "F"]
