"""Fill in the open fields of a request to suit its emotion, and report which ones were filled in.

Emotion acts through other things: arousal through how many notes there are, valence through the mode and
the chords (Gabrielsson and Lindström 2010; Eerola, Friberg and Bresin 2013). A composer that is told only
valence and arousal follows them loosely. So where one of them is asked for and the density is not, the
density is that of a real loop near the request in valence, arousal and tempo, drawn among the NEAREST of
assets/models/condition-table.json (measured conditions of training loops, a few hundred an instrument).
Where valence is asked for and no key is, the mode is minor below 0 and major from 0 on, with the tonic on C,
and guitar and piano follow a chord line drawn by valence and arousal, as an ensemble's is. On guitar and strings, which
sound few notes at once, a valence of STRONG or more either way is brought out by a line of the mode's primary triads
instead, which are all major or all minor. Each take draws anew.
Where no emotion is asked for nothing is drawn, but for the density of a bass that plays with drums
(`with_density`); what is asked for is never touched.
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
"""An octave of tempo counts as this much of the range of arousal."""
MOOD_LINE_INSTRUMENTS = ("guitar", "piano")
PRIMARY_LINE_INSTRUMENTS = ("guitar", "strings")
"""What follows a drawn chord line, of which sort; see docs/decisions/0021-filling-in-open-fields.md."""
STRONG = 0.5
PRIMARY_LINES = {
    "major": ("I IV V I", "I V IV I", "I IV I V", "I I IV V"),
    "minor": ("i iv v i", "i v iv i", "i iv i v", "i i iv i"),
}
"""Lines that say nothing but the mode: tonic, subdominant and dominant have its quality (natural minor's too)."""
FloatArray = NDArray[np.float64]


def fill_in(condition: Condition, seed: int) -> Condition:
    """The request with what suits its emotion drawn in; the request itself where nothing is to be drawn."""
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
    """The request with the density of any real loop of its instrument; with its own where it has one."""
    if condition.density is not None:
        return condition
    densities = condition_table(CONDITION_TABLE)[condition.instrument][:, COLUMNS.index("density")]
    drawn = float(np.random.default_rng([seed, 0xD3A]).choice(densities))
    return condition.changed(density=float(np.clip(drawn, *DENSITY_RANGE)))


def filled_in_fields(asked: Condition, whole: Condition) -> dict[str, object]:
    """What `filled` added, as a condition's JSON values by field."""
    before, after = asked.to_json(), whole.to_json()
    return {name: value for name, value in after.items() if value != before.get(name)}


def with_filled_in(asked: Condition, drawn: Mapping[str, object]) -> Condition:
    """The whole condition again out of a request and what was drawn for it."""
    return Condition.from_json({**asked.to_json(), **drawn}) if drawn else asked


def _chords(condition: Condition, key: Key, seed: int) -> tuple[Chord, ...]:
    """A chord a bar; none for instruments and emotions that call for no line."""
    is_strong = condition.valence is not None and abs(condition.valence) >= STRONG
    if is_strong and condition.instrument in PRIMARY_LINE_INSTRUMENTS:
        numerals = str(np.random.default_rng([seed, 0xC0D]).choice(PRIMARY_LINES[key.mode])).split()
        return fitted(tuple(Chord.from_roman(numeral, key) for numeral in numerals), condition.bars)
    if condition.instrument in MOOD_LINE_INSTRUMENTS:
        return sample_chords(condition, key, seed)
    return ()


def _density(condition: Condition, seed: int) -> float:
    """The density of one of the nearest real loops."""
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
    """By instrument the measured conditions of real loops, (n, COLUMNS); StoreError when the file is damaged."""
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
