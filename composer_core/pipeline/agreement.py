"""How far raters agree: Krippendorff's alpha and Cohen's kappa, with intervals; pure functions of ratings.

Sources: Krippendorff, Content Analysis, 2nd ed. (2004), chapter 11; Cohen, A coefficient of
agreement for nominal scales (1960).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

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


def krippendorff_alpha(ratings: Ratings, level: str = "nominal") -> float | None:
    """alpha = 1 - observed / expected disagreement, over units with two ratings or more.

    `level` is nominal (equal or not), ordinal (ranks, by how many ratings lie between) or
    interval (squared difference). 1 is agreement, 0 chance; None without two ratings that
    could differ.
    """
    require_choice("level", level, LEVELS)
    units = [list(unit.values()) for unit in ratings if len(unit) > 1]
    values = sorted({value for unit in units for value in unit}, key=lambda v: (str(type(v)), v))
    if len(values) < 2:
        return None
    index = {value: position for position, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in units:
        counts = np.bincount([index[value] for value in unit], minlength=len(values)).astype(float)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(axis=1)
    distance = _distance(values, totals, level)
    expected = (np.outer(totals, totals) - np.diag(totals)) / (totals.sum() - 1)
    disagreement = float((expected * distance).sum())
    return None if disagreement == 0 else 1.0 - float((coincidences * distance).sum()) / disagreement


def _distance(values: Sequence[Hashable], totals: NDArray[np.float64], level: str) -> NDArray[np.float64]:
    n = len(values)
    if level == "nominal":
        return 1.0 - np.eye(n)
    if level == "interval":
        numbers = np.array(values, dtype=float)
        return np.asarray((numbers[:, None] - numbers[None, :]) ** 2)
    # Ordinal: ratings from one value to the other, the two ends counted half.
    upto = np.cumsum(totals) - totals / 2.0
    return np.asarray((upto[:, None] - upto[None, :]) ** 2)


def cohen_kappa(ratings: Ratings, first: str, second: str) -> float | None:
    """kappa = (observed - chance) / (1 - chance) agreement of two raters over the units both rated.

    None when they share no unit, or when both gave one same value throughout.
    """
    pairs = [(unit[first], unit[second]) for unit in ratings if first in unit and second in unit]
    if not pairs:
        return None
    n = len(pairs)
    observed = sum(a == b for a, b in pairs) / n
    of_first, of_second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(of_first[value] * of_second[value] for value in of_first) / n**2
    return None if chance == 1.0 else (observed - chance) / (1.0 - chance)


def confusion(ratings: Ratings, first: str, second: str) -> dict[tuple[Hashable, Hashable], list[int]]:
    """(value of `first`, value of `second`) -> the places in `ratings` of the units that got them."""
    met: dict[tuple[Hashable, Hashable], list[int]] = {}
    for place, unit in enumerate(ratings):
        if first in unit and second in unit:
            met.setdefault((unit[first], unit[second]), []).append(place)
    return met


def alpha_with_interval(ratings: Ratings, level: str = "nominal", n_draws: int = 500, seed: int = 1) -> Agreement:
    """Alpha with the 2.5 and 97.5 percentiles over `n_draws` draws of as many units, with replacement."""
    return _interval(ratings, lambda some: krippendorff_alpha(some, level), n_draws, seed)


def kappa_with_interval(ratings: Ratings, first: str, second: str, n_draws: int = 500, seed: int = 1) -> Agreement:
    """Kappa of two raters with the same kind of interval, over the units both rated."""
    shared = [unit for unit in ratings if first in unit and second in unit]
    return _interval(shared, lambda some: cohen_kappa(some, first, second), n_draws, seed)


def _interval(ratings: Ratings, measure: Callable[[Ratings], float | None], n_draws: int, seed: int) -> Agreement:
    units = [unit for unit in ratings if len(unit) > 1]
    value = measure(units)
    if value is None or len(units) == 1:
        return Agreement(None, None, None, len(units))
    chance = np.random.default_rng(seed)
    draws = [measure([units[k] for k in chance.integers(0, len(units), len(units))]) for _ in range(n_draws)]
    known = [draw for draw in draws if draw is not None]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (np.nan, np.nan)
    return Agreement(value, float(low), float(high), len(units))
