"""Fill in the open fields of a request to suit its emotion, and report which ones were filled in.

Emotion acts through other fields: arousal through the number of notes, valence through the mode and the chords
(Gabrielsson and Lindström 2010; Eerola, Friberg and Bresin 2013). A composer that gets only valence and arousal
follows them loosely. So fields that suit the emotion are filled in:

- Density, when valence or arousal is requested and density is not: that of a real loop near the request in valence,
  arousal and tempo, sampled from the NEAREST of assets/models/condition-table.json (measured conditions of training
  loops, a few hundred per instrument).
- Key, when valence is requested and a key is not: minor below 0, major from 0 on, with the tonic on C.
- Chords, together with the key: guitar and piano get a chord line sampled by valence and arousal, like that of an
  ensemble. Guitar and strings sound few notes at once, so a valence of STRONG or more in either direction gives them
  a line of the mode's primary triads instead, which are all major or all minor.

Each take samples again. Without a requested emotion nothing is filled in, except for the density of a bass that plays
with drums (`with_density`). Requested fields are never changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import StoreError
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import DENSITY_RANGE
from composer_core.music.key import Key
from composer_core.pipeline.generation.chord_lines import fitted, sample_chords
from composer_core.workspace import ASSETS

CONDITION_TABLE = ASSETS / "models" / "condition-table.json"
COLUMNS = ("valence", "arousal", "tempo_bpm", "density")
NEAREST = 8
TEMPO_WEIGHT = 0.3
"""The weight of an octave of tempo, as a share of the range of arousal."""
MOOD_LINE_INSTRUMENTS = ("guitar", "piano")
PRIMARY_LINE_INSTRUMENTS = ("guitar", "strings")
"""The instruments that follow a sampled chord line, by kind of line. The reasons and the measurements are in
docs/decisions/0021-filling-in-open-fields.md."""
STRONG = 0.5
PRIMARY_LINES = {
    "major": ("I IV V I", "I V IV I", "I IV I V", "I I IV V"),
    "minor": ("i iv v i", "i v iv i", "i iv i v", "i i iv i"),
}
"""Lines that express nothing but the mode: tonic, subdominant and dominant have its quality (natural minor's too)."""
FloatArray = NDArray[np.float64]


def fill_in(condition: Condition, seed: int) -> Condition:
    """Fill in the open fields that suit the requested emotion; the same request when there is nothing to fill in."""
    changes: dict[str, Any] = {}
    asks_emotion = condition.valence is not None or condition.arousal is not None
    if asks_emotion and condition.density is None:
        changes["density"] = _density(condition, seed)
    if condition.valence is not None and condition.key is None and condition.instrument != "drums":
        key = Key(0, "minor" if condition.valence < 0 else "major")
        changes["key"] = key
        if not condition.chords:
            changes["chords"] = _chords(condition, key, seed)
    return condition.changed(**changes) if changes else condition


def with_density(condition: Condition, seed: int) -> Condition:
    """Fill in an open density with that of any real loop of the instrument; a requested density is kept."""
    if condition.density is not None:
        return condition
    densities = condition_table(CONDITION_TABLE)[condition.instrument][:, COLUMNS.index("density")]
    drawn = float(np.random.default_rng([seed, 0xD3A]).choice(densities))
    return condition.changed(density=float(np.clip(drawn, *DENSITY_RANGE)))


def filled_in_fields(asked: Condition, whole: Condition) -> dict[str, object]:
    """The fields that `fill_in` added, as JSON values of a condition by name."""
    before, after = asked.to_json(), whole.to_json()
    return {name: value for name, value in after.items() if value != before.get(name)}


def with_filled_in(asked: Condition, drawn: Mapping[str, object]) -> Condition:
    """Restore the complete condition from a request and the fields that were filled in for it."""
    return Condition.from_json({**asked.to_json(), **drawn}) if drawn else asked


def _chords(condition: Condition, key: Key, seed: int) -> tuple[Chord, ...]:
    """One chord per bar; none for instruments and emotions that get no chord line."""
    is_strong = condition.valence is not None and abs(condition.valence) >= STRONG
    if is_strong and condition.instrument in PRIMARY_LINE_INSTRUMENTS:
        numerals = str(np.random.default_rng([seed, 0xC0D]).choice(PRIMARY_LINES[key.mode])).split()
        return fitted(tuple(Chord.from_roman(numeral, key) for numeral in numerals), condition.bars)
    if condition.instrument in MOOD_LINE_INSTRUMENTS:
        return sample_chords(condition, key, seed)
    return ()


def _density(condition: Condition, seed: int) -> float:
    """The density of one of the nearest real loops, sampled at random."""
    table = condition_table(CONDITION_TABLE)[condition.instrument]
    apart = TEMPO_WEIGHT * np.abs(np.log2(table[:, 2] / condition.tempo_bpm))
    if condition.valence is not None:
        apart = apart + np.abs(table[:, 0] - condition.valence) / 2.0
    if condition.arousal is not None:
        apart = apart + np.abs(table[:, 1] - condition.arousal)
    nearest = np.argsort(apart, kind="stable")[:NEAREST]
    chosen = int(np.random.default_rng([seed, 0xD3A]).choice(nearest))
    return float(np.clip(table[chosen, 3], *DENSITY_RANGE))


@cache
def condition_table(path: Path) -> dict[str, FloatArray]:
    """The measured conditions of real loops by instrument, (n, COLUMNS); StoreError when the file is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["columns"] != list(COLUMNS):
            raise ValueError(f"its columns are {data['columns']}")
        tables = {name: np.array(rows, dtype=np.float64) for name, rows in data["instruments"].items()}
        if any(table.shape[1:] != (len(COLUMNS),) or not np.isfinite(table).all() for table in tables.values()):
            raise ValueError("a row is not whole")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
    return tables
