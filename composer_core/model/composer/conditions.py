"""Encode a condition as numbers: continuous fields with a flag for 'given', categories as indices or weights.

'Not given' is a state of its own, learned in training, and never a default value. A model's
configuration says which fields it has an embedding for. Other fields do not reach it, and
`composer_core.model.composer.notices` reports them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from composer_core.errors import InvalidValue
from composer_core.model.config import ModelConfig
from composer_core.music.chords import QUALITIES, Chord
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import ASK_METERS, FIELD, MEASURES, SLOTS, SWING_GRIDS
from composer_core.music.genre import family_of
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key import Key
from composer_core.music.timing import BARS_CHOICES, COMMON_TIME, Meter

FIRST_CONTINUOUS = ("tempo_bpm", "density", "valence", "arousal", "swing_8", "swing_16")
"""The numbers that every model reads, whatever its configuration names."""
CONTINUOUS = tuple(slot.name for slot in SLOTS)
"""The numbers in the order of the `values` array, as the fields declare them; each is scaled to about -1 to 1."""
N_FREQUENCIES = 5
OTHER_METER = len(ASK_METERS)
MAX_BARS = max(BARS_CHOICES)
NO_MODE, MAJOR, MINOR = 0, 1, 2
_QUALITY_INDEX = {quality: index for index, quality in enumerate(QUALITIES)}
CHORD_FEATURES = 25
"""The root and the chord tones above the tonic (12 numbers each), and one that says whether a chord is given."""
_HIDEABLE = ("given", "genre", "mode", "technique", "chords")


@dataclass(frozen=True, slots=True)
class WindowCondition:
    """The condition of one sequence, measured or requested: the input of `condition_rows`.

    `continuous` holds the CONTINUOUS fields, with None or NaN for 'not given'. `chords` holds one
    chord per bar, as it sounds. `key` gives the mode, and the tonic from which chords are counted
    (C without a key).
    """

    continuous: Mapping[str, float | None]
    meter: Meter = COMMON_TIME
    bars: int = 4
    genre: Mapping[str, float] = field(default_factory=dict)
    instrument: str = "drums"
    key: Key | None = None
    techniques: Sequence[str] = ()
    chords: Sequence[Chord | None] = ()


@dataclass(frozen=True, slots=True)
class ConditionArrays:
    """The conditions of n sequences as arrays.

    `values` and `given` are (n, n_slots); `meter`, `bars`, `instrument` and `mode` (n,); `genre`
    (n, n_genres); `technique` (n, n_techniques), where a row of zeros is 'not given'; `chords`
    (n, MAX_BARS), where 0 is 'not given' and any other code is 1 + root above the tonic x number of
    qualities + quality.
    """

    values: NDArray[np.float32]
    given: NDArray[np.float32]
    meter: NDArray[np.int64]
    bars: NDArray[np.int64]
    genre: NDArray[np.float32]
    instrument: NDArray[np.int64]
    mode: NDArray[np.int64]
    technique: NDArray[np.float32]
    chords: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: NDArray[np.int64]) -> ConditionArrays:
        """The rows that an index array picks."""
        return ConditionArrays(*(getattr(self, spec.name)[index] for spec in fields(self)))

    def hidden(self) -> ConditionArrays:
        """The same rows with everything 'not given' except instrument, metre and bars."""
        nothing = {name: np.zeros_like(getattr(self, name)) for name in _HIDEABLE}
        return replace(self, **nothing)


def meter_index(meter: Meter) -> int:
    """Index of the metre's embedding; 2/2 counts as 4/4, and all metres that cannot be requested share one index."""
    text = "4/4" if str(meter) == "2/2" else str(meter)
    return ASK_METERS.index(text) if text in ASK_METERS else OTHER_METER


def bars_index(bars: int) -> int:
    """Index of the embedding of a number of bars: the smallest choice that is not smaller."""
    return next((i for i, choice in enumerate(BARS_CHOICES) if bars <= choice), len(BARS_CHOICES) - 1)


def condition_rows(
    rows: Sequence[WindowCondition], genres: Sequence[str], techniques: Sequence[str] = ()
) -> ConditionArrays:
    """Encode conditions for a model that knows these genres and techniques ("instrument:code").

    A genre unknown to the model counts as its family if the model knows that; otherwise it is
    refused. An unknown technique is left out.
    """
    n = len(rows)
    values = np.zeros((n, len(CONTINUOUS)), dtype=np.float32)
    given = np.zeros_like(values)
    genre = np.zeros((n, len(genres)), dtype=np.float32)
    technique = np.zeros((n, len(techniques)), dtype=np.float32)
    chords = np.zeros((n, MAX_BARS), dtype=np.int64)
    genre_index = {code: position for position, code in enumerate(genres)}
    technique_index = {code: position for position, code in enumerate(techniques)}
    for row, asked in enumerate(rows):
        for slot in SLOTS:
            value = asked.continuous.get(slot.name)
            if value is not None and math.isfinite(value):
                values[row, slot.index], given[row, slot.index] = slot.scale(value), 1.0
        for code, weight in asked.genre.items():
            genre[row, _genre_index(code, genre_index)] += weight
        for code in asked.techniques:
            if (name := f"{asked.instrument}:{code}") in technique_index:
                technique[row, technique_index[name]] = 1.0
        for bar, chord in enumerate(asked.chords[:MAX_BARS]):
            chords[row, bar] = chord_code(chord, asked.key)
    return ConditionArrays(
        values,
        given,
        np.array([meter_index(asked.meter) for asked in rows], dtype=np.int64),
        np.array([bars_index(asked.bars) for asked in rows], dtype=np.int64),
        genre,
        np.array([GENERATED_INSTRUMENTS.index(asked.instrument) for asked in rows], dtype=np.int64),
        np.array([mode_index(asked.key) for asked in rows], dtype=np.int64),
        technique,
        chords,
    )


def mode_index(key: Key | None) -> int:
    """NO_MODE, MAJOR or MINOR; any other mode counts by its third."""
    return NO_MODE if key is None else MINOR if key.is_minor else MAJOR


def chord_code(chord: Chord | None, key: Key | None) -> int:
    """The code of a chord: 0 for none, else 1 + root above the tonic x number of qualities + quality."""
    if chord is None:
        return 0
    degree = (chord.root - (key.root if key is not None else 0)) % 12
    return 1 + degree * len(QUALITIES) + _QUALITY_INDEX[chord.quality]


def chord_table() -> Tensor:
    """The features of every chord code, (n_codes, CHORD_FEATURES): root and tones above the tonic, and a given flag."""
    table = torch.zeros(1 + 12 * len(QUALITIES), CHORD_FEATURES)
    for degree in range(12):
        for index, steps in enumerate(QUALITIES.values()):
            row = table[1 + degree * len(QUALITIES) + index]
            row[degree] = 1.0
            for step in steps:
                row[12 + (degree + step) % 12] = 1.0
            row[24] = 1.0
    return table


def _genre_index(code: str, index: Mapping[str, int]) -> int:
    for candidate in (code, family_of(code)):
        if candidate in index:
            return index[candidate]
    raise InvalidValue("unknown_choice", name="genre of this model", value=code, choices=", ".join(index))


def as_window_condition(condition: Condition) -> WindowCondition:
    """A request as the condition of a window; fields that are not given stay so."""
    ratio = condition.swing_ratio
    continuous: dict[str, float | None] = {"tempo_bpm": condition.tempo_bpm}
    continuous |= {f"swing_{grid}": ratio if condition.swing_grid == grid else 1.0 for grid in SWING_GRIDS}
    for name in MEASURES:
        value = getattr(condition, name)
        continuous[name] = value - condition.shift if FIELD[name].follows_key and value is not None else value
    return WindowCondition(
        continuous,
        condition.meter,
        condition.bars,
        condition.genre,
        condition.instrument,
        condition.key,
        condition.technique,
        condition.chord_line,
    )


def arrays_of(condition: Condition, config: ModelConfig) -> ConditionArrays:
    """Encode one condition for sampling with a model."""
    return condition_rows([as_window_condition(condition)], config.genres, config.techniques)


def drop_fields(
    arrays: ConditionArrays, field_rate: float, all_rate: float, rng: np.random.Generator
) -> ConditionArrays:
    """Hide each field at random: single fields at `field_rate`, whole rows at `all_rate` (both 0 to 1).

    Instrument, metre and bars are never hidden.
    """
    n = len(arrays)
    everything = rng.random((n, 1)) >= all_rate

    def kept(width: int = 1) -> NDArray[np.bool_]:
        """A mask (n, width) that is False where a field is hidden."""
        return (rng.random((n, width)) >= field_rate) & everything

    given = arrays.given * kept(arrays.given.shape[1])
    genre = arrays.genre * kept()
    mode, technique, chords = arrays.mode * kept()[:, 0], arrays.technique * kept(), arrays.chords * kept()
    return replace(
        arrays,
        given=given.astype(np.float32),
        genre=genre.astype(np.float32),
        mode=mode,
        technique=technique.astype(np.float32),
        chords=chords,
    )


class ConditionEncoder(nn.Module):
    """Encodes conditions as one vector of d_model per bar, to be added to the token embeddings of that bar."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, known = config.d_model, config.conditions
        columns = [i for i, name in enumerate(CONTINUOUS) if name in FIRST_CONTINUOUS or name in known]
        self.columns = columns
        n_features = len(columns) * (2 * N_FREQUENCIES + 2)
        self.mlp = nn.Sequential(nn.Linear(n_features, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
        self.meter = nn.Embedding(len(ASK_METERS) + 1, width)
        self.bars = nn.Embedding(len(BARS_CHOICES), width)
        self.genre = nn.Linear(len(config.genres) + 1, width, bias=False)
        self.instrument = nn.Embedding(len(GENERATED_INSTRUMENTS), width) if "instrument" in known else None
        self.mode = nn.Embedding(3, width) if "key" in known else None
        self.technique = nn.Linear(len(config.techniques) + 1, width, bias=False) if "technique" in known else None
        self.chord = nn.Linear(2 * CHORD_FEATURES, width, bias=False) if "chords" in known else None
        self.place = nn.Embedding(MAX_BARS + 1, width) if "place" in known else None
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(-1, N_FREQUENCIES - 1), persistent=False)
        self.register_buffer("chord_table", chord_table(), persistent=False)

    def encode(self, arrays: ConditionArrays, device: torch.device | str = "cpu") -> Tensor:
        """Encode as (n, MAX_BARS + 1, d_model): the vector before the first bar, then that of each bar."""
        field_of = {spec.name: torch.from_numpy(getattr(arrays, spec.name)).to(device) for spec in fields(arrays)}
        whole = self._whole(field_of)
        vectors = whole.unsqueeze(1).expand(-1, MAX_BARS + 1, -1)
        if self.chord is not None:
            vectors = vectors + self.chord(self._chords(field_of["chords"]))
        if self.place is not None:
            n_bars = torch.tensor(BARS_CHOICES, device=device)[field_of["bars"]]
            left = n_bars.unsqueeze(1) - torch.arange(MAX_BARS + 1, device=device)
            vectors = vectors + self.place(left.clamp(0, MAX_BARS))
        return vectors

    def _whole(self, field_of: Mapping[str, Tensor]) -> Tensor:
        """The vector (n, d_model) of the fields that apply to the whole loop."""
        values, given = field_of["values"][:, self.columns], field_of["given"][:, self.columns]
        waves = values.unsqueeze(-1) * self.frequencies.to(values)  # type: ignore[operator]
        features = torch.cat([waves.sin(), waves.cos(), values.unsqueeze(-1)], dim=-1) * given.unsqueeze(-1)
        vector: Tensor = self.mlp(torch.cat([features.flatten(1), given], dim=-1))
        vector = vector + self.meter(field_of["meter"]) + self.bars(field_of["bars"])
        vector = vector + self.genre(_with_rest(field_of["genre"]))
        if self.instrument is not None:
            vector = vector + self.instrument(field_of["instrument"])
        if self.mode is not None:
            vector = vector + self.mode(field_of["mode"])
        if self.technique is not None:
            vector = vector + self.technique(_with_rest(field_of["technique"]))
        return vector

    def _chords(self, codes: Tensor) -> Tensor:
        """The features of each bar's chord and of the next one, (n, MAX_BARS + 1, 2 x CHORD_FEATURES).

        Before the first bar there is no chord.
        """
        features = self.chord_table[codes]  # type: ignore[index]
        nothing = torch.zeros_like(features[:, :1])
        return torch.cat([torch.cat([nothing, features], 1), torch.cat([features, nothing], 1)], dim=-1)


def _with_rest(weights: Tensor) -> Tensor:
    """The weights and one more column for the rest up to 1 ('not given')."""
    rest = 1.0 - weights.sum(dim=-1, keepdim=True).clamp(max=1.0)
    return torch.cat([weights, rest], dim=-1)
