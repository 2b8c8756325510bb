"""What a cold start costs: processor time of a fresh process, of two checkouts in turn.

    python benchmarks/start.py BEFORE AFTER [--pairs 21]

BEFORE and AFTER are checkouts of this repository; both run with this Python and its packages, each with its own code,
with its bytecode already written. Measured are `composer --help`, `composer measure` of one drum loop of four bars,
`composer generate` of such a loop, and the first page of the studio drawn without a browser, each with all processes
it waits for. One run of each checkout makes a pair, and which goes first changes from pair to pair, so that a machine
that grows slower or faster is the same for both.

Prints the medians and the median ratio of the pairs, then one JSON object; the exit status is 1 when a ratio is above
1.05, 2 when a checkout would run other code than its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 1.05
COMPOSER = ("-m", "composer_core.cli")
GENERATE = ("generate", "--instrument", "drums", "--seed", "1")
FIRST_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=600).run()
assert not app.exception and not app.error, [element.value for element in (*app.exception, *app.error)]
"""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout and the workspace its processes use, with one loop in it: an empty library would be filled first."""

    root: Path
    work: Path

    @property
    def loop(self) -> Path:
        """The file that is measured."""
        return self.work / "takes" / "take-01.mid"

    @property
    def environment(self) -> Mapping[str, str]:
        """Its own code alone; one thread, for several wait for each other on a busy machine."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        own = {"PYTHONPATH": str(self.root), "COMPOSER_WORKSPACE": str(self.work / "workspace")}
        return {**kept, **own, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}

    def starts(self) -> dict[str, tuple[str, ...]]:
        """What is measured, by name: the arguments of Python."""
        return {
            "composer --help": (*COMPOSER, "--help"),
            "composer measure": (*COMPOSER, "measure", str(self.loop)),
            "composer generate": (*COMPOSER, *GENERATE, "-o", str(self.work / "made")),
            "first page": ("-c", FIRST_PAGE, str(self.root / "studio" / "shell.py")),
        }

    def run(self, arguments: Sequence[str]) -> str:
        """Run Python here and give what it printed."""
        line = [sys.executable, *arguments]
        done = subprocess.run(line, check=False, cwd=self.root, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{self.root}: {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
        return done.stdout

    def prepare(self) -> None:
        """Make the file and the library, and run everything once, which also writes the bytecode.

        Exit status 2 where another checkout's code would be measured.
        """
        found = self.run(("-c", "import composer_core; print(composer_core.__file__)")).strip()
        if not Path(found).is_relative_to(self.root):
            print(f"{self.root} would run {found}", file=sys.stderr)
            raise SystemExit(2)
        self.run((*COMPOSER, *GENERATE, "-o", str(self.loop.parent)))
        self.run((*COMPOSER, "ingest", str(self.loop.parent)))
        for arguments in self.starts().values():
            self.run(arguments)

    def processor_sec(self, arguments: Sequence[str]) -> float:
        """Seconds of processor time, user and system, of a process and of those it waited for."""
        line = [sys.executable, *arguments]
        process = subprocess.Popen(
            line, cwd=self.root, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.root}: {' '.join(arguments)} ended with {process.returncode}")
        return usage.ru_utime + usage.ru_stime


def measure(before: Checkout, after: Checkout, pairs: int) -> dict[str, dict[str, float]]:
    """Medians and the median ratio of every start, printed as they come."""
    print(f"{'processor seconds':<20}{'before':>9}{'after':>9}{'ratio':>8}", flush=True)
    found = {}
    for name in before.starts():
        rows = []
        for number in range(pairs):
            order = (before, after) if number % 2 == 0 else (after, before)
            used = {id(checkout): checkout.processor_sec(checkout.starts()[name]) for checkout in order}
            rows.append((used[id(before)], used[id(after)]))
        medians = [statistics.median(column) for column in zip(*rows, strict=True)]
        ratio = statistics.median(late / early for early, late in rows)
        found[name] = {"before_sec": medians[0], "after_sec": medians[1], "ratio": ratio}
        print(f"{name:<20}{medians[0]:>9.3f}{medians[1]:>9.3f}{ratio:>8.3f}", flush=True)
    return found


def main() -> int:
    """Measure, print, compare with the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", metavar="BEFORE", type=Path)
    parser.add_argument("after", metavar="AFTER", type=Path)
    parser.add_argument("--pairs", type=int, default=21)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as work:
        places = {"before": arguments.before, "after": arguments.after}
        before, after = (Checkout(root.resolve(), Path(work) / name) for name, root in places.items())
        for checkout in (before, after):
            checkout.prepare()
        starts = measure(before, after, arguments.pairs)
    slower = [name for name, row in starts.items() if row["ratio"] > LIMIT]
    print(f"limit {LIMIT} times: " + (f"missed by {', '.join(slower)}" if slower else "kept"))
    facts: dict[str, Any] = {"pairs": arguments.pairs, "python": platform.python_version(), "load": load}
    print(json.dumps({"benchmark": "start", "passed": not slower, **facts, "starts": starts}))
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
