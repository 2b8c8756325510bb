"""Steering of a sequence towards an asked density and register while it is sampled.

What a model is told of density it follows loosely, and the more rarely a request occurs in its data the
less. So the notes so far are counted against what was asked, and every token is weighed by how far it
brings the count back: its logit gains the potential before it less the potential after it. Potentials
telescope, so that over a whole loop the model's distribution is tilted by how far the loop as a whole ends
from the request and hardly by the order of its notes (potential-based shaping: Ng, Harada and Russell 1999;
weighing tokens by where they lead while sampling: Yang and Klein 2021, FUDGE). Nothing acts on fields that
were not asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer_core.music.condition import Condition
from composer_core.music.timing import TICKS_PER_QUARTER, TICKS_PER_STEP
from composer_core.tokens.grammar import Grammar, GrammarState

FloatArray = NDArray[np.float64]
ONSETS_APART, BAR_SHARE = 0.5, 0.15
"""One unit of deviation: half an onset and 15 % of a bar's, for within a bar rhythm is the model's own affair."""
SEMITONES_APART = 3.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What was written so far: onsets, notes, and the sum of their pitches."""

    onsets: int = 0
    notes: int = 0
    pitches: int = 0

    def plus(self, grammar: Grammar, token: int) -> Tally:
        """The tally after one more token."""
        return Tally(
            self.onsets + int(grammar.n_onsets[token]),
            self.notes + int(grammar.n_notes[token]),
            self.pitches + int(grammar.pitch_sum[token]),
        )


class Steering:
    """The weights of tokens for one request; `first` is the bar its writing begins with, `strength` 0 is off."""

    def __init__(self, condition: Condition, grammar: Grammar, first: int = 0, strength: float = 1.0) -> None:
        self.grammar, self.first, self.strength = grammar, first, strength
        self.bar_steps = condition.meter.bar_tick // TICKS_PER_STEP
        step_quarters = TICKS_PER_STEP / TICKS_PER_QUARTER
        self.onsets_a_step = condition.density * step_quarters if condition.density is not None else None
        self.pitch = condition.register - condition.shift if condition.register is not None else None
        self.is_off = strength == 0.0 or (self.onsets_a_step is None and self.pitch is None)

    def bias(self, state: GrammarState, tally: Tally) -> FloatArray:
        """What is added to the logit of every token, (n_tokens,)."""
        found = np.zeros(len(self.grammar.n_onsets))
        if self.onsets_a_step is not None:
            found += self._density_bias(state, tally, self.onsets_a_step)
        if self.pitch is not None:
            found += self._register_bias(tally, self.pitch)
        return self.strength * found

    def _density_bias(self, state: GrammarState, tally: Tally, onsets_a_step: float) -> FloatArray:
        """Onsets written against onsets due at the place a token leads to; an onset is due where it stands."""
        grammar = self.grammar
        bars_done = state.bars - self.first
        here = max(0, bars_done - 1) * self.bar_steps + max(0, state.position)
        closes = grammar.starts_bar | grammar.ends
        moves = grammar.highest_position >= 0
        bar_start = np.where(closes, bars_done, max(0, bars_done - 1)) * self.bar_steps
        there = np.where(closes | moves, bar_start + np.maximum(grammar.highest_position, 0), here)
        on_onset = np.where(closes | moves, moves, state.position >= 0)
        unit = ONSETS_APART + BAR_SHARE * onsets_a_step * self.bar_steps
        before = (onsets_a_step * here + (state.position >= 0) - tally.onsets) / unit
        after = (onsets_a_step * there + on_onset - (tally.onsets + grammar.n_onsets)) / unit
        return np.asarray(0.5 * (before**2 - after**2))

    def _register_bias(self, tally: Tally, pitch: float) -> FloatArray:
        """Mean pitch so far against the asked one."""
        grammar = self.grammar
        n_after = tally.notes + grammar.n_notes
        apart_after = (tally.pitches + grammar.pitch_sum) / np.maximum(n_after, 1) - pitch
        apart = tally.pitches / tally.notes - pitch if tally.notes else 0.0
        after = np.where(n_after > 0, apart_after, 0.0) / SEMITONES_APART
        return np.asarray(0.5 * ((apart / SEMITONES_APART) ** 2 - after**2))
