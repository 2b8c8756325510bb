"""How fast the library answers at 10,000, 100,000 and 1,000,000 loops with eight label fields each.

    python benchmarks/library.py DATA WORK [--full] [--rounds 25]

DATA is a folder of MIDI files (Groove MIDI, for example); WORK gets one workspace a size, made by
big_library.py unless it is there. A million loops only with `--full`. Measured are the first
opening (the catalogue made from loops and labels), the making of the index of similar loops, and
then a page of 100 rows, the counts of one facet, a histogram split by genre, the projection, the
percentiles behind a loop's place and the 20 most similar loops, each asked with another filter or
of another loop every time: the median and the 95th percentile by the clock, and the median
processor time of all threads, which other programs lengthen less.

Prints tables, then one JSON object; the exit status is 1 when a page, a facet or a histogram takes
more than 300 ms or the similar loops more than 150 ms (95th percentile by the clock, one question
at a time).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from big_library import EMOTIONS, FIELDS, GENRES, build

from composer_core.pipeline.library import browse, distributions
from composer_core.pipeline.library.filters import ColumnRange, Filter
from composer_core.pipeline.library.similar import WAYS, rows_by_instrument, similar
from composer_core.workspace import Workspace

SIZES = (10_000, 100_000)
FULL = 1_000_000
LIMITS_MS = {"page": 300.0, "facet": 300.0, "histogram": 300.0} | {f"similar by {way}": 150.0 for way in WAYS}
COLUMNS = ("metrics.syncopation", "metrics.onset_density", "metrics.velocity_mean", "scores.total", "tempo_bpm")
FACETS = ("instrument", "genre", "emotion", "technique", "status", "meter", "swing", "key_mode")
_FEW = 3
"""Rounds of what is worked out once and kept."""


def filter_of(rng: np.random.Generator) -> Filter:
    """Genre and mood, a span of tempos, or a score and a phase of swing."""
    kind = int(rng.integers(3))
    if kind == 0:
        return Filter(genres=(str(rng.choice(GENRES)),), emotions=(str(rng.choice(EMOTIONS)),))
    if kind == 1:
        return Filter(ranges=(ColumnRange("tempo_bpm", float(rng.integers(60, 110)), float(rng.integers(111, 180))),))
    return Filter(swing_phases=("straight",), ranges=(ColumnRange("scores.total", float(rng.integers(0, 60)), 100.0),))


def questions(workspace: Workspace, rng: np.random.Generator, loop_ids: list[str]) -> dict[str, Callable[[], Any]]:
    """What is asked, by name."""

    def column() -> str:
        return str(rng.choice(COLUMNS))

    asked: dict[str, Callable[[], Any]] = {
        "page": lambda: browse.page(workspace, filter_of(rng), [(column(), True)], 0, 100),
        "facet": lambda: browse.facets(workspace, filter_of(rng), [str(rng.choice(FACETS))]),
        "histogram": lambda: distributions.histogram(workspace, column(), filter_of(rng), split="genre"),
    }
    for way in WAYS:
        asked[f"similar by {way}"] = lambda way=way: similar(workspace, str(rng.choice(loop_ids)), 20, way)
    asked["projection"] = lambda: distributions.projection(workspace, filter_of(rng))
    asked["percentiles"] = lambda: distributions.percentiles(workspace, "drums")
    return asked


def timed(question: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds a question takes by the clock and of processor time."""
    started, used = time.perf_counter(), time.process_time()
    question()
    return 1000 * (time.perf_counter() - started), 1000 * (time.process_time() - used)


def opened(question: Callable[[], Any]) -> dict[str, float]:
    """Seconds of something that is done once."""
    clock, processor = timed(question)
    return {"clock_sec": clock / 1000, "processor_sec": processor / 1000}


def measure(data: Path, work: Path, n_loops: int, rounds: int) -> dict[str, Any]:
    """All figures of one size; times in ms, openings in s."""
    workspace = Workspace(work / f"loops-{n_loops}")
    build(data, workspace, n_loops)
    for made in (workspace.catalogue, workspace.similarity):
        shutil.rmtree(made, ignore_errors=True)
    found: dict[str, Any] = {"loops": n_loops, "questions": {}}
    found["first_open"] = opened(lambda: browse.count(workspace))
    found["similarity_index"] = opened(lambda: rows_by_instrument(workspace))
    loop_ids = browse.ids(workspace, limit=1000)
    for name, question in questions(workspace, np.random.default_rng(7), loop_ids).items():
        first = timed(question)[0]
        times = np.array([timed(question) for _ in range(rounds if name in LIMITS_MS else _FEW)])
        clock, processor = times.T
        found["questions"][name] = {
            "first_ms": first,
            "median_ms": float(np.median(clock)),
            "p95_ms": float(np.percentile(clock, 95)),
            "processor_ms": float(np.median(processor)),
        }
    return found


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--full", action="store_true", help="also a million loops")
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    load, sizes = os.getloadavg()[0], []
    for n_loops in (*SIZES, *((FULL,) if arguments.full else ())):
        sizes.append(measure(arguments.data, arguments.work, n_loops, arguments.rounds))
        print_size(sizes[-1])
    late = [
        f"{name} at {size['loops']:,} loops: {size['questions'][name]['p95_ms']:.0f} ms, limit {limit:.0f}"
        for size in sizes
        for name, limit in LIMITS_MS.items()
        if size["questions"][name]["p95_ms"] > limit
    ]
    print("\n" + ("\n".join(late) or "limits kept"))
    context = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": load, "label_fields": len(FIELDS)}
    print(json.dumps({"benchmark": "library", "passed": not late, **context, "sizes": sizes}))
    return 1 if late else 0


def print_size(size: dict[str, Any]) -> None:
    """The figures of one size."""
    once = (f"{name} {size[name]['clock_sec']:.1f} s ({size[name]['processor_sec']:.1f} s of processor time)"
            for name in ("first_open", "similarity_index"))  # fmt: skip
    print(f"\n{size['loops']:,} loops: {', '.join(once).replace('_', ' ')}")
    print(f"{'ms':<24}{'first':>8}{'median':>8}{'p95':>8}{'limit':>8}{'processor':>11}")
    for name, row in size["questions"].items():
        limit = f"{LIMITS_MS[name]:.0f}" if name in LIMITS_MS else ""
        times = "".join(f"{row[key]:>8.0f}" for key in ("first_ms", "median_ms", "p95_ms"))
        print(f"{name:<24}{times}{limit:>8}{row['processor_ms']:>11.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
