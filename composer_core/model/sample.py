"""Sampling of one loop under the grammar mask, with an exact bar budget.

Takes are sampled one by one: a batch would be faster, but its matrix products round
differently with its size, and take i must be the same whatever the number of takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.model.checkpoint import LoadedModel
from composer_core.model.conditions import arrays_of
from composer_core.music.condition import Condition
from composer_core.music.loop import Notes
from composer_core.tokens.grammar import Grammar, GrammarState
from composer_core.tokens.vocab import Vocabulary, bars_to_notes


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """How boldly to sample: nucleus `top_p` (0 to 1] and `temperature`.

    The defaults were measured on the shipped drums model: at 1.0 and 0.95 takes lie nearer to
    the training takes than validation takes do, at 1.12 and 0.97 they do not.
    """

    temperature: float = 1.12
    top_p: float = 0.97

    def __post_init__(self) -> None:
        require_range("temperature", self.temperature, 0.05, 5.0)
        require_range("top_p", self.top_p, 0.01, 1.0)


DEFAULT_SAMPLING = SampleSettings()


@lru_cache(maxsize=8)
def grammar_of(vocabulary: Vocabulary) -> Grammar:
    """The grammar of a vocabulary, built once."""
    return Grammar(vocabulary)


def choose(logits: NDArray[np.float64], settings: SampleSettings, rng: np.random.Generator) -> int:
    """Draw one id: temperature, then the smallest set of ids that holds `top_p` of the probability."""
    allowed = np.flatnonzero(np.isfinite(logits))
    scaled = logits[allowed] / settings.temperature
    probability = np.exp(scaled - scaled.max())
    probability /= probability.sum()
    order = np.argsort(-probability, kind="stable")
    cumulative = np.cumsum(probability[order])
    n_kept = int(np.searchsorted(cumulative, settings.top_p * cumulative[-1])) + 1
    kept = order[:n_kept]
    place = np.searchsorted(np.cumsum(probability[kept]), rng.random() * probability[kept].sum())
    return int(allowed[kept[min(place, n_kept - 1)]])


def sample_ids(
    model: LoadedModel,
    condition: Condition,
    seed: int,
    settings: SampleSettings = DEFAULT_SAMPLING,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[int]:
    """Token ids of one loop without BOS and EOS. A stop keeps the whole bars so far.

    The room that is left is kept in view: where the sequence could run out of length, the
    mask allows only the tokens that close bars with one hit each.
    """
    composer, grammar = model.composer, grammar_of(model.vocabulary)
    rng = np.random.default_rng([seed, 0x5EED])
    state, ids = GrammarState(), [model.vocabulary.bos]
    with torch.inference_mode():
        vector = composer.condition_vectors(arrays_of(condition, composer.config.genres))
        cache = composer.new_cache(1)
        while not should_stop():
            logits = composer(torch.tensor([[ids[-1]]], device=vector.device), vector, cache)[0, -1]
            mask = grammar.mask(state, condition.meter, condition.bars)
            scores = np.where(mask, logits.double().cpu().numpy(), -np.inf)
            if _is_cramped(composer.config.max_length - len(ids), state, condition.bars):
                scores = _shortest_way(scores, grammar, mask)
            token = choose(scores, settings, rng)
            if token == model.vocabulary.eos:
                return ids[1:]
            ids.append(token)
            state = grammar.advance(state, token)
    return _whole_bars(ids[1:], grammar)


def _is_cramped(room: int, state: GrammarState, bars: int) -> bool:
    """True when only the shortest bars (Bar, Position, Pitch, Duration) still fit."""
    return room <= 4 * (bars - state.bars) + 6


def _shortest_way(scores: NDArray[np.float64], grammar: Grammar, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Only tokens that end what is begun: the end, a new bar, else whatever is allowed."""
    closing = mask & (grammar.starts_bar | (np.arange(len(mask)) == grammar.vocabulary.eos))
    return np.where(closing, scores, -np.inf) if closing.any() else scores


def _whole_bars(ids: list[int], grammar: Grammar) -> list[int]:
    """Cut a stopped sequence back to before its last, unfinished bar."""
    starts = [index for index, token in enumerate(ids) if grammar.starts_bar[token]]
    return ids[: starts[-1]] if starts else []


def sample_notes(
    model: LoadedModel, condition: Condition, seed: int, settings: SampleSettings = DEFAULT_SAMPLING
) -> Notes:
    """Notes of one loop on the straight 12-step grid, every velocity 80 (the performer gives them life)."""
    ids = sample_ids(model, condition, seed, settings)
    tokens = [token for token_id in ids for token in model.vocabulary.pieces[token_id].tokens]
    return bars_to_notes(tokens, condition.meter)
