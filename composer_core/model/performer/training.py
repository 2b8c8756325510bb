"""Train the performer on played loops: hide velocity and offset of some notes, and predict them.

Each window of a step hides a random share of its notes (all of them in every third window), so
that one network serves every round of sampling. Training is deterministic on the CPU for a seed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from composer_core.errors import ModelError, require_range
from composer_core.model.performer.features import NoteFeatures, blur_context, hide_context
from composer_core.model.performer.network import (
    N_PLAYED,
    PerformerConfig,
    PerformerNetwork,
    offset_bin,
    played_vector,
    velocity_bin,
)

BETAS = (0.9, 0.98)
FINAL_RATE = 0.05
_BUCKET_BATCHES = 16


@dataclass(frozen=True, slots=True)
class PlayedWindow:
    """A few bars of a take: features of n notes, what was played, and the context vector.

    `velocity` (n,) 1 to 127, `offset_ms` (n,) from the swung grid of the take; without `timed` the offsets
    are a sequencer's and teach nothing.
    """

    features: NoteFeatures
    velocity: NDArray[np.int64]
    offset_ms: NDArray[np.float64]
    context: NDArray[np.float32]
    take: str
    timed: bool = True

    def __len__(self) -> int:
        return len(self.velocity)


@dataclass(frozen=True, slots=True)
class PerformerTraining:
    """How a performer is trained; `epochs` counts walks over the windows.

    `hide_rate` hides arousal or genre. `context_noise` blurs tempo (octaves) and arousal
    (half its range), whose exact values would name the take and invite learning it by heart.
    What is validated and kept is the running average of the weights, with this decay a step.
    """

    epochs: float = 5.0
    batch: int = 24
    learning_rate: float = 2e-3
    warm_up: int = 60
    weight_decay: float = 0.05
    clip: float = 1.0
    hide_rate: float = 0.15
    context_noise: float = 0.05
    averaging: float = 0.998
    seed: int = 0
    validate_every: int = 200

    def __post_init__(self) -> None:
        require_range("epochs", self.epochs, 0.01, 1000)
        require_range("batch", self.batch, 1, 4096)
        require_range("learning_rate", self.learning_rate, 1e-7, 1.0)
        require_range("hide_rate", self.hide_rate, 0.0, 1.0)
        require_range("averaging", self.averaging, 0.0, 0.99999)
        require_range("context_noise", self.context_noise, 0.0, 1.0)
        require_range("validate_every", self.validate_every, 1, 1_000_000)


@dataclass(frozen=True, slots=True)
class PerformerProgress:
    """One step: loss in nats a hidden note (velocity + offset); validation likewise over the rounds of
    sampling, None where it was not measured."""

    step: int
    steps: int
    loss: float
    validation: float | None


@dataclass(frozen=True, slots=True)
class _Batch:
    inputs: tuple[Tensor, ...]
    velocity: Tensor
    offset: Tensor
    hidden: Tensor
    timed: Tensor


def train_performer(
    train: Sequence[PlayedWindow],
    validation: Sequence[PlayedWindow],
    config: PerformerConfig,
    training: PerformerTraining,
    on_progress: Callable[[PerformerProgress], None] = lambda _: None,
) -> PerformerNetwork:
    """Train a network; returns its averaged weights at their best validation loss (the last without validation).

    Raises ModelError training_diverged at the first loss that is not finite.
    """
    torch.manual_seed(training.seed)
    network = PerformerNetwork(config)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=training.learning_rate, betas=BETAS, weight_decay=training.weight_decay
    )
    steps = max(1, round(training.epochs * len(train) / training.batch))
    averaged = copy.deepcopy(network)
    best, best_state = math.inf, averaged.state_dict()
    for step, batch in enumerate(_training_batches(train, training, steps), start=1):
        for group in optimiser.param_groups:
            group["lr"] = _rate(training, step, steps)
        loss = _step(network, optimiser, batch, training.clip)
        if not math.isfinite(loss):
            raise ModelError("training_diverged", value=loss, step=step)
        _average(averaged, network, min(training.averaging, (step - 1) / (step + 9.0)))
        measured = None
        if validation and (step % training.validate_every == 0 or step == steps):
            measured = _sampling_nll(averaged, validation)
            if measured < best:
                best, best_state = measured, {k: v.clone() for k, v in averaged.state_dict().items()}
        on_progress(PerformerProgress(step, steps, loss, measured))
    if validation:
        averaged.load_state_dict(best_state)
    return averaged.eval()


def _average(averaged: PerformerNetwork, network: PerformerNetwork, decay: float) -> None:
    """Move the averaged weights the share 1 - decay towards the network's; the first step takes all of them."""
    with torch.no_grad():
        pairs = zip(averaged.parameters(), network.parameters(), strict=True)
        for average, current in pairs:
            average.lerp_(current, 1.0 - decay)


def _rate(training: PerformerTraining, step: int, steps: int) -> float:
    if step <= training.warm_up:
        return training.learning_rate * step / training.warm_up
    share = (step - training.warm_up) / max(1, steps - training.warm_up)
    return training.learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * share)))


def _step(network: PerformerNetwork, optimiser: torch.optim.Optimizer, batch: _Batch, clip: float) -> float:
    network.train()
    optimiser.zero_grad(set_to_none=True)
    loss = sum(_losses(network, batch))
    loss.backward()  # type: ignore[union-attr]
    torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimiser.step()
    return float(loss.detach())  # type: ignore[union-attr]


def _losses(network: PerformerNetwork, batch: _Batch) -> tuple[Tensor, Tensor]:
    """Mean nats a hidden note of velocity, and a hidden note of timed windows of offset (0 without any)."""
    velocity, offset = network(*batch.inputs)
    hidden = batch.hidden
    loss = functional.cross_entropy(velocity[hidden], batch.velocity[hidden])
    heard = hidden & batch.timed[:, None]
    if not network.config.timing or not bool(heard.any()):
        return loss, loss.new_zeros(())
    return loss, functional.cross_entropy(offset[heard], batch.offset[heard])


def _sampling_nll(network: PerformerNetwork, windows: Sequence[PlayedWindow]) -> float:
    """Nats a note over the rounds of sampling: mean of all notes hidden and every second hidden."""
    return (sum(held_out_nll(network, windows)) + sum(held_out_nll(network, windows, hidden_every=2))) / 2


def held_out_nll(
    network: PerformerNetwork, windows: Sequence[PlayedWindow], hidden_every: int = 1, batch: int = 32
) -> tuple[float, float]:
    """Nats a hidden note of velocity and of offset bins.

    Every note is hidden (the first round of sampling), or every `hidden_every`-th while the rest is told.
    """
    network.eval()
    total, n_notes = np.zeros(2), np.zeros(2, dtype=np.int64)
    order = np.argsort([len(window) for window in windows], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            chosen = [windows[i] for i in order[start : start + batch]]
            hidden = [np.arange(len(w)) % hidden_every == 0 for w in chosen]
            made = _collate(chosen, hidden, [w.context for w in chosen])
            count = int(made.hidden.sum())
            n_timed = int((made.hidden & made.timed[:, None]).sum())
            total += np.array([float(loss) for loss in _losses(network, made)]) * (count, n_timed)
            n_notes += (count, n_timed)
    return float(total[0] / max(1, n_notes[0])), float(total[1] / max(1, n_notes[1]))


def _training_batches(windows: Sequence[PlayedWindow], training: PerformerTraining, steps: int) -> Iterator[_Batch]:
    """`steps` batches; each epoch visits every window once, similar lengths together."""
    rng = np.random.default_rng(training.seed)
    lengths = np.array([len(window) for window in windows])
    queue: list[NDArray[np.int64]] = []
    for _ in range(steps):
        if not queue:
            queue = _epoch(lengths, training.batch, rng)
        chosen = [windows[i] for i in queue.pop()]
        hidden = [_hide(len(window), rng) for window in chosen]
        contexts = [_blurred_context(window.context, training, rng) for window in chosen]
        yield _collate(chosen, hidden, contexts)


def _epoch(lengths: NDArray[np.int64], batch: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    order = rng.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), batch * _BUCKET_BATCHES):
        pool = order[start : start + batch * _BUCKET_BATCHES]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    return [batches[i] for i in rng.permutation(len(batches))]


def _hide(n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    share = 1.0 if rng.random() < 1 / 3 else rng.random()
    hidden = rng.random(n) < share
    hidden[rng.integers(n)] = True
    return hidden


def _blurred_context(
    context: NDArray[np.float32], training: PerformerTraining, rng: np.random.Generator
) -> NDArray[np.float32]:
    hide_all = rng.random() < training.hide_rate / 2
    arousal, genre = rng.random(2) < training.hide_rate
    return hide_context(
        blur_context(context, rng.normal(0.0, training.context_noise, 2)),
        bool(arousal or hide_all),
        bool(genre or hide_all),
    )


def _collate(
    windows: Sequence[PlayedWindow], hidden: Sequence[NDArray[np.bool_]], contexts: Sequence[NDArray[np.float32]]
) -> _Batch:
    """Windows of different length to padded tensors; padding is never hidden, so it has no loss."""
    n, length = len(windows), max(len(window) for window in windows)
    first = windows[0].features
    categories = np.zeros((n, length, first.categories.shape[1]), dtype=np.int64)
    numbers = np.zeros((n, length, first.numbers.shape[1]), dtype=np.float32)
    step = np.zeros((n, length), dtype=np.int64)
    played = np.zeros((n, length, N_PLAYED), dtype=np.float32)
    velocity, offset = np.zeros((n, length), dtype=np.int64), np.zeros((n, length), dtype=np.int64)
    real, masked = np.zeros((n, length), dtype=bool), np.zeros((n, length), dtype=bool)
    for row, (window, mask) in enumerate(zip(windows, hidden, strict=True)):
        stop = len(window)
        categories[row, :stop], numbers[row, :stop] = window.features.categories, window.features.numbers
        step[row, :stop], real[row, :stop], masked[row, :stop] = window.features.step, True, mask
        played[row, :stop] = played_vector(window.velocity, window.offset_ms) * ~mask[:, None]
        velocity[row, :stop], offset[row, :stop] = velocity_bin(window.velocity), offset_bin(window.offset_ms)
    arrays = (categories, numbers, step, np.stack(contexts), played, real)
    return _Batch(
        tuple(torch.from_numpy(array) for array in arrays),
        torch.from_numpy(velocity),
        torch.from_numpy(offset),
        torch.from_numpy(masked),
        torch.tensor([window.timed for window in windows]),
    )
