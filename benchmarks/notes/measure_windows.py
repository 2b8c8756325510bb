"""Measure training windows as the product conditions them: `python -m benchmarks.notes.measure_windows guitar bass`.

Writes `runs/notes/packed/INSTRUMENT.measured.npz` with the take, first bar and bars of each window, the
continuous fields of its condition (NaN where unknown) and a column for each technique heard.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from benchmarks.notes.pack import DATA, MOST_BAR_STEPS, RUNS, in_part, say
from benchmarks.notes.sets import loops_of_instrument
from composer_core.pipeline.training.sources import limited_windows, measured_condition, prepare_takes
from composer_core.pipeline.training.windows import near_held_out
from composer_core.store.atomic import atomic_writer

MOST = {"strings": 30_000, "piano": 36_000}
FIELDS = ("valence", "arousal", "swing_8", "swing_16", "syncopation", "complexity")


def main() -> None:
    """Measure the instruments named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instruments", nargs="+")
    for instrument in parser.parse_args().instruments:
        measure(instrument)


def measure(instrument: str) -> None:
    """Every chosen window of the training and dev takes, in the order of the packed takes."""
    began = time.monotonic()
    takes = [in_part(take) for take in prepare_takes(loops_of_instrument(DATA, instrument), [instrument])]
    takes = [take for take in takes if take.played.meter.bar_tick // 40 <= MOST_BAR_STEPS]
    near = near_held_out(takes)
    takes = [take for index, take in enumerate(takes) if index not in near]
    numbers = [i for i, take in enumerate(takes) if take.part == "train"]
    found = limited_windows([takes[i] for i in numbers], True, MOST.get(instrument, 0))
    rows = [(i, start, bars) for i, own in zip(numbers, found, strict=True) for start, bars in own]
    values, heard = [], []
    for number, (index, start, bars) in enumerate(rows):
        asked = measured_condition(takes[index], start, bars)
        values.append([np.nan if (v := asked.continuous.get(name)) is None else v for name in FIELDS])
        heard.append(tuple(asked.techniques))
        if number % 2000 == 0:
            say(f"{instrument}: {number} of {len(rows)} windows, {time.monotonic() - began:.0f} s")
    codes = sorted({code for own in heard for code in own})
    technique = np.array([[code in own for code in codes] for own in heard], bool).reshape(len(rows), len(codes))
    arrays = {"rows": np.array(rows, np.int64), "values": np.array(values, np.float32), "technique": technique}
    with atomic_writer(RUNS / "packed" / f"{instrument}.measured.npz") as stream:
        np.savez_compressed(stream, **arrays, fields=np.array(FIELDS), codes=np.array(codes, dtype=np.str_))
    say(
        json.dumps(
            {
                "instrument": instrument,
                "windows": len(rows),
                "techniques": dict(zip(codes, technique.sum(0).tolist(), strict=True)),
            }
        )
    )


if __name__ == "__main__":
    main()
