"""Chord lines as the Generate page reads them."""

from __future__ import annotations

import pytest

from composer_core.errors import InvalidValue
from composer_core.music.key import Key
from studio.generate.harmony import read_line


def test_numerals_are_read_in_the_given_key() -> None:
    key, chords = read_line("i VI III VII", Key(4, "minor"))
    assert key == Key(4, "minor")
    assert [str(chord) for chord in chords] == ["Em", "C", "G", "D"]


@pytest.mark.parametrize("text", ["Em C G D", "i VI III VII"])
def test_a_line_typed_back_as_symbols_asks_for_the_same(text: str) -> None:
    key, chords = read_line(text, None)
    assert read_line(" ".join(map(str, chords)), key) == (key, chords)


def test_an_unknown_chord_is_an_error() -> None:
    with pytest.raises(InvalidValue):
        read_line("Em H7", None)
