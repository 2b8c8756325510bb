"""Techniques that are asked for are heard: rules render those they can, the shipped composers learnt the others."""

from __future__ import annotations

import numpy as np
import pytest

from composer_core.ingest.midi import read_song
from composer_core.lab.composer.held_out import generate_for
from composer_core.lab.composer.validity import fault_of, random_condition
from composer_core.music.condition import Condition
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.loop import Loop, Notes
from composer_core.music.technique import TECHNIQUES
from composer_core.pipeline.generation.performance import Playing, play_take
from composer_core.pipeline.generation.takes import foreseen, generate, render_take, take_midi
from composer_core.pipeline.models import ModelInfo, find_model, load
from composer_core.rules.technique import COMPOSED, RENDERED, with_techniques
from composer_core.workspace import Workspace
from untrained_model import add_untrained_model

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


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    """A model of a user that learnt valence, arousal, genre and density only."""
    workspace = Workspace(tmp_path_factory.mktemp("few"))
    return find_model("drums", add_untrained_model(workspace), workspace)


def test_a_technique_that_rules_render_needs_no_model_that_learnt_it(few: ModelInfo) -> None:
    assert foreseen(Condition("drums", technique=("ghost",)), few) == ()


@pytest.mark.parametrize("field", [{"technique": ("fill",)}, {"syncopation": 6.0}, {"complexity": 0.7}])
def test_a_field_a_named_model_never_learnt_is_said_with_the_take(field: dict[str, object], few: ModelInfo) -> None:
    asked = Condition("drums", bars=1, **field)  # type: ignore[arg-type]
    code = f"unlearnt_{next(iter(field))}"
    assert foreseen(asked, few) == (code,)
    take = generate(asked, model=str(few.path), seed=1)[0]
    assert code in take.notices
    assert take.model == few.path.name


@pytest.mark.parametrize("instrument", sorted(TECHNIQUES))
def test_the_shipped_composer_learnt_every_field_and_what_only_a_generator_brings(instrument: str) -> None:
    asked = Condition(instrument, syncopation=4.0, complexity=0.5, density=2.0, technique=COMPOSED[instrument])
    assert foreseen(asked, find_model(instrument, None, None)) == ()


@pytest.mark.slow
@pytest.mark.parametrize("instrument", sorted(TECHNIQUES))
def test_any_technique_with_any_request_is_a_whole_file(instrument: str) -> None:
    """Each technique with a random request: the file reads back with the asked bars and metre, no note outside."""
    loaded, rng = load(find_model(instrument, None, None)), np.random.default_rng(3)
    asked = [
        random_condition(instrument, loaded.composer.config.genres, rng).changed(bars=1, chords=(), technique=(code,))
        for code in TECHNIQUES[instrument]
    ]
    assert {one.condition.technique: fault_of(one) for one in generate_for(loaded, asked, 3)} == {
        one.technique: "" for one in asked
    }
