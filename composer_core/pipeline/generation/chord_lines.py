"""Chord lines by mood: those a workspace learnt from its data sets, and the short list shipped with the software."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import yaml

from composer_core.errors import InvalidValue, StoreError
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.pipeline.datasets.progressions import progressions
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.damage import readable
from composer_core.workspace import ASSETS, Workspace

NEAREST = 4
"""The line is drawn from this many of the nearest progressions."""
PROGRESSIONS = ASSETS / "progressions.yaml"
DEFAULT_KEYS = {"major": Key(0, "major"), "minor": Key(9, "minor")}


@dataclass(frozen=True, slots=True)
class Line:
    """A progression in a mode with the place in the emotion plane it was written for."""

    mode: str
    numerals: tuple[str, ...]
    valence: float
    arousal: float
    source: str


def sample_chords(condition: Condition, key: Key, seed: int) -> tuple[Chord, ...]:
    """A shipped line in a key, drawn by the request's valence and arousal; one chord per bar."""
    return chords_of(sample_line(key, condition.valence, condition.arousal, seed, None), key, condition.bars)


def chords_of(line: Line, key: Key, bars: int) -> tuple[Chord, ...]:
    """A line as chords on the tonic of a key, one a bar."""
    chords = tuple(Chord.from_roman(numeral, Key(key.root, line.mode)) for numeral in line.numerals)
    return fitted(chords, bars)


def fitted(chords: tuple[Chord, ...], bars: int) -> tuple[Chord, ...]:
    """A line that gives one chord per bar: cut to the bars, or repeated where it divides them."""
    cut = chords[:bars]
    return cut if bars % len(cut) == 0 else tuple(cut[index % len(cut)] for index in range(bars))


def sample_line(key: Key, valence: float | None, arousal: float | None, seed: int, workspace: Workspace | None) -> Line:
    """One of the NEAREST lines in a key's mode; the same seed draws the same one."""
    mode = "minor" if key.is_minor else "major"
    lines = [line for line in (*_learnt(workspace), *shipped_lines()) if line.mode == mode]
    place = np.array([[line.valence, 2.0 * line.arousal - 1.0] for line in lines])
    asked = np.array([0.0 if valence is None else valence, 0.0 if arousal is None else 2.0 * arousal - 1.0])
    weight = np.array([valence is not None, arousal is not None], dtype=np.float64)
    distance = (np.abs(place - asked) * weight).sum(axis=1)
    nearest = np.argsort(distance, kind="stable")[: NEAREST if weight.any() else len(lines)]
    return lines[int(np.random.default_rng([seed, 0xC0D]).choice(nearest))]


def _learnt(workspace: Workspace | None) -> Iterator[Line]:
    """The workspace's progressions of one to eight readable chords that carry a mood."""
    if workspace is None:
        return
    moods = vocabularies(workspace).moods
    stored = readable([workspace.progressions], lambda _: list(progressions(workspace)))
    for one in next(stored, []):
        known = [moods[code] for code in one.moods if code in moods]
        if known and one.mode in DEFAULT_KEYS and 1 <= len(one.numerals) <= 8:
            valence = float(np.mean([mood.valence for mood in known]))
            arousal = float(np.mean([mood.arousal for mood in known]))
            yield Line(one.mode, one.numerals, valence, arousal, one.source)


@cache
def shipped_lines() -> tuple[Line, ...]:
    """The lines of assets/progressions.yaml; StoreError when the file is damaged."""
    try:
        data = yaml.safe_load(PROGRESSIONS.read_text(encoding="utf-8"))
        lines = tuple(
            Line(mode, tuple(row["chords"].split()), float(row["valence"]), float(row["arousal"]), "shipped")
            for mode, rows in data.items()
            for row in rows
        )
        for line in lines:
            for numeral in line.numerals:
                Chord.from_roman(numeral, DEFAULT_KEYS[line.mode])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, InvalidValue) as error:
        raise StoreError("damaged_store", path=str(PROGRESSIONS), reason=str(error)) from error
    return lines
