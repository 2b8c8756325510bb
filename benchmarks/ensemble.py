"""Do parts made together fit like parts of real songs, and how fast are they made?

    python benchmarks/ensemble.py DATA [--takes 40] [--best-of 1]

DATA is the folder of all permitted sets. Real: four bars of sequenced songs in which drums, bass and a
third pitched part play. Generated: drums, bass and piano. The share of notes in chord is read against
the chords found on the parts themselves, by the same finder on both sides, and for generated parts
also against the chords asked for; alignment is the share of kicks with a bass onset within a 32nd. Speed:
five parts of four bars against the time they play, made one after the other and, on chords alone, as one
batch for each model. Prints a table and one JSON object; exit status 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from composer_core.lab.composer.held_out import generate_for
from composer_core.music.chords import chords_of
from composer_core.music.condition import Condition
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.loop import Loop
from composer_core.pipeline.generation.ensembles import generate_ensemble, plan
from composer_core.pipeline.generation.reranking import alignment, in_chord_rate
from composer_core.pipeline.models import find_model, load
from composer_core.pipeline.training.permitted_sets import permitted_loops
from composer_core.pipeline.training.sources import stretch_of, window_of

SETS = ("bsd/freedoom", "bsd/blasphemer", "artistic/simutrans")
BARS, WINDOWS_A_SONG = 4, 4
SHARE_LIMIT, SPEED_LIMIT, BATCHED_LIMIT = 0.9, 2.5, 5.0
TRIO = ("drums", "bass", "piano")
MIN_NOTES = 4


def real_groups(data: Path) -> list[list[Loop]]:
    """Parts that sound together for four bars: drums, bass and at least one more pitched part."""
    together: dict[tuple[str, int], list[Loop]] = defaultdict(list)
    for loop in permitted_loops(data, "bass"):
        together[stretch_of(loop)].append(loop)
    groups = []
    for parts in together.values():
        bars = min(part.bars for part in parts)
        for start in np.linspace(0, bars - BARS, WINDOWS_A_SONG).astype(int) if bars >= BARS else []:
            cut = [window_of(part, int(start), BARS) for part in parts]
            group = [part for part in cut if len(part.notes) >= MIN_NOTES]
            kinds = [part.instrument for part in group]
            if "drums" in kinds and "bass" in kinds and len({*kinds} - {"drums", "bass"}):
                groups.append(group)
    return groups


def fit_of(parts: Sequence[Loop]) -> dict[str, float]:
    """Share of sounding time in the chords found on the parts, and how bass and kick meet."""
    pitched = [part for part in parts if not part.is_drums]
    line = chords_of([part.notes for part in pitched], BARS, parts[0].meter.bar_tick)
    bass = next(part for part in pitched if part.instrument == "bass")
    drums = next(part for part in parts if part.is_drums)
    return {
        "in_chord_rate": float(np.mean([in_chord_rate(part, line) for part in pitched])),
        "alignment": alignment(bass, drums),
    }


def generated_fits(takes: int, best_of: int) -> list[dict[str, float]]:
    """The same of generated trios with a drawn chord line, and the rate in the chords asked for."""
    found = []
    for seed in range(takes):
        ensemble = generate_ensemble(TRIO, Condition("bass", bars=BARS), seed=seed, best_of=best_of)
        loops = ensemble.loops()
        line = ensemble.takes[-1].condition.chord_line
        asked = [in_chord_rate(loop, line) for loop in loops if not loop.is_drums]
        found.append({**fit_of(loops), "in_asked_chord_rate": float(np.mean(asked))})
    return found


def means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of every figure over the rows that have it."""
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def speeds(repeats: int) -> dict[str, float]:
    """Times faster than playback: five parts in turn, and batched by model on chords alone (medians)."""
    condition = Condition("piano", bars=BARS)
    playing_sec = BARS * 4 * 60.0 / condition.tempo_bpm
    in_turn, batched = [], []
    for seed in range(repeats + 1):
        start = time.perf_counter()
        generate_ensemble(GENERATED_INSTRUMENTS, condition, seed=seed)
        in_turn.append(time.perf_counter() - start)
        start = time.perf_counter()
        planned = plan(condition, seed)[0]
        by_model: dict[str, list[Condition]] = defaultdict(list)
        for instrument in GENERATED_INSTRUMENTS:
            own = planned if instrument == "piano" else planned.for_instrument(instrument)
            by_model[str(find_model(instrument, None, None).path)].append(own)
        for conditions in by_model.values():
            generate_for(load(find_model(conditions[0].instrument, None, None)), conditions, seed)
        batched.append(time.perf_counter() - start)
    return {
        "playing_sec": playing_sec,
        "in_turn_sec": statistics.median(in_turn[1:]),
        "batched_sec": statistics.median(batched[1:]),
        "in_turn_times_playback": playing_sec / statistics.median(in_turn[1:]),
        "batched_times_playback": playing_sec / statistics.median(batched[1:]),
    }


def main() -> int:
    """Measure, print, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--takes", type=int, default=40)
    parser.add_argument("--best-of", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    groups = real_groups(arguments.data)
    real = means([fit_of(group) for group in groups])
    made = means(generated_fits(arguments.takes, arguments.best_of))
    shares = {f"{name}_share_of_real": made[name] / real[name] for name in ("in_chord_rate", "alignment")}
    fast = speeds(arguments.repeats)
    held = (
        all(share >= SHARE_LIMIT for share in shares.values())
        and fast["in_turn_times_playback"] >= SPEED_LIMIT
        and fast["batched_times_playback"] >= BATCHED_LIMIT
    )
    figures = {
        "n_real": len(groups),
        "n_generated": arguments.takes,
        "best_of": arguments.best_of,
        **{f"real_{name}": value for name, value in real.items()},
        **{f"generated_{name}": value for name, value in made.items()},
        **shares,
        **fast,
        "threads": arguments.threads,
    }
    for name, value in figures.items():
        print(f"{name:<36}{value:.3f}" if isinstance(value, float) else f"{name:<36}{value}")
    print(f"limits: shares {SHARE_LIMIT}, {SPEED_LIMIT} and batched {BATCHED_LIMIT} times playback")
    print(json.dumps({"benchmark": "ensemble", "held": held, **figures}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
