"""A part that meets another's hits: the bass and the kick while the bass is being written.

A kick that goes by without a bass onset on it costs `strength` nats: every token is weighed by the kicks it passes
over. What a composer is told (density, chords) says nothing of them. The grammar and the model's own rhythm go on
deciding everything else, so a kick may still be left alone, as real basses leave a quarter of them
(`benchmarks/ensemble.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from composer_core.tokens.grammar import Grammar, GrammarState

FloatArray = NDArray[np.float64]
STRENGTH = 2.0
"""Nats a missed hit; see docs/decisions/0026-a-bass-beside-drums.md."""


class Meeting:
    """The weights of tokens for one part; `hits` are steps from the loop's beginning, a bar has `bar_steps` of them."""

    def __init__(self, grammar: Grammar, hits: Sequence[int], bar_steps: int, strength: float = STRENGTH) -> None:
        self.grammar, self.bar_steps, self.strength = grammar, bar_steps, strength
        self.passed = _passed_steps(grammar, bar_steps)
        self.hits = np.zeros((max(hits, default=0) // bar_steps + 2, bar_steps))
        for hit in hits:
            self.hits[divmod(hit, bar_steps)] = 1.0

    def bias(self, state: GrammarState) -> FloatArray:
        """What is added to the logit of every token, (n_tokens,)."""
        left = self._bar(state.bars - 1).copy()
        left[: max(0, state.position + 1)] = 0.0  # heard already, met or not
        closes = self.grammar.starts_bar | self.grammar.ends
        within = self.passed @ left
        after = left.sum() + self.passed @ self._bar(state.bars)
        return np.asarray(-self.strength * np.where(closes, after, within))

    def _bar(self, number: int) -> FloatArray:
        return self.hits[number] if 0 <= number < len(self.hits) else np.zeros(self.bar_steps)


@lru_cache(maxsize=32)
def _passed_steps(grammar: Grammar, bar_steps: int) -> FloatArray:
    """1 for every step of its bar that a token goes past without a note there, (n_tokens, bar_steps)."""
    passed = np.zeros((len(grammar.vocabulary), bar_steps))
    for token, piece in enumerate(grammar.vocabulary.pieces):
        passed[token, : max(0, int(grammar.highest_position[token]))] = 1.0
        for kind, value in piece.tokens:
            if kind == "Position" and value < bar_steps:
                passed[token, value] = 0.0
    return passed
