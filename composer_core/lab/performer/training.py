"""Train, evaluate and load the performer: takes in, a folder with weights and figures out.

Drummers and POP909's pianists were recorded; bass, guitar and strings learn velocity from sequenced
music and notation, and no timing. The arousal of a training window is the one that conditions the composer: what the
labels of a library's loop say, else the documented first estimate on the window as it was played. Takes of the data
set's `validation` split are used for measuring only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.errors import NotFound, require_choice
from composer_core.estimate import estimate_affect
from composer_core.lab.performer.pop909 import is_pop909, played_piano
from composer_core.metrics import measure
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.loop import Loop
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.pipeline.training.permitted_sets import loops_of
from composer_core.pipeline.training.runs import LIBRARY
from composer_core.pipeline.training.sources import affect_of, genre_of, part_of, window_of
from composer_core.store.atomic import write_json
from composer_core.tokens.snap import snap_loop
from composer_core.workspace import ASSETS, Workspace

if TYPE_CHECKING:
    from composer_core.model.performer.training import PlayedWindow

WINDOW_BARS, TRAINING_HOP_BARS = 4, 2
MIN_WINDOW_NOTES = 4
EVALUATION_FILE = "evaluation.json"
MIN_VELOCITIES, MIN_VELOCITY_SD = 4, 3.0
"""A sequenced part with fewer different velocities, or a smaller deviation, was not shaped by anybody."""
MAX_WINDOWS_A_SOURCE = 120
"""Windows a song gives at most, spread over it, so that long scores do not outweigh all others."""
LEARNS_FROM = {"bass": ("guitar", "piano", "strings"), "guitar": ("bass", "piano", "strings")}
"""Instruments whose training windows join, where an instrument's own are few; it is measured on its own."""
AROUSAL_GAINS = {"bass": 1.5, "piano": 1.25}
"""By instrument how far an asked arousal is brought out; see docs/decisions/0029-arousal-gain.md."""
Windows = dict[str, "list[PlayedWindow]"]


def shipped_performer(instrument: str) -> Path:
    """The folder of the shipped performer of an instrument."""
    return ASSETS / "models" / f"performer-{instrument}"


Data = Sequence[Path | Workspace]
"""Folders of takes, and libraries whose labels count."""


def performed_takes(data: Data, instrument: str) -> list[Loop]:
    """Parts of an instrument that somebody played or shaped, from any number of folders and libraries.

    Drums are taken as played. Of POP909 the piano tracks, placed on their annotated beats. Of all others
    only parts with varying velocity, whose timing is a sequencer's or an engraver's: `extra["timed"]` is
    False there. NotFound for a path that does not exist.
    """
    loops: list[Loop] = []
    for path in data:
        if isinstance(path, Path):
            if not path.exists():
                raise NotFound("path_missing", path=str(path))
            if is_pop909(path):
                loops += played_piano(path) if instrument == "piano" else []
                continue
            found = loops_for_training(path, instrument)
        else:
            found = [loop for loop in loops_of(path, instrument) if loop.instrument == instrument]
        if len(data) > 1:
            found = [replace(loop, source=f"{_name(path)}/{loop.source}") for loop in found]
        loops += found if instrument == "drums" else [_sequenced(loop) for loop in found if is_shaped(loop)]
    return loops


def _name(data: Path | Workspace) -> str:
    return data.name if isinstance(data, Path) else LIBRARY


def is_shaped(loop: Loop) -> bool:
    """True where velocities vary enough to have been set by somebody."""
    velocity = loop.notes.velocity
    return len(np.unique(velocity)) >= MIN_VELOCITIES and float(velocity.std()) >= MIN_VELOCITY_SD


def _sequenced(loop: Loop) -> Loop:
    return replace(loop, extra={**loop.extra, "timed": False})


def played_windows(loops: Sequence[Loop]) -> Windows:
    """Windows of WINDOW_BARS bars by part (train, dev, validation): overlapping in train, side by side else."""
    parts: Windows = {"train": [], "dev": [], "validation": []}
    by_source: dict[str, list[Loop]] = {}
    for loop in loops:
        if len(loop.notes):
            by_source.setdefault(loop.source, []).append(loop)
    for own in by_source.values():
        part = part_of(own[0])
        hop = TRAINING_HOP_BARS if part == "train" else WINDOW_BARS
        windows = [window for loop in own for window in _windows_of_take(loop, hop)]
        spread = np.linspace(0, len(windows) - 1, min(len(windows), MAX_WINDOWS_A_SOURCE)).round().astype(int)
        parts[part] += [windows[index] for index in spread]
    return parts


def _windows_of_take(loop: Loop, hop: int) -> list[PlayedWindow]:
    from composer_core.model.performer.features import context_vector, note_features
    from composer_core.model.performer.training import PlayedWindow

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
        arousal = affect_of(window, estimate_affect(measure(window), loop.instrument))["arousal"]
        context = context_vector(loop.tempo_bpm, loop.meter.quarters_per_bar, genre, arousal)
        velocity = grid.notes.velocity[index].astype(np.int64)
        timed = bool(loop.extra.get("timed", True))
        found.append(PlayedWindow(features.rows(index), velocity, snap.offset_ms[index], context, loop.source, timed))
    return found


def train_performer(
    data: Data,
    out: Path,
    *,
    instrument: str = "drums",
    epochs: float | None = None,
    seed: int = 0,
    peers: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, object]:
    """Train a performer on the takes under `data` and write it to the folder `out`; returns its figures.

    Writes model.safetensors, config.json and evaluation.json. The best step is chosen by the dev
    takes (one training take in twenty); the figures are of the validation takes. Where no take was
    played in time, it learns velocity only. NotFound without takes, InvalidValue for values out of range.
    """
    from composer_core.model.performer.network import AROUSAL_GAIN, Performer, PerformerConfig
    from composer_core.model.performer.training import PerformerProgress, PerformerTraining
    from composer_core.model.performer.training import train_performer as train_network

    require_choice("instrument", instrument, GENERATED_INSTRUMENTS)
    training = PerformerTraining(seed=seed) if epochs is None else PerformerTraining(seed=seed, epochs=epochs)
    parts = _parts(data, instrument, progress)
    timing = any(window.timed for window in parts["train"])

    def report(at: PerformerProgress) -> None:
        """A sentence at each validation."""
        if at.validation is not None:
            progress(f"step {at.step} of {at.steps}: loss {at.loss:.3f}, dev {at.validation:.3f} nats a note")

    config = PerformerConfig(pitched=instrument != "drums", timing=timing)
    network = train_network(parts["train"], parts["dev"], config, training, report)
    counts = {part: _counts(windows) for part, windows in parts.items()}
    names = [_name(path) for path in data]
    facts: dict[str, Any] = {"instrument": instrument, "training": asdict(training), "data": names, "parts": counts}
    facts |= {AROUSAL_GAIN: AROUSAL_GAINS[instrument]} if instrument in AROUSAL_GAINS else {}
    Performer(network).save(out, facts)
    return evaluate_performer(out, data, instrument, parts=parts, peers=peers, keep=True)


def evaluate_performer(
    folder: Path,
    data: Data,
    instrument: str = "drums",
    *,
    parts: Windows | None = None,
    peers: bool = False,
    keep: bool = False,
) -> dict[str, object]:
    """Figures of a performer on the validation takes beside simple baselines; with `keep` also in evaluation.json.

    With `peers` gradient boosting on the same features is fitted in the same run and stands beside.
    """
    from composer_core.model.performer.evaluation import PEER, boosting, evaluate
    from composer_core.model.performer.network import Performer

    parts = parts or _parts(data, instrument, lambda _: None)
    performer = Performer.load(folder)
    rivals = {PEER: boosting(parts["train"], performer.network.config.timing)} if peers else {}
    report = evaluate(performer, parts["train"], parts["validation"] or parts["dev"], rivals)
    if keep:
        write_json(folder / EVALUATION_FILE, report)
    return report


def _parts(data: Data, instrument: str, progress: Callable[[str], None]) -> Windows:
    parts = played_windows(performed_takes(data, instrument))
    for other in LEARNS_FROM.get(instrument, ()):
        parts["train"] += played_windows(performed_takes(data, other))["train"]
    if not parts["train"]:
        path = ", ".join(str(one) if isinstance(one, Path) else str(one.root) for one in data)
        raise NotFound("no_notes", path=path, instrument=instrument, purpose="train on")
    progress(", ".join(f"{len(windows)} {part} windows" for part, windows in parts.items()))
    return parts


def _counts(windows: Sequence[PlayedWindow]) -> dict[str, int]:
    takes = len({window.take for window in windows})
    return {"takes": takes, "windows": len(windows), "notes": sum(len(window) for window in windows)}
