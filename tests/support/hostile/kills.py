"""Writers killed with SIGKILL at random moments, and what is there afterwards."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import label_writer
from composer_core.pipeline.library import loops
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.recovery.examine import examine
from composer_core.store.labels.store import LabelStore
from composer_core.workspace import Workspace

GROUP = 4
_IMPORT = """
import sys
from pathlib import Path
from composer_core.pipeline.library import imports
from composer_core.workspace import Workspace
imports._NOTES_A_PART = 200
imports.ingest(sys.argv[2:], Workspace(Path(sys.argv[1])), jobs=1)
"""


@dataclass(frozen=True, slots=True)
class Killed:
    """Processes killed, what had been acknowledged, what of it is lost, and what is damaged."""

    n_killed: int
    n_acknowledged: int
    n_lost: int
    damage: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing damaged."""
        return not self.n_lost and not self.damage


def kill_while_approving(location: Path, kills: int) -> Killed:
    """Kill writers in groups of GROUP; every event that one of them was told of must be there."""
    writer = [sys.executable, str(Path(label_writer.__file__)), str(location), "kill", str(kills // GROUP), str(GROUP)]
    printed = subprocess.run(writer, stdout=subprocess.PIPE, text=True, check=True).stdout
    *lines, last = printed.splitlines()
    acknowledged = [int(word) for line in lines for word in line.split()]
    with closing(sqlite3.connect(location)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    store = LabelStore(location)
    stored = {event.id for event in store.events()}
    lost = sum(event_id not in stored for event_id in acknowledged)
    damage = [] if verdict == "ok" else [str(verdict)]
    if len(stored) != len(label_writer.FIELDS) * len(store.actions()):
        damage.append("an action is not whole")
    return Killed(int(last.split()[1]), len(acknowledged), lost, tuple(damage))


def kill_while_importing(root: Path, files: Sequence[Path], kills: int) -> Killed:
    """Kill imports of the same files, then import them in peace: the library is that of an import never disturbed.

    `n_acknowledged` are the loops that were there after some kill; each must be there in the end.
    """
    calm, shaken = Workspace(root / "calm"), Workspace(root / "shaken")
    paths = [str(path) for path in files]
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", _IMPORT, str(calm.root), *paths], check=True)
    longest = 1.1 * (time.monotonic() - started)
    chance, killed, seen, damage = random.Random(11), 0, set[str](), list[str]()
    for number in range(kills):
        process = subprocess.Popen([sys.executable, "-c", _IMPORT, str(shaken.root), *paths], start_new_session=True)
        try:
            # Most of them late: before, Python is still loading.
            process.wait(longest * chance.betavariate(3.0, 1.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        seen |= _ids(shaken)
        if number % 10 == 9:
            damage += [harm.file for harm in examine(shaken)]
    ingest(paths, shaken, jobs=1)
    damage += [harm.file for harm in examine(shaken)]
    ids = _ids(shaken)
    if ids != _ids(calm):
        damage.append(f"{len(ids ^ _ids(calm))} loops differ from an import that was not disturbed")
    return Killed(killed, len(seen), len(seen - ids), tuple(damage))


def _ids(workspace: Workspace) -> set[str]:
    return set(map(str, loops.table(workspace)["loop_id"]))
