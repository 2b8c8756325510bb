"""Features of notes in seconds: worked by hand, defined for anything, each with a cue that has a name."""

import numpy as np
import pytest
from hypothesis import given, settings

from composer_core.estimate.classifiers.cues import CUES, cue_of, cue_reasons
from composer_core.estimate.emotion import read_emotion
from composer_core.estimate.note_features import FEATURE_NAMES, note_features
from composer_core.estimate.note_list import NoteList, notes_of_loop
from metric_loops import tunes
from studio.wording.texts.label import TEXTS


def notes_of(*rows: tuple[float, float, int, int]) -> NoteList:
    """Notes from (onset, end, pitch, velocity)."""
    table = np.array(rows, dtype=np.float64)
    return NoteList.of(table[:, 0], table[:, 1], table[:, 2].astype(np.int64), table[:, 3])


C_MAJOR = notes_of(*((i * 0.25, i * 0.25 + 0.25, pitch, 64) for i, pitch in enumerate((60, 64, 67, 72) * 2)))
C_MINOR = notes_of(*((i * 0.25, i * 0.25 + 0.25, pitch, 64) for i, pitch in enumerate((60, 63, 67, 72) * 2)))


def test_values_by_hand():
    found = note_features(C_MAJOR)
    # 8 onsets in 2 seconds: 4 a second, log2 = 2; gaps of 0.25 s: log2 = -2; each held to the next
    assert (found["onset_rate"], found["note_rate"], found["gap_median"]) == (2.0, 2.0, -2.0)
    assert (found["articulation"], found["velocity_mean"], found["pitch_range"]) == (1.0, 64.0, 12.0)
    assert (found["register"], found["polyphony"], found["chord_size"]) == (65.75, 1.0, 1.0)


def test_major_leans_the_other_way_than_minor():
    for name in ("mode_lean", "chord_lean"):
        assert note_features(C_MAJOR)[name] > 0 > note_features(C_MINOR)[name]


def test_the_names_are_those_of_the_values():
    assert tuple(note_features(C_MAJOR)) == FEATURE_NAMES


def test_few_notes_say_nothing():
    few = notes_of((0, 1, 60, 64), (1, 2, 62, 64), (2, 3, 64, 64))
    assert np.isnan(list(note_features(few).values())).all()
    assert read_emotion(few) is None


@settings(max_examples=60, deadline=None)
@given(tunes())
def test_features_are_never_infinite_for_any_tune(loop):
    assert not np.isinf(list(note_features(notes_of_loop(loop)).values())).any()


@pytest.mark.parametrize("cue", [*CUES, "declared"])
def test_every_cue_has_its_name_in_both_languages(cue):
    assert len(TEXTS[f"cue.{cue}"]) == 2


def test_every_feature_belongs_to_a_cue():
    assert {cue_of(name) for name in FEATURE_NAMES} <= set(CUES)


def test_reasons_add_up_the_features_of_a_cue():
    # loudness 0.3 + 0.3 outweighs register -0.5; density is third
    parts = {"velocity_mean": 0.3, "velocity_max": 0.3, "register": -0.5, "note_rate": 0.1, "consonance": 0.05}
    assert cue_reasons(parts) == ("cue:loudness:+", "cue:register:-", "cue:density:+")
