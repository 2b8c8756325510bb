"""Run as a process of its own by the label tests and benchmark: writers that are killed, raters that collide.

`label_writer.py PLACE kill ROUNDS GROUP`: ROUNDS times forks GROUP writers that approve without pause, and
kills the whole group with SIGKILL after a random moment; prints the event ids of each acknowledged approval,
and last "killed N". `label_writer.py PLACE edit RATER COUNT` makes COUNT edits on five shared loops, reading
again after each refusal, and prints "id superseded seconds" for each (the seconds are the write alone).
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

from composer_core.errors import StoreError
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore

FIELDS = ("emotion", "emotion_arousal", "emotion_valence")
LONGEST_LIFE_SEC = 0.05


def approve(place: Path | str, rater: str, pipe: int) -> None:
    """Approve loop after loop until killed; a line in the pipe is an acknowledgement."""
    store = LabelStore(place)
    for number in itertools.count():
        loop_id = f"{rater}-{number}"
        entries = [Entry(loop_id, field, number, "approved") for field in FIELDS]
        ids = store.write(rater, "approve", loop_id, entries, {})
        os.write(pipe, (" ".join(map(str, ids)) + "\n").encode())


def kill(place: Path | str, rounds: int, group_size: int) -> None:
    """Writers forked and killed group by group: forking costs nothing, starting Python anew would."""
    LabelStore(place)
    chance = random.Random(5)
    killed = 0
    for number in range(rounds):
        reader, writer = os.pipe()
        group: list[int] = []
        for member in range(group_size):
            child = os.fork()
            if child == 0:
                os.setpgid(0, group[0] if group else 0)
                os.close(reader)
                approve(place, f"rater{number}-{member}", writer)
            os.setpgid(child, group[0] if group else child)
            group.append(child)
        os.close(writer)
        with os.fdopen(reader) as acknowledged:
            first = acknowledged.readline()
            time.sleep(chance.uniform(0.0, LONGEST_LIFE_SEC))
            os.killpg(group[0], signal.SIGKILL)
            # A line cut off by the kill was acknowledged to nobody.
            lines = (first + acknowledged.read()).split("\n")[:-1]
        killed += sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL for child in group)
        print("\n".join(lines), flush=True)
    print(f"killed {killed}", flush=True)


def edit(place: Path | str, rater: str, count: int) -> None:
    """Edit shared loops; every edit names what it saw and is repeated after a refusal."""
    store = LabelStore(place)
    chance = random.Random(rater)
    for number in range(count):
        loop_id = f"shared-{chance.randrange(5)}"
        while True:
            seen = store.seen([loop_id])[loop_id].get("emotion", 0)
            entry = Entry(loop_id, "emotion", f"{rater}-{number}", "approved")
            start = time.perf_counter()
            try:
                (event_id,) = store.write(rater, "approve", loop_id, [entry], {"emotion": seen})
            except StoreError as error:
                assert error.code == "conflict", error
                continue
            print(event_id, seen, f"{time.perf_counter() - start:.6f}", flush=True)
            break


if __name__ == "__main__":
    where: Path | str = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
    if sys.argv[2] == "kill":
        kill(where, int(sys.argv[3]), int(sys.argv[4]))
    else:
        edit(where, sys.argv[3], int(sys.argv[4]))
