"""What the retry queue mends: human drum loops, damaged by rule, before and after.

    python benchmarks/retry.py DATA [--loops 20]

DATA is the Groove MIDI folder (or the folder that holds cc-by/gmd). Grooves are those of three other human
loops that score at least 80. Prints a table, then one JSON object; exit status 1 when mending lowered
a total, 2 when the data are not there.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.music.loop import Loop
from composer_core.pipeline.editing.mending import mend
from composer_core.pipeline.scoring import score
from composer_core.rules import extract_groove
from composer_core.rules.damage import DAMAGES, damage

KINDS = ("jitter", "role_late", "quantise", "flat", "machine", "compressed", "roles_permuted", "hits_moved")
STRIDE, SEARCHED, MIN_NOTES = 9, 60, 16
PASS_MARK, GOOD = 70.0, 80.0


def human_loops(data: Path) -> list[Loop]:
    """4-bar loops of every ninth beat in 4/4."""
    files = sorted(data.rglob("*_beat_4-4.mid"))[::STRIDE]
    loops = [loop for path in files for loop in cut(read_song(path.read_bytes(), path.name), 4)]
    return [loop for loop in loops if loop.bars == 4 and len(loop.notes) >= MIN_NOTES][:SEARCHED]


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--loops", type=int, default=20)
    arguments = parser.parse_args()
    data = arguments.data / "cc-by" / "gmd"
    loops = human_loops(data if data.is_dir() else arguments.data)
    if len(loops) <= arguments.loops:
        print(f"{arguments.data} holds too few beats of Groove MIDI", file=sys.stderr)
        return 2
    others, chosen = loops[: -arguments.loops], loops[-arguments.loops :]
    good = [loop for loop, one in zip(others, score(others), strict=True) if one.scores["total"] >= GOOD]
    grooves = [extract_groove([loop], f"groove {number}", "16") for number, loop in enumerate(good[:3])]
    print(f"{'':<16}{'before':>8}{'after':>8}{'pass before':>13}{'pass after':>12}")
    rows = {}
    for kind in KINDS:
        damaged = [damage(loop, kind, DAMAGES[kind].nominal, number) for number, loop in enumerate(chosen)]
        mended = [mend(loop, grooves) for loop in damaged]
        before, after = (np.array(v) for v in zip(*((m.total_before, m.total_after) for m in mended), strict=True))
        rows[kind] = {
            "before": float(before.mean()),
            "after": float(after.mean()),
            "pass_before": float((before >= PASS_MARK).mean()),
            "pass_after": float((after >= PASS_MARK).mean()),
            "lowered": int((after < before).sum()),
        }
        row = rows[kind]
        print(
            f"{kind:<16}{row['before']:>8.1f}{row['after']:>8.1f}{row['pass_before']:>13.0%}{row['pass_after']:>12.0%}"
        )
    passed = all(row["lowered"] == 0 for row in rows.values())
    print(json.dumps({"benchmark": "retry", "passed": passed, "loops": len(chosen), "kinds": rows}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
