"""What the multi-task heads do for the language, and for each other: the same training with and without each.

    python benchmarks/ablation.py DATA -o DIR [--size small] [--steps 300] [--threads 1]

DATA is the folder of all permitted sets. One song in ten, by the digest of its name, is held out of the training
takes with all its parts. Every run has the same data, seed and steps and keeps its last weights, so nothing is
chosen by what is measured: nats a note on the held-out songs with a paired bootstrap over songs against the run with
all heads, and what the heads know there of windows whose conditions are hidden. DIR keeps data and checkpoints:
the same command goes on where it was stopped. Prints a table, then one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from composer_core.lab.composer.likelihood import bootstrap_gain
from composer_core.lab.composer.statistics import auc, pearson
from composer_core.model.composer.checkpoint import load_model
from composer_core.model.composer.conditions import CONTINUOUS
from composer_core.model.composer.data import IGNORED, WindowSet
from composer_core.model.composer.training import BEST_FOLDER, Trainer, nll_of_windows
from composer_core.model.composer.transformer import Composer
from composer_core.model.config import SHARED, TrainConfig
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.training.permitted_sets import permitted_loops
from composer_core.pipeline.training.windows import prepare_data, read_data

RUNS: dict[str, dict[str, Any]] = {
    "all heads": {},
    "no heads": {"emotion": 0.0, "genre": 0.0, "quality": 0.0},
    "without emotion": {"emotion": 0.0},
    "without genre": {"genre": 0.0},
    "without quality": {"quality": 0.0},
}
HELD_OUT_OF = 10
BATCH = 64


def is_held_out(song: str) -> bool:
    """One song in HELD_OUT_OF; salted, for songs were held out of the training takes by the bare digest before."""
    return int(hashlib.sha256(f"ablation {song}".encode()).hexdigest(), 16) % HELD_OUT_OF == 0


def parted(windows: WindowSet) -> tuple[WindowSet, WindowSet]:
    """Windows to train on and held-out ones, spoilt copies with their songs."""
    out = np.array([is_held_out(windows.take_names[take]) for take in windows.take])
    return windows.rows(np.flatnonzero(~out)), windows.rows(np.flatnonzero(out))


def know(composer: Composer, windows: WindowSet, genres: Sequence[str]) -> dict[str, float]:
    """Correlation of valence and arousal, share of right genres, AUC of played over spoilt, conditions hidden."""
    assert composer.heads is not None
    composer.eval()
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in ("valence", "arousal", "genre", "quality")}
    with torch.no_grad():
        for start in range(0, len(windows), BATCH):
            index = np.arange(start, min(start + BATCH, len(windows)))
            batch = windows.batch(index, 0, composer.config.max_length)
            vectors = composer.condition_vectors(windows.conditions.take(index).hidden())
            output = composer.heads(
                composer.hidden(batch.ids, composer.at_positions(vectors, batch.bar)), batch.targets != IGNORED
            )
            for name in found:
                value = getattr(output, name)
                found[name].append((value.argmax(-1) if name == "genre" else value).numpy())
    said = {name: np.concatenate(values) for name, values in found.items()}
    true, played = windows.conditions, ~windows.spoilt
    result = {}
    for name in ("valence", "arousal"):
        column = CONTINUOUS.index(name)
        known = played & (true.given[:, column] > 0)
        result[name] = pearson(said[name][known].astype(float), true.values[known, column].astype(float))
    known = played & (true.genre.sum(1) > 0)
    result["genre"] = float(np.mean(true.genre[known].argmax(1) == said["genre"][known])) if genres else float("nan")
    result["quality"] = auc(said["quality"][~played].tolist(), said["quality"][played].tolist())
    return result


def by_song(windows: WindowSet, values: NDArray[Any]) -> NDArray[np.float64]:
    """Sums over each song's windows, parts of one song together."""
    songs = sorted(set(windows.take_names))
    place = {song: number for number, song in enumerate(songs)}
    song = np.array([place[windows.take_names[take]] for take in windows.take])
    return np.bincount(song, values, len(songs)).astype(np.float64)


def main() -> int:
    """Train each, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--size", default="small")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--windows", type=int, default=12_000, help="an instrument")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    config = TrainConfig(
        instrument=SHARED,
        size=arguments.size,
        steps=arguments.steps,
        learning_rate=2.5e-3,
        warm_up=min(100, arguments.steps // 4),
        merges=500,
        asked_meters=True,
        windows_an_instrument=arguments.windows,
        validate_every=arguments.steps,
        checkpoint_every=25,
        threads=arguments.threads,
        precision="bfloat16",
    )
    arguments.output.mkdir(parents=True, exist_ok=True)
    say = partial(print, flush=True)
    prepare_data(arguments.output, config, lambda: permitted_loops(arguments.data, None, say, ()), say)
    whole = read_data(arguments.output)
    train, held_out = parted(whole.train)
    heard = held_out.rows(np.flatnonzero(~held_out.spoilt))
    data = replace(whole, train=train)
    say(f"{len(train)} windows to train on, {len(heard)} held out")
    nll, knowledge = {}, {}
    for name, weights in RUNS.items():
        trainer = Trainer(arguments.output / name.replace(" ", "-"), replace(config, **weights), data)
        trainer.run(lambda _: None, lambda: False)
        trainer.keep()
        composer = load_model(trainer.folder / BEST_FOLDER).composer
        nll[name] = nll_of_windows(composer, heard)
        knowledge[name] = know(composer, held_out, whole.genres)
        say(f"{name}: {nll[name].sum() / heard.n_notes.sum():.4f} nats a note")
    rows = {name: row_of(name, nll, heard, knowledge[name]) for name in RUNS}
    print_table(rows)
    facts = {"size": arguments.size, "steps": arguments.steps, "windows": len(train), "held_out": len(heard)}
    print(json.dumps({**facts, "songs": int((by_song(heard, heard.n_notes) > 0).sum()), "runs": rows}))
    return 0


def row_of(
    name: str, nll: dict[str, NDArray[np.float64]], heard: WindowSet, knowledge: dict[str, float]
) -> dict[str, Any]:
    """Nats a note, of all and by instrument; the share that all heads save against this run, with its interval."""
    notes = by_song(heard, heard.n_notes)
    used = notes > 0
    everything = by_song(heard, nll["all heads"])[used]
    row: dict[str, Any] = {"nats_per_note": float(nll[name].sum() / heard.n_notes.sum()), "knows": knowledge}
    for number, instrument in enumerate(GENERATED_INSTRUMENTS):
        own = heard.conditions.instrument == number
        row[instrument] = float(nll[name][own].sum() / max(1, heard.n_notes[own].sum()))
    if name != "all heads":
        row["saved_by_all_heads"] = bootstrap_gain(everything, by_song(heard, nll[name])[used])
    return row


def print_table(rows: dict[str, dict[str, Any]]) -> None:
    """One line a run."""
    names = ("all", *GENERATED_INSTRUMENTS, "saved (95 %)", "valence", "arousal", "genre", "quality")
    print(f"{'':<17}" + "".join(f"{name:>10}" if name != "saved (95 %)" else f"{name:>26}" for name in names))
    for name, row in rows.items():
        line = f"{name:<17}{row['nats_per_note']:>10.3f}"
        line += "".join(f"{row[instrument]:>10.3f}" for instrument in GENERATED_INSTRUMENTS)
        saved = row.get("saved_by_all_heads")
        if saved:
            low, high = saved["interval"]
            said = f"{saved['gain']:.2%} ({low:.2%} to {high:.2%})"
        line += f"{said if saved else '':>26}"
        print(line + "".join(f"{value:>10.3f}" for value in row["knows"].values()))


if __name__ == "__main__":
    raise SystemExit(main())
