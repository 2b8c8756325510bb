"""Measure again what the shipped estimators stand on, and print how they fare.

    python benchmarks/estimators.py DATA affect        writes assets/models/affect-reference.json
    python benchmarks/estimators.py DATA check         writes nothing; prints the spread

The other estimators: `composer estimate evaluate --data DATA`.

DATA is the folder that holds cc-by/gmd and the other data sets.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.errors import RefusedFile
from composer_core.estimate import affect
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.metrics import measure
from composer_core.music.loop import Loop
from composer_core.store.atomic import write_bytes

BARS = 4
PITCHED_SETS = (
    "bsd/freedoom",
    "bsd/blasphemer",
    "artistic/simutrans",
    "cc0/openscore-quartets",
    "cc0/openscore-lieder",
)
FILES_A_SET = 150
PITCHED = ("bass", "guitar", "piano", "strings", "other")


def groove_takes(data: Path, split: str) -> Iterator[tuple[dict[str, str], list[Loop]]]:
    """Rows of Groove MIDI's table with the take's drum loops (4 bars, remainders shorter)."""
    folder = data / "cc-by" / "gmd"
    with (folder / "info.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == split]
    for row in rows:
        yield row, read_loops(folder / row["midi_filename"])


def read_loops(path: Path) -> list[Loop]:
    """A file's loops of 4 bars; none when it is refused."""
    try:
        return cut(read_song(path.read_bytes(), path.name), BARS)
    except RefusedFile:
        return []


def pitched_loops(data: Path) -> Iterator[Loop]:
    """Loops of the permissive sets of pitched music, evenly thinned files."""
    for name in PITCHED_SETS:
        files = sorted((data / name).rglob("*.mid"))
        for path in files[:: max(1, len(files) // FILES_A_SET)]:
            yield from (loop for loop in read_loops(path) if loop.bars == BARS)


def digest_of(rows: Iterable[dict[str, float]]) -> str:
    """SHA-256 over the measured values, rounded to four places."""
    lines = (json.dumps({k: round(v, 4) for k, v in row.items()}, sort_keys=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def build_affect(data: Path) -> dict[str, Any]:
    """The reference tables of every instrument with their provenance."""
    tables: dict[str, list[dict[str, float]]] = {name: [] for name in ("drums", *PITCHED)}
    for row, loops in groove_takes(data, "train"):
        if row["beat_type"] == "beat":
            tables["drums"] += [measure(loop) for loop in loops if loop.bars == BARS]
    for loop in pitched_loops(data):
        if not loop.is_drums:
            tables[loop.instrument].append(measure(loop))
    return {
        "about": "means, deviations and percentiles that composer_core.estimate.affect standardises by",
        "command": "python benchmarks/estimators.py DATA affect",
        "data": {
            "drums": "Groove MIDI Dataset 1.0 (CC BY 4.0), beat takes of the training split, loops of 4 bars",
            "pitched": f"{', '.join(PITCHED_SETS)} (BSD-3, Artistic 1, CC0), loops of 4 bars",
        },
        "digest": {name: digest_of(rows) for name, rows in tables.items()},
        "instruments": {name: affect.measure_reference(rows, name) for name, rows in tables.items()},
    }


def compact_json(value: Any) -> bytes:
    """JSON with short lists on one line each."""
    lines = json.dumps(value, ensure_ascii=False, indent=1).splitlines()
    joined: list[str] = []
    depth = 0
    for line in lines:
        text = line.strip()
        if depth:
            joined[-1] += text if joined[-1].endswith("[") or text.startswith("]") else f" {text}"
        else:
            joined.append(line)
        depth += text.endswith("[") - text.startswith("]")
    return ("\n".join(joined) + "\n").encode()


def print_spread(data: Path) -> None:
    """Quantiles of valence and arousal on validation takes, and how far the two agree."""
    found = [
        affect.estimate_affect(measure(loop), "drums")
        for _, loops in groove_takes(data, "validation")
        for loop in loops
    ]
    table = np.array(found)
    for name, column in zip(("valence", "arousal"), table.T, strict=True):
        deciles = np.percentile(column, range(0, 101, 10)).round(2)
        print(f"{name:8s} n {len(column)}  sd {column.std():.3f}  deciles {deciles}")
    print(f"correlation of valence and arousal {np.corrcoef(table.T)[0, 1]:.2f}")


def main() -> None:
    """Run one of the commands above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("command", choices=("affect", "check"))
    arguments = parser.parse_args()
    if arguments.command == "affect":
        write_bytes(affect.REFERENCE, compact_json(build_affect(arguments.data)))
        affect.load_reference.cache_clear()
    print_spread(arguments.data)


if __name__ == "__main__":
    main()
