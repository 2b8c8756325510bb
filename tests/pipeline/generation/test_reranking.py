"""The judge of candidates on loops made by hand."""

import math

import pytest

from composer_core.metrics import measure
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.loop import NO_NOTES, Loop, Notes
from composer_core.pipeline.generation.reranking import alignment, choose_best, in_chord_rate, in_scale_rate, misfit


def line(*pitches: int, instrument: str = "bass") -> Loop:
    """Quarters of a bar of 4/4."""
    return Loop(instrument, Notes.from_rows([(480 * i, 480, pitch, 80) for i, pitch in enumerate(pitches)]), 1)


def test_rates_in_key_and_chord():
    # C major holds C, E and G of four notes; of the chord C the same three, each a quarter long
    loop = line(36, 40, 43, 42)
    assert in_scale_rate(loop, Key(0)) == 0.75
    assert in_chord_rate(loop, (Chord(0),)) == 0.75
    assert in_chord_rate(loop, (None,)) == 1.0
    assert in_scale_rate(loop.with_notes(NO_NOTES), Key(0)) == 1.0


def test_alignment_counts_kicks_met_within_a_32nd_round_the_loop():
    drums = Loop("drums", Notes.from_rows([(0, 40, 36, 90), (960, 40, 36, 90), (1000, 40, 42, 60)]), 1)
    assert alignment(line(36, 36, 36, 36), drums) == 1.0
    late = Loop("bass", Notes.from_rows([(1900, 20, 36, 80)]), 1)  # 20 ticks before the repeat's first kick
    assert alignment(late, drums) == 0.5
    assert math.isnan(alignment(late, drums.with_notes(NO_NOTES)))


def test_only_what_was_asked_counts():
    loop = line(36, 40, 43, 48)
    assert misfit(Condition("bass", 1), loop, measure(loop)) == {}
    asked = Condition("bass", 1, density=2.0, key=Key(0), register=41.75)
    found = misfit(asked, loop, measure(loop))
    # one onset a quarter is half of what was asked: one octave of density; mean pitch 41.75
    assert found == pytest.approx({"density": 1.0, "key": 0.0, "register": 0.0})


def test_the_best_candidate_fits_and_sounds():
    asked = Condition("bass", 1, key=Key(0))
    silent, off, right = line().with_notes(NO_NOTES), line(37, 39, 42, 44), line(36, 38, 40, 41)
    assert choose_best(asked, [silent, off, right]) == 2
    assert choose_best(asked, [right]) == 0
