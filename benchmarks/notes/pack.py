"""Pack the takes of an instrument once, as flat arrays with a digest."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.notes.sets import loops_of_instrument, part_of_song, song_of
from composer_core.music.chords import QUALITIES
from composer_core.music.timing import TICKS_PER_STEP
from composer_core.pipeline.training.sources import SourcePart, prepare_takes
from composer_core.pipeline.training.windows import near_held_out
from composer_core.store.atomic import atomic_writer, write_json

DATA, RUNS = Path("../shared/data"), Path("runs") / "notes"
MOST_BAR_STEPS = 72
_QUALITY = {quality: index for index, quality in enumerate(QUALITIES)}


def main() -> None:
    """Pack the instruments named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instruments", nargs="+")
    for instrument in parser.parse_args().instruments:
        pack(instrument)


def pack(instrument: str) -> None:
    """Read, snap, split, leave near-duplicates of held-out takes out, write `runs/notes/packed/INSTRUMENT.npz`."""
    began = time.monotonic()
    loops = loops_of_instrument(DATA, instrument)
    say(f"{instrument}: {len(loops)} parts read, {time.monotonic() - began:.0f} s")
    takes = [in_part(take) for take in prepare_takes(loops, [instrument])]
    takes = [take for take in takes if take.played.meter.bar_tick // TICKS_PER_STEP <= MOST_BAR_STEPS]
    say(f"{instrument}: {len(takes)} takes snapped, {time.monotonic() - began:.0f} s")
    near = near_held_out(takes)
    say(f"{instrument}: {len(near)} takes near held-out ones left out, {time.monotonic() - began:.0f} s")
    takes = [take for index, take in enumerate(takes) if index not in near]
    arrays = packed(takes)
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays)))
    path = RUNS / "packed" / f"{instrument}.npz"
    with atomic_writer(path) as stream:
        np.savez_compressed(stream, **arrays)
    facts = {"instrument": instrument, "digest": digest.hexdigest(), "near_left_out": len(near)}
    for part in ("train", "dev", "validation"):
        chosen = arrays["part"] == part
        facts[part] = {"takes": int(chosen.sum()), "bars": int(arrays["bars"][chosen].sum()),
                       "songs": len(set(arrays["song"][chosen].tolist()))}  # fmt: skip
    write_json(path.with_suffix(".json"), facts)
    say(json.dumps(facts))


def in_part(take: SourcePart) -> SourcePart:
    return replace(take, part=part_of_song(song_of(take.name), take.played.extra.get("split")))


def packed(takes: list[SourcePart]) -> dict[str, Any]:
    """Flat arrays: notes one after another with `first` (n_takes + 1,), keys and chords with `first_bar`."""
    notes = [take.snap.loop.notes for take in takes]
    bars = [take.played.bars for take in takes]
    keys = [_keys(take) for take in takes]
    return {
        "onset": np.concatenate([n.onset_tick // TICKS_PER_STEP for n in notes]).astype(np.int32),
        "length": np.concatenate([n.duration_tick // TICKS_PER_STEP for n in notes]).clip(1, 60_000).astype(np.uint16),
        "pitch": np.concatenate([n.pitch for n in notes]).astype(np.uint8),
        "first": np.cumsum([0, *(len(n) for n in notes)]).astype(np.int64),
        "bars": np.array(bars, np.int32),
        "bar_steps": np.array([take.played.meter.bar_tick // TICKS_PER_STEP for take in takes], np.int32),
        "meter": np.array([str(take.played.meter) for take in takes]),
        "tempo_bpm": np.array([take.played.tempo_bpm for take in takes], np.float32),
        "swing": np.array([take.snap.swing_ratio for take in takes], np.float32),
        "swing_grid": np.array([take.snap.swing_grid for take in takes], np.int32),
        "source": np.array([take.name for take in takes]),
        "song": np.array([song_of(take.name) for take in takes]),
        "part": np.array([take.part for take in takes]),
        "genre": np.array([max(take.genre, key=take.genre.__getitem__, default="") for take in takes]),
        "first_bar": np.cumsum([0, *bars]).astype(np.int64),
        "root": np.concatenate([k[0] for k in keys]),
        "minor": np.concatenate([k[1] for k in keys]),
        "chord": np.concatenate([k[2] for k in keys]),
    }


def _keys(take: SourcePart) -> tuple[Any, Any, Any]:
    """Tonic (0 to 11), whether minor, and chord (0 none, else 1 + root x qualities + quality) of each bar."""
    n = take.played.bars
    root, minor, chord = np.zeros(n, np.int8), np.zeros(n, np.int8), np.zeros(n, np.int16)
    if take.harmony is not None:
        for bar in range(min(n, len(take.harmony.keys))):
            key, found = take.harmony.keys[bar], take.harmony.chords[bar]
            root[bar], minor[bar] = key.root, key.is_minor
            chord[bar] = 0 if found is None else 1 + found.root * len(QUALITIES) + _QUALITY[found.quality]
    return root, minor, chord


def say(line: str) -> None:
    """One line of progress on the error stream."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
