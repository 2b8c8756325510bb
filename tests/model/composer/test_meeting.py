"""A bass written to meet kicks: what a token costs by the kicks it passes, and that sampled basses meet more."""

from __future__ import annotations

import numpy as np

from composer_core.model.composer.sampling import SampleSettings, sample_mixed
from composer_core.model.composer.steering import Meeting
from composer_core.music.condition import Condition
from composer_core.tokens.grammar import Grammar, GrammarState
from composer_core.tokens.vocab import Vocabulary
from tiny_models import shared_model

VOCABULARY = Vocabulary("pitched")
GRAMMAR = Grammar(VOCABULARY, drums=False)
KICKS = (0, 24, 30, 48, 72)
"""Bar 1: steps 0, 24 and 30 of 48; bar 2: steps 0 and 24."""


def bias_of(state: GrammarState) -> dict[str, float]:
    """The weight of every single token by its name."""
    bias = Meeting(GRAMMAR, KICKS, 48, strength=2.0).bias(state)
    return {names[0]: float(value) for names, value in zip(VOCABULARY.names, bias, strict=True) if len(names) == 1}


def test_a_token_costs_two_nats_for_each_kick_it_goes_past() -> None:
    # At step 0 of the first bar (its kick is met or was passed): 24 meets the next, 25 passes it,
    # 36 passes 24 and 30, and so does the next bar.
    found = bias_of(GrammarState("Duration", bars=1, position=0, pitch=40))
    costs = {name: found[name] for name in ("Position_12", "Position_24", "Position_25", "Position_30", "Position_36")}
    assert costs == {
        "Position_12": 0.0,
        "Position_24": 0.0,
        "Position_25": -2.0,
        "Position_30": -2.0,
        "Position_36": -4.0,
    }
    assert found["Bar_None"] == found["EOS_None"] == -4.0
    assert found["Pitch_43"] == 0.0


def test_a_bar_begins_with_all_its_kicks_ahead() -> None:
    # Bar 2 begun, nothing in it: step 1 passes the kick on 0, the end passes 0 and 24.
    found = bias_of(GrammarState("Bar", bars=2))
    assert (found["Position_0"], found["Position_1"], found["EOS_None"]) == (0.0, -2.0, -4.0)


def test_behind_the_last_kick_nothing_costs() -> None:
    assert not np.any(Meeting(GRAMMAR, KICKS, 48).bias(GrammarState("Bar", bars=4)))


def test_a_sampled_bass_meets_more_kicks() -> None:
    model, kicks = shared_model(), (5, 17, 29, 41, 53, 65, 77, 89)
    conditions = [Condition("bass", bars=2)] * 6

    def met(hits: tuple[int, ...]) -> float:
        loops = sample_mixed(model, conditions, range(6), SampleSettings(steering=0.0), hits)
        return float(np.mean([np.isin(kicks, loop.onset_tick // 40).mean() for loop in loops]))

    assert met(kicks) > met(()) + 0.2
