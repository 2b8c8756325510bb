"""A loop with everything the library keeps about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.music.loop import Loop

METRIC_PREFIX, SCORE_PREFIX, PROGRAMMED_PREFIX = "metrics.", "scores.", "programmed_scores."
"""Columns of metrics, and of scores by the performed and by the programmed profile, are named so in the library's
table."""
IMPORTED, GENERATED = "imported", "generated"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MeasuredLoop:
    """A loop with what was measured and estimated on it.

    `grid_onset_tick` and `is_ghost` have one entry per note, in the order of `loop.notes`: the tick of the grid
    it belongs to, and whether it is a soft snare off the backbeat. `key_root` (0 to 11, 0 = C), `key_mode`
    and `key_confidence` are estimated from the notes: -1, "" and NaN for drums and where nothing was
    estimated. `scores` hold NaN where an axis does not apply; `score_digest` names the calibration they are of
    ("" where nothing was scored); both are of the performed profile, `programmed_scores` and `programmed_digest` of
    the programmed one. `score_profile` is the loop's own as measured ("": not measured). `fingerprint` is the rhythm
    in codes of a byte each (b"": made when it is asked for).
    """

    loop: Loop
    content_hash: str
    metrics: Mapping[str, float]
    swing_phase: str
    valence_estimate: float
    arousal_estimate: float
    grid_onset_tick: NDArray[np.int32]
    is_ghost: NDArray[np.bool_]
    key_root: int = -1
    key_mode: str = ""
    key_confidence: float = math.nan
    scores: Mapping[str, float] = field(default_factory=dict)
    score_digest: str = ""
    fingerprint: bytes = b""
    programmed_scores: Mapping[str, float] = field(default_factory=dict)
    programmed_digest: str = ""
    score_profile: str = ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LoopRecord(MeasuredLoop):
    """A measured loop with where it came from: all that is stored about it.

    `member` is the archive member's name ("" outside archives); `take_id` the take a
    generated loop came from. `reading` is the number of the reading that cut it (see `ingest.song.READING`),
    `cut_bars` the bars a loop that were asked for and `drum_map_choice` the note map that was; 0 and "" where unknown.
    """

    loop_id: str
    source_digest: str
    member: str = ""
    origin: str = IMPORTED
    take_id: str = ""
    reading: int = 0
    cut_bars: int = 0
    drum_map_choice: str = ""

    @classmethod
    def of(cls, measured: MeasuredLoop, **source: object) -> LoopRecord:
        """The record of a measured loop; `source` holds the fields that say where it came from."""
        values: dict[str, Any] = {one.name: getattr(measured, one.name) for one in fields(MeasuredLoop)}
        return cls(**values | source)


def storable(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file name that are no UTF-8 become a sign."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
