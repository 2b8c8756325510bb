"""Fill in the open fields of a request to suit its emotion, and report which ones were filled in.

Emotion acts through other fields: arousal through the number of notes, valence through the mode and the chords
(Gabrielsson and Lindström 2010; Eerola, Friberg and Bresin 2013). A composer that gets only valence and arousal
follows them loosely. So fields that suit the emotion are filled in:

- Density, when valence or arousal is requested and density is not: that of a real loop near the request in valence,
  arousal and tempo, sampled from the NEAREST of assets/models/condition-table.json (measured conditions of training
  loops, a few hundred per instrument). A model that learnt emotion from labels brings a table of its own, of the loops
  it learnt from and what their labels say: its arousal may mean something else than the shipped estimator's.
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
from composer_core.pipeline.training.labelled import EMOTION_COLUMNS, EMOTION_TABLE
from composer_core.workspace import ASSETS

CONDITION_TABLE = ASSETS / "models" / "condition-table.json"
COLUMNS = ("valence", "arousal", "tempo_bpm", "density")
MINOR_COLUMN = EMOTION_COLUMNS.index("minor")
HALF = 0.5
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


def fill_in(condition: Condition, seed: int, own: FloatArray | None = None) -> Condition:
    """Fill in the open fields that suit the requested emotion; the same request when there is nothing to fill in.

    `own` is the table of the model that is asked (see `own_table`); None takes the shipped one.
    """
    changes: dict[str, Any] = {}
    asks_emotion = condition.valence is not None or condition.arousal is not None
    own = None if own is None else _answering(condition, own)
    if asks_emotion and condition.density is None:
        table = condition_table(CONDITION_TABLE)[condition.instrument] if own is None else own
        changes["density"] = _density(condition, seed, table)
    if condition.valence is not None and condition.key is None and condition.instrument != "drums":
        key = Key(0, "minor" if _is_minor(condition, own) else "major")
        changes["key"] = key
        if not condition.chords:
            changes["chords"] = _chords(condition, key, seed)
    return condition.changed(**changes) if changes else condition


def own_table(facts: Mapping[str, object], instrument: str) -> FloatArray | None:
    """The table a model brings for an instrument, (n, EMOTION_COLUMNS), NaN for what is not given; None without one.

    `facts` are those saved with the model. StoreError when the table is damaged.
    """
    tables: Any = facts.get(EMOTION_TABLE)
    if not tables or instrument not in tables:
        return None
    try:
        table = np.array(tables[instrument], dtype=np.float64)  # None becomes NaN
        if table.ndim != 2 or table.shape[1] != len(EMOTION_COLUMNS):
            raise ValueError("a row is not whole")
    except (ValueError, TypeError) as error:
        raise StoreError("damaged_store", path=EMOTION_TABLE, reason=str(error)) from error
    return table


def _answering(condition: Condition, table: FloatArray) -> FloatArray | None:
    """The rows that say what the request asks for; None where none does."""
    asked = [column for column, name in enumerate(("valence", "arousal")) if getattr(condition, name) is not None]
    rows = table[np.isfinite(table[:, asked]).all(axis=1)]
    return rows if len(rows) else None


def _is_minor(condition: Condition, own: FloatArray | None) -> bool:
    """Whether a valence asks for a minor key: by its sign, or as most of the nearest loops of the model's own table."""
    valence = condition.valence or 0.0
    if own is not None:
        minor = own[np.isfinite(own[:, MINOR_COLUMN])]
        nearest = np.argsort(np.abs(minor[:, 0] - valence), kind="stable")[:NEAREST]
        if len(nearest) and (share := float(minor[nearest, MINOR_COLUMN].mean())) != HALF:
            return share > HALF
    return valence < 0


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


def _density(condition: Condition, seed: int, table: FloatArray) -> float:
    """The density of one of the nearest real loops of a table, sampled at random."""
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
