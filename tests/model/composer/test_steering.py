"""Steering: tokens weighed by where they bring density and register, and nothing where neither is asked."""

from __future__ import annotations

import numpy as np
import pytest

from composer_core.model.composer.sampling import SampleSettings, grammar_of, sample_ids, sample_notes
from composer_core.model.composer.steering import KEY_STRENGTH, NOTE_WEIGHT, Steering, Tally
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.key_finding import log_profiles
from composer_core.tokens.grammar import GrammarState
from composer_core.tokens.vocab import Vocabulary
from tiny_models import shared_model

PLAIN = Vocabulary("drums")
OFF, ON = SampleSettings(steering=0.0), SampleSettings(steering=2.0)


def token(name: str) -> int:
    return PLAIN.names.index((name,))


def test_a_token_gains_the_potential_before_less_that_after() -> None:
    # One onset a quarter in 4/4: 4 a bar, a unit is 0.5 + 0.15 x 4 = 1.1 onsets. After the onset on step 0
    # one is due and one is there: potential 0. On step 12 two are due and two are there: still 0. On step 36
    # four are due and two are there: 0.5 x (2 / 1.1)^2 = 1.653. A new bar: four due, one there: 3.719.
    steering = Steering(Condition("drums", density=1.0), grammar_of(PLAIN, True))
    bias = steering.bias(GrammarState("Pitch", bars=1, position=0, pitch=36, struck=1), Tally(1, 1, 36))
    assert bias[token("Position_12")] == pytest.approx(0.0)
    assert bias[token("Position_36")] == pytest.approx(-1.653, abs=1e-3)
    assert bias[token("Bar_None")] == pytest.approx(-3.719, abs=1e-3)
    assert bias[token("PitchDrum_42")] == 0.0  # joins the onset that is there


def test_what_is_missing_is_made_up_for() -> None:
    # Bar 2 of 4/4 at one a quarter with 2 onsets where 4 were due: 0.5 x (2 / 1.1)^2 = 1.653; an onset on its
    # first step makes it 3 of 5, still 2 behind; one on step 6 makes 3 of 5.5, 2.5 behind: 2.583.
    steering = Steering(Condition("drums", density=1.0), grammar_of(PLAIN, True))
    bias = steering.bias(GrammarState("Bar", bars=2), Tally(2, 2, 72))
    assert bias[token("Position_0")] == pytest.approx(0.0)
    assert bias[token("Position_6")] == pytest.approx(1.653 - 2.583, abs=1e-3)


def test_only_bars_that_are_written_count() -> None:
    steering = Steering(Condition("drums", density=1.0), grammar_of(PLAIN, True), first=2)
    bias = steering.bias(GrammarState("Bar", bars=3), Tally())
    assert bias[token("Position_0")] == pytest.approx(0.0)


def test_mean_pitch_is_brought_to_the_register() -> None:
    # Asked for 58, without a key as written. Two notes of mean 61 stand 3 above, one unit: 0.5. A third note of
    # 52 makes the mean 58: 0; one of 61 changes nothing.
    model = shared_model()
    grammar = grammar_of(model.vocabulary, False)
    steering = Steering(Condition("piano", register=58.0), grammar)
    bias = steering.bias(GrammarState("Position", bars=1, position=0), Tally(1, 2, 122))
    assert bias[model.vocabulary.names.index(("Pitch_52",))] == pytest.approx(0.5)
    assert bias[model.vocabulary.names.index(("Pitch_61",))] == pytest.approx(0.0)


def test_a_token_gains_what_it_says_for_the_key_asked_for() -> None:
    # Before any note all 24 keys are alike: a probability of 1/24. After one note of pitch class c the key's is
    # p(c)^w / sum over keys of p(c)^w, with w = NOTE_WEIGHT; so the gain is KEY_STRENGTH times the
    # logarithm of 24 times that. In C minor the shares of E flat and E are 0.123 and 0.019 (Albrecht and
    # Shanahan 2013).
    model = shared_model()
    steering = Steering(Condition("piano", key=Key(5, "minor")), grammar_of(model.vocabulary, False))
    bias = steering.bias(GrammarState("Position", bars=1, position=0), Tally(1, 0, 0))
    shares = np.exp(log_profiles())
    for pitch, share in ((63, 0.123), (64, 0.019)):
        every = (shares[:, pitch % 12] ** NOTE_WEIGHT).sum()
        expected = KEY_STRENGTH * np.log(24 * share**NOTE_WEIGHT / every)
        assert bias[model.vocabulary.names.index((f"Pitch_{pitch}",))] == pytest.approx(expected, abs=0.02)
    assert bias[model.vocabulary.names.index(("Pitch_63",))] > 0 > bias[model.vocabulary.names.index(("Pitch_64",))]


def test_the_mode_asked_for_is_heard() -> None:
    leans = {}
    for settings in (OFF, ON):
        for mode, third in (("major", 4), ("minor", 3)):
            condition = Condition("piano", bars=4, key=Key(0, mode))
            pitches = np.concatenate([n.pitch for n in sample_notes(shared_model(), condition, range(4), settings)])
            leans[settings.steering, mode] = float(np.mean(pitches % 12 == third))
    for mode in ("major", "minor"):
        assert leans[2.0, mode] > 1.2 * leans[0.0, mode]


def test_nothing_acts_where_nothing_is_asked() -> None:
    model, condition = shared_model(), Condition("piano", bars=2, arousal=0.7, syncopation=2.0)
    assert sample_ids(model, condition, [4], ON) == sample_ids(model, condition, [4], OFF)


@pytest.mark.parametrize("instrument", ["drums", "piano"])
def test_takes_hold_the_density_that_was_asked_for(instrument: str) -> None:
    errors = {}
    for settings in (OFF, ON):
        apart = []
        for density in (0.5, 1.0, 2.0, 4.0):
            for notes in sample_notes(shared_model(), Condition(instrument, density=density), range(4), settings):
                apart.append(abs(np.log2(len(np.unique(notes.onset_tick)) / 16 / density)))
        errors[settings.steering] = float(np.mean(apart))
    assert errors[2.0] < 0.25  # octaves; an untrained model writes noise
    assert errors[2.0] < 0.5 * errors[0.0]
