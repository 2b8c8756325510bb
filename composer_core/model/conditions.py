"""A condition as numbers: continuous fields with a given flag, categories as indices or weights.

'Not given' is a state of its own, learned in training, never a default value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from composer_core.errors import InvalidValue
from composer_core.music.condition import ASK_METERS, Condition
from composer_core.music.genre import family_of
from composer_core.music.loop import BARS_CHOICES
from composer_core.music.timing import Meter

CONTINUOUS = ("tempo_bpm", "density", "valence", "arousal", "swing_8", "swing_16")
"""Fields in the order of the `values` array; each is scaled to about -1 to 1 by `scale`."""
N_FREQUENCIES = 5
OTHER_METER = len(ASK_METERS)


def scale(name: str, value: float) -> float:
    """A field's value on about -1 to 1: tempo and density in octaves, swing from straight to 3."""
    if name == "tempo_bpm":
        return math.log2(value / 110.0) / 1.5
    if name == "density":
        return math.log2(max(value, 0.1) / 2.5) / 2.0
    if name == "arousal":
        return 2.0 * value - 1.0
    if name in ("swing_8", "swing_16"):
        return min(value - 1.0, 2.0) - 1.0
    return value


@dataclass(frozen=True, slots=True)
class ConditionArrays:
    """Conditions of n sequences: values (n, 6), given (n, 6), meter (n,), bars (n,), genre (n, n_genres)."""

    values: NDArray[np.float32]
    given: NDArray[np.float32]
    meter: NDArray[np.int64]
    bars: NDArray[np.int64]
    genre: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: NDArray[np.int64]) -> ConditionArrays:
        """The rows an index array picks."""
        return ConditionArrays(
            self.values[index], self.given[index], self.meter[index], self.bars[index], self.genre[index]
        )


def meter_index(meter: Meter) -> int:
    """Index of the metre's embedding; all metres outside the asked ones share one."""
    return ASK_METERS.index(str(meter)) if str(meter) in ASK_METERS else OTHER_METER


def bars_index(bars: int) -> int:
    """Index of the bar count's embedding: the smallest choice that holds it."""
    return next((i for i, choice in enumerate(BARS_CHOICES) if bars <= choice), len(BARS_CHOICES) - 1)


def condition_rows(
    rows: Sequence[tuple[Mapping[str, float | None], Meter, int, Mapping[str, float]]], genres: Sequence[str]
) -> ConditionArrays:
    """Arrays of (continuous fields, metre, bars, genre weights) rows; None or NaN means not given.

    A genre the model does not know counts for its family when that is known; otherwise it is refused.
    """
    values = np.zeros((len(rows), len(CONTINUOUS)), dtype=np.float32)
    given = np.zeros_like(values)
    genre = np.zeros((len(rows), len(genres)), dtype=np.float32)
    index = {code: position for position, code in enumerate(genres)}
    for row, (continuous, _, _, weights) in enumerate(rows):
        for column, name in enumerate(CONTINUOUS):
            value = continuous.get(name)
            if value is not None and math.isfinite(value):
                values[row, column], given[row, column] = scale(name, value), 1.0
        for code, weight in weights.items():
            genre[row, _genre_index(code, index)] += weight
    meter = np.array([meter_index(entry[1]) for entry in rows], dtype=np.int64)
    bars = np.array([bars_index(entry[2]) for entry in rows], dtype=np.int64)
    return ConditionArrays(values, given, meter, bars, genre)


def _genre_index(code: str, index: Mapping[str, int]) -> int:
    for candidate in (code, family_of(code)):
        if candidate in index:
            return index[candidate]
    raise InvalidValue("unknown_choice", name="genre of this model", value=code, choices=", ".join(index))


def arrays_of(condition: Condition, genres: Sequence[str]) -> ConditionArrays:
    """Arrays of one condition, for sampling."""
    ratio = condition.swing_ratio
    continuous: dict[str, float | None] = {
        "tempo_bpm": condition.tempo_bpm,
        "density": condition.density,
        "valence": condition.valence,
        "arousal": condition.arousal,
        "swing_8": ratio if condition.swing_grid == 8 else 1.0,
        "swing_16": ratio if condition.swing_grid == 16 else 1.0,
    }
    return condition_rows([(continuous, condition.meter, condition.bars, condition.genre)], genres)


def drop_fields(
    arrays: ConditionArrays, field_rate: float, all_rate: float, rng: np.random.Generator
) -> ConditionArrays:
    """Hide each field with `field_rate` and all of a row with `all_rate`; metre and bars are never hidden."""
    n = len(arrays)
    everything = rng.random((n, 1)) >= all_rate
    given = arrays.given * (rng.random(arrays.given.shape) >= field_rate) * everything
    genre = arrays.genre * (rng.random((n, 1)) >= field_rate) * everything
    return ConditionArrays(arrays.values, given.astype(np.float32), arrays.meter, arrays.bars, genre.astype(np.float32))


class ConditionEncoder(nn.Module):
    """Conditions to one vector of d_model per sequence, added to every position's token embedding."""

    def __init__(self, d_model: int, n_genres: int) -> None:
        super().__init__()
        features = len(CONTINUOUS) * (2 * N_FREQUENCIES + 2)
        self.mlp = nn.Sequential(nn.Linear(features, 2 * d_model), nn.SiLU(), nn.Linear(2 * d_model, d_model))
        self.meter = nn.Embedding(len(ASK_METERS) + 1, d_model)
        self.bars = nn.Embedding(len(BARS_CHOICES), d_model)
        self.genre = nn.Linear(n_genres + 1, d_model, bias=False)
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(-1, N_FREQUENCIES - 1), persistent=False)

    def forward(self, values: Tensor, given: Tensor, meter: Tensor, bars: Tensor, genre: Tensor) -> Tensor:
        """(n, 6), (n, 6), (n,), (n,), (n, n_genres) to (n, d_model)."""
        waves = values.unsqueeze(-1) * self.frequencies.to(values)  # type: ignore[operator]
        features = torch.cat([waves.sin(), waves.cos(), values.unsqueeze(-1)], dim=-1) * given.unsqueeze(-1)
        continuous = self.mlp(torch.cat([features.flatten(1), given], dim=-1))
        no_genre = 1.0 - genre.sum(dim=-1, keepdim=True).clamp(max=1.0)
        return continuous + self.meter(meter) + self.bars(bars) + self.genre(torch.cat([genre, no_genre], dim=-1))

    def encode(self, arrays: ConditionArrays, device: torch.device | str = "cpu") -> Tensor:
        """Vectors of ready arrays, (n, d_model)."""
        fields = (arrays.values, arrays.given, arrays.meter, arrays.bars, arrays.genre)
        return self(*(torch.from_numpy(array).to(device) for array in fields))
