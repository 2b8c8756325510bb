"""What was asked beside what is measured, worked out by hand."""

import pytest

from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation.asked_vs_measured import compare

# E minor arpeggio in quarters, and one note (F) outside E minor in the second bar.
ROWS = [(0, 480, 40, 90), (480, 480, 43, 80), (960, 480, 47, 85), (1440, 480, 40, 70), (1920, 1920, 41, 80)]
BASS = Loop("bass", Notes.from_rows(ROWS), 2, 120.0, program=33)


def rows(loop: Loop, condition: Condition):
    return {row.field: row for row in compare(loop, condition).rows}


def test_fields_that_were_not_asked_for_are_measured_all_the_same():
    found = rows(BASS, Condition("bass", 2))
    assert list(found) == ["tempo", "bars", "key", "swing", "density", "valence", "arousal"]
    assert (found["tempo"].asked, found["tempo"].measured) == (110.0, 120.0)
    assert (found["bars"].asked, found["bars"].measured) == ("2 · 4/4", "2 · 4/4")
    assert (found["density"].asked, found["density"].measured) == (None, pytest.approx(5 / 8))  # 5 onsets, 8 quarters
    assert found["key"].share is None and found["key"].measured is not None


def test_what_was_asked_adds_rows():
    condition = Condition(
        "bass", 2, key=Key(4, "minor"), chords=(Chord(4, "min"),), register=40.0, complexity=0.5, technique=("slap",)
    )
    found = rows(BASS, condition)
    assert found["key"].share == pytest.approx(4 / 5)  # F is not in E minor
    assert found["chords"].share == pytest.approx(1920 / 3840)  # four quarters in the chord, a bar of F outside
    # mean pitch weighted by nothing: the metric's own definition
    assert found["register"].measured == pytest.approx(sum(row[2] for row in ROWS) / 5, abs=1.0)
    assert 0 <= found["complexity"].measured <= 1
    assert found["technique"].asked == ("slap",)


def test_drums_have_no_key():
    drums = Loop("drums", Notes.from_rows([(0, 40, 36, 100), (480, 40, 38, 100)]), 1, 120.0)
    comparison = compare(drums, Condition("drums", 1))
    assert "key" not in {row.field for row in comparison.rows}
    assert set(comparison.scores) >= {"total"}
