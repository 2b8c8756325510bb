"""Are planted near-duplicates found among real loops, and are different loops left alone?

    python benchmarks/duplicates.py DATA

DATA is the folder that holds cc-by/gmd and pd/ryans-mammoth. Source files are halved: on one half the smallest
threshold that finds 99 % of each kind in both sets is chosen, on the other the recall and the false alarms (pairs of
loops of different files) are measured at it and at the threshold `composer dedupe` uses, with blocking.
Prints a table, then one JSON object; exit status 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np

from composer_core.errors import ComposerError
from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.metrics.duplicates import blocking_keys, distance, signature
from composer_core.music.loop import Loop
from composer_core.pipeline.library.duplicates import THRESHOLD, near_pairs

LEAST_RECALL, MOST_FALSE = 0.95, 0.01
SETS = {"drums": "cc-by/gmd", "pitched": "pd/ryans-mammoth"}
FILES, FEWEST_NOTES, BARS, WANTED = 600, 8, 4, 0.99
KINDS = ("moved", "dropped", "tempo", "resolution", "transposed", "velocity")


def planted(loop: Loop, kind: str, seed: int) -> Loop:
    """The loop with one change."""
    random, notes = np.random.default_rng(seed), loop.notes
    pick = int(random.integers(len(notes)))
    if kind == "moved":
        onset = notes.onset_tick.copy()
        onset[pick] = (onset[pick] + 120) % loop.length_tick
        return loop.with_notes(notes.with_columns(onset_tick=onset))
    if kind == "dropped":
        return loop.with_notes(notes.select(np.arange(len(notes)) != pick))
    if kind == "tempo":
        return replace(loop, tempo_bpm=loop.tempo_bpm * 1.1)
    if kind == "resolution":
        return loop.with_notes(notes.with_columns(onset_tick=np.floor(notes.onset_tick / 5 + 0.5) * 5))
    if kind == "transposed":
        up = 5 if notes.pitch.max() <= 122 else -5
        return loop.with_notes(notes.with_columns(pitch=notes.pitch + up))
    return loop.with_notes(notes.with_columns(velocity=random.integers(1, 128, len(notes))))


def read(folder: Path) -> list[list[Loop]]:
    """Loops by source file; files that are no readable MIDI are left out."""
    paths = sorted(folder.rglob("*.mid"))
    found = []
    for path in paths[:: max(1, len(paths) // FILES)]:
        try:
            loops = cut(read_song(path.read_bytes(), path.name), BARS)
        except ComposerError:
            continue
        kept = [loop for loop in loops if loop.bars == BARS and len(loop.notes) >= FEWEST_NOTES]
        if kept:
            found.append(kept[:4])
    return found


def distances(loops: list[Loop], kind: str) -> np.ndarray:
    """Distance of each loop to its planted copy; infinite where no blocking key is shared."""
    found = []
    for seed, loop in enumerate(loops):
        pair = [signature(loop), signature(planted(loop, kind, seed))]
        owner, key = blocking_keys(pair)
        found.append(distance(*pair) if np.isin(key[owner == 0], key[owner == 1]).any() else np.inf)
    return np.array(found)


def all_pairs(loops: list[Loop], threshold: float) -> dict[tuple[int, int], float]:
    """Distance of every near pair: `near_pairs` names one loop for all with the same notes, here each has its own."""
    alike: dict[bytes, list[int]] = {}
    for index, loop in enumerate(loops):
        alike.setdefault(signature(loop).digest(), []).append(index)
    members = {same[0]: same for same in alike.values()}
    found = {pair: 0.0 for same in members.values() for pair in combinations(same, 2)}
    for first, second, far in near_pairs(loops, threshold)[0]:
        if first in members and second in members:
            found |= {(min(pair), max(pair)): far for pair in product(members[first], members[second])}
    return found


def kinds_of(name: str) -> list[str]:
    """Drums are not transposed."""
    return [kind for kind in KINDS if name != "drums" or kind != "transposed"]


def choose(name: str, files: list[list[Loop]]) -> float:
    """The smallest threshold that finds 99 % of each kind, on the even files."""
    loops = [loop for file in files[::2] for loop in file]
    return max(float(np.quantile(distances(loops, kind), WANTED, method="higher")) for kind in kinds_of(name))


def study(name: str, files: list[list[Loop]], chosen: float) -> dict[str, object]:
    """Recall by kind and false alarms on the odd files, at the threshold chosen on the others and at the one used."""
    owner = [number for number, file in enumerate(files[1::2]) for _ in file]
    loops = [loop for file in files[1::2] for loop in file]
    n_different = sum(a != b for i, a in enumerate(owner) for b in owner[i + 1 :])
    widest = max(THRESHOLD, chosen)
    false = [d for (a, b), d in all_pairs(loops, widest).items() if owner[a] != owner[b]]
    recall, recall_chosen = {}, {}
    for kind in kinds_of(name):
        # The library with its copies, as `composer dedupe` sees it: patterns too common to compare by count too.
        copies = [planted(loop, kind, seed) for seed, loop in enumerate(loops)]
        together = [d for (a, b), d in all_pairs([*loops, *copies], widest).items() if b == a + len(loops)]
        recall[kind] = sum(d <= THRESHOLD for d in together) / len(loops)
        recall_chosen[kind] = sum(d <= chosen for d in together) / len(loops)
    return {
        "loops": len(loops),
        "different_pairs": n_different,
        "false_alarms": sum(d <= THRESHOLD for d in false),
        "false_alarm_rate": sum(d <= THRESHOLD for d in false) / n_different,
        "false_alarm_rate_chosen": sum(d <= chosen for d in false) / n_different,
        "recall": recall,
        "recall_chosen": recall_chosen,
    }


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    files = {name: read(data / folder) for name, folder in SETS.items()}
    by_set = {name: choose(name, found) for name, found in files.items()}
    chosen = max(by_set.values())
    results = {name: study(name, found, chosen) for name, found in files.items()}
    print(f"threshold chosen {chosen:.4f}, used {THRESHOLD}")
    missed = []
    for name, result in results.items():
        print(f"{name}: {result['loops']} loops, {by_set[name]:.4f} would do for them")
        recall, at_chosen = result["recall"], result["recall_chosen"]
        assert isinstance(recall, dict) and isinstance(at_chosen, dict)
        print(f"  {'kind':<12}{'chosen':>8}{'used':>8}")
        for kind, share in recall.items():
            print(f"  {kind:<12}{at_chosen[kind]:>8.3f}{share:>8.3f}")
            missed += [f"{name} {kind}"] if share < LEAST_RECALL else []
        false = float(str(result["false_alarm_rate"]))
        print(f"  false alarms {false:.6f} of {result['different_pairs']} pairs of different files (used)")
        missed += [f"{name} false alarms"] if false > MOST_FALSE else []
    thresholds = {"chosen": chosen, "by_set": by_set, "used": THRESHOLD}
    print(json.dumps({"thresholds": thresholds, "results": results, "missed": missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
