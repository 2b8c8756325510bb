"""The token language: round trips, merges that never cross a bar, and the grammar mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.errors import ModelError
from composer_core.music.condition_fields import ASK_METERS
from composer_core.music.instruments import PITCH_RANGE, POLYPHONY
from composer_core.music.key import MODES
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.tokens.grammar import Grammar, GrammarState, Limits, playable
from composer_core.tokens.vocab import (
    BAR,
    KINDS,
    Vocabulary,
    _base_tokenizer,
    bars_to_notes,
    base_names,
    loop_to_bars,
    n_outside,
)

ROCK = [(0, 36), (0, 42), (240, 42), (480, 38), (480, 42), (720, 42), (960, 36), (960, 42), (1440, 38)]


def rock(bars: int = 4) -> Loop:
    rows = [(bar * 1920 + tick, 40, pitch, 80) for bar in range(bars) for tick, pitch in ROCK]
    return Loop("drums", Notes.from_rows(rows), bars)


@pytest.fixture(scope="module")
def drums() -> Vocabulary:
    return Vocabulary.train(loop_to_bars(rock(8)), kind="drums", n_merges=12)


@pytest.mark.parametrize("kind", KINDS)
def test_base_tokens_are_miditoks(kind: str) -> None:
    tokenizer = _base_tokenizer(kind)
    assert [name for name, _ in sorted(tokenizer.vocab.items(), key=lambda item: item[1])] == base_names(kind)


def test_a_bar_reads_as_positions_and_pitches() -> None:
    # Step = tick / 40: 0, 6, 12, 18, 24, 36.
    assert loop_to_bars(rock(1))[0][:7] == [
        BAR,
        "Position_0",
        "PitchDrum_36",
        "PitchDrum_42",
        "Position_6",
        "PitchDrum_42",
        "Position_12",
    ]


def test_merges_stay_inside_bars(drums: Vocabulary) -> None:
    assert drums.merges
    assert not any(BAR in merge[1:] for merge in drums.merges)


def test_saved_vocabulary_is_the_same_language(drums: Vocabulary) -> None:
    again = Vocabulary.from_json(drums.to_json())
    assert again.hash == drums.hash
    assert again.encode_bar(loop_to_bars(rock(1))[0]) == drums.encode_bar(loop_to_bars(rock(1))[0])


def test_another_language_is_refused(drums: Vocabulary) -> None:
    data = {**drums.to_json(), "language": "remi-24"}
    with pytest.raises(ModelError, match="another token language"):
        Vocabulary.from_json(data, "somewhere")


def test_notes_outside_the_language_are_counted() -> None:
    loop = Loop("drums", Notes.from_rows([(0, 40, 10, 80), (0, 40, 36, 80), (0, 40, 120, 80)]), 1)
    assert n_outside(loop) == 2
    assert loop_to_bars(loop)[0] == [BAR, "Position_0", "PitchDrum_36"]


hits = st.lists(st.tuples(st.integers(0, 191), st.integers(27, 87)), min_size=1, max_size=60, unique=True)


@given(hits)
@settings(max_examples=40, deadline=None)
def test_encoding_and_decoding_are_inverse(drums: Vocabulary, notes: list[tuple[int, int]]) -> None:
    loop = Loop("drums", Notes.from_rows([(step * 40, 40, pitch, 80) for step, pitch in notes]), 4)
    ids = [token for bar in loop_to_bars(loop) for token in drums.encode_bar(bar)]
    decoded = [token for token_id in ids for token in drums.pieces[token_id].tokens]
    assert bars_to_notes(decoded, loop.meter) == loop.notes


@given(st.lists(st.tuples(st.integers(0, 95), st.integers(21, 108), st.integers(1, 12)), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_pitched_notes_keep_their_lengths(notes: list[tuple[int, int, int]]) -> None:
    unique = {(step, pitch): length for step, pitch, length in notes}
    rows = [(step * 40, length * 40, pitch, 80) for (step, pitch), length in unique.items()]
    loop = Loop("piano", Notes.from_rows(rows), 2)
    tokens = [(k.replace("PitchDrum", "Pitch"), int(v) if v.isdigit() else 0) for k, _, v in _split(loop)]
    assert bars_to_notes(tokens, loop.meter) == loop.notes


def _split(loop: Loop) -> list[tuple[str, str, str]]:
    return [token.partition("_") for bar in loop_to_bars(loop) for token in bar]


@pytest.mark.parametrize("meter", ASK_METERS)
@pytest.mark.parametrize("instrument", ["drums", "bass", "piano"])
@pytest.mark.parametrize("kind", ["own", "shared"])
@pytest.mark.parametrize("seed", range(3))
def test_any_walk_under_the_mask_is_a_whole_loop(
    drums: Vocabulary, meter: str, instrument: str, kind: str, seed: int
) -> None:
    own = drums if instrument == "drums" else Vocabulary("pitched")
    vocabulary = own if kind == "own" else Vocabulary("shared", drums.merges)
    limits = Limits.of(instrument, 3, MODES["dorian"])
    grammar, rng = Grammar(vocabulary, instrument == "drums"), np.random.default_rng(seed)
    asked, bars = Meter.parse(meter), int(rng.choice([1, 2, 4]))
    state, tokens = GrammarState(), []
    for _ in range(2000):
        allowed = np.flatnonzero(grammar.mask(state, asked, bars, limits))
        assert len(allowed), state
        closing = [i for i in allowed if grammar.starts_bar[i] or i == vocabulary.eos]
        token = int(rng.choice(closing if closing and rng.random() < 0.2 else allowed))
        if token == vocabulary.eos:
            break
        tokens += vocabulary.pieces[token].tokens
        state = grammar.advance(state, token)
    assert token == vocabulary.eos
    notes = bars_to_notes(tokens, asked)
    starts = [index for index, (kind, _) in enumerate(tokens) if kind == "Bar"]
    assert len(starts) == bars
    assert notes.onset_tick.max() < bars * asked.bar_tick
    assert len(set(zip(notes.onset_tick.tolist(), notes.pitch.tolist(), strict=True))) == len(notes)
    assert set((notes.onset_tick // asked.bar_tick).tolist()) == set(range(bars))
    if instrument != "drums":
        low, high = PITCH_RANGE[instrument]
        assert low <= notes.pitch.min() + 3 and notes.pitch.max() + 3 <= high
        assert set((notes.pitch % 12).tolist()) <= set(MODES["dorian"])
        assert np.unique(notes.onset_tick, return_counts=True)[1].max() <= POLYPHONY[instrument]


def test_the_end_comes_only_after_the_last_bar(drums: Vocabulary) -> None:
    grammar = Grammar(drums, True)
    first = grammar.mask(GrammarState(), Meter(4, 4), 2)
    assert set(np.flatnonzero(first)) <= set(np.flatnonzero(grammar.starts_bar))
    begun = GrammarState("Pitch", bars=1, position=0, pitch=36)
    assert not grammar.mask(begun, Meter(4, 4), 2)[drums.eos]
    assert grammar.mask(begun, Meter(4, 4), 1)[drums.eos]
    assert not grammar.mask(begun, Meter(4, 4), 1)[drums.base_ids[BAR]]


def test_positions_beyond_a_short_bar_are_masked(drums: Vocabulary) -> None:
    mask = Grammar(drums, True).mask(GrammarState("Bar", bars=1), Meter(3, 4), 1)
    assert mask[drums.base_ids["Position_35"]]
    assert not mask[drums.base_ids["Position_36"]]


def test_notes_end_with_the_loop_and_a_bass_plays_one_line() -> None:
    # One bar is 1920 ticks. The first note meets the second after 480 ticks, the last is cut at the end.
    notes = Notes.from_rows([(0, 960, 40, 80), (480, 480, 43, 80), (1440, 960, 40, 80)])
    assert playable(notes, "bass", 1920).duration_tick.tolist() == [480, 480, 480]
    assert playable(notes, "piano", 1920).duration_tick.tolist() == [960, 480, 480]


def test_a_pitch_is_let_go_before_it_is_struck_again() -> None:
    notes = Notes.from_rows([(0, 960, 60, 80), (480, 480, 60, 80)])
    assert playable(notes, "piano", 1920).duration_tick.tolist() == [480, 480]
