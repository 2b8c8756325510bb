"""Baselines a composer has to beat: an interpolated Kneser-Ney n-gram, and one that sees the previous bar.

Both read plain base tokens bar by bar. Like the composer they know where the loop ends, so
'next bar' and 'end' are one symbol. Source: Chen and Goodman 1999, interpolated Kneser-Ney
with one discount per level, D = n1 / (n1 + 2 n2).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

Token = str
Bar = Sequence[Token]
Features = tuple[Hashable, ...]
END = "END"
START = "START"
MAX_RUN = 3


def plain_features(bars: Sequence[Bar], bar: int, index: int, order: int) -> Features:
    """The order - 1 tokens before, nearest first, over bar lines, START before the loop."""
    context: list[Hashable] = list[Hashable](reversed(bars[bar][:index]))[: order - 1]
    previous = bar - 1
    while len(context) < order - 1 and previous >= 0:
        context += [END, *reversed(bars[previous])][: order - 1 - len(context)]
        previous -= 1
    return (*context, *[START] * (order - 1 - len(context)))


def expected_token(previous: Bar, current: Bar) -> Token:
    """What comes next if this bar goes on like the previous one from the same place in the bar."""
    step, pitch, inside = _position(current)
    inside_pitch = not (current and current[-1].startswith("Pitch"))
    previous_step, previous_pitch = -1, -1
    for token in previous:
        kind, _, value = token.partition("_")
        if kind == "Position":
            previous_step, previous_pitch = int(value), -1
            if inside and previous_step > step:
                return token
        elif kind.startswith("Pitch"):
            previous_pitch = int(value)
            if previous_step == step and previous_pitch > pitch:
                return token
        elif not inside_pitch and kind == "Duration" and (previous_step, previous_pitch) == (step, pitch):
            return token
    return END


def _position(current: Bar) -> tuple[int, int, bool]:
    """Step and pitch last heard in a bar and whether a new position may follow now."""
    step, pitch = -1, -1
    for token in current:
        kind, _, value = token.partition("_")
        if kind == "Position":
            step, pitch = int(value), -1
        elif kind.startswith("Pitch"):
            pitch = int(value)
    return step, pitch, not current or not current[-1].startswith("Position")


def repeat_features(bars: Sequence[Bar], bar: int, index: int, order: int) -> Features:
    """Last token, what the previous bar had next, how often that guess was right of late, then the plain context."""
    plain = plain_features(bars, bar, index, order)
    if bar == 0:
        return (plain[0], START, 0, *plain[1:])
    guess = expected_token(bars[bar - 1], bars[bar][:index])
    run = 0
    while run < MAX_RUN and index - 1 - run >= 0:
        at = index - 1 - run
        if expected_token(bars[bar - 1], bars[bar][:at]) != bars[bar][at]:
            break
        run += 1
    return (plain[0], guess, run, *plain[1:])


FeatureFunction = Callable[[Sequence[Bar], int, int, int], Features]


class BackoffModel:
    """Interpolated Kneser-Ney over a chain of context features, nearest first."""

    def __init__(self, loops: Iterable[Sequence[Bar]], features: FeatureFunction, order: int) -> None:
        self.features, self.order = features, order
        full: Counter[tuple[Features, Token]] = Counter()
        for bars in loops:
            for context, token in self._events(bars):
                full[(context, token)] += 1
        self.depth = len(next(iter(full))[0]) if full else 0
        self.levels: list[dict[Features, dict[Token, int]]] = []
        counts: dict[tuple[Features, Token], int] = dict(full)
        for depth in range(self.depth, -1, -1):
            table: dict[Features, dict[Token, int]] = defaultdict(dict)
            for (context, token), count in counts.items():
                table[context][token] = count
            self.levels.insert(0, dict(table))
            # Below the longest context a continuation count takes the count's place.
            counts = Counter((context[: depth - 1], token) for context, token in counts) if depth else {}
        self.discounts = [_discount(table) for table in self.levels]
        self.n_tokens = len(self.levels[0].get((), {})) + 1
        self._totals = [{context: sum(row.values()) for context, row in table.items()} for table in self.levels]

    def _events(self, bars: Sequence[Bar]) -> Iterable[tuple[Features, Token]]:
        for bar, tokens in enumerate(bars):
            for index, token in enumerate([*tokens, END]):
                yield self.features(bars, bar, index, self.order), token

    def probability(self, context: Features, token: Token) -> float:
        """P(token | context), interpolated down to uniform; never zero."""
        value = 1.0 / self.n_tokens
        for depth, (table, discount) in enumerate(zip(self.levels, self.discounts, strict=True)):
            row = table.get(context[:depth])
            if row is None:
                break
            total = self._totals[depth][context[:depth]]
            value = max(row.get(token, 0) - discount, 0.0) / total + discount * len(row) / total * value
        return value

    def nll(self, bars: Sequence[Bar]) -> float:
        """Negative log-likelihood of a loop in nats."""
        return -sum(math.log(self.probability(context, token)) for context, token in self._events(bars))


def _discount(table: dict[Features, dict[Token, int]]) -> float:
    ones = sum(1 for row in table.values() for count in row.values() if count == 1)
    twos = sum(1 for row in table.values() for count in row.values() if count == 2)
    return ones / (ones + 2 * twos) if ones and twos else 0.5


class MixedModel:
    """A weighted mixture of two models over the same tokens, the weight tuned on held-out loops."""

    def __init__(self, first: BackoffModel, second: BackoffModel, held_out: Sequence[Sequence[Bar]]) -> None:
        self.first, self.second = first, second
        pairs = [pair for bars in held_out for pair in self._pairs(bars)]
        choices = [step / 20 for step in range(21)]
        self.weight = (
            min(choices, key=lambda w: -sum(math.log(w * a + (1 - w) * b) for a, b in pairs)) if pairs else 0.5
        )

    def _pairs(self, bars: Sequence[Bar]) -> list[tuple[float, float]]:
        both = zip(self.first._events(bars), self.second._events(bars), strict=True)
        return [(self.first.probability(c, t), self.second.probability(d, u)) for (c, t), (d, u) in both]

    def nll(self, bars: Sequence[Bar]) -> float:
        """Negative log-likelihood of a loop in nats."""
        return -sum(math.log(self.weight * a + (1 - self.weight) * b) for a, b in self._pairs(bars))


def tuned(
    train: Sequence[Sequence[Bar]],
    held_out: Sequence[Sequence[Bar]],
    features: FeatureFunction,
    orders: Iterable[int],
) -> BackoffModel:
    """The model of the order with the least NLL on held-out loops."""
    candidates = [BackoffModel(train, features, order) for order in orders]
    return min(candidates, key=lambda model: sum(model.nll(bars) for bars in held_out))
