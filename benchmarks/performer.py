"""How near the shipped performer comes to the players of Groove MIDI's validation takes, and how fast it plays.

Peers in the same run: the quantised grid, means of role and place, and gradient boosting
(LightGBM) on the same features. Prints a table, then one JSON object;
exit status 1 when the median prediction loses to boosting's velocity or timing error, when the sampled
distribution is further from the played one than boosting's, or when playing is too slow.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from composer_core.cli.performing import figures_table
from composer_core.lab.performer.training import played_windows, shipped_performer
from composer_core.model.performer.evaluation import PEER, boosting, evaluate
from composer_core.model.performer.network import Performer
from composer_core.model.performer.training import PlayedWindow
from composer_core.pipeline.library.loops import loops_for_training

PLAY_LIMIT_SEC = 0.020
"""CPU seconds for a 4-bar loop of ordinary density, one thread."""


def playing_seconds(performer: Performer, windows: Sequence[PlayedWindow]) -> float:
    """Median CPU seconds to play a 4-bar window of 55 to 75 notes (CPU time, so that a busy machine counts less)."""
    usual = [window for window in windows if 55 <= len(window) <= 75][:40]
    times = []
    for seed, window in enumerate([usual[0], *usual]):
        started = time.process_time()
        performer.sample(window.features, window.context, seed)
        times.append(time.process_time() - started)
    return statistics.median(times[1:])


def main() -> int:
    """Print the table and the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[2] / "shared" / "data" / "cc-by" / "gmd"
    parser.add_argument("--data", type=Path, default=default, help="the Groove MIDI Dataset")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    parts = played_windows(loops_for_training(arguments.data, "drums"))
    performer = Performer.load(shipped_performer("drums"))
    report = evaluate(performer, parts["train"], parts["validation"], {PEER: boosting(parts["train"])})
    report["playing_sec"] = round(playing_seconds(performer, parts["validation"]), 4)
    rows = report["rows"]
    report["passed"] = (
        rows["median"]["velocity_mae"] < rows[PEER]["velocity_mae"]
        and rows["median"]["offset_mae_ms"] < rows[PEER]["offset_mae_ms"]
        and rows["sampled"]["velocity_wasserstein"] < rows[PEER]["velocity_wasserstein"]
        and rows["sampled"]["offset_wasserstein_ms"] < rows[PEER]["offset_wasserstein_ms"]
        and report["playing_sec"] < PLAY_LIMIT_SEC
    )
    print(figures_table(report))
    print(f"playing a 4-bar loop: {1000 * report['playing_sec']:.1f} ms (limit {1000 * PLAY_LIMIT_SEC:.0f} ms)")
    print(json.dumps(report))
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
