"""Sample loops under the grammar mask, with an exact number of bars.

Several loops are sampled as one batch, which is faster than one by one. Matrix products round
differently for different batch sizes, so the same seed in a batch of another size may give another
loop. The same call gives the same loops on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.model.composer.checkpoint import LoadedModel
from composer_core.model.composer.conditions import (
    MAX_BARS,
    ConditionArrays,
    arrays_of,
    as_window_condition,
    condition_rows,
)
from composer_core.model.composer.data import WindowSet
from composer_core.model.composer.decoder import next_logits, stepper_of
from composer_core.model.composer.notices import LEARNT_MODES
from composer_core.model.composer.steering import Meeting, Steering, Tally
from composer_core.model.composer.training import nll_of_windows
from composer_core.model.device import inference_threads
from composer_core.music.condition import Condition
from composer_core.music.key import MODES
from composer_core.music.loop import NO_NOTES, Loop, Notes
from composer_core.music.timing import TICKS_PER_STEP
from composer_core.tokens.grammar import Grammar, GrammarState, Limits, playable
from composer_core.tokens.vocab import Vocabulary, bars_to_notes, is_note, loop_to_bars


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """How boldly to sample: nucleus `top_p` (0 to 1] and `temperature`.

    The defaults were chosen with the shipped drums model on requests of dev takes: a temperature of 1.0 with a top_p
    of 0.97 gives a higher total than 1.12 with 0.97 (87.6 against 83.6), and takes lie as far from the training takes
    as those of other players do (0.29 against 0.31). `guidance` w samples from u + w (c - u), the logits with (c) and
    without (u) the condition; 1 is off (Ho and Salimans 2022). `steering` weights tokens by how near they bring
    density and register to the requested values; 0 is off (see `composer_core.model.composer.steering`). A model's
    configuration may hold its own settings under `sampling`.
    """

    temperature: float = 1.0
    top_p: float = 0.97
    guidance: float = 1.0
    steering: float = 1.5

    def __post_init__(self) -> None:
        require_range("temperature", self.temperature, 0.05, 5.0)
        require_range("top_p", self.top_p, 0.01, 1.0)
        require_range("guidance", self.guidance, 0.0, 10.0)
        require_range("steering", self.steering, 0.0, 10.0)


def sampling_of(model: LoadedModel, instrument: str) -> SampleSettings:
    """The sampling settings of a model for an instrument.

    Settings of the instrument come before those the model has for all, and these before the defaults. InvalidValue for
    an unknown or bad setting.
    """
    released: Any = model.facts.get("sampling", {})
    common = dict(released)
    by_instrument = common.pop(OF_INSTRUMENTS, {})
    own = {**common, **by_instrument.get(instrument, {})}
    for name in own:
        require_choice(f"sampling setting of {model.name}", name, SampleSettings.__slots__)
    return SampleSettings(**own)


OF_INSTRUMENTS = "instruments"
"""The key in a model's sampling settings that holds settings of single instruments."""


@dataclass(frozen=True, slots=True)
class Given:
    """The existing notes of a loop that is edited.

    `notes` are those of the whole loop, on the grid, as they sound. The bars from `first` up to but
    not including `last` (counted from 0) are to be rewritten.
    """

    notes: Notes
    first: int = 0
    last: int = MAX_BARS


NOTHING = Given(NO_NOTES)
STILL_OPEN = 0.75
"""Finished sequences are removed from a batch when at most this share of it is still unfinished. They are not removed
one by one, because each removal copies the cache."""


@lru_cache(maxsize=16)
def grammar_of(vocabulary: Vocabulary, drums: bool) -> Grammar:
    """The grammar of a vocabulary for drums or for pitched instruments, built once."""
    return Grammar(vocabulary, drums)


def choose(logits: NDArray[np.float64], settings: SampleSettings, rng: np.random.Generator) -> int:
    """Sample one id: apply the temperature, then choose from the smallest set of ids that holds `top_p` in all."""
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


@dataclass(slots=True)
class _Row:
    """One sequence while it grows, with its condition and state."""

    condition: Condition
    grammar: Grammar
    limits: Limits
    rng: np.random.Generator
    state: GrammarState
    ids: list[int]
    steering: Steering
    meeting: Meeting | None = None
    tally: Tally = field(default_factory=Tally)
    done: bool = False

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, condition: Condition, seed: int, first: int, steering: float, hits: Sequence[int]
    ) -> _Row:
        """A row that starts with bar `first` and is steered to meet `hits` (grid steps) of another part."""
        key = condition.key
        steps = MODES[key.mode] if key is not None and key.mode not in LEARNT_MODES else None
        limits = Limits.of(condition.instrument, condition.shift, steps)
        grammar = grammar_of(vocabulary, condition.instrument == "drums")
        rng = np.random.default_rng([seed, 0x5EED])
        steered = Steering(condition, grammar, first, steering)
        meeting = Meeting(grammar, hits, condition.meter.bar_tick // TICKS_PER_STEP) if hits else None
        return cls(condition, grammar, limits, rng, GrammarState(bars=first), [], steered, meeting)


class _Sampler:
    """Samples several sequences at once, each under its own condition."""

    def __init__(
        self,
        model: LoadedModel,
        conditions: Sequence[Condition],
        settings: SampleSettings,
        given: Given,
        hits: Sequence[int] = (),
    ) -> None:
        self.model, self.conditions, self.settings, self.given, self.hits = model, conditions, settings, given, hits

    def run(self, seeds: Sequence[int], should_stop: Callable[[], bool]) -> list[list[int]]:
        """The ids after the prefix, one list per seed."""
        composer, vocabulary = self.model.composer, self.model.vocabulary
        prefix = self._prefix()
        pairs = zip(self.conditions, seeds, strict=True)
        rows = [
            _Row.of(vocabulary, condition, seed, self.given.first, self.settings.steering, self.hits)
            for condition, seed in pairs
        ]
        with inference_threads(composer):
            vectors = self._vectors(len(rows))
            step, cache = stepper_of(composer), composer.new_cache(len(vectors))
            ids = torch.tensor([prefix] * len(vectors), device=vectors.device)
            bar = torch.from_numpy(vocabulary.bar_starts)[ids.cpu()].cumsum(1).to(vectors.device)
            going = rows
            while not should_stop():
                logits = next_logits(composer, step, ids, composer.at_positions(vectors, bar), cache)
                self._choose(going, logits, cache.length)
                open_rows = [place for place, row in enumerate(going) if not row.done]
                if not open_rows:
                    break
                if len(open_rows) <= STILL_OPEN * len(going):
                    kept = torch.tensor(open_rows, device=vectors.device)
                    kept = torch.cat([kept, kept + len(going)]) if self.is_guided else kept
                    going = [going[place] for place in open_rows]
                    vectors, cache = vectors[kept], cache.rows(kept)
                last = [(row.ids[-1] if row.ids else vocabulary.pad, row.state.bars) for row in going]
                ids, bar = torch.tensor(last * (1 + self.is_guided), device=vectors.device).T.unsqueeze(-1)
        return [row.ids if row.done else _complete_bars(row.ids, row.grammar) for row in rows]

    @property
    def is_guided(self) -> bool:
        """True when each sequence is also read without its condition, for guidance."""
        return self.settings.guidance != 1.0

    def _vectors(self, n_rows: int) -> Tensor:
        """The condition vectors of all sequences, followed, with guidance, by as many without a condition."""
        arrays = self._arrays()
        kinds = [arrays, arrays.hidden()] if self.is_guided else [arrays]
        return torch.cat([self.model.composer.condition_vectors(one).expand(n_rows, -1, -1) for one in kinds])

    def _arrays(self) -> ConditionArrays:
        """The condition arrays: one row when all sequences share a condition, else one row each."""
        shape, first = self.model.composer.config, self.conditions[0]
        if all(condition is first for condition in self.conditions):
            return arrays_of(first, shape)
        return condition_rows([as_window_condition(one) for one in self.conditions], shape.genres, shape.techniques)

    def _prefix(self) -> list[int]:
        """The ids of BOS and of the bars before those to be written."""
        vocabulary = self.model.vocabulary
        if not self.given.first:
            return [vocabulary.bos]
        bars = _written(self.given.notes, self.conditions[0])[: self.given.first]
        return [vocabulary.bos, *(token for bar in bars for token in vocabulary.encode_bar(bar))]

    def _choose(self, rows: Sequence[_Row], logits: Tensor, length: int) -> None:
        """Choose the next id of every unfinished row."""
        scores = logits.double().cpu().numpy()
        if self.is_guided:
            asked, bare = scores[: len(rows)], scores[len(rows) :]
            scores = bare + self.settings.guidance * (asked - bare)
        room = self.model.composer.config.max_length - length
        for row, own in zip(rows, scores, strict=True):
            if not row.done:
                self._choose_one(row, own, room)

    def _choose_one(self, row: _Row, scores: NDArray[np.float64], room: int) -> None:
        grammar, state, condition = row.grammar, row.state, row.condition
        mask = grammar.mask(state, condition.meter, condition.bars, row.limits)
        if not row.ids:
            mask &= grammar.starts_bar  # the prefix ends with a whole bar
        if not row.steering.is_off:
            scores = scores + row.steering.bias(state, row.tally)
        if row.meeting is not None:
            scores = scores + row.meeting.bias(state)
        scores = np.where(mask, scores, -np.inf)
        if _is_cramped(room, state, condition.bars):
            scores = _shortest_way(scores, grammar, mask)
        token = choose(scores, self.settings, row.rng)
        last = min(self.given.last, condition.bars)
        if token == self.model.vocabulary.eos or (state.bars == last and grammar.starts_bar[token]):
            row.done = True
            return
        row.ids.append(token)
        row.tally = row.tally.plus(grammar, token)
        row.state = grammar.advance(state, token)


def _written(notes: Notes, condition: Condition) -> list[list[str]]:
    """The base tokens of every bar of notes as they sound, written with the tonic on C."""
    pitch = notes.pitch - condition.shift
    loop = Loop(condition.instrument, notes.with_columns(pitch=pitch), condition.bars, meter=condition.meter)
    return loop_to_bars(loop)


def sample_ids(
    model: LoadedModel,
    condition: Condition,
    seeds: Sequence[int],
    settings: SampleSettings | None = None,
    given: Given = NOTHING,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[list[int]]:
    """Sample the token ids of the bars to be written, one list per seed. A stop keeps the complete bars so far.

    `settings` None uses the model's own.

    When a sequence is about to run out of length, the mask allows only tokens that close the
    remaining bars with one hit each, so that every loop has all its bars.
    """
    if not 0 <= given.first < min(given.last, condition.bars):
        raise InvalidValue(
            "value_out_of_range", name="first bar", value=given.first, low=0, high=condition.bars - 1, unit=""
        )
    return _Sampler(model, [condition] * len(seeds), settings or sampling_of(model, condition.instrument), given).run(
        seeds, should_stop
    )


def _is_cramped(room: int, state: GrammarState, bars: int) -> bool:
    """True when there is room only for the shortest bars: four tokens each (Bar, Position, Pitch, Duration)."""
    return room <= 4 * (bars - state.bars) + 6


def _shortest_way(scores: NDArray[np.float64], grammar: Grammar, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Keep only the scores of the end and of a new bar; if neither is allowed, keep all."""
    closing = mask & (grammar.starts_bar | (np.arange(len(mask)) == grammar.vocabulary.eos))
    return np.where(closing, scores, -np.inf) if closing.any() else scores


def _complete_bars(ids: list[int], grammar: Grammar) -> list[int]:
    """Cut off the last, unfinished bar of a stopped sequence."""
    starts = [index for index, token in enumerate(ids) if grammar.starts_bar[token]]
    return ids[: starts[-1]] if starts else []


def sample_notes(
    model: LoadedModel,
    condition: Condition,
    seeds: Sequence[int],
    settings: SampleSettings | None = None,
    given: Given = NOTHING,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Notes]:
    """Sample loops on the straight 12-step grid as they sound, one per seed.

    Every new velocity is 80 until a performer plays the notes. Notes of `given` outside the bars to be written stay as
    they are.
    """
    bar_tick = condition.meter.bar_tick
    loops = []
    for ids in sample_ids(model, condition, seeds, settings, given, should_stop):
        notes = _sounding(model, ids, condition)
        first, last = given.first * bar_tick, min(given.last, condition.bars) * bar_tick
        notes = notes.with_columns(onset_tick=notes.onset_tick + first)
        kept = given.notes.select((given.notes.onset_tick < first) | (given.notes.onset_tick >= last))
        # New notes end where old ones of the same pitch begin; the old ones are not changed.
        loops.append(_joined(playable(notes, condition.instrument, condition.bars * bar_tick), kept))
    return loops


def sample_mixed(
    model: LoadedModel,
    conditions: Sequence[Condition],
    seeds: Sequence[int],
    settings: SampleSettings | None = None,
    hits: Sequence[int] = (),
) -> list[Notes]:
    """Sample one loop for each of several conditions as one batch; instruments, metres and bars may differ.

    `hits` are grid steps of another part that the loops should meet (see `composer_core.model.composer.steering`).
    """
    if not conditions:
        return []
    found = []
    for condition, ids in zip(
        conditions,
        _Sampler(model, conditions, settings or sampling_of(model, conditions[0].instrument), NOTHING, hits).run(
            seeds, lambda: False
        ),
        strict=True,
    ):
        notes = _sounding(model, ids, condition)
        found.append(playable(notes, condition.instrument, condition.bars * condition.meter.bar_tick))
    return found


def _sounding(model: LoadedModel, ids: Sequence[int], condition: Condition) -> Notes:
    """The notes of sampled ids, in the requested key."""
    tokens = [token for token_id in ids for token in model.vocabulary.pieces[token_id].tokens]
    notes = bars_to_notes(tokens, condition.meter)
    return notes.with_columns(pitch=notes.pitch + condition.shift)


def _joined(written: Notes, kept: Notes) -> Notes:
    """Join new notes with the kept ones; a new note ends where a kept note of its pitch begins."""
    end = written.onset_tick + written.duration_tick
    for onset, _, pitch, _ in kept.rows():
        rings = (written.pitch == pitch) & (written.onset_tick < onset) & (end > onset)
        end = np.where(rings, onset, end)
    written = written.with_columns(duration_tick=end - written.onset_tick)
    both = zip(written.columns(), kept.columns(), strict=True)
    return Notes.of(*(np.concatenate(pair) for pair in both))


def nll_of_loops(model: LoadedModel, condition: Condition, loops: Sequence[Notes]) -> NDArray[np.float64]:
    """Nats per note of whole loops (notes on the grid, as they sound) under one condition, (n,).

    Lower is likelier. This ranks the candidates of an edit, because sampling did not see the bars after it.
    """
    vocabulary = model.vocabulary
    bars = [_written(notes, condition) for notes in loops]
    sequences = [
        np.array([vocabulary.bos, *(t for bar in loop for t in vocabulary.encode_bar(bar)), vocabulary.eos], np.int32)
        for loop in bars
    ]
    n_notes = np.array([max(1, sum(is_note(token) for bar in loop for token in bar)) for loop in bars])
    conditions = arrays_of(condition, model.composer.config).take(np.zeros(len(loops), np.int64))
    nothing = np.zeros(len(loops), np.int64)
    windows = WindowSet(
        sequences, conditions, n_notes, nothing, [""], vocabulary.bar_starts, np.zeros(len(loops), np.bool_)
    )
    nats: NDArray[np.float64] = nll_of_windows(model.composer, windows) / n_notes
    return nats
