"""Run one training: `python -m benchmarks.notes.train NAME strings --steps 1400 --dropout 0.15`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from composer_core.model.notes.network import NotesConfig
from composer_core.model.notes.training import NotesRun, NotesTrainingPlan
from composer_core.model.notes.windows import NoteWindows, read_takes

RUNS = Path("runs") / "notes"
DEV_WINDOWS = 200


def genres() -> tuple[str, ...]:
    """Every genre of the packed takes, in order."""
    path = RUNS / "packed" / "genres.json"
    if not path.is_file():
        found: set[str] = set()
        for packed in sorted((RUNS / "packed").glob("*.npz")):
            found |= set(read_takes(packed, packed.stem).arrays["genre"].tolist()) - {""}
        path.write_text(json.dumps(sorted(found)))
    return tuple(json.loads(path.read_text()))


def windows_of(instrument: str, part: str, most: int = 0, bars: int = 4) -> NoteWindows:
    """Windows of a part: at every bar for training, side by side else, at most `most` spread over the songs."""
    takes = read_takes(RUNS / "packed" / f"{instrument}.npz", instrument)
    rows = takes.windows(bars, 1 if part == "train" else bars, part)
    if most and len(rows) > most:
        rows = spread_over_songs(takes.arrays["song"][rows[:, 0]], rows, most)
    return NoteWindows(takes, rows, genres())


def spread_over_songs(song: np.ndarray, rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` rows, songs taking turns, drawn by a fixed seed."""
    rng = np.random.default_rng(11)
    turn = np.zeros(len(rows), np.int64)
    for name in np.unique(song):
        own = np.flatnonzero(song == name)
        turn[own] = rng.permutation(len(own))
    order = np.lexsort((rng.random(len(rows)), turn))
    return rows[np.sort(order[:most])]


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("instruments", nargs="+")
    parser.add_argument("--width", type=int, default=288)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--trunk", default="gru")
    parser.add_argument("--dropout", type=float, default=0.15)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--share", nargs="*", default=[], help="how often an instrument is drawn: piano=0.3")
    for name, kind in (("steps", int), ("rate", float), ("warm-up", int), ("batch-notes", int), ("decay", float),
                       ("reach", int), ("average", float), ("every", int), ("seed", int)):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind)
    given = parser.parse_args()
    torch.set_num_threads(1)
    names = ("steps", "rate", "warm_up", "batch_notes", "decay", "reach", "average", "every", "seed")
    plan = NotesTrainingPlan(**{name: getattr(given, name) for name in names if getattr(given, name) is not None},
                share={name: float(value) for name, value in (one.split("=") for one in given.share)})  # fmt: skip
    config = NotesConfig(given.width, given.layers, given.heads, given.trunk, given.dropout, genres())
    train = {name: windows_of(name, "train", given.most) for name in given.instruments}
    dev = {name: windows_of(name, "dev", DEV_WINDOWS) for name in given.instruments}
    run = NotesRun(RUNS / given.name, config, plan, given.start)
    sizes = ", ".join(f"{name} {len(w)} ({w.count.mean():.0f}), dev {len(dev[name])}" for name, w in train.items())
    say(f"{given.name}: {sum(p.numel() for p in run.model.parameters()):,} weights, windows {sizes}")
    run.train(train, dev, say)


def say(line: str) -> None:
    """One line with the time of day."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
