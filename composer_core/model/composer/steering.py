"""Steer a sequence while it is sampled: towards a density, register and mode, and towards another part's hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.key_finding import KEYS, log_profiles
from composer_core.music.timing import TICKS_PER_QUARTER, TICKS_PER_STEP
from composer_core.tokens.grammar import Grammar, GrammarState

FloatArray = NDArray[np.float64]
ONSETS_APART, BAR_SHARE = 0.5, 0.15
"""One unit of deviation: half an onset and 15 % of a bar's, for within a bar rhythm is the model's own affair."""
SEMITONES_APART = 3.0
NOTE_WEIGHT = 0.3
"""What of a note counts as evidence of a key, for notes repeat and follow each other."""
KEY_STRENGTH = 3.0
"""What the key's potential weighs beside those of density and register: slow to be sure and strong, it goes on
asking for the mode's own degrees where one that is soon sure would fall silent."""


_LOG_PROFILES = log_profiles()
STRENGTH = 2.0
"""Nats a missed hit; see docs/decisions/0026-a-bass-beside-drums.md."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was written so far: onsets, notes, the sum of their pitches, and how many there are of each pitch class."""

    onsets: int = 0
    notes: int = 0
    pitches: int = 0
    classes: tuple[int, ...] = (0,) * 12

    def plus(self, grammar: Grammar, token: int) -> Tally:
        """The tally after one more token."""
        return Tally(
            self.onsets + int(grammar.n_onsets[token]),
            self.notes + int(grammar.n_notes[token]),
            self.pitches + int(grammar.pitch_sum[token]),
            tuple((np.array(self.classes) + grammar.class_counts[token]).tolist()),
        )


class Steering:
    """The weights of tokens for one request; `first` is the bar its writing begins with, `strength` 0 is off."""

    def __init__(self, condition: Condition, grammar: Grammar, first: int = 0, strength: float = 1.0) -> None:
        self.grammar, self.first, self.strength = grammar, first, strength
        self.bar_steps = condition.meter.bar_tick // TICKS_PER_STEP
        step_quarters = TICKS_PER_STEP / TICKS_PER_QUARTER
        self.onsets_a_step = condition.density * step_quarters if condition.density is not None else None
        self.pitch = condition.register - condition.shift if condition.register is not None else None
        self.key = _key_index(condition)
        self.evidence = NOTE_WEIGHT * (grammar.class_sets @ _LOG_PROFILES.T) if self.key is not None else None
        asked = (self.onsets_a_step, self.pitch, self.key)
        self.is_off = strength == 0.0 or all(one is None for one in asked)

    def bias(self, state: GrammarState, tally: Tally) -> FloatArray:
        """What is added to the logit of every token, (n_tokens,)."""
        found = np.zeros(len(self.grammar.n_onsets))
        if self.onsets_a_step is not None:
            found += self._density_bias(state, tally, self.onsets_a_step)
        if self.pitch is not None:
            found += self._register_bias(tally, self.pitch)
        if self.evidence is not None and self.key is not None:
            before = NOTE_WEIGHT * (_LOG_PROFILES @ np.array(tally.classes))
            after = _log_share(before + self.evidence, self.key)[self.grammar.class_set]  # many tokens share their set
            found += KEY_STRENGTH * (after - _log_share(before[None], self.key))
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


def _key_index(condition: Condition) -> int | None:
    """Which of KEYS is asked for, as it is written (with the tonic on C); None where none is."""
    if condition.key is None:
        return None
    return KEYS.index(Key(0, "minor" if condition.key.is_minor else "major"))


def _log_share(evidence: FloatArray, key: int) -> FloatArray:
    """Logarithm of one key's probability among all, for each row of evidence (n, 24)."""
    highest = evidence.max(axis=1, keepdims=True)
    total = highest[:, 0] + np.log(np.exp(evidence - highest).sum(axis=1))
    return np.asarray(evidence[:, key] - total)


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
