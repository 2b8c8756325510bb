"""How fast files become a library: 1,021 Groove MIDI files with metrics and Parquet.

    python benchmarks/ingest.py DATA [--jobs 2] [--repeats 3]

DATA is the Groove MIDI folder (or the folder that holds cc-by/gmd). In the same run, on the
same files: symusic's bare parse of the bytes already in memory, pretty_midi's parse of the files,
and the whole import from folder to Parquet, reader processes started anew each time. Peers
and import take turns and the best of the repeats counts, so that a busy moment of the
machine spoils neither side. Prints a table, then one JSON object; exit status 1 when a limit
is missed, 2 when the data are not there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pretty_midi
from symusic import Score

from composer_core.pipeline.library import ImportReport, ingest
from composer_core.workspace import Workspace

N_FILES = 1021
SYMUSIC_LIMIT = 100.0
"""Times symusic's bare parse."""
PRETTY_MIDI_LIMIT = 2.0
"""Times what pretty_midi needs only to parse."""


def find_folder(data: Path) -> Path | None:
    """The Groove MIDI folder at or below `data`; None when it does not hold its 1,021 files."""
    for folder in (data, data / "cc-by" / "gmd", data / "gmd"):
        if folder.is_dir() and len(list(folder.rglob("*.mid"))) == N_FILES:
            return folder
    return None


def seconds_of(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def parse_bare(contents: list[bytes]) -> None:
    """symusic alone."""
    for data in contents:
        Score.from_midi(data)


def parse_pretty(paths: list[str]) -> None:
    """pretty_midi alone."""
    for path in paths:
        pretty_midi.PrettyMIDI(path)


def import_all(folder: Path, jobs: int) -> ImportReport:
    """The whole import into a fresh workspace."""
    with tempfile.TemporaryDirectory() as root:
        return ingest([str(folder)], Workspace(Path(root) / "workspace"), jobs=jobs)


def measure(folder: Path, jobs: int, repeats: int) -> dict[str, float]:
    """Best wall times of the three, in seconds, and what was imported."""
    paths = sorted(str(path) for path in folder.rglob("*.mid"))
    contents = [Path(path).read_bytes() for path in paths]
    symusic_sec, pretty_sec, import_sec = [], [], []
    report = ImportReport()
    for _ in range(repeats):
        symusic_sec += [seconds_of(lambda: parse_bare(contents)) for _ in range(5)]
        start = time.perf_counter()
        report = import_all(folder, jobs)
        import_sec.append(time.perf_counter() - start)
        pretty_sec.append(seconds_of(lambda: parse_pretty(paths)))
    return {
        "symusic_sec": min(symusic_sec),
        "pretty_midi_sec": min(pretty_sec),
        "import_sec": min(import_sec),
        "files": report.files_accepted,
        "loops": report.loops_added,
    }


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    folder = find_folder(arguments.data)
    if folder is None:
        print(f"{arguments.data} does not hold the {N_FILES} files of Groove MIDI", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore", module="pretty_midi")
    found = measure(folder, arguments.jobs, arguments.repeats)
    to_symusic = found["import_sec"] / found["symusic_sec"]
    to_pretty = found["import_sec"] / found["pretty_midi_sec"]
    print(f"{found['files']} files, {found['loops']} loops, {arguments.jobs} reader processes")
    print(f"{'':<42}{'seconds':>9}{'import takes':>14}{'limit':>8}")
    print(
        f"{'symusic, bare parse, bytes in memory':<42}{found['symusic_sec']:>9.3f}{to_symusic:>12.1f} x{SYMUSIC_LIMIT:>6.0f} x"
    )
    print(f"{'pretty_midi, parse':<42}{found['pretty_midi_sec']:>9.3f}{to_pretty:>12.2f} x{PRETTY_MIDI_LIMIT:>6.0f} x")
    print(f"{'import: cut, metrics, estimates, Parquet':<42}{found['import_sec']:>9.3f}")
    passed = found["files"] == N_FILES and to_symusic <= SYMUSIC_LIMIT and to_pretty <= PRETTY_MIDI_LIMIT
    print(f"limits {'kept' if passed else 'MISSED'}")
    context = {"python": platform.python_version(), "cpus": os.cpu_count(), "jobs": arguments.jobs}
    ratios = {"times_symusic": to_symusic, "times_pretty_midi": to_pretty}
    print(json.dumps({"benchmark": "ingest", "passed": passed, **context, **found, **ratios}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
