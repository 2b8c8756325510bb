"""How fast files become a library: 1,021 Groove MIDI files with metrics and Parquet.

    python benchmarks/ingest.py DATA [--jobs 2] [--repeats 3]
    python benchmarks/ingest.py DATA --windows [--jobs 2] [--count N]
    python benchmarks/ingest.py DATA --growth [--jobs 2] [--sizes 1000 10000 100000]

DATA is the Groove MIDI folder (or the folder that holds cc-by/gmd). In the same run, on the
same files: symusic's bare parse of the bytes already in memory, pretty_midi's parse of the files,
and the whole import from folder to Parquet, reader processes started anew each time. They
take turns, symusic's parse being repeated for about as long as the others last and averaged,
so that a busy machine slows all three alike; the best of the repeats counts.

With `--windows`: loops of 4 bars at a stride of one bar out of the same takes (18,000 and more),
measured with all metrics, estimates and scores by processes started anew, and how long 76,165 loops
(the predecessor's drum loops) take at that rate: by the clock, and by processor time shared evenly by the
processes, which is what a machine with nothing else to do needs.

With `--growth`: what a file costs as the library grows. A library grows by real imports, labels and song facts
included, of the same takes again and again, each onset moved by up to 2 ticks at random, so that no two files or loops
are equal; when it holds 1,000, 10,000 and 100,000 loops, equal batches are imported into it and processor time
a file (which other programs do not lengthen) is compared.

Prints a table, then one JSON object; exit status 1 when a limit is missed, 2 when the data are not there.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from pathlib import Path
from statistics import median

import numpy as np
import pretty_midi
from symusic import Note, Score

from composer_core.music.loop import Loop
from composer_core.pipeline.datasets.imports import ingest_with_facts
from composer_core.pipeline.library.imports import ImportReport, ingest
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.pipeline.library.measuring import measure_loops
from composer_core.pipeline.training.sources import window_of
from composer_core.workspace import Workspace

N_FILES = 1021
WINDOW_BARS = 4
N_LOOPS, LOOPS_LIMIT_SEC = 76_165, 180.0
MEMORY_LIMIT_GIB = 2.0
CHUNK = 256
BARE_SEC = 2.0
SYMUSIC_LIMIT = 100.0
"""Times symusic's bare parse."""
PRETTY_MIDI_LIMIT = 2.0
"""Times what pretty_midi needs only to parse."""

PROBE_FILES, PROBES, GROWTH_FILES = 250, 3, 2000
FLAT_LIMIT = 1.25
"""The dearest file over the cheapest, as the library grows a hundredfold."""


def find_folder(data: Path) -> Path | None:
    """The Groove MIDI folder at or below `data`; None when it does not hold its 1,021 files."""
    for folder in (data, data / "cc-by" / "gmd", data / "gmd"):
        if folder.is_dir() and len(list(folder.rglob("*.mid"))) == N_FILES:
            return folder
    return None


def parse_bare(contents: list[bytes]) -> float:
    """symusic alone: mean wall time of a pass over all files."""
    start, passes = time.perf_counter(), 0
    while time.perf_counter() - start < BARE_SEC:
        passes += 1
        for data in contents:
            Score.from_midi(data)
    return (time.perf_counter() - start) / passes


def parse_pretty(paths: list[str]) -> float:
    """pretty_midi alone: wall time of one pass."""
    start = time.perf_counter()
    for path in paths:
        pretty_midi.PrettyMIDI(path)
    return time.perf_counter() - start


def processor_seconds() -> float:
    """Processor time of this process and its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def import_all(folder: Path, jobs: int) -> ImportReport:
    """The whole import into a fresh workspace."""
    with tempfile.TemporaryDirectory() as root:
        return ingest([str(folder)], Workspace(Path(root) / "workspace"), jobs=jobs)


def measure(folder: Path, jobs: int, repeats: int) -> dict[str, float]:
    """Best wall times of the three, in seconds, and what was imported."""
    paths = sorted(str(path) for path in folder.rglob("*.mid"))
    contents = [Path(path).read_bytes() for path in paths]
    symusic_sec, pretty_sec, import_sec, cpu_sec = [], [], [], []
    report = ImportReport()
    for _ in range(repeats):
        symusic_sec.append(parse_bare(contents))
        start, start_cpu = time.perf_counter(), processor_seconds()
        report = import_all(folder, jobs)
        import_sec.append(time.perf_counter() - start)
        cpu_sec.append(processor_seconds() - start_cpu)
        pretty_sec.append(parse_pretty(paths))
    return {
        "symusic_sec": min(symusic_sec),
        "pretty_midi_sec": min(pretty_sec),
        "import_sec": min(import_sec),
        "import_processor_sec": min(cpu_sec),
        "files": report.files_accepted,
        "loops": report.loops_added,
    }


def windows_of(folder: Path) -> list[Loop]:
    """Loops of 4 bars at every bar of every take that is long enough."""
    takes = loops_for_training(folder, "drums")
    found = [window_of(take, start, WINDOW_BARS) for take in takes for start in range(take.bars - WINDOW_BARS + 1)]
    return [loop for loop in found if len(loop.notes)]


def measured(loops: list[Loop]) -> int:
    """For a reader process: measure loops; how many got a total."""
    return sum(one.scores["total"] == one.scores["total"] for one in measure_loops(loops))


def measure_windows(loops: list[Loop], jobs: int) -> dict[str, float]:
    """Measure all loops on `jobs` processes: wall and processor seconds, peak memory of all processes together."""
    chunks = [loops[index : index + CHUNK] for index in range(0, len(loops), CHUNK)]
    start, start_cpu = time.perf_counter(), processor_seconds()
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        n_scored = sum(pool.map(measured, chunks))
    wall, cpu = time.perf_counter() - start, processor_seconds() - start_cpu
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "loops": len(loops),
        "scored": n_scored,
        "wall_sec": wall,
        "processor_sec": cpu,
        "loops_a_second": len(loops) / wall,
        "loops_a_processor_second": len(loops) / cpu,
        "limit_sec_by_clock": N_LOOPS * wall / len(loops),
        "limit_sec_by_processor": N_LOOPS * cpu / len(loops) / jobs,
        "peak_gib": (own + jobs * child) / 2**20,
    }


def run_windows(folder: Path, jobs: int, count: int | None) -> int:
    """Measure windows, print, judge by the clock and by memory."""
    loops = windows_of(folder)
    found = measure_windows(loops[:: max(1, len(loops) // count)] if count else loops, jobs)
    print(f"{found['loops']} loops of {WINDOW_BARS} bars, {found['scored']} scored, {jobs} processes")
    print(f"{'loops a second by the clock':<46}{found['loops_a_second']:>9.0f}")
    print(f"{'loops a second of processor time':<46}{found['loops_a_processor_second']:>9.0f}")
    print(f"{f'{N_LOOPS} loops, seconds by the clock':<46}{found['limit_sec_by_clock']:>9.1f}{LOOPS_LIMIT_SEC:>9.0f}")
    name = f"{N_LOOPS} loops, seconds by processor time"
    print(f"{name:<46}{found['limit_sec_by_processor']:>9.1f}{LOOPS_LIMIT_SEC:>9.0f}")
    print(f"{'peak memory of all processes, GiB':<46}{found['peak_gib']:>9.2f}{MEMORY_LIMIT_GIB:>9.0f}")
    passed = found["limit_sec_by_clock"] <= LOOPS_LIMIT_SEC and found["peak_gib"] <= MEMORY_LIMIT_GIB
    print(f"limits {'kept' if passed else 'MISSED'}")
    context = {"python": platform.python_version(), "cpus": os.cpu_count(), "jobs": jobs, "load": os.getloadavg()[0]}
    print(json.dumps({"benchmark": "ingest_windows", "passed": passed, **context, **found}))
    return 0 if passed else 1


def variants(folder: Path) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """The takes again and again: a name, bytes that never come twice, and the data set's row. The drawing is seeded."""
    with (folder / "info.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows = [row for row in rows if (folder / row["midi_filename"]).is_file()]
    for number in count():
        row = rows[number * 7 % len(rows)]  # 1,021 is prime: every take comes once a round, styles mixed
        score = Score.from_midi((folder / row["midi_filename"]).read_bytes())
        rng = np.random.default_rng(number)
        for track in score.tracks:
            columns = track.notes.numpy()
            columns["time"] = np.maximum(columns["time"] + rng.integers(-2, 3, len(columns["time"])), 0)
            track.notes = Note.from_numpy(**columns, ttype=score.ttype)
        name = f"{number:06d}.mid"
        yield name, score.dumps_midi(), {**row, "midi_filename": name, "id": f"{row['id']}/{number}"}


def import_some(
    source: Iterator[tuple[str, bytes, dict[str, str]]], n_files: int, to: Workspace, jobs: int
) -> tuple[int, int, float, float]:
    """Import the next files as a data set of their own folder: (files, loops added, wall and processor seconds)."""
    with tempfile.TemporaryDirectory() as root:
        rows = []
        for name, data, row in islice(source, n_files):
            (Path(root) / name).write_bytes(data)
            rows.append(row)
        with (Path(root) / "info.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        start, start_cpu = time.perf_counter(), processor_seconds()
        report = ingest_with_facts([root], to, dataset="gmd", jobs=jobs)
        wall, cpu = time.perf_counter() - start, processor_seconds() - start_cpu
    assert report.datasets[0]["labels"]["written"] >= n_files, report.to_json()
    return report.files_accepted, report.loops_added, wall, cpu


def measure_growth(folder: Path, sizes: list[int], jobs: int) -> list[dict[str, float]]:
    """Cost of a file in libraries of (at least) these sizes, in milliseconds: medians of equal batches."""
    found = []
    with tempfile.TemporaryDirectory() as root:
        workspace, source, n_loops, n_files = Workspace(Path(root)), variants(folder), 0, 0
        for size in sizes:
            while n_loops < size:
                wanted = max(1, int((size - n_loops) / (n_loops / n_files if n_files else 5.6)))
                files, loops, *_ = import_some(source, min(GROWTH_FILES, wanted), workspace, jobs)
                n_files, n_loops = n_files + files, n_loops + loops
            row: dict[str, float] = {"loops": n_loops, "files": n_files}
            probes = [import_some(source, PROBE_FILES, workspace, jobs) for _ in range(PROBES)]
            n_files, n_loops = n_files + sum(p[0] for p in probes), n_loops + sum(p[1] for p in probes)
            row["clock_ms"] = median(1000 * wall / files for files, _, wall, _ in probes)
            row["processor_ms"] = median(1000 * cpu / files for files, _, _, cpu in probes)
            own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
            row["peak_gib"] = (own + jobs * child) / 2**20
            found.append(row)
    return found


def run_growth(folder: Path, sizes: list[int], jobs: int) -> int:
    """Grow, print, judge by processor time and memory."""
    rows = measure_growth(folder, sizes, jobs)
    print(f"{PROBES} batches of {PROBE_FILES} files at each size, {jobs} reader processes, medians")
    print(f"{'loops before':>12}{'ms a file, processor':>22}{'ms a file, clock':>18}{'peak GiB':>10}")
    for row in rows:
        print(f"{row['loops']:>12}{row['processor_ms']:>22.2f}{row['clock_ms']:>18.2f}{row['peak_gib']:>10.2f}")
    costs = [row["processor_ms"] for row in rows]
    ratio = max(costs) / min(costs)
    passed = ratio <= FLAT_LIMIT and rows[-1]["peak_gib"] <= MEMORY_LIMIT_GIB
    print(f"dearest over cheapest {ratio:.2f} (limit {FLAT_LIMIT}); limits {'kept' if passed else 'MISSED'}")
    context = {"python": platform.python_version(), "cpus": os.cpu_count(), "jobs": jobs, "load": os.getloadavg()[0]}
    print(json.dumps({"benchmark": "ingest_growth", "passed": passed, **context, "ratio": ratio, "sizes": rows}))
    return 0 if passed else 1


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--windows", action="store_true", help="measure loops at a stride of one bar instead")
    parser.add_argument("--count", type=int, help="with --windows: about so many of them, evenly drawn")
    parser.add_argument("--growth", action="store_true", help="the cost of a file as the library grows instead")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], help="with --growth: loops")
    arguments = parser.parse_args()
    folder = find_folder(arguments.data)
    if folder is None:
        print(f"{arguments.data} does not hold the {N_FILES} files of Groove MIDI", file=sys.stderr)
        return 2
    if arguments.growth:
        return run_growth(folder, sorted(arguments.sizes), arguments.jobs)
    if arguments.windows:
        return run_windows(folder, arguments.jobs, arguments.count)
    warnings.filterwarnings("ignore", module="pretty_midi")
    found = measure(folder, arguments.jobs, arguments.repeats)
    to_symusic = found["import_sec"] / found["symusic_sec"]
    to_pretty = found["import_sec"] / found["pretty_midi_sec"]
    print(f"{found['files']} files, {found['loops']} loops, {arguments.jobs} reader processes")
    print(f"{'':<42}{'seconds':>9}{'import takes':>14}{'limit':>8}")
    rows = (("symusic_sec", "symusic, bare parse, bytes in memory", to_symusic, SYMUSIC_LIMIT),)
    rows += (("pretty_midi_sec", "pretty_midi, parse", to_pretty, PRETTY_MIDI_LIMIT),)
    for key, what, ratio, limit in rows:
        print(f"{what:<42}{found[key]:>9.3f}{ratio:>12.2f} x{limit:>6.0f} x")
    print(f"{'import: cut, metrics, estimates, Parquet':<42}{found['import_sec']:>9.3f}")
    print(f"{'  processor time of all its processes':<42}{found['import_processor_sec']:>9.3f}")
    passed = found["files"] == N_FILES and to_symusic <= SYMUSIC_LIMIT and to_pretty <= PRETTY_MIDI_LIMIT
    print(f"limits {'kept' if passed else 'MISSED'}")
    context = {"python": platform.python_version(), "cpus": os.cpu_count(), "jobs": arguments.jobs}
    ratios = {"times_symusic": to_symusic, "times_pretty_midi": to_pretty}
    print(json.dumps({"benchmark": "ingest", "passed": passed, **context, **found, **ratios}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
