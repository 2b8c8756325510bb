"""Generating with the shipped models: same seed same bytes, exact tempo and bars, cheap controls."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import ASK_METERS
from composer_core.music.loop import BARS_CHOICES
from composer_core.music.timing import Meter
from composer_core.pipeline.generation.approval import keep_starter, starter_conditions, starter_take, wants_starter
from composer_core.pipeline.generation.takes import (
    generate,
    iter_takes,
    list_takes,
    load_take,
    measure_midi,
    measure_take,
    perform_take,
    render_take,
    save_takes,
    take_midi,
    take_seed,
)
from composer_core.pipeline.library.loops import load_loop, table
from composer_core.pipeline.models import find_model, load, models
from composer_core.workspace import Workspace

FUNK = Condition("drums", tempo_bpm=104.0, valence=0.4, arousal=0.8, genre={"funk": 1.0}, swing_percent=58.0)


def test_take_i_is_the_same_whatever_the_number_of_takes() -> None:
    alone, four = generate(FUNK, takes=1, seed=7), generate(FUNK, takes=4, seed=7)
    assert take_midi(alone[0]) == take_midi(four[0])
    third = generate(FUNK, takes=1, seed=take_seed(7, 2))[0]
    assert take_midi(third) == take_midi(four[2])
    assert len({take_midi(take) for take in four}) == 4


def test_the_written_file_ends_exactly_with_the_loop() -> None:
    data = take_midi(generate(FUNK, seed=3)[0])
    file = mido.MidiFile(file=io.BytesIO(data))
    assert file.ticks_per_beat == 480
    # 4 bars of 4 quarters of 480 ticks.
    assert {sum(message.time for message in track) for track in file.tracks} <= {7680}


def test_the_written_file_says_how_long_its_loop_is() -> None:
    ((length, start, section, end),) = [
        [message.text for message in track if message.type in ("text", "marker")]
        for track in mido.MidiFile(file=io.BytesIO(take_midi(generate(FUNK, seed=3)[0]))).tracks
    ]
    assert (length, start, section, end) == ("loop length 4 x 4/4, 16 quarters", "loopStart", "A", "loopEnd")


conditions = st.builds(
    Condition,
    instrument=st.just("drums"),
    bars=st.sampled_from(BARS_CHOICES),
    meter=st.sampled_from([Meter.parse(text) for text in ASK_METERS]),
    tempo_bpm=st.floats(30.0, 300.0),
    valence=st.none() | st.floats(-1.0, 1.0),
    arousal=st.none() | st.floats(0.0, 1.0),
    genre=st.sampled_from([{}, {"funk": 1.0}, {"rock": 0.5, "jazz": 0.5}, {"latin": 1.0}]),
    density=st.none() | st.floats(0.25, 12.0),
    swing_percent=st.floats(50.0, 80.0),
    swing_grid=st.sampled_from([8, 16]),
    humanise_percent=st.floats(0.0, 100.0),
)


@given(conditions, st.integers(0, 2**31 - 1))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_condition_gives_a_whole_loop_as_asked(condition: Condition, seed: int) -> None:
    take = generate(condition, seed=seed)[0]
    measured = measure_midi(take_midi(take), "take.mid")
    assert measured["bars"] == condition.bars
    assert measured["meter"] == str(condition.meter)
    # A MIDI tempo is whole microseconds a quarter: at 300 BPM that is 0.0015 BPM apart.
    assert measured["tempo_bpm"] == pytest.approx(condition.tempo_bpm, abs=0.002)
    assert len(take.grid.notes) >= condition.bars


def test_cheap_controls_keep_the_notes() -> None:
    take = generate(FUNK, seed=5)[0]
    other = FUNK.changed(swing_percent=66.0, tempo_bpm=140.0, humanise_percent=0.0)
    moved = render_take(take, other)
    assert moved.tempo_bpm == 140.0
    assert sorted(moved.notes.pitch.tolist()) == sorted(take.grid.notes.pitch.tolist())
    assert sorted(moved.notes.velocity.tolist()) == sorted(take.grid.notes.velocity.tolist())
    assert moved.notes != render_take(take).notes
    assert render_take(take, other).notes == moved.notes


def test_straight_and_unhumanised_is_the_grid() -> None:
    take = generate(FUNK.changed(swing_percent=50.0, humanise_percent=0.0), seed=1)[0]
    assert np.array_equal(render_take(take).notes.onset_tick, take.grid.notes.onset_tick)


def test_measured_fields_are_all_there() -> None:
    measured = measure_take(render_take(generate(FUNK, seed=2)[0]))
    assert set(measured) >= {"tempo_bpm", "bars", "meter", "swing_ratio_8", "swing_ratio_16", "onset_density"}
    assert -1 <= measured["valence"] <= 1
    assert 0 <= measured["arousal"] <= 1
    assert all(0 < value < 100 for value in measured["scores"].values())


def test_an_unknown_model_is_named(tmp_path: object) -> None:
    with pytest.raises(NotFound, match="nonesuch does not exist"):
        generate(FUNK, model="nonesuch")


def test_a_model_of_another_instrument_is_refused_by_what_it_plays() -> None:
    with pytest.raises(InvalidValue, match="composer-drums-tuned and piano cannot be asked together: it plays drums"):
        generate(Condition("piano"), model="composer-drums-tuned")


@pytest.mark.parametrize("takes", [0, 65])
def test_the_number_of_takes_has_limits(takes: int) -> None:
    with pytest.raises(InvalidValue, match="takes"):
        generate(FUNK, takes=takes)


def test_a_stop_ends_the_series() -> None:
    made = []
    for take in iter_takes(FUNK, takes=4, seed=1, should_stop=lambda: len(made) >= 2):
        made.append(take)
    assert [take.index for take in made] == [0, 1]


def test_stored_takes_come_back(tmp_path) -> None:  # type: ignore[no-untyped-def]
    workspace = Workspace(tmp_path)
    takes = generate(FUNK, takes=2, seed=9)
    save_takes(workspace, takes)
    assert {take.take_id for take in list_takes(workspace)} == {take.take_id for take in takes}
    again = load_take(workspace, takes[1].take_id)
    assert take_midi(again) == take_midi(takes[1])
    assert again.condition == takes[1].condition
    (workspace.takes / f"{takes[0].take_id}.json").write_text('{"take_id": 1}')
    with pytest.raises(StoreError, match="damaged"):
        load_take(workspace, takes[0].take_id)


def test_rules_say_when_the_short_note_floor_acted() -> None:
    fast = Condition("drums", tempo_bpm=280.0, swing_percent=75.0)
    # An 8th pair at 280 BPM lasts 214 ms: at 3 to 1 the short note would have 54 ms, less than 95.
    performed = perform_take(generate(fast, seed=1)[0])
    assert performed.floor_acted
    assert "floor_acted" in performed.notes


def test_the_shipped_model_is_found_first_and_has_a_hash() -> None:
    info = find_model("drums", None, None)
    assert info.origin == "shipped"
    assert len(load(info).hash) == 16


def test_starter_conditions_cover_every_mood() -> None:
    asked = starter_conditions()
    assert len({(c.valence, c.arousal) for c in asked}) == 8
    assert len(asked) == 32


@pytest.mark.slow
def test_an_empty_library_is_filled_once_and_marked(tmp_path) -> None:  # type: ignore[no-untyped-def]
    workspace = Workspace(tmp_path)
    assert wants_starter(workspace)
    added = keep_starter(workspace, [starter_take(index) for index in range(len(starter_conditions()))])
    rows = table(workspace)
    assert added == len(rows)
    assert added >= 30
    assert set(rows["origin"]) == {"generated"}
    assert not wants_starter(workspace)
    loop = load_loop(workspace, rows["loop_id"].iloc[0])
    take = load_take(workspace, rows["take_id"].iloc[0])
    assert loop.notes == render_take(take).notes


def test_what_a_take_will_have_to_say_is_foreseen() -> None:
    from composer_core.pipeline.generation.takes import foreseen

    model = models(None, "drums")[0]
    asked = FUNK.changed(meter=Meter(7, 8))
    assert "rare_meter" in foreseen(asked, model)
    assert set(foreseen(asked, model)) <= set(generate(asked, seed=1, model=model.name)[0].notices)
