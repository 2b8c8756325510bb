"""The configuration of a model as two small dataclasses that refuse contradictions: its shape and its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from composer_core.errors import InvalidValue, NotFound, RefusedFile, require_choice, require_range
from composer_core.model.training_options import SIZES, TRAIN_OPTIONS
from composer_core.music.condition import OPTIONAL_FIELDS
from composer_core.music.condition_field import EncoderSlot
from composer_core.music.condition_fields import FIELD, PITCHED_FIELDS
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.store.plain_text import plain_yaml, read_text

FIRST_CONDITIONS = ("valence", "arousal", "genre", "density")
"""Optional fields a model knows whose configuration names none: those of models trained before it named them."""
SHARED = "all"
"""The instrument of a model that plays all five."""
ALL_CONDITIONS = ("instrument", "place", *OPTIONAL_FIELDS)
"""What a composer is trained with today: the optional fields of a condition, the instrument, and its place:
how many bars are still to come."""

ConfigType = TypeVar("ConfigType", "ModelConfig", "TrainConfig")


def require_even_heads(d_model: int, n_heads: int) -> None:
    """InvalidValue unless each head gets an even share of the width, as rotary positions need it."""
    if d_model % n_heads or d_model // n_heads % 2:
        raise InvalidValue(
            "contradiction",
            first=f"d_model {d_model}",
            second=f"n_heads {n_heads}",
            reason="each head needs an even share of the width",
        )


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of a composer.

    `genres` and `techniques` ("instrument:code") are what it has an embedding for, in order;
    `conditions` names the optional fields of a condition it learnt. `instrument` is what it
    plays, SHARED for all five.
    """

    instrument: str
    n_tokens: int
    d_model: int
    n_layers: int
    n_heads: int
    d_feed_forward: int
    max_length: int
    genres: tuple[str, ...]
    dropout: float = 0.1
    rope_theta: float = 10_000.0
    conditions: tuple[str, ...] = FIRST_CONDITIONS
    techniques: tuple[str, ...] = ()
    heads: bool = False

    def __post_init__(self) -> None:
        require_choice("instrument", self.instrument, (*GENERATED_INSTRUMENTS, SHARED))
        require_range("dropout", self.dropout, 0.0, 0.9)
        require_range("n_tokens", self.n_tokens, 4, 1_000_000)
        require_range("d_model", self.d_model, 8, 8192)
        require_range("n_layers", self.n_layers, 1, 200)
        require_range("n_heads", self.n_heads, 1, 256)
        require_range("d_feed_forward", self.d_feed_forward, 8, 65_536)
        require_range("max_length", self.max_length, 16, 65_536)
        require_even_heads(self.d_model, self.n_heads)

    @classmethod
    def of_size(cls, size: str, **rest: object) -> ModelConfig:
        """The shape one size dial derives; `rest` gives instrument, n_tokens, max_length and genres."""
        require_choice("size", size, tuple(SIZES))
        width, layers, heads = SIZES[size]
        given: dict[str, Any] = rest  # the class refuses what it does not know
        return cls(d_model=width, n_layers=layers, n_heads=heads, d_feed_forward=-(-width * 8 // 3 // 16) * 16, **given)


def conditions_of(instrument: str, n_slots: int) -> tuple[str, ...]:
    """The fields a new model for an instrument learns: all, without those of pitch for drums.

    `n_slots` is how many encoder slots the training windows hold. Windows prepared by an earlier release lack the
    slots of later fields, and so does the checkpoint of a training that was stopped then and now goes on.
    """
    known = (name for name in ALL_CONDITIONS if all(slot.index < n_slots for slot in _slots_of(name)))
    return tuple(name for name in known if instrument != "drums" or name not in PITCHED_FIELDS)


def _slots_of(name: str) -> tuple[EncoderSlot, ...]:
    return FIELD[name].slots if name in FIELD else ()  # the instrument and the place in the loop are no fields


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a composer is trained; TRAIN_OPTIONS says what each field may be.

    `epochs` gives the steps where `steps` is 0.
    `start` is a model's folder to go on from (its vocabulary is kept), `adapter` trains low-rank
    adapters of rank `adapter_rank` and the condition layers only. `windows_an_instrument` is
    about how many windows of each instrument are taken (0: all), long songs giving first.
    A batch goes through the model in parts of `micro_batch` rows (0: whole).
    `emotion`, `genre`, `quality` weigh the heads' losses against the language loss; `damaged` is
    the share of spoilt copies the quality head learns from.
    """

    instrument: str = "drums"
    size: str = "small"
    steps: int = 0
    epochs: float = 4.0
    batch: int = 64
    micro_batch: int = 0
    learning_rate: float = 3e-3
    warm_up: int = 50
    weight_decay: float = 0.1
    clip: float = 1.0
    dropout: float = 0.1
    field_dropout: float = 0.15
    all_dropout: float = 0.1
    merges: int = 400
    seed: int = 0
    validate_every: int = 100
    checkpoint_every: int = 50
    patience: int = 8
    device: str = "auto"
    threads: int = 0
    precision: str = "auto"
    start: str = ""
    adapter: bool = False
    adapter_rank: int = 16
    windows_an_instrument: int = 0
    asked_meters: bool = False
    emotion: float = 0.05
    genre: float = 0.05
    quality: float = 0.05
    damaged: float = 0.05

    def __post_init__(self) -> None:
        for spec in fields(self):
            TRAIN_OPTIONS[spec.name].check(getattr(self, spec.name))
        require_range("micro_batch", self.micro_batch, 0, self.batch)
        if self.adapter and not self.start:
            raise InvalidValue("contradiction", first="adapter", second="no start", reason="adapters adapt a model")


def config_to_json(config: ModelConfig | TrainConfig) -> dict[str, object]:
    """Plain values for JSON."""
    data = asdict(config)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


def config_from_json(kind: type[ConfigType], data: Mapping[str, object], where: str) -> ConfigType:
    """Build a config from plain values; InvalidValue names an unknown field, a missing one or a wrong type."""
    known = {spec.name: spec for spec in fields(kind)}
    for name, value in data.items():
        if name not in known:
            raise InvalidValue("unknown_option", name=name, where=where, choices=", ".join(known))
        expected = str(known[name].type)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        right = {
            "bool": isinstance(value, bool),
            "int": isinstance(value, int) and number,
            "float": number,
            "str": isinstance(value, str),
        }
        if not right.get(expected, True):
            raise InvalidValue("bad_format", name=f"{name} in {where}", value=value, expected=expected)
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise InvalidValue("bad_format", name=where, value=dict(data), expected=str(error)) from error


def read_train_config(path: Path, **overrides: object) -> TrainConfig:
    """Read a YAML training configuration; `overrides` (None = not given) beat the file."""
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RefusedFile("unreadable_data", path=str(path), reason=error.strerror or str(error)) from error
    data = read_text(text, str(path), plain_yaml) or {}
    if not isinstance(data, dict):
        raise InvalidValue("bad_format", name=str(path), value=type(data).__name__, expected="field: value lines")
    given = {name: value for name, value in overrides.items() if value is not None}
    return config_from_json(TrainConfig, {**{str(name): value for name, value in data.items()}, **given}, str(path))
