"""Run as a process of its own by the label tests: approves without pause and acknowledges each write.

`label_writer.py FILE approve RATER` prints the event ids of each acknowledged approval until it is
killed; `label_writer.py FILE edit RATER COUNT` makes COUNT edits on five shared loops, reading again
after each refusal, and prints "id superseded" for each.
"""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path

from composer_core.errors import StoreError
from composer_core.store.labels import Entry, LabelStore

FIELDS = ("emotion", "emotion_arousal", "emotion_valence")


def approve(store: LabelStore, rater: str) -> None:
    """Approve loop after loop until killed; a printed line is an acknowledgement."""
    for number in itertools.count():
        loop_id = f"{rater}-{number}"
        entries = [Entry(loop_id, field, number, "approved") for field in FIELDS]
        print(*store.write(rater, "approve", loop_id, entries, {}), flush=True)


def edit(store: LabelStore, rater: str, count: int) -> None:
    """Edit shared loops; every edit names what it saw and is repeated after a refusal."""
    chance = random.Random(rater)
    for number in range(count):
        loop_id = f"shared-{chance.randrange(5)}"
        while True:
            history = store.history(loop_id)
            seen = history[-1].id if history else 0
            entry = Entry(loop_id, "emotion", f"{rater}-{number}", "approved")
            try:
                (event_id,) = store.write(rater, "approve", loop_id, [entry], {"emotion": seen})
            except StoreError as error:
                assert error.code == "conflict", error
                continue
            print(event_id, seen, flush=True)
            break


if __name__ == "__main__":
    opened = LabelStore(Path(sys.argv[1]))
    if sys.argv[2] == "approve":
        approve(opened, sys.argv[3])
    else:
        edit(opened, sys.argv[3], int(sys.argv[4]))
