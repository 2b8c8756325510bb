"""A loop: whole bars of one instrument, meant to repeat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from composer_core.errors import require_choice, require_range
from composer_core.music.drum_maps import GENERAL_MIDI
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.timing import COMMON_TIME, EARLY_TICK, MAX_TEMPO_BPM, MIN_TEMPO_BPM, TICKS_PER_QUARTER, Meter

IntArray = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Notes:  # noqa: PLW1641 - arrays have no hash
    """Notes as four parallel int32 arrays of equal length, sorted by onset, then pitch.

    `onset_tick` counts from the loop's start at 480 per quarter, and may be as low as
    -EARLY_TICK for a note that anticipates the first downbeat. `duration_tick` is above 0,
    `pitch` 0 to 127, `velocity` 1 to 127.
    """

    onset_tick: IntArray
    duration_tick: IntArray
    pitch: IntArray
    velocity: IntArray

    def __len__(self) -> int:
        return len(self.onset_tick)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Notes):
            return NotImplemented
        return all(np.array_equal(a, b) for a, b in zip(self.columns(), other.columns(), strict=True))

    def columns(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """The four arrays in the order onset, duration, pitch, velocity."""
        return self.onset_tick, self.duration_tick, self.pitch, self.velocity

    def rows(self) -> list[tuple[int, int, int, int]]:
        """The (onset_tick, duration_tick, pitch, velocity) of each note as plain ints."""
        return list(zip(*(column.tolist() for column in self.columns()), strict=True))

    def select(self, mask_or_index: NDArray[np.bool_] | NDArray[np.integer] | slice) -> Notes:
        """The notes that a boolean mask, an index array or a slice picks, sorted again."""
        return Notes.of(*(column[mask_or_index] for column in self.columns()))

    def with_columns(self, **columns: ArrayLike) -> Notes:
        """A copy with some arrays replaced, sorted again."""
        current: dict[str, ArrayLike] = dict(
            zip(("onset_tick", "duration_tick", "pitch", "velocity"), self.columns(), strict=True)
        )
        return Notes.of(**{**current, **columns})

    @classmethod
    def of(cls, onset_tick: ArrayLike, duration_tick: ArrayLike, pitch: ArrayLike, velocity: ArrayLike) -> Notes:
        """Make notes from four array-likes of equal length, in any order; values are rounded to int."""
        columns = [
            np.rint(np.asarray(column, dtype=np.float64)).astype(np.int32)
            for column in (onset_tick, duration_tick, pitch, velocity)
        ]
        order = np.lexsort((columns[2], columns[0]))
        return cls(*(column[order] for column in columns))

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[float, float, int, int]]) -> Notes:
        """Make notes from rows of (onset_tick, duration_tick, pitch, velocity)."""
        table = np.asarray(list(rows), dtype=np.float64).reshape(-1, 4)
        return cls.of(table[:, 0], table[:, 1], table[:, 2], table[:, 3])


NO_NOTES = Notes.from_rows([])


class LoopChanges(TypedDict, total=False):
    """The fields of a loop that can be replaced together with its notes."""

    bars: int
    tempo_bpm: float
    program: int
    tempo_events: tuple[tuple[int, float], ...]
    extra: dict[str, object]


@dataclass(frozen=True, slots=True)
class Loop:
    """Whole bars of one instrument at one metre.

    `tempo_bpm` is in quarters per minute. When the tempo changes inside the loop it is the
    duration-weighted mean, and `tempo_events` holds (tick, bpm) from tick 0 on.
    `start_bar` counts from 0 in the source song.
    """

    instrument: str
    notes: Notes
    bars: int
    tempo_bpm: float = 120.0
    meter: Meter = COMMON_TIME
    program: int = 0
    start_bar: int = 0
    tempo_events: tuple[tuple[int, float], ...] = ()
    track_name: str = ""
    source: str = ""
    extra: dict[str, object] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        require_choice("instrument", self.instrument, INSTRUMENTS)
        require_range("bars", self.bars, 1, 100_000)
        require_range("tempo", self.tempo_bpm, MIN_TEMPO_BPM, MAX_TEMPO_BPM, " BPM")
        require_range("program", self.program, 0, 127)

    @property
    def length_tick(self) -> int:
        """The length in ticks: the number of bars times the ticks of a bar."""
        return self.bars * self.meter.bar_tick

    @property
    def length_quarter(self) -> float:
        """The length in quarters."""
        return self.length_tick / TICKS_PER_QUARTER

    @property
    def length_sec(self) -> float:
        """The length in seconds at `tempo_bpm`; exact for tempo changes too, because `tempo_bpm` is their mean."""
        return self.length_quarter * 60.0 / self.tempo_bpm

    @property
    def is_drums(self) -> bool:
        """True for the drum kit (General MIDI channel 10)."""
        return self.instrument == "drums"

    @property
    def drum_map(self) -> str:
        """The map its drum notes follow, a name of DRUM_MAPS."""
        return str(self.extra.get("drum_map", GENERAL_MIDI))

    def with_notes(self, notes: Notes, **changes: Unpack[LoopChanges]) -> Loop:
        """A copy with other notes, and with other values of the given fields."""
        return replace(self, notes=notes, **changes)


def check_loop(loop: Loop) -> None:
    """Raise InvalidValue when a note breaks the invariants of a stored loop."""
    notes = loop.notes
    if not len(notes):
        return
    bounds = (
        ("onset", notes.onset_tick, -EARLY_TICK, loop.length_tick - 1, " ticks"),
        ("duration", notes.duration_tick, 1, 2**31 - 1, " ticks"),
        ("pitch", notes.pitch, 0, 127, ""),
        ("velocity", notes.velocity, 1, 127, ""),
    )
    for name, column, low, high, unit in bounds:
        require_range(name, int(column.min()), low, high, unit)
        require_range(name, int(column.max()), low, high, unit)
