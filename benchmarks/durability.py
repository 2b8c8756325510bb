"""What a workspace withstands: killed writers, damaged files, a full disk, a folder that can only be read.

    python -m benchmarks.durability [--kills 1000] [--import-kills 50] [--only approve,import,damage,disk,reading]

Writers that approve and imports are killed with SIGKILL at random moments; every file of a saved workspace is in turn
cut in half, zeroed and filled with noise, used, and cured by the commands that `composer doctor` names; labels,
takes, settings and imports are written where no file may grow; and a folder without permission to write is read.
Prints a table, then one JSON object; exit status 1 where anything was lost or not named.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

import small_library
from hostile import damage, kills, limits

PARTS = ("approve", "import", "damage", "disk", "reading")
Row = dict[str, object]


def approve(root: Path, arguments: argparse.Namespace) -> Row:
    """Writers killed while they approve."""
    killed = kills.kill_while_approving(root / "labels.sqlite", arguments.kills)
    return _killed_row("kill -9 while approving", killed)


def import_files(root: Path, arguments: argparse.Namespace) -> Row:
    """Imports killed."""
    files = small_library.write_grooves(root / "grooves", files=12)
    killed = kills.kill_while_importing(root, sorted(files.iterdir()), arguments.import_kills)
    return _killed_row("kill -9 while importing", killed)


def _killed_row(what: str, killed: kills.Killed) -> Row:
    found = f"{killed.n_killed} killed, {killed.n_acknowledged} acknowledged, {killed.n_lost} lost"
    return {"what": what, "found": found, "wrong": list(killed.damage), "good": killed.is_good}


def damaged(root: Path, _: argparse.Namespace) -> Row:
    """Every file of a workspace, damaged in each way."""
    made = damage.saved_workspace(root)
    before, cases = damage.used(made)[0], []
    for file in damage.damageable(made):
        for kind in damage.DAMAGES:
            place = root / "cases" / file.name / kind
            cases.append(damage.damage_one(made, before, file, kind, place))
            shutil.rmtree(place)
            print(f"  {file}, {kind}: {'good' if cases[-1].is_good else 'BAD'}", flush=True)
    wrong = [
        f"{one.file}, {one.damage}: {one.tracebacks or one.silent or one.uncured}" for one in cases if not one.is_good
    ]
    found = (
        f"{len(cases)} cases: {sum(len(one.tracebacks) for one in cases)} tracebacks, "
        f"{sum(len(one.silent) for one in cases)} silent losses, {sum(bool(one.uncured) for one in cases)} not cured"
    )
    return {"what": "each file cut, zeroed, noise", "found": found, "wrong": wrong, "good": not wrong}


def full_disk(root: Path, _: argparse.Namespace) -> Row:
    """Writing where no file may grow."""
    return _limited_row("full disk", limits.on_a_full_disk(root))


def reading(root: Path, _: argparse.Namespace) -> Row:
    """A workspace that can only be read."""
    return _limited_row("read-only workspace", limits.where_nothing_can_be_written(root))


def _limited_row(what: str, done: limits.Limited) -> Row:
    found = f"{len(done.read)} ways of reading work, {len(done.refused)} of writing are refused"
    return {"what": what, "found": found, "wrong": list(done.wrong), "good": not done.wrong}


RUNS: dict[str, Callable[[Path, argparse.Namespace], Row]] = dict(
    zip(PARTS, (approve, import_files, damaged, full_disk, reading), strict=True)
)


def _tell(row: Row) -> None:
    print(f"{'good' if row['good'] else 'BAD':<5} {row['what']:<30} {row['found']}", flush=True)
    for line in row["wrong"] if isinstance(row["wrong"], list) else []:
        print(f"      {line}", flush=True)


def main() -> int:
    """Run the parts asked for and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--import-kills", type=int, default=50)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts out of {', '.join(PARTS)}")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only.split(","):
        with tempfile.TemporaryDirectory(prefix="composer-durability-") as folder:
            rows.append(RUNS[name](Path(folder), arguments))
        _tell(rows[-1])
    print(json.dumps(rows, ensure_ascii=False))
    return 0 if all(row["good"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
