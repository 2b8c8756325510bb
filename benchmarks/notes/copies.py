"""Share of bars and two-bar pairs seen in training, written beside held-out human ones.

Pitched bars are compared as they sound in any transposition; bars of fewer than three notes are left out.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch

from benchmarks.notes.test import as_windows, human_windows, humans, request_of, write
from benchmarks.notes.train import RUNS, say, windows_of
from benchmarks.notes.two_sample import Window
from composer_core.model.notes.sampling import NoteSampling
from composer_core.model.notes.training import load_composer
from composer_core.model.notes.windows import read_takes

FEWEST = 3


def pieces(onset: np.ndarray, pitch: np.ndarray, bar_steps: int, drums: bool, bars: int) -> list[int]:
    """A number for each run of `bars` bars with enough notes in each bar."""
    number = onset // bar_steps
    found = []
    for first in range(int(number.max(initial=-1)) + 2 - bars):
        own = (number >= first) & (number < first + bars)
        if all((number[own] == first + k).sum() >= FEWEST for k in range(bars)):
            low = 0 if drums else int(pitch[own].min())
            places = (onset[own] - first * bar_steps).tolist()
            found.append(hash((bar_steps, *zip(places, (pitch[own].astype(int) - low).tolist(), strict=True))))
    return found


def seen_in(instruments: list[str], bars: int, drums: bool) -> set[int]:
    """Every run of bars of the training takes of some instruments."""
    found: set[int] = set()
    for instrument in instruments:
        arrays = read_takes(RUNS / "packed" / f"{instrument}.npz", instrument).arrays
        for take in np.flatnonzero(arrays["part"] == "train"):
            notes = slice(arrays["first"][take], arrays["first"][take + 1])
            step = int(arrays["bar_steps"][take])
            found.update(pieces(arrays["onset"][notes], arrays["pitch"][notes], step, drums, bars))
    return found


def share(windows: list[Window], seen: set[int], bars: int) -> float:
    """Share of the windows' runs of bars that were seen."""
    every = [piece for w in windows for piece in pieces(w.onset, w.pitch, w.bar_steps, w.drums, bars)]
    return round(float(np.mean([piece in seen for piece in every])), 3) if every else float("nan")


def main() -> None:
    """Measure RUN:INSTRUMENT:TEMPERATURE:FIELDS of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chosen", nargs="+")
    torch.set_num_threads(1)
    for text in parser.parse_args().chosen:
        run, instrument, temperature, fields = text.split(":")
        windows = windows_of(instrument, "validation", 2000)
        index = human_windows(windows, 150)
        model = load_composer(RUNS / run)
        notes = write(model, request_of(windows, index, fields), NoteSampling(float(temperature)), 1)
        written, human, drums = as_windows(windows, index, notes), humans(windows, index), instrument == "drums"
        row: dict[str, object] = {"run": run, "instrument": instrument, "temperature": temperature, "fields": fields}
        others = [name for name in ("bass", "guitar", "piano", "strings") if name != instrument and not drums]
        for bars in (1, 2):
            seen = seen_in([instrument], bars, drums)
            row[f"bars_{bars}"] = {"human": share(human, seen, bars), "written": share(written, seen, bars)}
            if others:
                row[f"bars_{bars}_others"] = {"human": share(human, seen_in(others, bars, drums), bars)}
        say(json.dumps(row))


if __name__ == "__main__":
    main()
