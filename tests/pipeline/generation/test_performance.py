"""The cheap controls: the same notes played otherwise, as loops and as a file."""

import io
from dataclasses import replace

import mido
import numpy as np
import pytest

from composer_core.errors import InvalidValue
from composer_core.ingest.midi import read_song
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.editing.recipes import recipe_of
from composer_core.pipeline.generation.performance import Playing, as_recipe, play_take, played_midi
from composer_core.store.takes import Take

ROWS = [(0, 480, 40, 90), (480, 480, 43, 80), (960, 480, 47, 85), (1440, 480, 50, 70)]
STRAIGHT = Playing(120.0, 50.0, 8, 0.0)


def bass_take(rows=ROWS, **asked) -> Take:
    loop = Loop("bass", Notes.from_rows(rows), 1, 120.0, program=33)
    condition = Condition("bass", 1, tempo_bpm=120.0, key=Key(4, "minor"), chords=(Chord(4, "min"),), **asked)
    return Take("t", condition, 1, 0, "m", "h", loop, np.zeros(len(rows)), 0.1)


def drum_take() -> Take:
    loop = Loop("drums", Notes.from_rows([(0, 40, 36, 100), (480, 40, 38, 100)]), 1, 120.0)
    return Take("d", Condition("drums", 1, tempo_bpm=120.0), 1, 0, "m", "h", loop, np.zeros(2), 0.1)


def pitches(loop: Loop) -> list[int]:
    return loop.notes.pitch.tolist()


def test_transposing_moves_pitched_parts_and_what_was_asked():
    playing = Playing(120.0, 50.0, 8, 0.0, semitones=3)
    assert pitches(play_take(bass_take(), playing).loop) == [43, 46, 50, 53]
    assert pitches(play_take(drum_take(), playing).loop) == [36, 38]
    moved = playing.condition(bass_take().condition)
    assert (str(moved.key), str(moved.chords[0])) == ("G:minor", "Gm")


def test_what_leaves_the_range_is_folded_in_by_octaves():
    # A bass goes down to 23: 40 - 24 = 16 and 43 - 24 = 19 come back an octave higher.
    assert pitches(play_take(bass_take(), Playing(120.0, 50.0, 8, 0.0, semitones=-24)).loop) == [28, 31, 23, 26]


def test_techniques_reach_their_own_instrument_only():
    playing = Playing(120.0, 50.0, 8, 0.0, techniques=(("bass", "staccato"),))
    assert (play_take(bass_take(), playing).loop.notes.duration_tick < 480).all()
    assert play_take(drum_take(), playing).loop.notes.rows() == play_take(drum_take(), STRAIGHT).loop.notes.rows()


def test_a_technique_that_needs_other_notes_is_refused():
    with pytest.raises(InvalidValue, match="needs other notes"):
        play_take(bass_take(), Playing(120.0, 50.0, 8, 0.0, techniques=(("bass", "walking"),)))


def test_a_recipe_comes_last():
    recipe = recipe_of({"name": "soft", "steps": [{"rule": "velocity_curve", "exponent": 2.0}]}, "soft.yaml")
    plain = play_take(bass_take(), STRAIGHT).loop
    softer = play_take(bass_take(), Playing(120.0, 50.0, 8, 0.0, recipe=recipe)).loop
    assert softer.notes.rows() == recipe.apply(plain).notes.rows()
    assert (softer.notes.velocity < plain.notes.velocity).all()


def test_several_takes_make_one_file_with_a_track_a_part():
    song = read_song(played_midi([drum_take(), bass_take()], STRAIGHT), "two.mid")
    assert [part.instrument for part in song.parts] == ["drums", "bass"]
    alone = read_song(played_midi([bass_take()], STRAIGHT), "one.mid")
    assert [part.instrument for part in alone.parts] == ["bass"]


def test_how_takes_are_played_is_a_recipe_for_other_notes():
    added = recipe_of({"name": "soft", "steps": [{"rule": "velocity_curve", "exponent": 2.0}]}, "soft.yaml")
    # As many notes as an eighth has places: swing moves those off the beat.
    rows = [(place * 240, 240, 40 + place, 90) for place in range(8)]
    for semitones in (0, -24):
        playing = Playing(90.0, 62.0, 8, 0.0, semitones, (("bass", "staccato"),), added)
        recipe = as_recipe(playing, "late")
        for take in (bass_take(rows), drum_take()):
            assert recipe.apply(take.grid).notes.rows() == play_take(take, playing).loop.notes.rows()
        assert recipe.apply(drum_take().grid).tempo_bpm == 90.0
    assert [step.rule for step in as_recipe(STRAIGHT, "plain").steps] == ["tempo"]


def marks(data: bytes) -> list[tuple[str, str]]:
    """Key signature, chords and sections of a file."""
    kinds = {"key_signature": "key", "marker": "text"}
    first = mido.MidiFile(file=io.BytesIO(data)).tracks[0]
    found = [(m.type, getattr(m, kinds[m.type])) for m in first if m.type in kinds]
    return [one for one in found if not one[1].startswith("loop")]


def test_a_file_says_the_key_and_the_chords_it_is_played_in():
    take = bass_take()
    line = (Chord(4, "min"), Chord(0))
    asked = replace(take, condition=take.condition.changed(bars=2, key=Key(4, "minor"), chords=line))
    two_bars = replace(asked, grid=take.grid.with_notes(take.grid.notes, bars=2))
    assert marks(played_midi([two_bars], STRAIGHT)) == [
        ("key_signature", "Em"), ("marker", "A"), ("marker", "Em"), ("marker", "C"),
    ]  # fmt: skip
    up = replace(STRAIGHT, semitones=2)
    assert ("key_signature", "F#m") in marks(played_midi([two_bars], up))
    assert ("marker", "D") in marks(played_midi([two_bars], up))
    longer = replace(two_bars, edit="continue 1")
    assert [text for kind, text in marks(played_midi([longer], STRAIGHT)) if len(text) == 1] == ["A", "B", "C"]
    assert marks(played_midi([drum_take()], STRAIGHT)) == [("marker", "A")]
