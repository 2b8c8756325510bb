"""The baselines: probabilities by hand, sums of one, and the previous bar's guess."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.model.composer.ngram import (
    END,
    START,
    BackoffModel,
    MixedModel,
    expected_token,
    plain_features,
    repeat_features,
    tuned,
)

KICK, SNARE = "PitchDrum_36", "PitchDrum_38"
BAR = ("Position_0", KICK, "Position_12", SNARE)


def test_context_runs_over_the_bar_line() -> None:
    # Before token 1 of bar 1: Position_0, then the end of bar 0 and its last tokens.
    assert plain_features([BAR, BAR], 1, 1, 5) == ("Position_0", END, SNARE, "Position_12")
    assert plain_features([BAR], 0, 0, 4) == (START, START, START)


@pytest.mark.parametrize(
    ("current", "guess"),
    [
        ((), "Position_0"),
        (("Position_0",), KICK),
        (("Position_0", KICK), "Position_12"),
        (("Position_0", KICK, "Position_12", SNARE), END),
        (("Position_3", KICK), "Position_12"),
        (("Position_0", "PitchDrum_35"), KICK),
        (("Position_18", SNARE), END),
    ],
)
def test_the_previous_bar_guesses_what_follows(current: tuple[str, ...], guess: str) -> None:
    assert expected_token(BAR, current) == guess


def test_probabilities_by_hand() -> None:
    # One bar "a a b END", order 1 (no context): counts a 2, b 1, END 1; n1 = 2, n2 = 1, so D = 2 / (2 + 2) = 0.5.
    # Total 4, 3 kinds: back-off mass 0.5 * 3 / 4 = 0.375 over 3 + 1 symbols.
    model = BackoffModel([[("a", "a", "b")]], plain_features, 1)
    assert model.probability((), "a") == pytest.approx((2 - 0.5) / 4 + 0.375 / 4)
    assert model.probability((), "never") == pytest.approx(0.375 / 4)


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_probabilities_of_the_known_symbols_and_one_more_add_up(bars: list[list[str]]) -> None:
    model = BackoffModel([bars], plain_features, 3)
    known = {token for bar in bars for token in bar} | {END}
    for context in list(model.levels[-1])[:5]:
        total = sum(model.probability(context, token) for token in [*known, "unseen"])
        assert total == pytest.approx(1.0)


def test_a_repeating_song_is_cheaper_for_the_model_that_sees_the_previous_bar() -> None:
    # Songs of four equal bars, each of four hits at chance: the first bar is a guess, the others are copies.
    rng = np.random.default_rng(0)

    def song() -> list[tuple[str, ...]]:
        steps = np.sort(rng.choice(np.arange(0, 48, 6), 4, replace=False))
        return [tuple(token for step in steps for token in (f"Position_{step}", KICK))] * 4

    train, test = [song() for _ in range(40)], [song() for _ in range(5)]
    plain = BackoffModel(train, plain_features, 4)
    repeat = BackoffModel(train, repeat_features, 4)
    assert sum(map(repeat.nll, test)) < 0.8 * sum(map(plain.nll, test))


def test_the_order_is_tuned_and_the_mixture_is_no_worse_on_held_out() -> None:
    loops = [[BAR, BAR], [(*BAR, "Position_24", KICK), BAR], [BAR, (*BAR, "Position_36", SNARE)]] * 3
    plain = tuned(loops, loops[:2], plain_features, (2, 3, 4))
    repeat = tuned(loops, loops[:2], repeat_features, (2, 3))
    mixed = MixedModel(plain, repeat, loops[:2])
    best = min(sum(map(plain.nll, loops[:2])), sum(map(repeat.nll, loops[:2])))
    assert sum(map(mixed.nll, loops[:2])) <= best + 1e-9
    assert math.isfinite(mixed.nll([("Position_1", "PitchDrum_99")]))
