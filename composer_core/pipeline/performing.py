"""Training, evaluating and loading the performer: takes in, a folder with weights and figures out.

The arousal a window is trained with is the documented first estimate on the window as it was
played, the same one that conditions the composer. Takes of the data set's `validation` split
are only ever measured on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.errors import NotFound
from composer_core.estimate import estimate_affect
from composer_core.metrics import measure
from composer_core.music.loop import Loop
from composer_core.pipeline.library import loops_for_training
from composer_core.pipeline.takes import genre_of, part_of, window_of
from composer_core.store.atomic import read_json, write_json
from composer_core.tokens.snap import snap_loop
from composer_core.workspace import ASSETS

if TYPE_CHECKING:
    from composer_core.model.performer_train import PlayedWindow

SHIPPED_PERFORMER = ASSETS / "models" / "performer-drums"
WINDOW_BARS, TRAINING_HOP_BARS = 4, 2
MIN_WINDOW_NOTES = 4
EVALUATION_FILE = "evaluation.json"


def played_windows(loops: Sequence[Loop]) -> dict[str, list[PlayedWindow]]:
    """Windows of WINDOW_BARS bars by part (train, dev, validation): overlapping in train, side by side else."""
    parts: dict[str, list[PlayedWindow]] = {"train": [], "dev": [], "validation": []}
    for loop in loops:
        if len(loop.notes):
            part = part_of(loop)
            parts[part] += _windows_of_take(loop, TRAINING_HOP_BARS if part == "train" else WINDOW_BARS)
    return parts


def _windows_of_take(loop: Loop, hop: int) -> list[PlayedWindow]:
    from composer_core.model.performer_features import context_vector, note_features
    from composer_core.model.performer_train import PlayedWindow

    snap = snap_loop(loop)
    grid, genre = snap.loop, genre_of(loop)
    features = note_features(grid, circular=False)
    bar = grid.notes.onset_tick // grid.meter.bar_tick
    found = []
    for start in range(0, max(1, loop.bars - WINDOW_BARS + hop), hop):
        index = np.flatnonzero((bar >= start) & (bar < start + WINDOW_BARS))
        if len(index) < MIN_WINDOW_NOTES:
            continue
        window = window_of(loop, start, min(WINDOW_BARS, loop.bars - start))
        _, arousal = estimate_affect(measure(window), loop.instrument)
        context = context_vector(loop.tempo_bpm, loop.meter.quarters_per_bar, genre, arousal)
        velocity = grid.notes.velocity[index].astype(np.int64)
        found.append(PlayedWindow(features.rows(index), velocity, snap.offset_ms[index], context, loop.source))
    return found


def train_performer(
    data: Path,
    out: Path,
    *,
    epochs: float | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Train a performer on the drum takes under `data` and write it to the folder `out`; returns its figures.

    Writes model.safetensors, config.json and evaluation.json. The best step is chosen by the dev
    takes (one training take in twenty); the figures are of the validation takes. NotFound without takes,
    InvalidValue for epochs out of range.
    """
    from composer_core.model.performer import Performer, PerformerConfig
    from composer_core.model.performer_train import PerformerProgress, PerformerTraining
    from composer_core.model.performer_train import train_performer as train_network

    training = PerformerTraining(seed=seed) if epochs is None else PerformerTraining(seed=seed, epochs=epochs)
    parts = _parts(data, progress)

    def report(at: PerformerProgress) -> None:
        if at.validation is not None:
            progress(f"step {at.step} of {at.steps}: loss {at.loss:.3f}, dev {at.validation:.3f} nats a note")

    network = train_network(parts["train"], parts["dev"], PerformerConfig(), training, report)
    counts = {part: _counts(windows) for part, windows in parts.items()}
    facts = {"instrument": "drums", "training": asdict(training), "data": data.name, "parts": counts}
    Performer(network).save(out, facts)
    return evaluate_performer(out, data, parts=parts)


def evaluate_performer(
    folder: Path, data: Path, *, parts: dict[str, list[PlayedWindow]] | None = None
) -> dict[str, Any]:
    """Figures of a performer on the validation takes beside simple baselines; also written to evaluation.json."""
    from composer_core.model.performer import Performer
    from composer_core.model.performer_evaluation import evaluate

    parts = parts or _parts(data, lambda _: None)
    report = evaluate(Performer.load(folder), parts["train"], parts["validation"] or parts["dev"])
    write_json(folder / EVALUATION_FILE, report)
    return report


def performer_figures(folder: Path) -> dict[str, Any]:
    """The figures a performer was evaluated with; NotFound when it was not."""
    path = folder / EVALUATION_FILE
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    found: dict[str, Any] = read_json(path)
    return found


def _parts(data: Path, progress: Callable[[str], None]) -> dict[str, list[PlayedWindow]]:
    if not data.exists():
        raise NotFound("path_missing", path=str(data))
    parts = played_windows(loops_for_training(data, "drums"))
    if not parts["train"]:
        raise NotFound("no_notes", path=str(data), instrument="drums", purpose="train on")
    progress(", ".join(f"{len(windows)} {part} windows" for part, windows in parts.items()))
    return parts


def _counts(windows: Sequence[PlayedWindow]) -> dict[str, int]:
    takes = len({window.take for window in windows})
    return {"takes": takes, "windows": len(windows), "notes": sum(len(window) for window in windows)}
