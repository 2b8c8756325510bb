"""Find and check the limits of the rule that tells performed loops from programmed ones, on sets whose kind is known.

The limits are those with the best mean accuracy over the sets on one half of the files. On the other half, and on sets
that had no part in finding them, the rule's accuracy is told set by set. What is known of a set is how it was made:
recorded from a player, or sequenced, drawn or engraved. A sequenced set may hold parts that somebody played in
without quantising them; the rule then rightly calls these performed, and the set's accuracy falls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound
from composer_core.estimate.scores.profiles import (
    MIN_OFF_GRID_RATE,
    MIN_VELOCITIES,
    PERFORMED,
    PROFILES,
    PROGRAMMED,
    enough_velocities,
    n_velocities,
    off_grid_rate,
)
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.pipeline.training.sources import window_of

BARS, LOOPS_A_PART, MIN_NOTES = 4, 6, 8
FloatArray = NDArray[np.float64]
Progress = Callable[[str], None]
KNOWN_SETS: dict[str, str] = {
    "cc-by/gmd": PERFORMED,
    "bsd/freedoom": PROGRAMMED,
    "bsd/blasphemer": PROGRAMMED,
    "artistic/simutrans": PROGRAMMED,
    "mit/drum-machine-patterns": PROGRAMMED,
    "cc0/openscore-lieder": PROGRAMMED,
    "cc0/openscore-quartets": PROGRAMMED,
    "pd/ryans-mammoth": PROGRAMMED,
    "pd/mutopia-guitar": PROGRAMMED,
    "cc-by/mutopia-guitar": PROGRAMMED,
    "pd/mutopia-piano": PROGRAMMED,
    "cc-by/mutopia-piano": PROGRAMMED,
}
"""The sets the limits are found by, with what their loops are."""
CHECKED_SETS: dict[str, str] = {"nc/emopia": PERFORMED, "mit/pop909-score": PROGRAMMED}
"""Sets that are only looked at: nothing is learnt from them."""
_OFF_GRID_RATES = np.round(np.arange(0.02, 0.72, 0.02), 2)
_VELOCITIES = np.arange(1, 17)
_AS_GOOD = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredSet:
    """The two measurements of a set's loops, and which loops the limits are found by (the others check them)."""

    name: str
    profile: str
    off_grid: FloatArray
    velocities: FloatArray
    n_notes: FloatArray
    finds: NDArray[np.bool_]

    def accuracy(self, min_off_grid: float, min_velocities: float, chosen: NDArray[np.bool_]) -> float:
        """The share of the chosen loops that the rule calls what they are; NaN without any."""
        varied = enough_velocities(self.velocities, self.n_notes, min_velocities)
        performed = (self.off_grid >= min_off_grid) & varied
        right = performed == (self.profile == PERFORMED)
        return float(right[chosen].mean()) if chosen.any() else float("nan")


def validate_profiles(data: Path, progress: Progress = lambda _: None) -> dict[str, object]:
    """The limits found on one half of the files of KNOWN_SETS, and the accuracy of the rule as it is, set by set.

    `found` holds the best limits with their mean accuracy and the range of off-grid rates that are as good; `rule`
    the limits in use; `sets` for each set its kind, its loops and the accuracy on the half that found nothing.
    NotFound without performed or without programmed sets under `data`.
    """
    measured = [_measured(data / name, name, profile) for name, profile in KNOWN_SETS.items()]
    known = [one for one in measured if len(one.off_grid)]
    if {one.profile for one in known} != set(PROFILES):
        raise NotFound("no_notes", path=str(data), instrument="any", purpose="validate profiles by")
    for one in known:
        progress(f"{one.name}: {len(one.off_grid)} loops")
    checked = [_measured(data / name, name, profile) for name, profile in CHECKED_SETS.items()]
    rows = {}
    for one in [*known, *(one for one in checked if len(one.off_grid))]:
        judged = ~one.finds if one.name in KNOWN_SETS else np.ones(len(one.off_grid), dtype=np.bool_)
        rows[one.name] = {
            "profile": one.profile,
            "loops": int(np.count_nonzero(judged)),
            "accuracy": one.accuracy(MIN_OFF_GRID_RATE, MIN_VELOCITIES, judged),
            "off_grid_rate": _percentiles(one.off_grid[judged]),
            "velocities": _percentiles(one.velocities[judged]),
        }
    rule = {"min_off_grid_rate": MIN_OFF_GRID_RATE, "min_velocities": MIN_VELOCITIES}
    return {"found": limits_of(known), "rule": rule, "sets": rows}


def limits_of(sets: Sequence[MeasuredSet]) -> dict[str, object]:
    """The two limits with the best balanced accuracy on the loops that find them.

    Balanced: performed and programmed sets weigh the same, and so does every set of a kind. Of off-grid rates that
    are as good within 0.2 % the middle one is taken, because the best itself hangs on single loops.
    """
    table = np.zeros((len(_OFF_GRID_RATES), len(_VELOCITIES)))
    for profile in PROFILES:
        own = [one for one in sets if one.profile == profile]
        for one in own:
            for row, rate in enumerate(_OFF_GRID_RATES):
                for column, count in enumerate(_VELOCITIES):
                    right = one.accuracy(float(rate), float(count), one.finds)
                    table[row, column] += right / len(own) / len(PROFILES)
    best = np.unravel_index(int(np.argmax(table)), table.shape)
    as_good = _OFF_GRID_RATES[table[:, best[1]] >= table[best] - _AS_GOOD]
    middle = float(as_good[(len(as_good) - 1) // 2])
    row = int(np.flatnonzero(middle == _OFF_GRID_RATES)[0])
    return {
        "min_off_grid_rate": middle,
        "min_velocities": int(_VELOCITIES[best[1]]),
        "accuracy": float(table[row, best[1]]),
        "as_good": [float(as_good.min()), float(as_good.max())],
    }


def _measured(folder: Path, name: str, profile: str) -> MeasuredSet:
    """Loops of four bars, at most six a part, spread evenly."""
    rows: list[tuple[float, int, int, bool]] = []
    for part in loops_for_training(folder, None) if folder.is_dir() else []:
        if part.instrument not in GENERATED_INSTRUMENTS or len(part.notes) < MIN_NOTES:
            continue
        finds = hashlib.sha256(part.source.encode("utf-8", "surrogateescape")).digest()[0] % 2 == 0
        starts = range(0, max(1, part.bars - BARS + 1), BARS)
        for start in list(starts)[:: max(1, -(-len(starts) // LOOPS_A_PART))]:
            loop = window_of(part, start, min(BARS, part.bars))
            if len(loop.notes) >= MIN_NOTES:
                rows.append((off_grid_rate(loop.notes.onset_tick), n_velocities(loop), len(loop.notes), finds))
    *numbers, found = zip(*rows, strict=True) if rows else ((), (), (), ())
    off_grid, velocities, n_notes = (np.array(values, dtype=np.float64) for values in numbers)
    return MeasuredSet(name, profile, off_grid, velocities, n_notes, np.array(found, dtype=np.bool_))


def _percentiles(values: FloatArray) -> list[float]:
    """5th, 25th, 50th, 75th and 95th."""
    return [round(float(value), 2) for value in np.percentile(values, (5, 25, 50, 75, 95))]
