"""The table of rules that a recipe may chain: name, parameters with their ranges, source, and function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.key import Key
from composer_core.music.loop import Loop
from composer_core.music.timing import swing_percent_to_ratio
from composer_core.rules.groove import GrooveTemplate, apply_groove
from composer_core.rules.harmony import SUBSTITUTIONS, substitute_chords
from composer_core.rules.pitch import change_key, fit_range, snap_to_key, transpose
from composer_core.rules.playability import make_playable
from composer_core.rules.quantise import QUANTISE_GRIDS, quantise
from composer_core.rules.seam import seal_seam
from composer_core.rules.straighten import remove_swing, set_swing
from composer_core.rules.swing import SHORT_NOTE_FLOOR_MS, floored_ratio
from composer_core.rules.technique import RENDERED, render_technique
from composer_core.rules.tempo import set_tempo
from composer_core.rules.velocity import accent_beats, velocity_curve

REQUIRED = object()
"""Default of a parameter that has none."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a rule. `kind` is number, whole, flag, choice, key or groove; `low` and `high` bound numbers."""

    name: str
    kind: str
    default: object = REQUIRED
    low: float = 0.0
    high: float = 1.0
    choices: tuple[object, ...] = ()

    def read(self, value: object, where: str) -> object:
        """Convert a value to the type the rule takes; InvalidValue names rule, parameter and expectation."""
        name = f"{where}: {self.name}"
        if self.kind == "choice":
            require_choice(name, value, self.choices)
        elif self.kind == "flag":
            self._require(isinstance(value, bool), name, value, "true or false")
        elif self.kind == "key":
            self._require(isinstance(value, str), name, value, "a key such as E:minor")
            return Key.parse(cast(str, value))
        elif self.kind == "groove":
            self._require(isinstance(value, Mapping), name, value, "a groove template")
            return GrooveTemplate.from_json(cast(Mapping[str, object], value))
        else:
            number = isinstance(value, int | float if self.kind == "number" else int) and not isinstance(value, bool)
            self._require(number, name, value, "a number" if self.kind == "number" else "a whole number")
            require_range(name, cast(float, value), self.low, self.high)
        return value

    @staticmethod
    def _require(right: bool, name: str, value: object, expected: str) -> None:
        if not right:
            raise InvalidValue("bad_format", name=name, value=value, expected=expected)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its name. `apply` takes the loop and the parameters that `read_parameters` returns.

    `idempotent` rules change nothing when applied a second time with the same parameters.
    """

    name: str
    apply: Callable[..., Loop]
    parameters: tuple[Parameter, ...]
    source: str
    meaning: str
    idempotent: bool = False

    def read_parameters(self, given: Mapping[str, object]) -> dict[str, object]:
        """All parameters, with defaults filled in; InvalidValue for unknown, missing or wrong ones."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                choices = ", ".join(known) or "none"
                raise InvalidValue("unknown_option", name=name, where=f"rule {self.name}", choices=choices)
        values = {}
        for name, parameter in known.items():
            value = given.get(name, parameter.default)
            if value is REQUIRED:
                raise InvalidValue("bad_format", name=f"{self.name}: {name}", value="nothing", expected="a value")
            values[name] = value if value is parameter.default and value is None else parameter.read(value, self.name)
        return values


def _swing(loop: Loop, percent: float, grid: int, floor: bool) -> Loop:
    """Replace the loop's swing by `percent` (50 straight, 66.7 triplet), with the short-note floor unless off."""
    ratio = swing_percent_to_ratio(percent)
    if floor:
        ratio, _ = floored_ratio(ratio, grid, loop.tempo_bpm, SHORT_NOTE_FLOOR_MS)
    return set_swing(loop, ratio, grid)


_SWING_GRID = Parameter("grid", "choice", 8, choices=(8, 16))
_TECHNIQUES = tuple(sorted({code for rules in RENDERED.values() for code in rules}))
_DAW = "quantise and groove functions of digital audio workstations"

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("quantise", quantise,
             (Parameter("grid", "choice", "16", choices=tuple(QUANTISE_GRIDS)), Parameter("strength", "number", 1.0)),
             _DAW, "Draw onsets to a straight grid, wholly or in part."),
        Rule("straighten", remove_swing, (_SWING_GRID,), "Friberg and Sundström 2002",
             "Take the swing a loop was played with out of it.", idempotent=True),
        Rule("swing", _swing,
             (Parameter("percent", "number", low=50.0, high=80.0), _SWING_GRID, Parameter("floor", "flag", True)),
             "Friberg and Sundström 2002", "Give a loop the swing asked for, whatever it had."),
        Rule("tempo", set_tempo, (Parameter("tempo_bpm", "number", low=30.0, high=300.0),), _DAW,
             "The same notes at one tempo.", idempotent=True),
        Rule("velocity_curve", velocity_curve, (Parameter("exponent", "number", low=0.25, high=4.0),), _DAW,
             "Bend velocities: below 1 louder, above 1 softer."),
        Rule("accent", accent_beats, (Parameter("amount", "number", low=-64.0, high=64.0),), _DAW,
             "Play the beats louder or softer."),
        Rule("transpose", transpose, (Parameter("semitones", "whole", low=-36, high=36),), "definition of this project",
             "Move every pitch."),
        Rule("change_key", change_key, (Parameter("source", "key"), Parameter("target", "key")),
             "definition of this project", "Move a loop from one key, and mode, to another."),
        Rule("snap_to_key", snap_to_key, (Parameter("key", "key"),), "definition of this project",
             "Draw notes outside the scale to the nearest inside.", idempotent=True),
        Rule("fit_range", fit_range,
             (Parameter("low", "whole", None, 0, 127), Parameter("high", "whole", None, 0, 127)),
             "definition of this project", "Fold notes into the instrument's range by octaves.", idempotent=True),
        Rule("make_playable", make_playable, (), "definition of this project",
             "Leave out what two hands cannot play.", idempotent=True),
        Rule("substitute_chords", substitute_chords,
             (Parameter("key", "key"), Parameter("kind", "choice", choices=SUBSTITUTIONS)), "Levine 1995",
             "Replace chords by scale degree; the notes follow."),
        Rule("technique", render_technique, (Parameter("code", "choice", choices=_TECHNIQUES),), "General MIDI level 1",
             "Play with a technique of the instrument."),
        Rule("groove", apply_groove,
             (Parameter("template", "groove"), Parameter("timing", "number", 1.0),
              Parameter("dynamics", "number", 1.0)),
             _DAW, "Give a loop another's placement and accents."),
        Rule("seal_seam", seal_seam, (Parameter("let_ring", "flag", False),), "definition of this project",
             "Keep every note inside the loop.", idempotent=True),
    )
}  # fmt: skip
"""Every rule by name, in the order the docs list them."""
