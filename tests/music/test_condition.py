"""What may be asked together, what is refused, and that a condition survives JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from composer_core.errors import InvalidValue
from composer_core.music.chords import parse_chord_line
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.technique import TECHNIQUES
from composer_core.pipeline.vocabularies import vocabularies

FOUR = parse_chord_line("i VI III VII", None)[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"instrument": "drums", "key": Key(4, "minor")},
        {"instrument": "drums", "chords": FOUR},
        {"instrument": "drums", "register": 40.0},
        {"instrument": "strings", "technique": ("ghost",)},
        {"instrument": "strings", "technique": ("legato", "staccato")},
        {"instrument": "bass", "register": 90.0},
        {"instrument": "bass", "complexity": 1.5},
        {"instrument": "bass", "bars": 2, "chords": FOUR},
        {"instrument": "bass", "bars": 4, "chords": FOUR[:3]},
        {"instrument": "guitar", "syncopation": float("nan")},
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        Condition(**fields)


def test_the_reason_is_said() -> None:
    with pytest.raises(InvalidValue, match="neither key nor chords"):
        Condition("drums", key=Key(0, "major"))


def test_a_full_condition_survives_json() -> None:
    asked = Condition(
        "bass", bars=8, key=Key.parse("F#:dorian"), chords=FOUR, technique=("walking",), register=40.0, complexity=0.3
    )
    assert Condition.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    assert asked.given == ("key", "register", "complexity", "technique", "chords")


def test_a_short_chord_line_repeats() -> None:
    line = Condition("piano", bars=8, chords=FOUR).chord_line
    assert line == (*FOUR, *FOUR)
    assert Condition("piano", bars=2).chord_line == (None, None)


def test_a_part_of_an_ensemble_keeps_what_concerns_it() -> None:
    asked = Condition("bass", key=Key(4, "minor"), chords=FOUR, technique=("walking",), register=40.0)
    assert asked.for_instrument("drums") == Condition("drums")
    assert asked.for_instrument("piano") == Condition("piano", key=Key(4, "minor"), chords=FOUR)


def test_techniques_are_those_of_the_vocabulary() -> None:
    assert {name: set(codes) for name, codes in TECHNIQUES.items()} == {
        name: set(codes) for name, codes in vocabularies().techniques.items()
    }


def test_symbols_bring_their_key() -> None:
    # Em C G D: all tones lie in G major and E minor; the first chord is the tonic of one of them.
    chords, key = parse_chord_line("Em C G D", None)
    assert key == Key(4, "minor")
    assert [chord.root for chord in chords] == [4, 0, 7, 2]


def test_numerals_without_a_key_are_read_on_c() -> None:
    # In C minor: i = C, VI = Ab (8), III = Eb (3), VII = Bb (10); in C major vi is A (9).
    chords, key = parse_chord_line("i VI III VII", None)
    assert key is None
    assert [chord.root for chord in chords] == [0, 8, 3, 10]
    assert [chord.root for chord in parse_chord_line("I vi IV V", None)[0]] == [0, 9, 5, 7]
    assert [chord.root for chord in parse_chord_line("i VI III VII", Key(4, "minor"))[0]] == [4, 0, 7, 2]
