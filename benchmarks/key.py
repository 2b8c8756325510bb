"""How often the key of POP909's windows is exactly right, beside three key profiles.

    python benchmarks/key.py DATA

DATA is the folder of POP909 (or the one that holds mit/pop909). Windows of 8 and 16 seconds inside
one key, and whole songs; the learned estimator is cross-validated by song, the profiles
(Krumhansl-Kessler, Temperley, Albrecht-Shanahan) are compared by correlation with the time each pitch
class sounds. Prints a table, then one JSON object; exit status 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from composer_core.lab.estimators.key import MEASURED, accuracy_table, cross_validate, key_examples, read_pop909

LIMITS = {"8 s": 0.66, "16 s": 0.76, "song": 0.87}
AHEAD = 0.10
"""How far ahead of the best profile the estimator has to be on 8 seconds."""


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    songs = list(read_pop909(parser.parse_args().data))
    examples = key_examples(songs)
    table = accuracy_table(examples, cross_validate(examples))
    print(f"{len(songs)} songs; share of windows with root and mode exactly right")
    print(f"{'':<14}" + "".join(f"{kind:>8}" for kind in MEASURED))
    for name, row in table.items():
        print(f"{name:<14}" + "".join(f"{row[kind]:>8.3f}" for kind in MEASURED))
    print(f"{'at least':<14}" + "".join(f"{LIMITS[kind]:>8.3f}" for kind in MEASURED))
    best_profile = max(row["8 s"] for name, row in table.items() if name != "learned")
    ahead = table["learned"]["8 s"] - best_profile
    print(f"ahead of the best profile on 8 s: {ahead:.3f} (at least {AHEAD})")
    passed = ahead >= AHEAD and all(table["learned"][kind] >= LIMITS[kind] for kind in MEASURED)
    print(f"limits {'kept' if passed else 'MISSED'}")
    print(json.dumps({"benchmark": "key", "passed": passed, "songs": len(songs), "ahead": round(ahead, 4), **table}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
