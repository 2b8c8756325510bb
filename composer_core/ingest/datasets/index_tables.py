"""Index tables of data sets: the columns an adapter needs, out of CSV, TSV or JSON lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Unpack, cast

from composer_core.ingest.datasets.adapter import Issue, Label, LabelPlace, Parsed
from composer_core.ingest.tables import BadRow, read_delimited, read_json_lines
from composer_core.music.key import ROOT_NAMES

_PARTS_LIMIT = 64
_MODES = {
    "": "major",
    "maj": "major",
    "major": "major",
    "ion": "major",
    "m": "minor",
    "min": "minor",
    "minor": "minor",
    "aeo": "minor",
    "dor": "dorian",
    "dorian": "dorian",
    "phr": "phrygian",
    "phrygian": "phrygian",
    "lyd": "lydian",
    "lydian": "lydian",
    "mix": "mixolydian",
    "mixolydian": "mixolydian",
    "loc": "locrian",
    "locrian": "locrian",
}
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_SIGNS = {"#": 1, "♯": 1, "s": 1, "b": -1, "♭": -1}


def parse_table(name: str, data: bytes, needed: tuple[str, ...], delimiter: str = ",") -> Parsed:
    """All rows of a delimited table; rows without one of the `needed` columns are refused."""
    return _collect(name, read_delimited(name, data, delimiter), needed)


def parse_json_lines(name: str, data: bytes, needed: tuple[str, ...]) -> Parsed:
    """The same of a file of JSON lines."""
    return _collect(name, read_json_lines(name, data), needed)


def _collect(name: str, rows: Iterator[tuple[int, Mapping[str, Any] | BadRow]], needed: tuple[str, ...]) -> Parsed:
    parsed = Parsed(name)
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    for line, row in rows:
        place = f"{base} line {line}"
        if isinstance(row, BadRow):
            parsed.refused.append(Issue(place, "bad_row", str(row)))
        elif missing := [column for column in needed if not row.get(column)]:
            parsed.refused.append(Issue(place, "bad_row", missing[0]))
        else:
            parsed.rows.append({**row, "place": place})
    return parsed


def header_of(path: Path, delimiter: str = ",") -> tuple[str, ...]:
    """The columns in the first line of a table, for `detect`; empty where there is no such file."""
    try:
        with path.open("rb") as stream:
            line = stream.readline(65_536).decode("utf-8-sig", errors="replace")
    except OSError:
        return ()
    return tuple(column.strip().strip('"') for column in line.split(delimiter))


def number(text: object, low: float = -math.inf, high: float = math.inf) -> float | None:
    """A finite number within bounds, or None."""
    try:
        value = float(cast(str | float, text))
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def tempo_labels(text: object, confidence: float) -> tuple[Label, ...]:
    """`tempo_bpm` of 5 to 1000, or nothing."""
    bpm = number(text, 5.0, 1000.0)
    return () if bpm is None else (Label("tempo_bpm", round(bpm, 3), confidence),)


def meter_labels(text: str, confidence: float) -> tuple[Label, ...]:
    """`meter` out of "4/4", "4-4", "C" or "C|"; nothing for other texts."""
    spelt = {"C": "4/4", "C|": "2/2"}.get(text.strip(), text.strip().replace("-", "/"))
    above, _, below = spelt.partition("/")
    if above.isdecimal() and below in ("1", "2", "4", "8", "16", "32") and 1 <= int(above) <= _PARTS_LIMIT:
        return (Label("meter", f"{int(above)}/{below}", confidence),)
    return ()


def key_labels(text: str, confidence: float, **where: Unpack[LabelPlace]) -> tuple[Label, ...]:
    """`key_root` and `key_mode` out of "Gb:maj", "Edor", "Am", "F major", "aminor"."""
    key = read_key(text)
    if key is None:
        return ()
    return Label("key_root", key[0], confidence, **where), Label("key_mode", key[1], confidence, **where)


def read_key(text: str) -> tuple[str, str] | None:
    """(root, mode) of a key's name as labels spell them, None for no key."""
    spelt = text.strip().lower()
    if not spelt or spelt[0] not in _STEPS:
        return None
    root, rest = _STEPS[spelt[0]], spelt[1:]
    while rest and rest[0] in _SIGNS and rest not in _MODES:
        root, rest = root + _SIGNS[rest[0]], rest[1:]
    mode = _MODES.get(rest.strip(" :-_")) or _MODES.get(rest.strip(" :-_")[:3])
    return None if mode is None else (ROOT_NAMES[root % 12], mode)


def relative(root: Path, path: Path) -> str:
    """A path below the root with forward slashes."""
    return path.relative_to(root).as_posix()


Detect = Callable[[Path], bool]


def has_table(file: str, columns: tuple[str, ...], delimiter: str = ",") -> Detect:
    """`detect` of sets that an index with these columns tells."""

    def detect(root: Path) -> bool:
        """Whether the folder holds the index with all of these columns; a file that is not there has none."""
        header = header_of(root / file, delimiter)
        return all(column in header for column in columns)

    return detect
