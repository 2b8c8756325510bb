"""Measure how far raters agree: Krippendorff's alpha and Cohen's kappa, with intervals. Pure functions of ratings.

Sources: Krippendorff, Content Analysis, 2nd ed. (2004), chapter 11; Cohen, A coefficient of
agreement for nominal scales (1960).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_choice

LEVELS = ("nominal", "ordinal", "interval")
Ratings = Sequence[Mapping[str, Hashable]]
"""One mapping a unit (a loop): rater -> value. Who has not rated a unit is not in it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient (None where nothing can vary, nobody met, or one unit is all there is) with its 95 % interval,
    and over how many units."""

    value: float | None
    low: float | None
    high: float | None
    n_units: int


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Every ordered pair of ratings of one unit: the places of both values in `values`, what the pair weighs
    (1 / (ratings of the unit - 1)), and its unit."""

    values: list[Hashable]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    weight: NDArray[np.float64]
    unit: NDArray[np.int64]


def krippendorff_alpha(ratings: Ratings, level: str = "nominal") -> float | None:
    """alpha = 1 - observed / expected disagreement, over units with two ratings or more.

    `level` is nominal (equal or not), ordinal (ranks, by how many ratings lie between) or
    interval (squared difference). 1 is agreement, 0 chance; None without two ratings that
    could differ.
    """
    require_choice("level", level, LEVELS)
    units = [unit for unit in ratings if len(unit) > 1]
    return _alpha(_pairs(units), level, np.ones(len(units)))


def _pairs(units: Ratings) -> _Pairs:
    values = sorted({value for unit in units for value in unit.values()}, key=lambda v: (str(type(v)), v))
    index = {value: place for place, value in enumerate(values)}
    rows = [
        (index[a], index[b], 1.0 / (len(unit) - 1), number)
        for number, unit in enumerate(units)
        for a, b in permutations(unit.values(), 2)
    ]
    first, second, weight, unit = np.array(rows, float).reshape(-1, 4).T
    return _Pairs(values, first.astype(np.int64), second.astype(np.int64), weight, unit.astype(np.int64))


def _alpha(pairs: _Pairs, level: str, times: NDArray[np.float64]) -> float | None:
    """Alpha when each unit counts so many `times`."""
    weight = pairs.weight * times[pairs.unit]
    totals = np.bincount(pairs.first, weight, len(pairs.values))
    if np.count_nonzero(totals) < 2:
        return None
    n = totals.sum()
    if level == "nominal":
        observed = weight[pairs.first != pairs.second].sum()
        expected = n**2 - (totals**2).sum()
    else:
        # Ordinal: ratings up to a value, its own counted half. The sum over all pairs of the squared
        # difference of two values is twice their number times the sum of the squares about the mean.
        place = np.array(pairs.values, float) if level == "interval" else np.cumsum(totals) - totals / 2.0
        observed = (weight * (place[pairs.first] - place[pairs.second]) ** 2).sum()
        expected = 2.0 * n * (totals * (place - (totals * place).sum() / n) ** 2).sum()
    return float(1.0 - observed * (n - 1) / expected)


def cohen_kappa(ratings: Ratings, first: str, second: str) -> float | None:
    """kappa = (observed - chance) / (1 - chance) agreement of two raters over the units both rated.

    None when they share no unit, or when both gave one same value throughout.
    """
    shared = [unit for unit in ratings if first in unit and second in unit]
    return _kappa(_codes(shared, first, second), np.ones(len(shared))) if shared else None


def _codes(shared: Ratings, first: str, second: str) -> NDArray[np.int64]:
    """A row per unit: numbers for what the two raters said of it."""
    numbers: dict[Hashable, int] = {}
    said = [[numbers.setdefault(unit[rater], len(numbers)) for rater in (first, second)] for unit in shared]
    return np.array(said, np.int64)


def _kappa(codes: NDArray[np.int64], times: NDArray[np.float64]) -> float | None:
    """Kappa when each unit counts so many `times`."""
    n, most = times.sum(), int(codes.max()) + 1
    observed = times[codes[:, 0] == codes[:, 1]].sum() / n
    of_first, of_second = (np.bincount(codes[:, rater], times, most) for rater in (0, 1))
    chance = (of_first * of_second).sum() / n**2
    return None if chance == 1.0 else float((observed - chance) / (1.0 - chance))


def confusion(ratings: Ratings, first: str, second: str) -> dict[tuple[Hashable, Hashable], list[int]]:
    """(value of `first`, value of `second`) -> the places in `ratings` of the units that got them."""
    met: dict[tuple[Hashable, Hashable], list[int]] = {}
    for place, unit in enumerate(ratings):
        if first in unit and second in unit:
            met.setdefault((unit[first], unit[second]), []).append(place)
    return met


def alpha_with_interval(ratings: Ratings, level: str = "nominal", n_draws: int = 500, seed: int = 1) -> Agreement:
    """Alpha with the 2.5 and 97.5 percentiles over `n_draws` draws of as many units, with replacement."""
    require_choice("level", level, LEVELS)
    units = [unit for unit in ratings if len(unit) > 1]
    pairs = _pairs(units)
    return _interval(len(units), lambda times: _alpha(pairs, level, times), n_draws, seed)


def kappa_with_interval(ratings: Ratings, first: str, second: str, n_draws: int = 500, seed: int = 1) -> Agreement:
    """Kappa of two raters with the same kind of interval, over the units both rated."""
    shared = [unit for unit in ratings if first in unit and second in unit]
    codes = _codes(shared, first, second)
    return _interval(len(shared), lambda times: _kappa(codes, times), n_draws, seed)


def _interval(
    n_units: int, measure: Callable[[NDArray[np.float64]], float | None], n_draws: int, seed: int
) -> Agreement:
    """`measure` is told how many times each unit counts."""
    value = measure(np.ones(n_units)) if n_units > 1 else None
    if value is None:
        return Agreement(None, None, None, n_units)
    chance = np.random.default_rng(seed)
    drawn = (chance.integers(0, n_units, n_units) for _ in range(n_draws))
    draws = [measure(np.bincount(places, minlength=n_units).astype(float)) for places in drawn]
    known = [draw for draw in draws if draw is not None]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (np.nan, np.nan)
    return Agreement(value, float(low), float(high), n_units)
