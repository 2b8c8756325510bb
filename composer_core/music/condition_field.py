"""The declaration of a condition field: one object holds all facts about it.

`composer_core.music.condition_fields` holds the declarations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.timing import Meter

NUMBER, CHOICE, WEIGHTS, KEY, CODES, CHORDS = "number", "choice", "weights", "key", "codes", "chords"
"""The kinds of fields. Only numbers and choices are checked here; the other kinds have modules of their own."""
Range = tuple[float, float]
"""The lowest and the highest value, both allowed."""


@dataclass(frozen=True, slots=True)
class CommandOption:
    """The option of `composer generate`: `--name`, the type and default of its text, and its help.

    `read` converts the text to the value of the condition; a number needs none.
    """

    name: str
    help: str
    kind: type[float] | type[str] = float
    default: float | str | None = None
    read: Callable[[str], object] | None = None

    @property
    def attribute(self) -> str:
        """The attribute under which argparse keeps the value."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class PageControl:
    """The control of the Generate page: its key behind "generate.", its range, step and first value.

    A `folded` control is one of the folded measures: it has a switch, which is off at first, and sets no value until
    the switch is on.
    """

    key: str
    low: float = 0.0
    high: float = 0.0
    step: float = 1
    first: float = 0.0
    folded: bool = False

    @property
    def limits(self) -> Range:
        """The range, for the sliders and for reading an address."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class EncoderSlot:
    """One number of a model's encoder.

    Trained models find a number by its `index`, so an index is never changed or reused. `scale` maps a value to about
    -1 to 1.
    """

    index: int
    name: str
    scale: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class LoopMeasure:
    """How a field is measured on a loop.

    `metric` is the name of a metric, or "valence", "arousal" or "complexity", which combine several. `miss` is the
    distance from the requested value that counts as one unit of misfit when candidates are compared, about as bad as an
    octave of register; with 0 the field is not compared. It is a difference in the field's unit, or a number of
    doublings if `in_octaves`, where values below `least` count as `least`.
    """

    metric: str
    miss: float = 0.0
    in_octaves: bool = False
    least: float = 0.0

    def misfit(self, measured: float, asked: float) -> float:
        """How far a measured value is from the requested one, 0 for a perfect fit; NaN when nothing was measured."""
        if not self.in_octaves:
            return abs(measured - asked) / self.miss
        return abs(math.log2(max(measured, self.least) / asked)) / self.miss if measured == measured else math.nan


@dataclass(frozen=True, slots=True)
class ConditionField:
    """One field of a condition.

    `name` is its attribute in `Condition`, and `label` its name in sentences (empty: `name`). `unit` is the unit of its
    value in error messages. `limits` is the range of a number, `limits_of` its range by instrument, and `choices` are
    the values of a choice. `usual` is the range from which random requests of an evaluation are sampled.

    An `optional` field may be 'not given'. A `pitched` field does not apply to a drum kit. A field that `stands_alone`
    belongs to one instrument and is not shared by the parts of an ensemble. A field that `follows_key` is a pitch,
    which models read with the tonic on C. `row` is its row in the table that compares request and measurement (always
    there if `always_compared`), with `digits` decimals. `address` is its name in the page's address. The other
    attributes are None when the field has none.
    """

    name: str
    kind: str
    option: CommandOption
    label: str = ""
    unit: str = ""
    limits: Range | None = None
    limits_of: Mapping[str, Range] = field(default_factory=dict)
    choices: tuple[int, ...] | tuple[str, ...] = ()
    usual: Range | None = None
    optional: bool = True
    pitched: bool = False
    stands_alone: bool = False
    follows_key: bool = False
    row: str = ""
    always_compared: bool = False
    digits: int = 2
    address: str = ""
    control: PageControl | None = None
    measure: LoopMeasure | None = None
    slots: tuple[EncoderSlot, ...] = ()

    @property
    def called(self) -> str:
        """The name of the field in sentences."""
        return self.label or self.name

    @property
    def not_given(self) -> object:
        """The value of the condition's attribute when the field is not given."""
        empty: dict[str, object] = {WEIGHTS: {}, CODES: (), CHORDS: ()}
        return empty.get(self.kind)

    def range_for(self, instrument: str) -> Range | None:
        """The range of a number for an instrument; None for fields without one."""
        return self.limits_of.get(instrument, self.limits)

    def check(self, value: object, instrument: str) -> None:
        """Raise InvalidValue for a value that is not finite, is out of range or is no choice; None is 'not given'."""
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidValue("bad_format", name=self.name, value=value, expected="a finite number")
        if self.choices:
            require_choice(self.called, str(value) if isinstance(value, Meter) else value, self.choices)
        limits = self.range_for(instrument)
        if limits is not None and value is not None:
            called = f"{self.called} of {instrument}" if self.limits_of else self.called
            require_range(called, cast("float", value), *limits, f" {self.unit}" if self.unit else "")


def linear(middle: float, reach: float) -> Callable[[float], float]:
    """Make a scale on which `middle` is 0 and `middle + reach` is 1."""
    return lambda value: (value - middle) / reach


def octaves(middle: float, reach: float, least: float = 0.0) -> Callable[[float], float]:
    """Make a scale in doublings: `middle` is 0, `reach` doublings above it are 1; values below `least` count as it."""
    return lambda value: math.log2(max(value, least) / middle) / reach
