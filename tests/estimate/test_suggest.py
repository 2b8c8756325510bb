"""What is suggested for a loop, field by field."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.estimate import suggest
from composer_core.metrics import measure
from composer_core.music.affect import nearest_mood
from composer_core.music.genre import check_genre
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.loop import NO_NOTES, Loop
from composer_core.store.vocabularies import load_vocabularies
from metric_loops import beat, drum_loops, groove_loops, tune, tunes

WORDS = load_vocabularies()
FIELDS = {"emotion_valence", "emotion_arousal", "emotion", "genre", "key_root", "key_mode", "meter", "technique"}


@settings(max_examples=60, deadline=None)
@given(st.one_of(drum_loops(), tunes()))
def test_suggestions_are_values_a_person_could_give(loop):
    found = suggest(loop, measure(loop), WORDS)
    assert {"emotion_valence", "emotion_arousal", "emotion"} <= set(found) <= FIELDS
    assert found["emotion"].value in WORDS.moods
    assert ("genre" in found) == loop.is_drums
    if "genre" in found:
        check_genre(found["genre"].value)
        assert set(found["genre"].value) <= set(WORDS.genres)
    if "technique" in found:
        assert set(found["technique"].value) <= set(WORDS.techniques[loop.instrument])
    for made in found.values():
        assert 0.0 <= made.confidence <= 1.0
        assert made.source.split(":")[0] in ("model", "rule") and "@" in made.source


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_nothing_is_suggested_for_a_loop_without_notes(instrument):
    loop = Loop(instrument, NO_NOTES, 1)
    assert suggest(loop, measure(loop), WORDS) == {}


def test_the_emotion_is_the_mood_nearest_to_valence_and_arousal():
    loop = beat(kick="x...x...", snare="....x...", hat="x.x.x.x.")
    found = suggest(loop, measure(loop), WORDS)
    valence, arousal = found["emotion_valence"], found["emotion_arousal"]
    assert found["emotion"].value == nearest_mood(valence.value, arousal.value, WORDS.moods)
    assert found["emotion"].confidence == min(valence.confidence, arousal.confidence)


def test_major_fast_and_short_is_happier_than_minor_slow_and_long():
    scale = [60, 64, 67, 72, 67, 64, 65, 62]
    happy = tune([(i * 240, 120, p) for i, p in enumerate(scale)], bpm=150)
    sad = tune([(i * 240, 240, p - (1 if p in (64,) else 0) - 12) for i, p in enumerate(scale)], bpm=60)
    first, second = suggest(happy, measure(happy), WORDS), suggest(sad, measure(sad), WORDS)
    assert first["emotion_valence"].value > second["emotion_valence"].value + 0.5
    assert first["emotion_arousal"].value > second["emotion_arousal"].value + 0.3


def test_no_mood_swallows_the_others_on_real_drumming():
    loops = groove_loops(stride=10)
    moods = [suggest(loop, measure(loop), WORDS)["emotion"].value for loop in loops]
    assert len(set(moods)) == len(WORDS.moods)
    assert max(moods.count(code) for code in WORDS.moods) <= 0.4 * len(loops)
