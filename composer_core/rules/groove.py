"""Groove templates: where a player puts each slot of the bar and how hard, taken from one loop and applied to another.

A template holds, for each drum role (or all notes of a pitched part) and slot of the bar, the mean
distance from the straight grid in ticks and the mean velocity, as in the groove quantise of a DAW.
Swing is part of it. Distances are in ticks, so they scale with the tempo, as swing does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.drums import OTHER_ROLE, ROLES, role_index
from composer_core.music.loop import Loop
from composer_core.music.timing import EARLY_TICK, TICKS_PER_QUARTER, Meter
from composer_core.rules.quantise import QUANTISE_GRIDS

ALL = "all"
"""The row over all notes, used for roles (and instruments) a template has not heard."""
Row = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class GrooveTemplate:
    """A groove of one bar of `meter` on `grid` (a name out of QUANTISE_GRIDS).

    `offset_tick` and `velocity` map a role (or ALL) to one value a slot, None where nothing was heard.
    """

    name: str
    meter: Meter
    grid: str
    offset_tick: Mapping[str, Row]
    velocity: Mapping[str, Row]

    def __post_init__(self) -> None:
        require_choice("grid", self.grid, tuple(QUANTISE_GRIDS))
        for rows in (self.offset_tick, self.velocity):
            for role, row in rows.items():
                require_choice("role", role, (*ROLES, OTHER_ROLE, ALL))
                if len(row) != self.slots:
                    raise InvalidValue(
                        "bad_format",
                        name=f"groove {self.name}, {role}",
                        value=f"{len(row)} slots",
                        expected=f"{self.slots}",
                    )

    @property
    def slot_tick(self) -> float:
        """Length of a slot in ticks."""
        return TICKS_PER_QUARTER / QUANTISE_GRIDS[self.grid]

    @property
    def slots(self) -> int:
        """Slots a bar; a bar that is no whole number of slots counts the last, shorter one."""
        return int(np.ceil(self.meter.bar_tick / self.slot_tick))

    def to_json(self) -> dict[str, object]:
        """Plain values that `from_json` reads."""
        rows = {"offset_tick": self.offset_tick, "velocity": self.velocity}
        plain = {name: {role: list(row) for role, row in mapping.items()} for name, mapping in rows.items()}
        return {"name": self.name, "meter": str(self.meter), "grid": self.grid, **plain}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> GrooveTemplate:
        """Read what `to_json` wrote; InvalidValue for unknown or missing fields and values that are no numbers."""
        known = ("name", "meter", "grid", "offset_tick", "velocity")
        for field in data:
            if field not in known:
                raise InvalidValue("unknown_option", name=field, where="groove template", choices=", ".join(known))
        for field in known:
            if field not in data:
                raise InvalidValue(
                    "bad_format", name="groove template", value=sorted(data), expected=f"a field {field}"
                )
        meter = Meter.parse(str(data["meter"]))
        return cls(str(data["name"]), meter, str(data["grid"]), _rows(data["offset_tick"]), _rows(data["velocity"]))


def _rows(data: Any) -> dict[str, Row]:
    if isinstance(data, Mapping) and all(
        isinstance(row, list | tuple) and all(map(_is_value, row)) for row in data.values()
    ):
        return {str(role): tuple(None if v is None else float(v) for v in row) for role, row in data.items()}
    raise InvalidValue("bad_format", name="groove template", value=data, expected="a list of numbers for each role")


def _is_value(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (number and bool(np.isfinite(value)))


def extract_groove(loops: Sequence[Loop], name: str, grid: str = "16") -> GrooveTemplate:
    """The mean groove of one or more loops of one metre. InvalidValue without notes or with different metres."""
    require_choice("grid", grid, tuple(QUANTISE_GRIDS))
    if not any(len(loop.notes) for loop in loops):
        raise InvalidValue("bad_format", name="groove", value="no notes", expected="at least one loop with notes")
    meters = {str(loop.meter) for loop in loops}
    if len(meters) > 1:
        raise InvalidValue(
            "contradiction", first=sorted(meters)[0], second=sorted(meters)[1], reason="a groove has one metre"
        )
    empty = GrooveTemplate(name, loops[0].meter, grid, {}, {})
    roles, slots, offsets, velocities = (
        np.concatenate(c) for c in zip(*(_heard(loop, empty) for loop in loops), strict=True)
    )
    offset_rows: dict[str, Row] = {}
    velocity_rows: dict[str, Row] = {}
    for role in [ALL, *sorted(set(roles.tolist()) - {ALL})]:
        chosen = np.ones(len(roles), dtype=np.bool_) if role == ALL else roles == role
        offset_rows[role] = _means(slots[chosen], offsets[chosen], empty.slots)
        velocity_rows[role] = _means(slots[chosen], velocities[chosen], empty.slots)
    return GrooveTemplate(name, loops[0].meter, grid, offset_rows, velocity_rows)


def _means(slots: NDArray[np.int64], values: NDArray[np.float64], n_slots: int) -> Row:
    count = np.bincount(slots, minlength=n_slots)
    total = np.bincount(slots, weights=values, minlength=n_slots)
    return tuple(round(t / n, 2) if n else None for t, n in zip(total.tolist(), count.tolist(), strict=True))


def _placed(loop: Loop, template: GrooveTemplate) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bar and slot of each note; a note just before a bar line belongs to the bar it anticipates."""
    bar_tick = loop.meter.bar_tick
    nearest = np.rint(loop.notes.onset_tick / template.slot_tick) * template.slot_tick
    bar = np.floor(nearest / bar_tick).astype(np.int64)
    slot = np.rint((nearest - bar * bar_tick) / template.slot_tick).astype(np.int64)
    return bar + slot // template.slots, slot % template.slots


def _role_names(loop: Loop) -> NDArray[np.str_]:
    names = np.array([*ROLES, OTHER_ROLE])
    return (
        names[role_index(loop.notes.pitch, loop.drum_map)]
        if loop.is_drums
        else np.full(len(loop.notes), ALL, dtype="<U10")
    )


def _heard(loop: Loop, template: GrooveTemplate) -> tuple[Any, Any, Any, Any]:
    bar, slot = _placed(loop, template)
    grid_tick = bar * loop.meter.bar_tick + slot * template.slot_tick
    return _role_names(loop), slot, loop.notes.onset_tick - grid_tick, loop.notes.velocity.astype(np.float64)


def apply_groove(loop: Loop, template: GrooveTemplate, timing: float = 1.0, dynamics: float = 1.0) -> Loop:
    """Draw onsets and velocities the shares `timing` and `dynamics` (0 to 1) of the way to the template's.

    Each note is drawn to its nearest slot's mean place and velocity for its role, else for all notes; slots
    the template has not heard leave it as it is. 0 and 0 change nothing; 1 is idempotent. InvalidValue for
    another metre.
    """
    require_range("groove timing", timing, 0.0, 1.0)
    require_range("groove dynamics", dynamics, 0.0, 1.0)
    if loop.meter != template.meter:
        reason = "a groove fits loops of its own metre"
        raise InvalidValue(
            "contradiction", first=f"a {loop.meter} loop", second=f"a {template.meter} groove", reason=reason
        )
    if not len(loop.notes):
        return loop
    bar, slot = _placed(loop, template)
    roles = _role_names(loop)
    offset = _looked_up(template.offset_tick, roles, slot)
    velocity = _looked_up(template.velocity, roles, slot)
    target = bar * loop.meter.bar_tick + slot * template.slot_tick + offset
    onset = loop.notes.onset_tick + np.where(np.isnan(offset), 0.0, timing * (target - loop.notes.onset_tick))
    loud = loop.notes.velocity + np.where(np.isnan(velocity), 0.0, dynamics * (velocity - loop.notes.velocity))
    inside = np.clip(onset, -EARLY_TICK, loop.length_tick - 1)
    return loop.with_notes(loop.notes.with_columns(onset_tick=inside, velocity=np.clip(loud, 1, 127)))


def _looked_up(rows: Mapping[str, Row], roles: NDArray[np.str_], slot: NDArray[np.int64]) -> NDArray[np.float64]:
    """The template's value for each note, NaN where it has none."""
    found = np.full(len(slot), np.nan)
    for role in set(roles.tolist()):
        chosen = roles == role
        for name in (role, ALL):
            if name in rows:
                row = np.array([np.nan if value is None else value for value in rows[name]])
                values = row[slot[chosen]]
                found[chosen] = np.where(np.isnan(found[chosen]), values, found[chosen])
    return found
