"""The shipped composers through the same test: `python -m benchmarks.notes.shipped strings guitar`."""

from __future__ import annotations

import argparse

import numpy as np
import torch

from benchmarks.notes.test import add_row, human_windows, humans
from benchmarks.notes.train import windows_of
from benchmarks.notes.two_sample import Window, figures, two_sample
from composer_core.model.composer.sampling import sample_mixed
from composer_core.music.condition import Condition
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.key import Key
from composer_core.music.loop import Notes
from composer_core.music.timing import TICKS_PER_STEP, Meter
from composer_core.pipeline.generation.fill_in import fill_in
from composer_core.pipeline.models import find_model, load


def condition_of(windows: object, chosen: int) -> Condition:
    """What the human window would be asked as: tempo, density, metre, key and register."""
    take, _, bars = windows.windows[chosen]
    arrays, instrument = windows.takes.arrays, windows.takes.instrument
    meter = str(arrays["meter"][take])
    given = {
        "tempo_bpm": float(np.clip(arrays["tempo_bpm"][take], 30, 300)),
        "density": float(np.clip(windows.density[chosen], 0.25, 12.0)),
    }
    if instrument != "drums":
        root, minor = windows.key[chosen]
        given |= {
            "key": Key(int(root), "minor" if minor else "major"),
            "register": float(np.clip(windows.register[chosen], *PITCH_RANGE[instrument])),
        }
    return Condition(instrument, int(bars), Meter.parse("4/4" if meter == "2/2" else meter), **given)


def main() -> None:
    """Add a row for each instrument named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instruments", nargs="+")
    torch.set_num_threads(1)
    for instrument in parser.parse_args().instruments:
        windows = windows_of(instrument, "validation", 2000)
        index = human_windows(windows, 150)
        human, written = humans(windows, index), []
        loaded = load(find_model(instrument, None, None))
        for first in range(0, len(index), 50):
            chosen = index[first : first + 50]
            conditions = [fill_in(condition_of(windows, one), int(one)) for one in chosen]
            made = sample_mixed(loaded, conditions, [int(one) for one in chosen])
            written += [_window(windows, one, notes) for one, notes in zip(chosen, made, strict=True)]
        found = {**two_sample(human, written), **figures(written)}
        weights = sum(p.numel() for p in loaded.composer.parameters())
        add_row({"run": "shipped", "instrument": instrument, "idea": "shipped composer, its own settings",
                 "part": "validation", "fields": "all", "weights": weights, "step": 0, "minutes_cpu": 0,
                 "nats": {"all": None}, "human": figures(human), "T1": found})  # fmt: skip


def _window(windows: object, chosen: int, notes: Notes) -> Window:
    """What the shipped composer wrote, as the test reads it."""
    take, _, bars = windows.windows[chosen]
    arrays = windows.takes.arrays
    return Window(
        notes.onset_tick.astype(np.int64) // TICKS_PER_STEP, notes.pitch.astype(np.int64),
        np.maximum(1, notes.duration_tick.astype(np.int64) // TICKS_PER_STEP), int(arrays["bar_steps"][take]),
        int(bars),
        str(arrays["meter"][take]), windows.takes.instrument == "drums", str(arrays["song"][take]),
    )  # fmt: skip


if __name__ == "__main__":
    main()
