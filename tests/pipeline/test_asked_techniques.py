"""Techniques that are asked for are heard: rules render those they can, a model that learnt the others is taken."""

from __future__ import annotations

import numpy as np
import pytest

from composer_core.ingest.midi import read_song
from composer_core.music.condition import Condition
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.loop import Loop, Notes
from composer_core.music.technique import TECHNIQUES
from composer_core.pipeline.evaluation_data import make
from composer_core.pipeline.evaluation_validity import fault_of, random_condition
from composer_core.pipeline.generation import foreseen, generate, model_for, render_take, take_midi
from composer_core.pipeline.models import find_model, load
from composer_core.pipeline.playing import Playing, play_take
from composer_core.rules.technique import COMPOSED, RENDERED, with_techniques

STRAIGHT = Playing(110.0, 50.0, 8, 100.0, techniques=(("bass", "staccato"),))


def test_every_technique_is_rendered_or_composed() -> None:
    assert {name: {*RENDERED[name], *COMPOSED[name]} for name in TECHNIQUES} == {
        name: set(codes) for name, codes in TECHNIQUES.items()
    }


@pytest.mark.parametrize(("instrument", "code", "program"), [("bass", "slap", 36), ("strings", "pizzicato", 45)])
def test_an_asked_technique_has_its_sound_in_the_file(instrument: str, code: str, program: int) -> None:
    take = generate(Condition(instrument, bars=1, technique=(code,)), seed=3)[0]
    assert [part.program for part in read_song(take_midi(take), "take.mid").parts] == [program]


def test_asked_once_is_rendered_once() -> None:
    """Staccato halves what sounds: the page's own switch must not halve it again."""
    take = generate(Condition("bass", bars=1, technique=("staccato",)), seed=3)[0]
    assert play_take(take, STRAIGHT).loop.notes == render_take(take).notes
    plain = render_take(take, take.condition.changed(technique=()))
    assert render_take(take).notes.duration_tick.sum() < 0.6 * plain.notes.duration_tick.sum()


def test_what_a_technique_adds_stays_in_range() -> None:
    """An octave above the highest fret of the guitar (E6, 88) lies outside; it is folded back by octaves."""
    high = Loop("guitar", Notes.from_rows([(0, 480, 88, 80), (960, 480, 40, 80)]), 1)
    played = with_techniques(high, ("harmonics", "power_chord")).notes.pitch
    assert played.max() <= PITCH_RANGE["guitar"][1]
    assert {52, 59, 64} <= set(played.tolist())  # the low E an octave up, with fifth and octave


def test_a_technique_that_rules_render_needs_no_model_that_learnt_it() -> None:
    asked = Condition("drums", technique=("ghost",))
    first = find_model("drums", None, None)
    assert model_for(asked, None, None) == first
    assert foreseen(asked, first) == ()


@pytest.mark.parametrize("field", [{"technique": ("fill",)}, {"syncopation": 6.0}, {"complexity": 0.7}])
def test_a_field_the_first_model_never_learnt_goes_to_one_that_did(field: dict[str, object]) -> None:
    asked = Condition("drums", **field)  # type: ignore[arg-type]
    assert foreseen(asked, find_model("drums", None, None)) != ()
    assert foreseen(asked, model_for(asked, None, None)) == ()
    named = model_for(asked, "composer-drums-small", None)
    assert named.name == "composer-drums-small"


@pytest.mark.slow
@pytest.mark.parametrize("instrument", sorted(TECHNIQUES))
def test_any_technique_with_any_request_is_a_whole_file(instrument: str) -> None:
    """Each technique with a random request: the file reads back with the asked bars and metre, no note outside."""
    loaded, rng = load(find_model(instrument, None, None)), np.random.default_rng(3)
    asked = [
        random_condition(instrument, loaded.composer.config.genres, rng).changed(bars=1, chords=(), technique=(code,))
        for code in TECHNIQUES[instrument]
    ]
    assert {one.condition.technique: fault_of(one) for one in make(loaded, asked, 3)} == {
        one.technique: "" for one in asked
    }
