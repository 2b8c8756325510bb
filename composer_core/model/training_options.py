"""The options of a training, each declared once: its valid values, and its option of `composer train`.

TrainConfig and TrainRequest check their fields by TRAIN_OPTIONS. The command takes its options from it, and the page
takes the bounds and choices of its controls. Those two classes declare names, types and defaults of the fields. This
module imports nothing heavy, because every start of the command line reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from composer_core.errors import require_choice, require_range
from composer_core.music.instruments import GENERATED_INSTRUMENTS

SIZES: dict[str, tuple[int, int, int]] = {
    "tiny": (48, 2, 4),
    "small": (192, 5, 6),
    "base": (320, 8, 8),
    "large": (576, 10, 9),
}
"""The width, layers and heads of each size: about 0.1, 2.5, 11 and 43 million parameters."""

MOST_STEPS = 10_000_000


@dataclass(frozen=True, slots=True)
class TrainOption:
    """One option of a training.

    `choices`, or `low` and `high`, limit its value; `called` is its name in error messages ("": `name`).
    `flags` are the option strings of `composer train`, the long one last, with their `metavar`, `help`
    and whether the option is `required`; without flags, only a configuration file sets it. A printed
    command names the option when its value is not the default, and with `always` even then.
    """

    name: str
    kind: type[str] | type[int] | type[float] | type[bool] | type[Path]
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    called: str = ""
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    help: str | None = None
    required: bool = False
    always: bool = False

    def check(self, value: object) -> None:
        """Raise InvalidValue for a value that is out of range or not one of the choices."""
        if self.choices:
            require_choice(self.called or self.name, value, self.choices)
        elif self.low is not None and self.high is not None:
            require_range(self.called or self.name, cast(float, value), self.low, self.high)

    def argument(self) -> dict[str, object]:
        """The keyword arguments of `add_argument`."""
        if self.kind is bool:
            return {"action": "store_true", "help": self.help}
        asked = {"type": self.kind, "metavar": self.metavar, "help": self.help, "required": self.required}
        return {**asked, "choices": self.choices or None}

    def words(self, value: object) -> list[str]:
        """The words of a command line that set this value."""
        flag = self.flags[-1]
        if self.kind is bool:
            return [flag]
        # With a space between, a value that begins with a dash would be read as another option.
        return [f"{flag}={value}"] if str(value).startswith("-") else [flag, str(value)]


_OPTIONS = (
    # In the order of `composer train --help`.
    TrainOption(
        "instrument",
        str,
        choices=(*GENERATED_INSTRUMENTS, "all"),
        flags=("--instrument",),
        help="all: one model of the five",
        required=True,
        always=True,
    ),
    TrainOption(
        "data",
        str,
        flags=("--data",),
        metavar="PATH",
        help="a folder of MIDI, or the word library",
        required=True,
        always=True,
    ),
    TrainOption("size", str, choices=tuple(SIZES), flags=("--size",), always=True),
    TrainOption(
        "output",
        Path,
        flags=("-o", "--output"),
        metavar="RUN",
        help="run folder; resumes what is there",
        required=True,
    ),
    TrainOption(
        "config", Path, flags=("--config",), metavar="FILE", help="YAML with any field of the training configuration"
    ),
    TrainOption(
        "start",
        str,
        flags=("--start",),
        metavar="MODEL",
        help="go on from a model (its name or folder), which gives the size",
    ),
    TrainOption("adapter", bool, flags=("--adapter",), help="with --start: train low-rank adapters only"),
    TrainOption("steps", int, low=0, high=MOST_STEPS, flags=("--steps",)),
    TrainOption("device", str, choices=("auto", "cpu", "cuda"), flags=("--device",), always=True),
    TrainOption("seed", int, low=0, high=2**31 - 1, flags=("--seed",), always=True),
    TrainOption(
        "threads", int, low=0, high=256, flags=("--threads",), help="CPU threads (0: as many as the machine has)"
    ),
    TrainOption("workspace", Path, flags=("--workspace",), help="workspace whose library is meant by --data library"),
    # Only a request has a name: the command takes the run's folder instead.
    TrainOption("name", str),
    # These are set only by a configuration file.
    TrainOption("precision", str, choices=("auto", "float32", "bfloat16")),
    TrainOption("epochs", float, low=0.01, high=1000),
    TrainOption("batch", int, low=1, high=65_536),
    TrainOption("micro_batch", int),  # TrainConfig checks that it is not above the batch
    TrainOption("learning_rate", float, low=1e-7, high=1.0),
    TrainOption("warm_up", int),
    TrainOption("weight_decay", float),
    TrainOption("clip", float),
    TrainOption("dropout", float, low=0.0, high=0.9),
    TrainOption("field_dropout", float, low=0.0, high=1.0),
    TrainOption("all_dropout", float, low=0.0, high=1.0),
    TrainOption("merges", int, low=0, high=50_000),
    TrainOption("validate_every", int, low=1, high=1_000_000),
    TrainOption("checkpoint_every", int, low=1, high=1_000_000),
    TrainOption("patience", int, low=1, high=1_000_000),
    TrainOption("adapter_rank", int, low=1, high=1024),
    TrainOption("windows_an_instrument", int, low=0, high=1_000_000),
    TrainOption("asked_meters", bool),
    TrainOption("emotion", float, low=0.0, high=100.0, called="weight of the emotion head"),
    TrainOption("genre", float, low=0.0, high=100.0, called="weight of the genre head"),
    TrainOption("quality", float, low=0.0, high=100.0, called="weight of the quality head"),
    TrainOption("damaged", float, low=0.0, high=1.0),
)
TRAIN_OPTIONS = {option.name: option for option in _OPTIONS}
